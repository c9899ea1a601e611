//! JSON lines: each line a row of its own, so that a broken one costs no other.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use rayon::prelude::*;
use serde::de::IgnoredAny;

use super::json::{Json, Keys};
use super::problem::RowProblem;
use super::{Next, Row, text};
use crate::error::DatasetError;

/// Characters shown on each side of the place where a line is broken.
const NEAR: usize = 20;
/// The longest line that is read, in bytes: a file without line ends would fill the memory.
const LONGEST: u64 = 1 << 28;
/// Bytes of lines that are parsed together, about.
const BATCH: usize = 1 << 22;

/// A line without its end.
struct Line<B> {
    /// Counted from 1, blank lines included.
    number: u64,
    bytes: B,
    /// Whether a line end follows: without it, it is the last line and may be half of one.
    is_ended: bool,
    /// Whether more of it was left out than is there.
    is_too_long: bool,
}

/// The keys of the first rows in the order they first appear; `None` if no line is an object.
pub(super) fn columns(path: &Path, limit: usize) -> Result<Option<Vec<String>>, DatasetError> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    let mut num_objects = 0;
    let mut lines = Lines::open(path)?;
    while num_objects < limit
        && let Some(line) = lines.next()?
    {
        // Lines that are broken say so in the second pass.
        let Ok(Keys(keys)) = serde_json::from_slice(line.bytes) else { continue };
        num_objects += 1;
        names.extend(keys.into_iter().filter(|key| seen.insert(key.clone())));
    }
    Ok((num_objects > 0).then_some(names))
}

/// Whether the first line is an object, as in JSON lines and in no JSON file of another form.
pub(super) fn begins_with_object(path: &Path) -> Result<bool, DatasetError> {
    let mut lines = Lines::open(path)?;
    let first = lines.next()?;
    Ok(first.is_some_and(|line| serde_json::from_slice::<Keys>(line.bytes).is_ok()))
}

/// Whether the text is one array of objects: it begins as such, and the first line is no row of its own.
pub(super) fn is_array(path: &Path) -> Result<bool, DatasetError> {
    let mut lines = Lines::open(path)?;
    let Some(first) = lines.next()? else { return Ok(false) };
    let after = first.bytes.trim_ascii_start().strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    let Some([] | [b'{', ..]) = after else { return Ok(false) };
    let is_whole = serde_json::from_slice::<IgnoredAny>(first.bytes).is_ok();
    Ok(!is_whole || lines.next()?.is_none())
}

/// Hands over each row with the number of its line, until it is enough. While rows are worked on, the next ones are read and
/// parsed.
pub(super) fn for_each(
    path: &Path,
    mut sink: impl FnMut(Row) -> Result<Next, DatasetError>,
) -> Result<(), DatasetError> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        scope.spawn(move || read(path, &sender));
        for batch in receiver {
            for (line, value) in batch? {
                let (number, looks) = (line.number, Vec::new());
                let row = Row { number, value, looks, line: Some(line.bytes) };
                if sink(row)? == Next::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

/// Lines with what they hold, parsed by all threads; or why there are no more.
type Batch = Result<Vec<(Line<Vec<u8>>, Result<Json, RowProblem>)>, DatasetError>;

/// Sends all lines of a file, as long as somebody listens.
fn read(path: &Path, sender: &SyncSender<Batch>) {
    let send_all = || -> Result<(), DatasetError> {
        let mut lines = Lines::open(path)?;
        loop {
            let batch = lines.batch()?;
            if batch.is_empty() {
                return Ok(());
            }
            let parsed = batch.into_par_iter().map(|line| {
                let value = parse(&line);
                (line, value)
            });
            if sender.send(Ok(parsed.collect())).is_err() {
                return Ok(());
            }
        }
    };
    if let Err(error) = send_all() {
        // The error of whoever stopped to listen is the one that matters.
        let _ = sender.send(Err(error));
    }
}

/// The lines of a file, one in memory at a time.
struct Lines<'p> {
    path: &'p Path,
    reader: Box<dyn BufRead>,
    buffer: Vec<u8>,
    number: u64,
}

impl<'p> Lines<'p> {
    fn open(path: &'p Path) -> Result<Self, DatasetError> {
        let mut reader = text::open(path)?;
        text::skip_mark(&mut *reader).map_err(|source| DatasetError::read(path, source))?;
        Ok(Self { path, reader, buffer: Vec::new(), number: 0 })
    }

    /// Lines to be parsed together, by all threads; none at the end of the file.
    fn batch(&mut self) -> Result<Vec<Line<Vec<u8>>>, DatasetError> {
        let (mut batch, mut length) = (Vec::new(), 0);
        while length < BATCH
            && let Some(Line { number, bytes, is_ended, is_too_long }) = self.next()?
        {
            length += bytes.len();
            batch.push(Line { number, bytes: bytes.to_vec(), is_ended, is_too_long });
        }
        Ok(batch)
    }

    /// The next line that is not blank.
    fn next(&mut self) -> Result<Option<Line<&[u8]>>, DatasetError> {
        loop {
            let is_too_long =
                self.read_line().map_err(|source| DatasetError::read(self.path, source))?;
            if self.buffer.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            let length = self.buffer.trim_ascii_end().len();
            if length > 0 {
                let is_ended = self.buffer.last() == Some(&b'\n');
                let bytes = &self.buffer[..length];
                return Ok(Some(Line { number: self.number, bytes, is_ended, is_too_long }));
            }
        }
    }

    /// Reads a line, or the beginning of one that is too long, whose rest is stepped over.
    fn read_line(&mut self) -> std::io::Result<bool> {
        self.buffer.clear();
        (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.buffer)?;
        if self.buffer.last() == Some(&b'\n') || (self.buffer.len() as u64) < LONGEST {
            return Ok(false);
        }
        self.reader.skip_until(b'\n')?;
        Ok(true)
    }
}

fn parse(line: &Line<Vec<u8>>) -> Result<Json, RowProblem> {
    if line.is_too_long {
        return Err(RowProblem::LineTooLong { limit: LONGEST });
    }
    if let Some(byte) = line.bytes.iter().position(|byte| *byte == 0) {
        let count = line.bytes.split(|byte| *byte == 0).count() - 1;
        return Err(RowProblem::NulBytes { byte: byte + 1, count });
    }
    let text = std::str::from_utf8(&line.bytes)
        .map_err(|error| RowProblem::InvalidUtf8 { byte: error.valid_up_to() + 1 })?;
    Json::parse(text).map_err(|error| {
        let (column, near) = (error.column(), near(text, error.column()));
        if error.is_eof() && !line.is_ended {
            return RowProblem::CutOff { column, near };
        }
        RowProblem::InvalidJson { column, message: without_place(&error), near }
    })
}

/// The message of `serde_json` without the place at its end, which counts lines from the start of this line.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// The text around a byte column counted from 1.
fn near(text: &str, column: usize) -> String {
    let at = column.saturating_sub(1).min(text.len());
    let split = (0..=at).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0);
    let (before, after) = text.split_at(split);
    let skipped = before.chars().count().saturating_sub(NEAR);
    before.chars().skip(skipped).chain(after.chars().take(NEAR)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_around_a_place_never_splits_a_character() {
        let text = "这是一个很长的句子，它没有引号，但是有很多字符在这里面";
        for column in 0..text.len() + 5 {
            assert!(text.contains(&near(text, column)), "column {column}");
        }
        assert_eq!(near("abc", 2), "abc");
    }
}
