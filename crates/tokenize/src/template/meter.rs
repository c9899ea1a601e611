//! What a rendering has used up of the text and values it may make.
//!
//! The engine counts instructions, but a single instruction can double a text. So whatever makes or walks over texts and
//! values pays here by their size before the next step can build on them: the operators by way of the filters that
//! [`rewrite`](super::rewrite) puts around them, filters, functions and methods by themselves, and what is written when
//! it is written.

use minijinja::value::{DynObject, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

/// What a rendering may make and walk over, in bytes. The longest known templates take some thousand for a turn.
const BUDGET: u64 = 128 << 20;
/// Longest text of a value, in bytes.
const MAX_TEXT: usize = 16 << 20;
/// Deepest nesting of values. Values are printed, compared and freed by functions that call themselves.
const MAX_DEPTH: usize = 200;
/// What a value takes in memory beside its text, in bytes, with what a list or a map keeps beside it.
const VALUE: u64 = 64;
/// What a list takes for a value that is there already.
const PLACE: u64 = 24;
/// Most bytes that one byte becomes when a text is printed inside a list or as JSON: `\u001b`.
const ESCAPED: u64 = 6;
/// What the names of a macro's surroundings take.
const CLOSURE: u64 = 1024;

/// What is left.
struct Meter {
    left: u64,
}

/// What is done with a value, and so what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Its parts are taken over as they are.
    Holds,
    /// Its texts are read.
    Reads,
    /// It is printed: texts within lists are escaped.
    Prints,
}

/// Takes bytes from what is left.
///
/// # Errors
///
/// If less is left.
pub(crate) fn pay(state: &mut State, bytes: u64) -> Result<(), Error> {
    let meter = state.get_or_insert_extension_with(|| Meter { left: BUDGET });
    meter.left = meter.left.checked_sub(bytes).ok_or_else(too_much)?;
    Ok(())
}

/// Pays for a use of a value with everything in it.
pub(crate) fn pay_for(state: &mut State, value: &Value, using: Use) -> Result<(), Error> {
    let left = state.get_or_insert_extension_with(|| Meter { left: BUDGET }).left;
    let mut walk = Walk { using, left };
    walk.visit(value, 0)?;
    pay(state, left - walk.left)
}

/// Pays for looking at a value without looking into it: the bytes of a text, the number of things in a list.
pub(super) fn touch(state: &mut State, value: &Value) -> Result<(), Error> {
    let size = value.as_str().map(str::len).or_else(|| value.as_object()?.enumerator_len());
    pay(state, size.unwrap_or(0) as u64)
}

/// Pays for the surroundings that a macro keeps.
pub(super) fn pay_for_closure(state: &mut State) -> Result<(), Error> {
    pay(state, CLOSURE)
}

/// Pays for new values that a list is about to hold.
pub(super) fn pay_for_items(state: &mut State, count: usize) -> Result<(), Error> {
    pay(state, (count as u64).saturating_mul(VALUE))
}

/// Pays for places in a list that is about to be made.
pub(super) fn pay_for_places(state: &mut State, count: usize) -> Result<(), Error> {
    pay(state, (count as u64).saturating_mul(PLACE))
}

/// Pays for a list of the parts of a value, before it is made. A text is a list of its characters.
pub(super) fn pay_for_list_of(state: &mut State, value: &Value) -> Result<(), Error> {
    let size = value.as_str().map(str::len).or_else(|| value.as_object()?.enumerator_len());
    pay_for_places(state, size.unwrap_or(0))
}

/// Pays for a value that was made, which may hold others: everything in it is walked over to see how deep it is.
///
/// # Errors
///
/// If too little is left, a text is too long, or values are nested too deep.
pub(super) fn keep(state: &mut State, value: Value) -> Result<Value, Error> {
    let value = keep_flat(state, value)?;
    if value.as_object().is_some() {
        pay_for(state, &value, Use::Holds)?;
    }
    Ok(value)
}

/// Pays for a text that was made, or for a list of values that were there before: it nests no deeper than they do.
///
/// Lists that are computed as they are walked over become lists, for a list over a list over a list would be walked over
/// by functions that call themselves.
///
/// # Errors
///
/// If too little is left, or a text is too long.
pub(super) fn keep_flat(state: &mut State, value: Value) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        allow(text.len())?;
        pay(state, text.len() as u64)?;
    }
    if value.kind() == ValueKind::Seq {
        pay_for_places(state, value.len().unwrap_or(0))?;
    }
    if value.kind() != ValueKind::Iterable {
        return Ok(value);
    }
    let mut items = Vec::new();
    for item in value.try_iter()?.checked() {
        pay_for_places(state, 1)?;
        items.push(item?);
    }
    items.shrink_to_fit();
    Ok(Value::from(items))
}

/// Whether a text of this length may be made.
///
/// # Errors
///
/// If it would be too long.
pub(super) fn allow(length: usize) -> Result<(), Error> {
    if length <= MAX_TEXT {
        return Ok(());
    }
    let reason = format!("makes a text of {length} bytes, allowed are {MAX_TEXT}");
    Err(Error::new(ErrorKind::InvalidOperation, reason))
}

/// Namespaces stand alone: within others, they could contain themselves, or each other by the thousand.
///
/// # Errors
///
/// If the value is a namespace.
pub(super) fn refuse_namespace(value: &Value) -> Result<(), Error> {
    let is_namespace = |object: &DynObject| object.type_name().ends_with("::Namespace");
    if value.as_object().is_some_and(is_namespace) {
        let reason = "puts a namespace into a namespace, a list or a map";
        return Err(Error::new(ErrorKind::InvalidOperation, reason));
    }
    Ok(())
}

fn too_much() -> Error {
    let reason = format!("makes texts and values of more than {BUDGET} bytes");
    Error::new(ErrorKind::InvalidOperation, reason)
}

/// A walk over a value that pays for what it meets.
struct Walk {
    using: Use,
    left: u64,
}

impl Walk {
    fn visit(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            let reason = format!("nests values more than {MAX_DEPTH} deep");
            return Err(Error::new(ErrorKind::InvalidOperation, reason));
        }
        self.pay(VALUE)?;
        match value.kind() {
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), depth),
            ValueKind::Seq | ValueKind::Iterable => {
                value.try_iter()?.checked().try_for_each(|item| self.visit(&item?, depth + 1))
            }
            ValueKind::Map => self.map(value, depth),
            _ => Ok(()),
        }
    }

    fn map(&mut self, map: &Value, depth: usize) -> Result<(), Error> {
        if depth > 0 {
            refuse_namespace(map)?;
        }
        for key in map.try_iter()?.checked() {
            let key = key?;
            self.visit(&key, depth + 1)?;
            self.visit(&map.get_item(&key)?, depth + 1)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str, depth: usize) -> Result<(), Error> {
        let length = text.len() as u64;
        match self.using {
            Use::Holds => Ok(()),
            Use::Prints if depth > 0 => self.pay(length * ESCAPED),
            Use::Reads | Use::Prints => self.pay(length),
        }
    }

    fn pay(&mut self, bytes: u64) -> Result<(), Error> {
        self.left = self.left.checked_sub(bytes).ok_or_else(too_much)?;
        Ok(())
    }
}
