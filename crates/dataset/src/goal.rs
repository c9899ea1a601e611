//! Rows of any shape into what a stage wants of them: read one after the other, or mixed where they are chosen among.

use std::sync::Arc;

use forethought_preference::{Layout, RowFault};
use forethought_schema::{Example, Record, RecordKind};

use crate::error::DatasetError;
use crate::ledger::{Ledger, LedgerEntry};
use crate::mix::{Candidates, MixConfig, Reading};
use crate::records::{Beside, ExampleRow, Examples, FileLayout, Met, Reader, Taken, for_each_file};

/// What became of a record: what it is taken as and what is worth knowing of it, or why it is dropped.
pub(crate) type Judged<T> = Result<(T, Vec<&'static str>), &'static str>;

/// What rows are read for.
pub(crate) trait Goal {
    /// What a record becomes.
    type Item;
    /// What it is called.
    const RECORD: &'static str;
    /// What a kept row is kept as.
    const KEPT: &'static str;

    /// The kind of records that it is made of where a file holds several.
    const WANTED: RecordKind;

    /// Whether records of this kind can become it.
    fn takes(&self, kind: RecordKind) -> bool;

    /// The record in the form in which those of all shapes are compared.
    fn prepared(&self, record: Record, layout: &Layout) -> Result<Record, RowFault>;

    /// What becomes of a prepared record.
    fn judge(&self, file: &str, row: u64, record: &Record) -> Judged<Self::Item>;
}

/// Takes what a row became.
type Sink<'s, T> = dyn FnMut(T) -> Result<(), DatasetError> + 's;

/// Hands over what becomes of the rows of a mix, and returns the account of every row.
pub(crate) fn read_goal<G: Goal>(
    goal: &G,
    config: &MixConfig,
    reading: Reading<'_>,
    sink: &mut Sink<'_, G::Item>,
) -> Result<Ledger, DatasetError> {
    config.check()?;
    let ledger = if config.is_plain()? {
        streamed(goal, config, reading, sink)?
    } else {
        mixed(goal, config, reading, sink)?
    };
    ledger.check()?;
    if ledger.kept() == 0 {
        let table = ledger.to_table();
        return Err(DatasetError::NothingLeft { record: G::RECORD, table });
    }
    Ok(ledger)
}

/// Row by row: memory is bounded by a batch.
fn streamed<G: Goal>(
    goal: &G,
    config: &MixConfig,
    reading: Reading<'_>,
    sink: &mut Sink<'_, G::Item>,
) -> Result<Ledger, DatasetError> {
    let mut ledger = Ledger::new(reading.stage);
    for_each_record(goal, config, reading, &mut ledger.entries, &mut |_, place, record, entry| {
        let (file, row) = place;
        match goal.judge(file, row, &record) {
            Ok((item, notes)) => {
                keep::<G>(row, notes, entry);
                sink(item)
            }
            Err(reason) => {
                entry.drop_row(row, reason);
                Ok(())
            }
        }
    })?;
    Ok(ledger)
}

/// Rows of which some are chosen. What would be dropped anyway is dropped before; what is left is on disk until it is chosen.
fn mixed<G: Goal>(
    goal: &G,
    config: &MixConfig,
    reading: Reading<'_>,
    sink: &mut Sink<'_, G::Item>,
) -> Result<Ledger, DatasetError> {
    let mut examples = Examples::new(reading.stage);
    let mut candidates = Candidates::new(config, reading.seed)?;
    let (rows, entries) = (&mut examples.rows, &mut examples.ledger.entries);
    for_each_record(goal, config, reading, entries, &mut |source, place, record, entry| {
        let (file, row) = place;
        if let Err(reason) = goal.judge(file, row, &record) {
            entry.drop_row(row, reason);
            return Ok(());
        }
        let example = Example::from(record);
        let json = serde_json::to_vec(&example).unwrap_or_default();
        candidates.add(&Met { source, example: &example, json: &json });
        rows.push(file, row, &json)
    })?;
    let mut is_booked = vec![false; examples.rows.len()];
    let mut written = 0;
    for index in candidates.select(&mut examples, config)? {
        let ExampleRow { file, row, example } = examples.rows.get(index)?;
        if let Ok((item, notes)) = goal.judge(&file, row, &example.record) {
            // A row that is drawn again has its place in the ledger.
            if !std::mem::replace(&mut is_booked[index], true) {
                keep::<G>(row, notes, examples.ledger.entry(&file));
            }
            written += 1;
            sink(item)?;
        }
    }
    examples.ledger.count_written(written);
    Ok(examples.ledger)
}

fn keep<G: Goal>(row: u64, notes: Vec<&'static str>, entry: &mut LedgerEntry) {
    for note in notes {
        entry.note(row, note);
    }
    entry.keep(G::KEPT);
}

/// Takes a prepared record with the number of its source, its file and row, and the account of its file.
type TakeRecord<'t> =
    dyn FnMut(usize, (&Arc<str>, u64), Record, &mut LedgerEntry) -> Result<(), DatasetError> + 't;

/// Hands over every record in the form of the goal; rows of which none can be made are booked as such.
fn for_each_record<G: Goal>(
    goal: &G,
    config: &MixConfig,
    reading: Reading<'_>,
    entries: &mut Vec<LedgerEntry>,
    take: &mut TakeRecord<'_>,
) -> Result<(), DatasetError> {
    let (contact, on_bad_row) = (reading.contact, config.on_bad_row);
    let reader = Reader { contact, on_bad_row, beside: Beside::LeftOut, wanted: Some(G::WANTED) };
    for_each_file(&config.sources, |index, source, file| {
        let name = file.path.display().to_string();
        let mut entry = LedgerEntry { file: name, ..LedgerEntry::default() };
        reader.read_file(source, file, &mut entry, &mut |layout, row, read, entry| {
            require_kind(goal, layout)?;
            match goal.prepared(read.example.record, &layout.recognised.layout) {
                Ok(record) => {
                    take(index, (&layout.file, row), record, entry).map(|()| Taken::Whole)
                }
                Err(fault) => Ok(Taken::Faulty(fault)),
            }
        })?;
        entries.push(entry);
        Ok(())
    })
}

/// An error where no row of a file can become what is wanted.
fn require_kind<G: Goal>(goal: &G, layout: &FileLayout) -> Result<(), DatasetError> {
    let kind = layout.recognised.layout.kind();
    if goal.takes(kind) {
        return Ok(());
    }
    let (file, from, to) = (layout.file.to_string(), kind.as_str(), G::RECORD);
    Err(DatasetError::NoConversion { file, from, to })
}
