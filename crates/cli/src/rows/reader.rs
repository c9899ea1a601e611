//! Lines of a file or of standard input as rows, one at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use forethought_dataset::{Format, ObjectRow, read_objects};

use super::row::{Place, Row, RowError};
use crate::commands::Failure;
use crate::examine::first_contact;

/// Longest line, in bytes: what is read of a hostile file before it is refused.
const MAX_LINE: usize = 64 * 1024 * 1024;

/// The name that stands for a standard stream.
pub(super) const STANDARD: &str = "-";

/// The format of a file that holds no lines.
fn binary(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "parquet" => Some(Format::Parquet),
        "arrow" | "feather" | "ipc" => Some(Format::Arrow),
        _ => None,
    }
}

/// Reads rows; lines of blanks alone are passed over.
pub(super) struct Reader {
    path: PathBuf,
    place: Place,
    from: From,
}

/// Where rows come from.
enum From {
    Lines {
        lines: Box<dyn BufRead>,
        /// The latest line.
        line: Vec<u8>,
    },
    Table(std::vec::IntoIter<ObjectRow>),
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new(STANDARD) {
            let lines = Box::new(BufReader::new(std::io::stdin()));
            return Ok(Self::new(Path::new("standard input"), lines));
        }
        if let Some(format) = binary(path) {
            let rows = read_objects(&first_contact()?, path, format);
            let rows = rows.map_err(|error| Failure::Disagreement(error.to_string()))?;
            let place = Place { file: path.display().to_string().into(), line: 0 };
            let from = From::Table(rows.into_iter());
            return Ok(Self { path: path.to_owned(), place, from });
        }
        let file = File::open(path).map_err(|error| Failure::Io(path.to_owned(), error))?;
        Ok(Self::new(path, Box::new(BufReader::new(file))))
    }

    fn new(path: &Path, lines: Box<dyn BufRead>) -> Self {
        let place = Place { file: path.display().to_string().into(), line: 0 };
        Self { path: path.to_owned(), place, from: From::Lines { lines, line: Vec::new() } }
    }

    /// The next row, or none at the end.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, Failure> {
        let (lines, line) = match &mut self.from {
            From::Lines { lines, line } => (lines, line),
            From::Table(rows) => {
                let Some(row) = rows.next() else { return Ok(None) };
                self.place.line = usize::try_from(row.number).unwrap_or(usize::MAX);
                let value = row.value.map_err(|error| error.problem.to_string());
                return Ok(Some(Row::of_value(value, self.place.clone())?));
            }
        };
        loop {
            line.clear();
            let mut bounded = (&mut *lines).take(MAX_LINE as u64 + 1);
            let length = bounded
                .read_until(b'\n', line)
                .map_err(|error| Failure::Io(self.path.clone(), error))?;
            if length == 0 {
                return Ok(None);
            }
            self.place.line += 1;
            if MAX_LINE < length {
                return Err(RowError::TooLong { place: self.place.clone(), limit: MAX_LINE }.into());
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(Row::parse(line, self.place.clone())?));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &'static str) -> Reader {
        Reader::new(Path::new("rows.jsonl"), Box::new(text.as_bytes()))
    }

    #[test]
    fn blank_lines_are_passed_over_and_counted() {
        let mut reader = reader("{\"a\": 1}\r\n\n  \n{\"a\": 2}\n{");
        let mut next = || reader.next_row().map(|row| row.map(|row| row.fields()["a"].clone()));
        assert_eq!(next().expect("a row"), Some(1.into()));
        assert_eq!(next().expect("a row"), Some(2.into()));
        let Err(Failure::Row(error)) = next() else { panic!("the last line is cut off") };
        assert!(error.to_string().starts_with("rows.jsonl:5: is not JSON: EOF"), "{error}");
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let endless = Box::new(BufReader::new(std::io::repeat(b' ')));
        let mut reader = Reader::new(Path::new("rows.jsonl"), endless);
        let Err(Failure::Row(error)) = reader.next_row() else { panic!("it has no end") };
        assert_eq!(error.to_string(), "rows.jsonl:1: the line is longer than 67108864 bytes");
    }
}
