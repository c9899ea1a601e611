//! Delimited text (CSV, TSV): a header, then one record a row, in which a cell may hold line ends.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::Number;

use super::json::Json;
use super::problem::RowProblem;
use super::{Next, Row, Selection, text};
use crate::error::DatasetError;

/// 2^53: up to here every integer is a float.
const EXACT: u64 = 1 << 53;

/// A file of delimited text whose header has been read.
#[derive(Debug)]
pub(crate) struct Delimited {
    path: PathBuf,
    delimiter: u8,
    columns: Vec<String>,
}

/// What the cells of a column are, if all of them are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellType {
    /// No cell has been seen.
    Empty,
    Boolean,
    Integer,
    Float,
    Text,
}

impl Delimited {
    pub(crate) fn open(path: &Path, delimiter: u8) -> Result<Self, DatasetError> {
        let mut file = Self { path: path.to_owned(), delimiter, columns: Vec::new() };
        let mut reader = file.reader()?;
        let header = reader.byte_headers().map_err(|error| file.failed(&error))?.clone();
        file.columns = file.names(&header)?;
        Ok(file)
    }

    /// The names in the header.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What separates cells.
    pub(crate) fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    fn names(&self, header: &ByteRecord) -> Result<Vec<String>, DatasetError> {
        let fault = |message: String| self.fault(1, message);
        let mut names: Vec<String> = Vec::with_capacity(header.len());
        for (index, cell) in header.iter().enumerate() {
            let name = std::str::from_utf8(cell)
                .map_err(|_| fault(format!("the name of column {} is not UTF-8", index + 1)))?;
            if names.iter().any(|other| other == name) {
                return Err(fault(format!("the header has the column `{name}` twice")));
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }

    /// Hands over each record with the number of its first line, until it is enough.
    ///
    /// An empty cell is null. A column whose cells are all numbers, or all `true` and `false`, holds such, unless it is read
    /// as text; then a condition that names it is still told what its cells look like.
    pub(crate) fn for_each(
        &self,
        selection: Selection<'_>,
        mut sink: impl FnMut(Row) -> Result<Next, DatasetError>,
    ) -> Result<(), DatasetError> {
        let is_text = |name: &String| selection.as_text.contains(&name.as_str());
        let is_judged = |name: &String| selection.judged.contains(&name.as_str());
        let looks = self.types(|name| is_text(name) && !is_judged(name))?;
        let columns = self.columns.iter().zip(&looks);
        let types =
            columns.clone().map(|(name, look)| if is_text(name) { CellType::Text } else { *look });
        let types: Vec<CellType> = types.collect();
        let judged = columns.clone().enumerate().filter(|(_, (name, look))| {
            is_text(name) && is_judged(name) && **look != CellType::Text
        });
        let judged: Vec<usize> = judged.map(|(index, _)| index).collect();
        self.for_each_record(|number, record| {
            let value = self.row(record, &types);
            let look = |index: &usize| {
                let text = std::str::from_utf8(record.get(*index)?).ok()?;
                Some((self.columns[*index].clone(), looks[*index].value(text)))
            };
            let looks = judged.iter().filter_map(look).collect();
            sink(Row { number, value, looks, line: None })
        })
    }

    /// A first pass over the cells of the columns that need not be text.
    fn types(&self, is_text: impl Fn(&String) -> bool) -> Result<Vec<CellType>, DatasetError> {
        let start = |name: &String| if is_text(name) { CellType::Text } else { CellType::Empty };
        let mut types: Vec<CellType> = self.columns.iter().map(start).collect();
        if types.iter().all(|cell_type| *cell_type == CellType::Text) {
            return Ok(types);
        }
        self.for_each_record(|_, record| {
            if record.len() == types.len() {
                let cells = types.iter_mut().zip(record);
                cells.for_each(|(cell_type, cell)| *cell_type = cell_type.and(cell));
            }
            Ok(Next::Go)
        })?;
        Ok(types)
    }

    fn row(&self, record: &ByteRecord, types: &[CellType]) -> Result<Json, RowProblem> {
        if record.len() != self.columns.len() {
            let (found, expected) = (record.len(), self.columns.len());
            return Err(RowProblem::CellCount { found, expected });
        }
        let cells = self.columns.iter().zip(record).zip(types);
        let field = |((name, cell), cell_type): ((&String, &[u8]), &CellType)| {
            let text = std::str::from_utf8(cell).map_err(|error| RowProblem::InvalidCell {
                field: name.clone(),
                byte: error.valid_up_to() + 1,
            })?;
            Ok((name.clone(), cell_type.value(text)))
        };
        cells.map(field).collect::<Result<_, _>>().map(Json::Object)
    }

    fn for_each_record(
        &self,
        mut visit: impl FnMut(u64, &ByteRecord) -> Result<Next, DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut reader = self.reader()?;
        let mut record = ByteRecord::new();
        // Lines that a carriage return alone has ended: the parser takes it for an end, and counts line feeds.
        let mut by_return = 0;
        let (mut line, mut start) = (1, 0);
        while reader.read_byte_record(&mut record).map_err(|error| self.failed(&error))? {
            let position = record.position();
            start = position.map_or(start, csv::Position::byte);
            let blank = reader.get_mut().blank_lines(start);
            let counted = position.map_or(line, csv::Position::line) + blank;
            by_return = by_return.max((line + 1).saturating_sub(counted));
            line = counted + by_return;
            if visit(line, &record)? == Next::Stop {
                return Ok(());
            }
        }
        if self.is_open(reader.get_ref().kept_from(start)) {
            let message = "a quoted cell of this record is never closed: the file was cut off, or a `\"` is stray";
            return Err(self.fault(line, message.to_owned()));
        }
        Ok(())
    }

    /// Whether text ends within quotes: only then is what is put behind it no record of its own.
    fn is_open(&self, last_record: &[u8]) -> bool {
        if last_record.is_empty() {
            return false;
        }
        let probe = last_record.chain(&b"\nx\n"[..]);
        self.builder().has_headers(false).from_reader(probe).byte_records().count() < 2
    }

    fn builder(&self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).flexible(true);
        builder
    }

    fn reader(&self) -> Result<Reader<Tail>, DatasetError> {
        let mut reader = text::open(&self.path)?;
        text::skip_mark(&mut *reader).map_err(|source| DatasetError::read(&self.path, source))?;
        Ok(self.builder().from_reader(Tail { reader, kept: Vec::new(), start: 0 }))
    }

    fn fault(&self, line: u64, message: String) -> DatasetError {
        DatasetError::Delimited { path: self.path.clone(), line, message }
    }

    fn failed(&self, error: &csv::Error) -> DatasetError {
        match error.kind() {
            csv::ErrorKind::Io(source) => {
                let source = std::io::Error::new(source.kind(), source.to_string());
                DatasetError::read(&self.path, source)
            }
            _ => self.fault(error.position().map_or(1, csv::Position::line), error.to_string()),
        }
    }
}

impl CellType {
    /// The narrowest type of this and one more cell.
    fn and(self, cell: &[u8]) -> Self {
        if cell.is_empty() || self == Self::Text {
            return self;
        }
        match (self, Self::of(cell)) {
            (Self::Empty, other) => other,
            (one, other) if one == other => one,
            (Self::Integer | Self::Float, Self::Integer | Self::Float) => Self::Float,
            _ => Self::Text,
        }
    }

