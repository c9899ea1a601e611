//! The rows of files into examples, in two passes: one to tell what the rows are, one to read them.

use std::collections::BTreeSet;
use std::sync::Arc;

use forethought_preference::{Layout, convert, is_convertible};
use forethought_schema::{Example, RecordKind};
use serde_json::Value;

use super::{Examples, FaultyRow, FileLayout, RecordSource, SourceFile, find_files};
use crate::error::DatasetError;
use crate::filter::Filter;
use crate::ingest::ReadOptions;
use crate::objects::for_each_object;
use crate::source::Format;

/// Rows that are looked at to tell the shape of a file: so many, up to twice as many.
const SAMPLE: usize = 100;

/// An example that was read.
pub(crate) struct Met<'a> {
    /// The place of its source among the sources.
    pub(crate) source: usize,
    /// What it is, once it is converted.
    pub(crate) example: &'a Example,
    /// The same in JSON.
    pub(crate) json: &'a [u8],
}

/// Reads the examples of each source, makes them of this kind where that takes one example for one, and shows each.
///
/// Where it takes one for two or two for one, examples stay what they are.
pub(crate) fn read_into(
    examples: &mut Examples,
    sources: &[RecordSource],
    kind: Option<RecordKind>,
    show: &mut dyn FnMut(Met<'_>),
) -> Result<(), DatasetError> {
    if sources.is_empty() {
        return Err(DatasetError::NoSources("sources"));
    }
    let mut seen = BTreeSet::new();
    for (index, source) in sources.iter().enumerate() {
        let filter = source.filter.as_deref().map(Filter::parse).transpose()?;
        for file in find_files(source)? {
            let identity = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
            if !seen.insert(identity) {
                return Err(DatasetError::NamedTwice(file.path));
            }
            let show =
                &mut |example: &Example, json: &[u8]| show(Met { source: index, example, json });
            read_file(examples, (source, &file), filter.as_ref(), kind, show)?;
        }
    }
    Ok(())
}

fn read_file(
    examples: &mut Examples,
    (source, file): (&RecordSource, &SourceFile),
    filter: Option<&Filter>,
    kind: Option<RecordKind>,
    show: &mut dyn FnMut(&Example, &[u8]),
) -> Result<(), DatasetError> {
    let Survey { columns, sample, .. } = Survey::of(file, source.format)?;
    let recognised = file.layout(source, &columns, &sample)?;
    filter.map_or(Ok(()), |filter| filter.require_columns(&file.path, &columns))?;
    let name: Arc<str> = file.path.display().to_string().into();
    let about = format!("{}, {}", recognised.layout.describe(), recognised.why);
    examples.ledger.entry(&name).about = about;
    for_each_object(&file.path, source.format, &ReadOptions::default(), |row| {
        let number = row.number;
        examples.ledger.entry(&name).count_read(1);
        let value = match row.value {
            Ok(value) => value,
            Err(error) => {
                examples.ledger.entry(&name).drop_row(number, "not JSON");
                let message = error.problem.to_string();
                examples.faults.push(FaultyRow { file: name.clone(), row: number, message });
                return Ok(());
            }
        };
        if let Some(filter) = filter
            && !filter.keeps(&file.path, number, &value)?
        {
            examples.ledger.entry(&name).drop_row(number, "filtered out");
            return Ok(());
        }
        read_row(examples, &recognised.layout, (&name, number, &value), kind, show)
    })?;
    examples.layouts.push(FileLayout { file: name, recognised, columns });
    Ok(())
}

/// Reads one row; one that is not what its layout says is booked so.
fn read_row(
    examples: &mut Examples,
    layout: &Layout,
    (file, row, value): (&Arc<str>, u64, &Value),
    kind: Option<RecordKind>,
    show: &mut dyn FnMut(&Example, &[u8]),
) -> Result<(), DatasetError> {
    let read = match layout.read(value) {
        Ok(read) => read,
        Err(fault) => {
            examples.fault(file, row, &fault);
            return Ok(());
        }
    };
    examples.note_lost(file, row, &read.notes);
    let from = read.example.record.kind();
    let mut made = vec![read.example];
    if let Some(to) = kind.filter(|to| !is_regrouped(from, *to)) {
        if !is_convertible(from, to) {
            let (from, to) = (from.as_str(), to.as_str());
            return Err(DatasetError::NoConversion { file: file.to_string(), from, to });
        }
        match made.pop().map(|example| convert(example, to)).transpose() {
            Ok(converted) => {
                let converted = converted.map(|one| (one.examples, one.lost));
                let (converted, lost) = converted.unwrap_or_default();
                examples.note_lost(file, row, &lost);
                made = converted;
            }
            Err(fault) => examples.fault(file, row, &fault),
        }
    }
    for example in made {
        let json = serde_json::to_vec(&example).unwrap_or_default();
        show(&example, &json);
        examples.rows.push(file, row, &json)?;
    }
    Ok(())
}

/// Whether it takes one example for several, or several for one.
pub(crate) fn is_regrouped(from: RecordKind, to: RecordKind) -> bool {
    matches!(
        (from, to),
        (RecordKind::Preference, RecordKind::Unpaired)
            | (RecordKind::Unpaired, RecordKind::Preference)
    )
}

/// What a first pass over a file keeps of it.
#[derive(Debug)]
struct Survey {
    /// The keys of all rows in the order they first appear.
    columns: Vec<String>,
    seen: BTreeSet<String>,
    /// Every so many-th row.
    sample: Vec<Value>,
    /// Rows from one to the next of the sample.
    step: usize,
    num_rows: usize,
}

impl Survey {
    fn of(file: &SourceFile, format: Format) -> Result<Self, DatasetError> {
        let mut survey = Self {
            columns: Vec::new(),
            seen: BTreeSet::new(),
            sample: Vec::new(),
            step: 1,
            num_rows: 0,
        };
        for_each_object(&file.path, format, &ReadOptions::default(), |row| {
            // Rows that are broken say so in the second pass.
            if let Ok(value) = row.value {
                survey.look_at(value);
            }
            Ok(())
        })?;
        survey.sample.retain(Value::is_object);
        Ok(survey)
    }

    fn look_at(&mut self, row: Value) {
        for key in row.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !self.seen.contains(key) {
                self.seen.insert(key.clone());
                self.columns.push(key.clone());
            }
        }
        if self.num_rows.is_multiple_of(self.step) {
            if self.sample.len() == 2 * SAMPLE {
                // Every second one stays, so that the sample is of the whole file however long it is.
                let mut index = 0;
                self.sample.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.step *= 2;
            }
            if self.num_rows.is_multiple_of(self.step) {
                self.sample.push(row);
            }
        }
        self.num_rows += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_the_whole_file_and_bounded() {
        let survey = |num_rows: u64| {
            let mut survey = Survey {
                columns: Vec::new(),
                seen: BTreeSet::new(),
                sample: Vec::new(),
                step: 1,
                num_rows: 0,
            };
            for row in 0..num_rows {
                let key = if row == 900 { "late" } else { "a" };
                survey.look_at(serde_json::json!({key: row}));
            }
            survey
        };
        let all = survey(150);
        assert_eq!((all.sample.len(), all.step), (150, 1));
        let some = survey(1001);
        assert_eq!((some.sample.len(), some.step), (126, 8));
        assert_eq!((&some.sample[1]["a"], &some.sample[125]["a"]), (&8.into(), &1000.into()));
        assert_eq!(some.columns, ["a", "late"]);
    }
}
