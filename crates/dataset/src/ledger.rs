//! The account of a stage: what became of every row it read.

mod entry;
mod rows;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use entry::{LedgerEntry, Rows};

pub(crate) use entry::plural;

use crate::error::DatasetError;
use crate::table::Table;

/// What became of every row one stage read: read = kept + dropped, by reason, for each file the rows come from.
///
/// Every stage that may lose rows writes one: reading, labelling, balancing.
///
/// ```
/// use forethought_dataset::Ledger;
///
/// let mut ledger = Ledger::new("label");
/// let file = ledger.entry("traces.jsonl");
/// file.count_read(2);
/// file.keep("labelled");
/// file.drop_row(7, "too_many_tokens");
/// ledger.check()?;
/// assert_eq!((ledger.read(), ledger.kept(), ledger.dropped()), (2, 1, 1));
/// # Ok::<(), forethought_dataset::DatasetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The stage, in the words of the pipeline: `ingest`, `label`, `balance`.
    pub stage: String,
    /// One entry for each file, in the order they were read.
    pub entries: Vec<LedgerEntry>,
    /// Rows that were written, where they are not as many as those kept: a pair becomes two labelled completions, two of
    /// these a pair, and a row that is drawn twice is written twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
}

impl Ledger {
    /// An empty account of this stage.
    #[must_use]
    pub fn new(stage: &str) -> Self {
        Self { stage: stage.to_owned(), entries: Vec::new(), written: None }
    }

    /// The entry of this file, made if it is not there.
    pub fn entry(&mut self, file: &str) -> &mut LedgerEntry {
        let index = self.entries.iter().position(|entry| entry.file == file).unwrap_or_else(|| {
            self.entries.push(LedgerEntry { file: file.to_owned(), ..LedgerEntry::default() });
            self.entries.len() - 1
        });
        &mut self.entries[index]
    }

