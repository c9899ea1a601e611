//! JSON arrays, item by item.

use std::collections::BTreeSet;
use std::fmt;
use std::io::BufRead;
use std::path::Path;

use serde::de::{Deserializer as _, SeqAccess, Visitor};

use super::exact::Quoted;
use super::json::Json;
use super::lines::without_place;
use super::{Next, Row, text};
use crate::error::DatasetError;

/// The keys of the first objects in the order they first appear; `None` if there is no object.
pub(super) fn columns(path: &Path, limit: usize) -> Result<Option<Vec<String>>, DatasetError> {
    let mut names: Vec<String> = Vec::new();
    let mut num_objects = 0;
    let mut seen = BTreeSet::new();
    for_each_item(path, |item| {
        if let Json::Object(fields) = item {
            num_objects += 1;
            let keys = fields.into_iter().map(|(key, _)| key);
            names.extend(keys.filter(|key| seen.insert(key.clone())));
        }
        Ok(if num_objects < limit { Next::Go } else { Next::Stop })
    })?;
    Ok((num_objects > 0).then_some(names))
}

/// Hands over each item with its number, counted from 1, until it is enough.
///
/// A break in the array makes the whole file unreadable, since what follows has no beginning.
pub(super) fn for_each(
    path: &Path,
    mut sink: impl FnMut(Row) -> Result<Next, DatasetError>,
) -> Result<(), DatasetError> {
    let mut number = 0;
    for_each_item(path, |item| {
        number += 1;
        sink(Row::whole(number, item))
    })
}

/// Walks through the array, one item in memory at a time.
fn for_each_item(
    path: &Path,
    visit: impl FnMut(Json) -> Result<Next, DatasetError>,
) -> Result<(), DatasetError> {
    let failed = |source| DatasetError::read(path, source);
    let mut reader = text::open(path)?;
    text::skip_mark(&mut *reader).map_err(failed)?;
    let Some((lines, first)) = skip_blank(&mut *reader).map_err(failed)? else { return Ok(()) };
    if first != b'[' {
        return Err(no_array(path, lines + 1, first));
    }
    let mut walk = Walk { visit, end: None };
    let mut deserializer = serde_json::Deserializer::from_reader(Quoted::new(reader));
    let walked = deserializer.deserialize_any(&mut walk).and_then(|()| deserializer.end());
    match (walk.end, walked) {
        (Some(End::Stopped), _) | (None, Ok(())) => Ok(()),
        (Some(End::Failed(error)), _) => Err(error),
        (None, Err(fault)) => Err(syntax(path, lines, &fault)),
    }
}

/// Steps over blanks before the array; the line ends among them and the byte after them, if there is one.
fn skip_blank(reader: &mut dyn BufRead) -> std::io::Result<Option<(usize, u8)>> {
    let mut lines = 0;
    loop {
        match reader.fill_buf()?.first() {
            None => return Ok(None),
            Some(b'\n') => lines += 1,
            Some(byte) if byte.is_ascii_whitespace() => {}
            Some(byte) => return Ok(Some((lines, *byte))),
        }
        reader.consume(1);
    }
}

fn no_array(path: &Path, line: usize, first: u8) -> DatasetError {
    let message = match first {
        b'{' => {
            "expected an array of objects, found an object; for one object a line, set `format: jsonl`"
        }
        _ => "expected an array of objects",
    };
    DatasetError::Json { path: path.to_owned(), line, column: 1, message: message.to_owned() }
}

fn syntax(path: &Path, lines_before: usize, fault: &serde_json::Error) -> DatasetError {
    if let Some(source) = fault.io_error_kind() {
        return DatasetError::read(path, std::io::Error::new(source, fault.to_string()));
    }
    let mut message = without_place(fault);
    if message.contains("trailing characters") {
        message.push_str("; for one object a line, set `format: jsonl`");
    }
    let (line, column) = (lines_before + fault.line(), fault.column());
    DatasetError::Json { path: path.to_owned(), line, column, message }
}

/// Why a walk ended before the array did.
enum End {
    Stopped,
    Failed(DatasetError),
}

struct Walk<V> {
    visit: V,
    end: Option<End>,
}

impl<'de, V: FnMut(Json) -> Result<Next, DatasetError>> Visitor<'de> for &mut Walk<V> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            let end = match (self.visit)(item) {
                Ok(Next::Go) => continue,
                Ok(Next::Stop) => End::Stopped,
                Err(error) => End::Failed(error),
            };
            self.end = Some(end);
            return Err(serde::de::Error::custom("the walk was stopped"));
        }
        Ok(())
    }
}
