//! Rows that wait for the verdict of a condition, which judges many at once.

use serde_json::{Map, Value};

use crate::error::DatasetError;
use crate::filter::Condition;
use crate::rows::{Row, RowProblem, bytes_of};

/// Rows that are judged together at most, and about as many bytes of them.
const ROWS: usize = 4096;
const BYTES: usize = 4 << 20;

/// The fields of a row, and what of it JSON has no value for.
pub(super) type ReadRow = Result<(Value, Vec<String>), RowProblem>;

/// A row of a file.
pub(super) struct MetRow {
    /// What is left of it: its number and its line.
    pub(super) row: Row,
    /// What it holds.
    pub(super) read: ReadRow,
}

/// What a condition says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    Filtered,
}

/// What is done with rows, one after the other.
type Settle<'s> = dyn FnMut(MetRow, Verdict) -> Result<(), DatasetError> + 's;

/// Rows in the order of the file; without a condition none has to wait.
pub(super) struct Waiting<'c> {
    condition: Option<&'c Condition<'c>>,
    rows: Vec<MetRow>,
    bytes: usize,
}

impl<'c> Waiting<'c> {
    pub(super) fn new(condition: Option<&'c Condition<'c>>) -> Self {
        Self { condition, rows: Vec::new(), bytes: 0 }
    }

    /// Takes the next row.
    pub(super) fn add(
        &mut self,
        row: Row,
        read: ReadRow,
        settle: &mut Settle<'_>,
    ) -> Result<(), DatasetError> {
        if self.condition.is_none() {
            return settle(MetRow { row, read }, Verdict::Kept);
        }
        self.bytes += read.as_ref().map_or(0, |(value, _)| bytes_of(value));
        self.rows.push(MetRow { row, read });
        if self.rows.len() == ROWS || self.bytes >= BYTES { self.end(settle) } else { Ok(()) }
    }

    /// Judges the rows that wait.
    pub(super) fn end(&mut self, settle: &mut Settle<'_>) -> Result<(), DatasetError> {
        let mut rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let Some(condition) = self.condition else { return Ok(()) };
        let looks: Vec<Map<String, Value>> =
            rows.iter_mut().map(|met| looks(&mut met.row)).collect();
        let whole = rows.iter().zip(&looks).filter_map(|(met, looks)| {
            let (value, _) = met.read.as_ref().ok()?;
            Some((met.row.number, value, looks))
        });
        let whole: Vec<(u64, &Value, &Map<String, Value>)> = whole.collect();
        let numbers: Vec<u64> = whole.iter().map(|(number, ..)| *number).collect();
        let verdicts = condition.verdicts(&numbers, |row, name| {
            let (_, value, looks) = whole[row];
            looks.get(name).or_else(|| value.get(name))
        })?;
        let mut verdicts = verdicts.into_iter();
        for met in rows {
            // What could not be read was not judged.
            let is_kept = met.read.is_err() || verdicts.next() == Some(true);
            settle(met, if is_kept { Verdict::Kept } else { Verdict::Filtered })?;
        }
        Ok(())
    }
}

/// What a condition is told of cells of text: one that looks like a number is one.
fn looks(row: &mut Row) -> Map<String, Value> {
    let looks = row.looks.drain(..);
    looks.filter_map(|(name, look)| Some((name, look.into_value().ok()?))).collect()
}
