//! Files of any shape into examples, with the fate of every row.

mod files;
mod hub;
mod source;

use std::sync::Arc;

use forethought_preference::{Recognised, RowFault, convert, is_convertible, pair_up};
use forethought_schema::{Example, RecordKind};
use serde_json::Value;

pub use files::{SourceFile, find_files};
pub use source::RecordSource;

use crate::error::DatasetError;
use crate::filter::Filter;
use crate::ledger::{Ledger, LedgerEntry};
use crate::objects::read_objects;

/// Rows that are looked at to tell the shape of a file.
const SAMPLE: usize = 100;

/// An example and the row it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleRow {
    /// The file.
    pub file: Arc<str>,
    /// The row, counted from 1 (in JSON lines: the line).
    pub row: u64,
    /// What it holds.
    pub example: Example,
}

/// A row that is not what its shape says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyRow {
    /// The file.
    pub file: Arc<str>,
    /// The row, counted from 1 (in JSON lines: the line).
    pub row: u64,
    /// What is wrong with it.
    pub message: String,
}

/// The layout of a file, and the columns it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLayout {
    /// The file.
    pub file: Arc<str>,
    /// The layout, and why it is this one.
    pub recognised: Recognised,
    /// The columns, in the order they first appear.
    pub columns: Vec<String>,
}

/// Examples, where they come from, and what became of every row.
///
/// While rows may still be dropped, kept rows are not booked; [`Examples::finish`] does that.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// The examples, in the order of the files and their rows.
    pub rows: Vec<ExampleRow>,
    /// How each file was read.
    pub layouts: Vec<FileLayout>,
    /// Rows that could not be read.
    pub faults: Vec<FaultyRow>,
    /// What became of every row.
    pub ledger: Ledger,
}

impl Examples {
    pub(crate) fn new(stage: &str) -> Self {
        let (rows, layouts, faults) = (Vec::new(), Vec::new(), Vec::new());
        Self { rows, layouts, faults, ledger: Ledger::new(stage) }
    }

    /// Drops a row under a reason.
    pub(crate) fn drop_row(&mut self, row: &ExampleRow, reason: &str) {
        self.ledger.entry(&row.file).drop_row(row.row, reason);
    }

    /// Makes every example one of this kind where that takes one example for one: pairs stay pairs, and labelled
    /// completions stay labelled, until [`Examples::finish`]. It says of each row whether it is left.
    pub(crate) fn convert_rows(&mut self, kind: RecordKind) -> Result<Vec<bool>, DatasetError> {
        let mut are_left = Vec::with_capacity(self.rows.len());
        for row in std::mem::take(&mut self.rows) {
            let from = row.example.record.kind();
            if !is_convertible(from, kind) {
                let (from, to) = (from.as_str(), kind.as_str());
                return Err(DatasetError::NoConversion { file: row.file.to_string(), from, to });
            }
            if is_regrouped(from, kind) {
                are_left.push(true);
                self.rows.push(row);
                continue;
            }
            let made = convert(row.example, kind);
            are_left.push(made.is_ok());
            match made {
                Ok(made) => {
                    self.note_lost(&row.file, row.row, &made.lost);
                    let example =
                        |example| ExampleRow { example, ..ExampleRow::at(&row.file, row.row) };
                    self.rows.extend(made.examples.into_iter().map(example));
                }
                Err(fault) => self.fault(&row.file, row.row, &fault),
            }
        }
        Ok(are_left)
    }