    /// Rows read from all files.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.entries.iter().map(|entry| entry.read).sum()
    }

    /// Rows kept from all files.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.entries.iter().map(LedgerEntry::num_kept).sum()
    }

    /// Rows dropped from all files.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.entries.iter().map(LedgerEntry::num_dropped).sum()
    }

    /// Rows from all files that were kept and changed.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.entries.iter().map(LedgerEntry::num_changed).sum()
    }

    /// Rows dropped from all files, by reason.
    #[must_use]
    pub fn dropped_by_reason(&self) -> BTreeMap<&str, u64> {
        let mut sums = BTreeMap::new();
        for (reason, rows) in self.entries.iter().flat_map(|entry| &entry.dropped) {
            *sums.entry(reason.as_str()).or_default() += rows.count;
        }
        sums
    }

    /// Says how many rows were written, where these are not the kept ones.
    pub(crate) fn count_written(&mut self, rows: u64) {
        self.written = (rows != self.kept()).then_some(rows);
    }

    /// Takes away the notes on rows that were dropped after they were noted: a note is on a kept row.
    pub(crate) fn forget_dropped(&mut self) {
        self.entries.iter_mut().for_each(LedgerEntry::forget_dropped);
    }

    /// Checks that every row is accounted for, once.
    ///
    /// # Errors
    ///
    /// If rows read are not rows kept plus rows dropped, a count is not the length of its list, a row is dropped twice, or
    /// changes and notes are on rows that are not kept.
    pub fn check(&self) -> Result<(), DatasetError> {
        let mut faults =
            self.entries.iter().filter_map(|entry| entry.fault().map(|fault| (entry, fault)));
        let Some((entry, fault)) = faults.next() else { return Ok(()) };
        let (stage, from) = (self.stage.clone(), entry.file.clone());
        Err(DatasetError::Unaccounted { stage, from, fault })
    }

    /// The account as text for the terminal: sums of every file, and the first rows of every reason.
    #[must_use]
    pub fn to_table(&self) -> String {
        text::render(self)
    }

    /// The account as a table of rows: sums of what was read and kept, and every row that was changed, dropped or noted.
    ///
    /// Its columns are `stage`, `file` (null where it is about all of them), `fate` (`read`, `kept`, `changed`, `dropped`,
    /// `noted`, `written`), `what` (the reason),
    /// `count` (of a sum its rows, else 1), `row`, `tokens` (as in [`Rows::tokens`]) and `error`.
    #[must_use]
    pub fn to_rows(&self) -> Table {
        rows::to_table(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{RowError, RowProblem, RowUnit};

    pub(super) fn sample() -> Ledger {
        let mut ledger = Ledger::new("ingest");
        let entry = ledger.entry("a.jsonl");
        entry.about = "prompt + completion".to_owned();
        entry.count_read(1234);
        (0..1225).for_each(|_| entry.keep("traces"));
        (3..11).for_each(|row| entry.drop_row(row, "unfinished"));
        entry.note(1, "empty_answer");
        entry.change(2, "truncated", 1500);
        entry.drop_broken(RowError {
            file: "a.jsonl".to_owned(),
            unit: RowUnit::Line,
            row: 12,
            column: Some(1),
            problem: RowProblem::NotAnObject { found: "a list".to_owned() },
        });
        ledger.entry("b.json");
        ledger
    }

    #[test]
    fn a_ledger_survives_the_way_through_json() {
        let json = serde_json::to_value(sample()).expect("plain data");
        assert_eq!(json["entries"][0]["dropped"]["unfinished"]["count"], 8);
        assert_eq!(json["entries"][0]["row_errors"][0]["reason"], "not_an_object");
        assert_eq!(json["entries"][0]["row_errors"][0]["unit"], "line");
        let back: Ledger = serde_json::from_value(json).expect("it was written so");
        assert_eq!(back, sample());
    }

    #[test]
    fn sums_that_are_wrong_are_found() {
        assert!(sample().check().is_ok());
        let fault = |spoil: fn(&mut LedgerEntry)| {
            let mut ledger = sample();
            spoil(ledger.entry("a.jsonl"));
            ledger.check().expect_err("a sum is wrong").to_string()
        };
        let prefix = "the ledger of ingest does not account for a.jsonl: ";
        assert_eq!(
            fault(|entry| entry.read += 1),
            format!("{prefix}1235 rows read, but 1225 kept and 9 dropped")
        );
        assert_eq!(
            fault(|entry| {
                entry.notes.entry("empty_answer".into()).or_default().rows.clear();
            }),
            format!("{prefix}empty_answer counts 1 row and lists 0")
        );
        assert_eq!(
            fault(|entry| {
                entry.read += 1;
                entry.drop_row(12, "unfinished");
            }),
            format!("{prefix}row 12 is dropped twice")
        );
    }

    #[test]
    fn changed_rows_are_kept_rows() {
        let fault = |spoil: fn(&mut LedgerEntry)| {
            let mut ledger = sample();
            spoil(ledger.entry("a.jsonl"));
            ledger.check().expect_err("a sum is wrong").to_string()
        };
        let both = fault(|entry| entry.change(5, "truncated", 1));
        assert!(both.ends_with("a.jsonl: row 5 is changed and dropped"), "{both}");
        let long =
            fault(|entry| entry.changed.entry("truncated".into()).or_default().tokens.push(1));
        assert!(
            long.ends_with("truncated counts 1 row and lists 1 with 2 numbers of tokens"),
            "{long}"
        );
        let mut ledger = Ledger::new("sft");
        ledger.entry("a").change(1, "truncated", 3);
        let over = ledger.check().expect_err("nothing is kept").to_string();
        assert!(over.ends_with("1 row changed as truncated, but 0 kept"), "{over}");
    }

    #[test]
    fn notes_are_on_kept_rows() {
        let mut ledger = sample();
        ledger.entry("a.jsonl").note(5, "lost: completion");
        let both = ledger.check().expect_err("a dropped row is noted").to_string();
        assert!(both.ends_with("a.jsonl: row 5 is noted and dropped"), "{both}");
        ledger.forget_dropped();
        assert_eq!(ledger, sample());
        let mut ledger = Ledger::new("convert");
        let entry = ledger.entry("a");
        entry.count_read(1);
        entry.keep("prompt");
        (1..3).for_each(|row| entry.note(row, "lost: completion"));
        let over = ledger.check().expect_err("one row is kept").to_string();
        assert!(over.ends_with("2 rows noted as lost: completion, but 1 kept"), "{over}");
    }

    #[test]
    fn rows_that_are_written_are_told_where_they_are_not_those_kept() {
        let mut ledger = sample();
        ledger.count_written(1225);
        assert_eq!(ledger, sample());
        ledger.count_written(2450);
        let text = ledger.to_table();
        let first = text.lines().next().expect("a line");
        assert_eq!(
            first,
            "ingest: 1,234 rows read = 1,225 kept + 9 dropped, 1 of the kept changed; 2,450 rows written"
        );
        let json = serde_json::to_value(&ledger).expect("plain data");
        assert_eq!(json["written"], 2450);
        let fates = ledger.to_rows();
        let place = fates.texts("fate").iter().position(|fate| fate.as_deref() == Some("written"));
        assert_eq!(fates.integers("count")[place.expect("a line")], Some(2450));
    }

    #[test]
    fn reasons_are_summed_over_files() {
        let mut ledger = sample();
        ledger.entry("b.json").drop_row(1, "unfinished");
        assert_eq!(
            ledger.dropped_by_reason(),
            BTreeMap::from([("not_an_object", 1), ("unfinished", 9)])
        );
    }
}
