//! JSON lines: each line a row of its own, so that a broken one costs no other.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::json::{Json, Keys};
use super::problem::RowProblem;
use crate::error::DatasetError;

/// The mark some editors put before UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Characters shown on each side of the place where a line is broken.
const NEAR: usize = 20;

/// The keys of all rows in the order they first appear; `None` if no line is an object.
pub(super) fn columns(path: &Path) -> Result<Option<Vec<String>>, DatasetError> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    let mut has_objects = false;
    for_each_line(path, |_, line| {
        // Lines that are broken say so in the second pass.
        let Ok(Keys(keys)) = serde_json::from_slice(line) else { return };
        has_objects = true;
        names.extend(keys.into_iter().filter(|key| seen.insert(key.clone())));
    })?;
    Ok(has_objects.then_some(names))
}

/// Hands over each row with the number of its line.
pub(super) fn for_each(
    path: &Path,
    mut sink: impl FnMut(u64, Result<Json, RowProblem>),
) -> Result<(), DatasetError> {
    for_each_line(path, |number, line| sink(number, parse(line)))
}

/// Lines counted from 1, without line end and byte order mark; blank lines are counted but are no rows.
pub(crate) fn for_each_line(
    path: &Path,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<(), DatasetError> {
    let failed = |source| DatasetError::read(path, source);
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut buffer = Vec::new();
    let mut number = 0;
    while reader.read_until(b'\n', &mut buffer).map_err(failed)? > 0 {
        number += 1;
        let mut line = buffer.trim_ascii_end();
        if number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if !line.is_empty() {
            visit(number, line);
        }
        buffer.clear();
    }
    Ok(())
}

fn parse(line: &[u8]) -> Result<Json, RowProblem> {
    let text = std::str::from_utf8(line)
        .map_err(|error| RowProblem::InvalidUtf8 { byte: error.valid_up_to() + 1 })?;
    serde_json::from_str(text).map_err(|error| RowProblem::InvalidJson {
        column: error.column(),
        message: without_place(&error),
        near: near(text, error.column()),
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