    /// Takes pairs apart or puts them together where the kind asks for it, books every row that is left as kept, and
    /// checks the sums.
    ///
    /// # Errors
    ///
    /// If nothing is left, or the sums are wrong.
    pub fn finish(
        mut self,
        kind: RecordKind,
        kept_as: Option<&dyn Fn(&Example) -> &'static str>,
    ) -> Result<Self, DatasetError> {
        let from = self.rows.first().map(|row| row.example.record.kind());
        let rows = std::mem::take(&mut self.rows);
        let is_pairing = kind == RecordKind::Preference && from == Some(RecordKind::Unpaired);
        let kept = if is_pairing { self.pair_rows(rows) } else { rows };
        self.book(&kept, &|example| kept_as.map_or(kind.as_str(), |kept_as| kept_as(example)));
        self.rows = match from {
            _ if is_pairing => Self::put_together(&kept),
            Some(from) if is_regrouped(from, kind) => self.take_apart(kept, kind),
            _ => kept,
        };
        self.ledger.check()?;
        if self.rows.is_empty() {
            return Err(DatasetError::NothingLeft { record: "row", table: self.ledger.to_table() });
        }
        Ok(self)
    }

    fn book(&mut self, rows: &[ExampleRow], kept_as: &dyn Fn(&Example) -> &'static str) {
        for row in rows {
            self.ledger.entry(&row.file).keep(kept_as(&row.example));
        }
    }

    /// Drops the labelled completions that have no counterpart.
    fn pair_rows(&mut self, rows: Vec<ExampleRow>) -> Vec<ExampleRow> {
        let mut left = pair_up(&examples_of(&rows)).left.into_iter().peekable();
        let mut kept = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            if left.next_if_eq(&index).is_some() {
                self.fault(&row.file, row.row, &RowFault::Alone);
            } else {
                kept.push(row);
            }
        }
        kept
    }

    fn put_together(rows: &[ExampleRow]) -> Vec<ExampleRow> {
        let paired = pair_up(&examples_of(rows));
        let firsts = paired.firsts.iter().map(|first| &rows[*first]);
        let pairs = paired.pairs.into_iter().zip(firsts);
        pairs
            .map(|(example, first)| ExampleRow {
                example,
                ..ExampleRow::at(&first.file, first.row)
            })
            .collect()
    }

    fn take_apart(&mut self, rows: Vec<ExampleRow>, kind: RecordKind) -> Vec<ExampleRow> {
        let mut apart = Vec::new();
        for row in rows {
            let Ok(made) = convert(row.example, kind) else { continue };
            self.note_lost(&row.file, row.row, &made.lost);
            let example = |example| ExampleRow { example, ..ExampleRow::at(&row.file, row.row) };
            apart.extend(made.examples.into_iter().map(example));
        }
        apart
    }

    /// Counts what of a row has no place in what it becomes.
    pub fn note_lost<S: AsRef<str>>(
        &mut self,
        file: &str,
        row: u64,
        lost: impl IntoIterator<Item = S>,
    ) {
        let entry = self.ledger.entry(file);
        lost.into_iter().for_each(|what| entry.note(row, &format!("lost: {}", what.as_ref())));
    }

    /// Drops a row that was kept, since what it became cannot be written.
    pub fn refuse(&mut self, file: &Arc<str>, row: u64, fault: &RowFault) {
        let entry = self.ledger.entry(file);
        // Examples that are written are all kept as one thing.
        if let Some(count) = entry.kept.values_mut().find(|count| **count > 0) {
            *count -= 1;
        }
        entry.kept.retain(|_, count| *count > 0);
        self.fault(file, row, fault);
    }

    fn fault(&mut self, file: &Arc<str>, row: u64, fault: &RowFault) {
        self.ledger.entry(file).drop_row(row, fault.reason());
        self.faults.push(FaultyRow { file: file.clone(), row, message: fault.to_string() });
    }
}

impl ExampleRow {
    /// A row with nothing in it yet.
    fn at(file: &Arc<str>, row: u64) -> Self {
        let record = forethought_schema::Record::Text(String::new());
        Self { file: file.clone(), row, example: record.into() }
    }
}

fn examples_of(rows: &[ExampleRow]) -> Vec<Example> {
    rows.iter().map(|row| row.example.clone()).collect()
}

