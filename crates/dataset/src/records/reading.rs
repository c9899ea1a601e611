//! Examples of all sources into a store, each shown as it is read.

use std::sync::Arc;

use forethought_preference::{RowFault, convert, is_convertible};
use forethought_schema::{Example, RecordKind};

use super::{Examples, FileLayout, Reader, Source, Taken, for_each_file};
use crate::error::DatasetError;
use crate::ledger::LedgerEntry;

/// An example that was read.
pub(crate) struct Met<'a> {
    /// The place of its source among the sources.
    pub(crate) source: usize,
    /// What it is, once it is converted.
    pub(crate) example: &'a Example,
    /// The same in JSON.
    pub(crate) json: &'a [u8],
}

/// Reads the examples of each source, makes them of the wanted kind where that takes one example for one, and shows each.
///
/// Where it takes one for two or two for one, examples stay what they are.
pub(crate) fn read_into(
    examples: &mut Examples,
    sources: &[Source],
    reader: Reader<'_>,
    show: &mut dyn FnMut(Met<'_>),
) -> Result<(), DatasetError> {
    for_each_file(sources, |source, of, file| {
        let name: Arc<str> = file.path.display().to_string().into();
        let mut entry = LedgerEntry { file: name.to_string(), ..LedgerEntry::default() };
        let rows = &mut examples.rows;
        let layout = reader.read_file(of, file, &mut entry, &mut |layout, row, read, entry| {
            let (example, lost) = match converted(layout, read.example, reader.wanted)? {
                Ok(made) => made,
                Err(fault) => return Ok(Taken::Faulty(fault)),
            };
            for what in read.notes.iter().map(String::as_str).chain(lost) {
                entry.note_lost(row, what);
            }
            let json = serde_json::to_vec(&example).unwrap_or_default();
            show(Met { source, example: &example, json: &json });
            rows.push(&name, row, &json)?;
            Ok(Taken::Whole)
        })?;
        examples.layouts.extend(layout);
        examples.ledger.entries.push(entry);
        Ok(())
    })
}

/// An example, and what of it is lost.
type Made = Result<(Example, Vec<&'static str>), RowFault>;

/// The example as one of the wanted kind, where that takes one for one; an error where the file holds what cannot become it.
fn converted(
    layout: &FileLayout,
    example: Example,
    wanted: Option<RecordKind>,
) -> Result<Made, DatasetError> {
    let from = example.record.kind();
    let Some(to) = wanted.filter(|to| !is_regrouped(from, *to)) else {
        return Ok(Ok((example, Vec::new())));
    };
    if !is_convertible(from, to) {
        let (file, from, to) = (layout.file.to_string(), from.as_str(), to.as_str());
        return Err(DatasetError::NoConversion { file, from, to });
    }
    Ok(convert(example, to).and_then(|made| {
        let lost = made.lost;
        let first = made.examples.into_iter().next();
        let example = first.ok_or(RowFault::NoWay { from: from.as_str(), to: to.as_str() })?;
        Ok((example, lost))
    }))
}

/// Whether it takes one example for several, or several for one.
pub(crate) fn is_regrouped(from: RecordKind, to: RecordKind) -> bool {
    matches!(
        (from, to),
        (RecordKind::Preference, RecordKind::Unpaired)
            | (RecordKind::Unpaired, RecordKind::Preference)
    )
}
