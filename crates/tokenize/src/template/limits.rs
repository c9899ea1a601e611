//! How long a text gets whose length is a product, before it is made.

use std::borrow::Cow;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::meter::{self, Use, allow};

/// Most that a filter may be asked to divide or indent by, and widest field of a format.
const MAX_COUNT: usize = 4096;

/// `replace(text, old, new)`.
pub(super) fn replace(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let text = text(state, given, 0)?;
    let (old, new) = (self::text(state, given, 1)?, self::text(state, given, 2)?);
    let found = if old.is_empty() { text.len() + 1 } else { text.matches(&*old).count() };
    allow(text.len().saturating_add(found.saturating_mul(new.len())))
}

/// `join(things, between)`.
pub(super) fn join(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let things = given.first().cloned().unwrap_or_default();
    meter::pay_for_list_of(state, &things)?;
    meter::pay_for(state, &things, Use::Prints)?;
    let between = text(state, given, 1)?;
    let count = things.as_str().map(str::len).or_else(|| things.len()).unwrap_or(0);
    allow(count.saturating_mul(between.len()))
}

/// `split(text, at)`: at blanks where nothing is said.
pub(super) fn split(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let text = text(state, given, 0)?;
    let at = given.get(1).and_then(Value::as_str).unwrap_or_default();
    let parts =
        if at.is_empty() { text.split_whitespace().count() } else { text.matches(at).count() };
    let parts =
        if given.get(1).is_some_and(|at| at.as_str() == Some("")) { text.len() } else { parts };
    meter::pay_for_items(state, parts + 2)
}

/// `lines(text)`.
pub(super) fn lines(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let lines = text(state, given, 0)?.lines().count();
    meter::pay_for_items(state, lines)
}

/// `indent(text, width)`.
pub(super) fn indent(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let width = counts(given)?;
    let text = text(state, given, 0)?;
    allow((text.lines().count() + 1).saturating_mul(width).saturating_add(text.len()))
}

/// `format(text, …)`, in the manner of printf or of Python's method. Every field can be as wide as the widest and print
/// everything.
pub(super) fn format(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let printed = given.iter().skip(1).try_fold(0, |sum: usize, value| {
        meter::pay_for(state, value, Use::Prints)?;
        Ok::<_, Error>(sum.saturating_add(text_of(value).len()))
    })?;
    let format = text(state, given, 0)?;
    let fields = format.matches(['%', '{']).count();
    let numbers =
        format.split(|sign: char| !sign.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let width = numbers.map(|digits| digits.parse().unwrap_or(usize::MAX)).max().unwrap_or(0);
    let width = if format.contains('*') { counts(given)?.max(width) } else { width };
    if width > MAX_COUNT {
        return Err(refused(format!("formats a field of {width} signs, allowed are {MAX_COUNT}")));
    }
    allow(format.len().saturating_add(fields.saturating_mul(width.saturating_add(printed))))
}

/// `sum(things, attribute, start)`: of numbers. The sum of lists copies each of them for each of the others.
pub(super) fn sum(state: &mut State, given: &[Value]) -> Result<(), Error> {
    meter::touch(state, given.first().unwrap_or(&Value::UNDEFINED))?;
    let named = given.last().filter(|last| last.is_kwargs()).map(|named| named.get_attr("start"));
    let start = given.get(2).cloned().map(Ok).or(named).transpose()?.unwrap_or_default();
    match start.kind() {
        ValueKind::Undefined | ValueKind::Number | ValueKind::Bool => Ok(()),
        ValueKind::Map if start.is_kwargs() => Ok(()),
        kind => Err(refused(format!("sums numbers only, starting from a number, got {kind}"))),
    }
}

/// `tojson(value, indent)`: every line can be indented by every list around it.
pub(super) fn to_json(state: &mut State, given: &[Value]) -> Result<(), Error> {
    let width = counts(given)? as u64;
    let value = given.first().unwrap_or(&Value::UNDEFINED);
    (0..=width).try_for_each(|_| meter::pay_for(state, value, Use::Prints))
}

/// The largest number among the arguments after the first, by position or by name.
///
/// # Errors
///
/// If it is larger than any filter may be asked to count to.
pub(super) fn counts(given: &[Value]) -> Result<usize, Error> {
    let mut largest = 0;
    for value in given.iter().skip(1) {
        if value.is_kwargs() {
            for name in value.try_iter()?.checked() {
                largest = largest.max(count(&value.get_item(&name?)?));
            }
        } else {
            largest = largest.max(count(value));
        }
    }
    if largest > MAX_COUNT {
        return Err(refused(format!(
            "asks a filter for {largest} of something, allowed are {MAX_COUNT}"
        )));
    }
    Ok(largest)
}

fn count(value: &Value) -> usize {
    let is_number = value.kind() == ValueKind::Number;
    if is_number { value.as_usize().unwrap_or_default() } else { 0 }
}

/// An argument as the text that a filter takes it for, paid for.
fn text<'a>(state: &mut State, given: &'a [Value], index: usize) -> Result<Cow<'a, str>, Error> {
    let Some(value) = given.get(index) else { return Ok(Cow::Borrowed("")) };
    meter::pay_for(state, value, Use::Prints)?;
    Ok(text_of(value))
}

fn text_of(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed)
}

fn refused(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}
