//! What the columns of a condition hold, told by every row of a file.

use serde_json::{Map, Value};

use super::{Condition, Filter};
use crate::error::DatasetError;
use crate::rows::{Json, Row, RowFile, Selection, bytes_of};
use crate::table::{Differing, Kind};

/// Rows on which a condition is tried before the rest of the file is read, and about as many bytes of them.
const HEAD: usize = 1000;
const HEAD_BYTES: usize = 4 << 20;

/// The kinds of the columns.
///
/// A column has one for the whole file: verdicts would else depend on which rows are judged together.
#[derive(Debug)]
pub(super) struct Held<'f> {
    filter: &'f Filter,
    file: &'f RowFile,
    columns: Vec<HeldColumn>,
}

#[derive(Clone, Debug)]
struct HeldColumn {
    name: String,
    kind: Kind,
    /// The first row that has a value.
    row: u64,
}

/// The first rows, by their numbers, with the columns of the condition.
type Head = Vec<(u64, Map<String, Value>)>;

impl<'f> Held<'f> {
    /// Reads the file.
    pub(super) fn in_file(filter: &'f Filter, file: &'f RowFile) -> Result<Self, DatasetError> {
        let column = |name: &String| HeldColumn { name: name.clone(), kind: Kind::Nothing, row: 0 };
        let columns = filter.columns.iter().map(column).collect();
        let mut held = Self { filter, file, columns };
        let names = filter.columns();
        let (mut head, mut bytes) = (Some(Head::new()), 0);
        file.for_each(Selection { only: Some(&names), ..Selection::ALL }, |row| {
            let Some((number, fields)) = held.judged(row) else { return Ok(()) };
            held.meet(number, &fields)?;
            if let Some(rows) = &mut head {
                bytes += fields.values().map(bytes_of).sum::<usize>();
                rows.push((number, fields));
            }
            let full = head.take_if(|rows| rows.len() == HEAD || bytes >= HEAD_BYTES);
            full.map_or(Ok(()), |rows| held.try_on(&rows))
        })?;
        head.map_or(Ok(()), |rows| held.try_on(&rows))?;
        Ok(held)
    }

    /// The condition over columns of these kinds.
    pub(super) fn condition(&self) -> Result<Condition<'f>, DatasetError> {
        let kinds = self.columns.iter().map(|column| (column.name.clone(), column.kind.clone()));
        let place = (self.file.path().to_owned(), self.file.unit());
        Condition::new(self.filter, place, kinds.collect())
    }

    /// The cells that are judged; none of a row that is not.
    fn judged(&self, row: Row) -> Option<(u64, Map<String, Value>)> {
        let Ok(Json::Object(fields)) = row.value else { return None };
        let mut judged = Map::new();
        for (name, value) in fields {
            if self.filter.columns.contains(&name) {
                judged.insert(name, value.into_value().ok()?);
            }
        }
        Some((row.number, judged))
    }

    fn meet(&mut self, number: u64, fields: &Map<String, Value>) -> Result<(), DatasetError> {
        for (name, value) in fields {
            let kind = Kind::of(value, Differing::Apart);
            if kind == Kind::Nothing {
                continue;
            }
            let Some(column) = self.columns.iter_mut().find(|column| column.name == *name) else {
                continue;
            };
            if column.kind == kind {
                continue;
            }
            if column.kind == Kind::Nothing {
                column.row = number;
            }
            let known = std::mem::replace(&mut column.kind, Kind::Nothing);
            let both = known.clone().with(kind.clone(), Differing::Apart);
            if both == Kind::Apart {
                let first = column.row;
                return Err(self.clash(name, (first, &known), (number, &kind)));
            }
            column.kind = both;
        }
        Ok(())
    }

    fn clash(&self, name: &str, first: (u64, &Kind), second: (u64, &Kind)) -> DatasetError {
        let file = self.file.path().display().to_string();
        let place = |row| self.file.unit().place(&file, row);
        let ((first, known), (row, found)) = (first, second);
        let (known, found) = (known.as_str(), found.as_str());
        let message = if known == found {
            "with those before it no number of 64 bits holds each as it is: decimals hold whole numbers up to 2^53, and \
             whole numbers are signed or not; let the column hold one of them, or texts"
                .to_owned()
        } else {
            format!(
                "but {known} in {}; a condition needs one kind for the whole column, and null where there is none",
                place(first)
            )
        };
        self.filter.fault(format!("{}: `{name}` is {found} here, {message}", place(row)))
    }

    /// What is wrong with the condition is told by the first rows, unless a column has no value in them.
    fn try_on(&self, head: &Head) -> Result<(), DatasetError> {
        if self.columns.iter().any(|column| column.kind == Kind::Nothing) {
            return Ok(());
        }
        let numbers: Vec<u64> = head.iter().map(|(number, _)| *number).collect();
        self.condition()?.verdicts(&numbers, |row, name| head[row].1.get(name)).map(drop)
    }
}