    fn of(cell: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(cell) else { return Self::Text };
        if boolean(text).is_some() {
            Self::Boolean
        } else if is_code(text) {
            Self::Text
        } else if integer(text).is_some() {
            Self::Integer
        } else if text.parse::<f64>().is_ok_and(f64::is_finite) {
            Self::Float
        } else {
            Self::Text
        }
    }

    fn value(self, text: &str) -> Json {
        if text.is_empty() {
            return Json::Null;
        }
        let value = match self {
            Self::Boolean => boolean(text).map(Json::Boolean),
            Self::Integer => integer(text).map(Json::Number),
            // An integer among floats is one, unless a float could not hold it.
            Self::Float => match text.parse::<i64>() {
                Ok(whole) if whole.unsigned_abs() > EXACT => integer(text).map(Json::Number),
                _ => text.parse().ok().map(Json::float),
            },
            Self::Empty | Self::Text => None,
        };
        value.unwrap_or_else(|| Json::Text(text.to_owned()))
    }
}

/// Digits that are no number: with a zero before them (`007`), or too many for an integer of 64 bits, such as long identifiers.
/// As numbers they would not be what they were.
fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let has_zero = digits.len() > 1
        && digits.starts_with('0')
        && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    has_zero || is_whole && integer(text).is_none()
}

fn integer(text: &str) -> Option<Number> {
    let signed = text.parse::<i64>().map(Number::from);
    signed.or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

/// The spellings that pandas, and so `datasets`, reads as booleans.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A reader that keeps the bytes of the record being read, to look at when it is the last one.
struct Tail {
    reader: Box<dyn BufRead>,
    kept: Vec<u8>,
    /// Where in the text the kept bytes begin.
    start: u64,
}

impl Tail {
    /// Blank lines between this place and the record that follows; what stands before may be let go of.
    fn blank_lines(&mut self, place: u64) -> u64 {
        // Moved now and then only, since each time moves all that has been read ahead.
        if place.saturating_sub(self.start) > 1 << 16 {
            let num_bytes = self.offset(place);
            self.kept.drain(..num_bytes);
            self.start = place;
        }
        let blank = self.kept_from(place).iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        blank.filter(|byte| **byte == b'\n').count() as u64
    }

    fn kept_from(&self, place: u64) -> &[u8] {
        &self.kept[self.offset(place)..]
    }

    fn offset(&self, place: u64) -> usize {
        let offset = usize::try_from(place.saturating_sub(self.start)).unwrap_or(usize::MAX);
        offset.min(self.kept.len())
    }
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.kept.extend_from_slice(&buffer[..length]);
        Ok(length)
    }
}