/// Whether it takes one example for several, or several for one.
fn is_regrouped(from: RecordKind, to: RecordKind) -> bool {
    matches!(
        (from, to),
        (RecordKind::Preference, RecordKind::Unpaired)
            | (RecordKind::Unpaired, RecordKind::Preference)
    )
}

/// Reads the examples of all sources, one after the other.
///
/// Rows that cannot be read cost no other row: they are in the ledger, and named among the faults.
///
/// # Errors
///
/// If a path names no file, a file cannot be read as its format or has no shape, or a filter cannot be applied.
pub fn read_examples(stage: &str, sources: &[RecordSource]) -> Result<Examples, DatasetError> {
    let mut examples = Examples::new(stage);
    read_into(&mut examples, sources)?;
    Ok(examples)
}

/// Reads the examples of each source; the number of each one's rows is returned.
pub(crate) fn read_into(
    examples: &mut Examples,
    sources: &[RecordSource],
) -> Result<Vec<usize>, DatasetError> {
    if sources.is_empty() {
        return Err(DatasetError::NoSources("sources"));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut counts = Vec::new();
    for source in sources {
        let before = examples.rows.len();
        let filter = source.filter.as_deref().map(Filter::parse).transpose()?;
        for file in find_files(source)? {
            let identity = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
            if !seen.insert(identity) {
                return Err(DatasetError::NamedTwice(file.path));
            }
            read_file(examples, source, &file, filter.as_ref())?;
        }
        counts.push(examples.rows.len() - before);
    }
    Ok(counts)
}

fn read_file(
    examples: &mut Examples,
    source: &RecordSource,
    file: &SourceFile,
    filter: Option<&Filter>,
) -> Result<(), DatasetError> {
    let name: Arc<str> = file.path.display().to_string().into();
    let mut entry = LedgerEntry { file: name.to_string(), ..LedgerEntry::default() };
    let mut rows = Vec::new();
    for row in read_objects(&file.path, source.format)? {
        entry.count_read(1);
        match row.value {
            Ok(value) => rows.push((row.number, value)),
            Err(message) => {
                entry.drop_row(row.number, "not JSON");
                let message = message.problem.to_string();
                examples.faults.push(FaultyRow { file: name.clone(), row: row.number, message });
            }
        }
    }
    let columns = columns(&rows);
    let recognised = file.layout(source, &columns, &sample(&rows))?;
    entry.about = format!("{}, {}", recognised.layout.describe(), recognised.why);
    if let Some(filter) = filter {
        let mask = filter.keeps(&file.path, &columns, &rows)?;
        let mut mask = mask.into_iter();
        rows.retain(|(number, _)| {
            let is_kept = mask.next().unwrap_or(true);
            if !is_kept {
                entry.drop_row(*number, "filtered out");
            }
            is_kept
        });
    }
    examples.ledger.entries.push(entry);
    for (number, value) in &rows {
        match recognised.layout.read(value) {
            Ok(read) => {
                examples.note_lost(&name, *number, &read.notes);
                let example = read.example;
                examples.rows.push(ExampleRow { file: name.clone(), row: *number, example });
            }
            Err(fault) => examples.fault(&name, *number, &fault),
        }
    }
    examples.layouts.push(FileLayout { file: name, recognised, columns });
    Ok(())
}

/// The keys of all rows in the order they first appear.
fn columns(rows: &[(u64, Value)]) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let keys = rows.iter().filter_map(|(_, value)| value.as_object()).flat_map(|row| row.keys());
    keys.filter(|key| seen.insert(key.as_str())).cloned().collect()
}

/// Some rows from the whole of the file.
fn sample(rows: &[(u64, Value)]) -> Vec<Value> {
    let step = rows.len().div_ceil(SAMPLE).max(1);
    let objects = rows.iter().step_by(step).map(|(_, value)| value.clone());
    objects.filter(Value::is_object).collect()
}
