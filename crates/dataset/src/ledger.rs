//! The account of a stage: what became of every row it read.

mod rows;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::DatasetError;
use crate::rows::RowError;
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
}

/// What became of the rows that come from one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerEntry {
    /// The file the rows come from.
    pub file: String,
    /// How the file was read, e.g. its columns; empty where there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Rows read.
    pub read: u64,
    /// Rows kept, by what they were kept as: `traces`, `train`, `validation`.
    #[serde(default)]
    pub kept: BTreeMap<String, u64>,
    /// Rows dropped, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, Rows>,
    /// Kept rows that are not what they were, by what was done to them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, Rows>,
    /// Kept rows with something worth knowing, by what it is. A row may be in several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, Rows>,
    /// The rows among the dropped that could not be read, with what is wrong in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub row_errors: Vec<RowError>,
}

/// Rows of one file, and how many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The number of rows.
    pub count: u64,
    /// The rows, counted from 1 (in JSON lines: the lines), in the order they were met.
    pub rows: Vec<u64>,
    /// Tokens of each of them, where they were dropped or changed for their length: of a dropped row those it had, of a
    /// changed one those it lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<u64>,
}

impl Rows {
    fn push(&mut self, row: u64) {
        self.count += 1;
        self.rows.push(row);
    }

    fn push_long(&mut self, row: u64, tokens: u64) {
        self.push(row);
        self.tokens.push(tokens);
    }
}

impl LedgerEntry {
    /// Counts rows that were read and whose fate follows.
    pub fn count_read(&mut self, rows: u64) {
        self.read += rows;
    }

    /// Counts a row that is kept as `what`.
    pub fn keep(&mut self, what: &str) {
        *self.kept.entry(what.to_owned()).or_default() += 1;
    }

    /// Counts a row that is dropped, under its reason.
    pub fn drop_row(&mut self, row: u64, reason: &str) {
        self.dropped.entry(reason.to_owned()).or_default().push(row);
    }

    /// Counts a row that could not be read, under the reason of its error.
    pub fn drop_broken(&mut self, error: RowError) {
        self.drop_row(error.row, error.problem.reason());
        self.row_errors.push(error);
    }

    /// Counts a row that is dropped because of the tokens it has.
    pub fn drop_long(&mut self, row: u64, reason: &str, tokens: u64) {
        self.dropped.entry(reason.to_owned()).or_default().push_long(row, tokens);
    }

    /// Counts a row that is kept without some of its tokens. That it is kept is counted by [`LedgerEntry::keep`].
    pub fn change(&mut self, row: u64, what: &str, tokens_lost: u64) {
        self.changed.entry(what.to_owned()).or_default().push_long(row, tokens_lost);
    }

    /// Counts something worth knowing about a row that is kept.
    pub fn note(&mut self, row: u64, what: &str) {
        self.notes.entry(what.to_owned()).or_default().push(row);
    }

    /// Counts something of a row that has no place in what it becomes.
    pub(crate) fn note_lost(&mut self, row: u64, what: &str) {
        self.note(row, &format!("lost: {what}"));
    }

    /// Rows kept, whatever as.
    #[must_use]
    pub fn num_kept(&self) -> u64 {
        self.kept.values().sum()
    }

    /// Rows dropped, for whatever reason.
    #[must_use]
    pub fn num_dropped(&self) -> u64 {
        self.dropped.values().map(|rows| rows.count).sum()
    }

    /// Rows changed, in whatever way.
    #[must_use]
    pub fn num_changed(&self) -> u64 {
        self.changed.values().map(|rows| rows.count).sum()
    }

    /// The first sum that is wrong, in words.
    fn fault(&self) -> Option<String> {
        let (read, kept, dropped) = (self.read, self.num_kept(), self.num_dropped());
        if read != kept + dropped {
            return Some(format!("{read} rows read, but {kept} kept and {dropped} dropped"));
        }
        let mut lists = self.dropped.iter().chain(&self.changed).chain(&self.notes);
        let is_wrong = |(_, rows): &(&String, &Rows)| {
            let listed = rows.rows.len() as u64;
            let tokens = rows.tokens.len() as u64;
            rows.count != listed || (tokens != 0 && tokens != listed)
        };
        if let Some((what, rows)) = lists.find(is_wrong) {
            return Some(format!(
                "{what} counts {} rows and lists {}{}",
                rows.count,
                rows.rows.len(),
                if rows.tokens.is_empty() {
                    String::new()
                } else {
                    format!(" with {} numbers of tokens", rows.tokens.len())
                }
            ));
        }
        self.row_in_two_places()
    }

    /// A row that is dropped for two reasons, or changed and dropped.
    fn row_in_two_places(&self) -> Option<String> {
        let all = |lists: &BTreeMap<String, Rows>| {
            let mut rows: Vec<u64> =
                lists.values().flat_map(|rows| rows.rows.iter().copied()).collect();
            rows.sort_unstable();
            rows
        };
        let dropped = all(&self.dropped);
        if let Some([row, ..]) = dropped.windows(2).find(|pair| pair[0] == pair[1]) {
            return Some(format!("row {row} is dropped twice"));
        }
        let changed = all(&self.changed);
        let both = changed.iter().find(|row| dropped.binary_search(row).is_ok());
        if let Some(row) = both {
            return Some(format!("row {row} is changed and dropped"));
        }
        let (num_changed, kept) = (self.num_changed(), self.num_kept());
        let is_over = self.changed.len() == 1 && num_changed > kept;
        is_over.then(|| format!("{num_changed} rows changed, but {kept} kept"))
    }
}

impl Ledger {
    /// An empty account of this stage.
    #[must_use]
    pub fn new(stage: &str) -> Self {
        Self { stage: stage.to_owned(), entries: Vec::new() }
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

    /// Checks that every row is accounted for, once.
    ///
    /// # Errors
    ///
    /// If rows read are not rows kept plus rows dropped, a count is not the length of its list, or a row is dropped
    /// twice.
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
    /// Its columns are `stage`, `file`, `fate` (`read`, `kept`, `changed`, `dropped`, `noted`), `what` (the reason),
    /// `count` (of a sum its rows, else 1), `row`, `tokens` (as in [`Rows::tokens`]) and `error`.
    #[must_use]
    pub fn to_rows(&self) -> Table {
        rows::to_table(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{RowProblem, RowUnit};

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
            format!("{prefix}empty_answer counts 1 rows and lists 0")
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
            long.ends_with("truncated counts 1 rows and lists 1 with 2 numbers of tokens"),
            "{long}"
        );
        let mut ledger = Ledger::new("sft");
        ledger.entry("a").change(1, "truncated", 3);
        let over = ledger.check().expect_err("nothing is kept").to_string();
        assert!(over.ends_with("1 rows changed, but 0 kept"), "{over}");
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
