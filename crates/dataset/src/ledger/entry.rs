//! What became of the rows of one file, and whether the sums agree.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::rows::RowError;

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

    /// Takes away the notes on rows that were dropped after they were noted.
    pub(super) fn forget_dropped(&mut self) {
        let dropped: HashSet<u64> =
            self.dropped.values().flat_map(|rows| rows.rows.iter().copied()).collect();
        for rows in self.notes.values_mut() {
            rows.rows.retain(|row| !dropped.contains(row));
            rows.count = rows.rows.len() as u64;
        }
        self.notes.retain(|_, rows| rows.count > 0);
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
    pub(super) fn fault(&self) -> Option<String> {
        let (read, kept, dropped) = (self.read, self.num_kept(), self.num_dropped());
        if read != kept + dropped {
            let rows = plural(read, "row");
            return Some(format!("{read} {rows} read, but {kept} kept and {dropped} dropped"));
        }
        let mut lists = self.dropped.iter().chain(&self.changed).chain(&self.notes);
        let is_wrong = |(_, rows): &(&String, &Rows)| {
            let listed = rows.rows.len() as u64;
            let tokens = rows.tokens.len() as u64;
            rows.count != listed || (tokens != 0 && tokens != listed)
        };
        if let Some((what, rows)) = lists.find(is_wrong) {
            return Some(format!(
                "{what} counts {} {} and lists {}{}",
                rows.count,
                plural(rows.count, "row"),
                rows.rows.len(),
                if rows.tokens.is_empty() {
                    String::new()
                } else {
                    format!(" with {} numbers of tokens", rows.tokens.len())
                }
            ));
        }
        self.row_in_two_places().or_else(|| self.more_than_kept())
    }

    /// A row that is dropped for two reasons, or changed or noted and dropped.
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
        let of_kept = [("changed", &self.changed), ("noted", &self.notes)];
        of_kept.into_iter().find_map(|(word, lists)| {
            let row = all(lists).into_iter().find(|row| dropped.binary_search(row).is_ok())?;
            Some(format!("row {row} is {word} and dropped"))
        })
    }

    /// Something that is said of more rows than are kept.
    fn more_than_kept(&self) -> Option<String> {
        let kept = self.num_kept();
        let of_kept = [("changed", &self.changed), ("noted", &self.notes)];
        of_kept.into_iter().find_map(|(word, lists)| {
            let (what, rows) = lists.iter().find(|(_, rows)| rows.count > kept)?;
            let rows = rows.count;
            Some(format!("{rows} {} {word} as {what}, but {kept} kept", plural(rows, "row")))
        })
    }
}

/// A word for so many things.
pub(crate) fn plural(number: u64, word: &str) -> String {
    if number == 1 { word.to_owned() } else { format!("{word}s") }
}
