//! The filters that stand around operators in a [rewritten](super::rewrite) template.

use std::borrow::Cow;

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value, context};

use super::meter::{self, Use};

/// Pays for a value that was made and may hold others.
pub(super) const KEPT: &str = "forethought_kept";
/// Pays for a text that was made, or for a list of what was there.
pub(super) const FLAT: &str = "forethought_flat";
/// Lets a value into a namespace.
pub(super) const STORED: &str = "forethought_stored";
/// Pays for reading a value as a whole.
pub(super) const READ: &str = "forethought_read";
/// Pays for looking at a value.
pub(super) const TOUCHED: &str = "forethought_touched";
/// What `~` does, with any number of operands.
pub(super) const JOINED: &str = "forethought_joined";
/// What `*` does.
pub(super) const TIMES: &str = "forethought_times";
/// Pays for the surroundings of a macro and writes nothing.
pub(super) const CLOSURE: &str = "forethought_closure";

/// Gives an environment these filters.
pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter(KEPT, meter::keep);
    environment.add_filter(FLAT, meter::keep_flat);
    environment.add_filter(STORED, stored);
    environment.add_filter(READ, read);
    environment.add_filter(TOUCHED, touched);
    environment.add_filter(JOINED, joined);
    environment.add_filter(TIMES, times);
    environment.add_filter(CLOSURE, closure);
}

/// How a value is printed where it stands alone: none, true and false as Python does, with a capital letter.
pub(crate) fn printed(value: &Value) -> Cow<'_, str> {
    match value.kind() {
        ValueKind::None => "None".into(),
        ValueKind::Bool if value.is_true() => "True".into(),
        ValueKind::Bool => "False".into(),
        ValueKind::String => value.as_str().unwrap_or_default().into(),
        _ => value.to_string().into(),
    }
}

fn stored(value: Value) -> Result<Value, Error> {
    meter::refuse_namespace(&value)?;
    Ok(value)
}

fn read(state: &mut State, value: Value) -> Result<Value, Error> {
    meter::pay_for(state, &value, Use::Reads)?;
    Ok(value)
}

fn touched(state: &mut State, value: Value) -> Result<Value, Error> {
    meter::touch(state, &value)?;
    Ok(value)
}

fn joined(state: &mut State, operands: Rest<Value>) -> Result<Value, Error> {
    let mut text = String::new();
    for operand in operands.0 {
        meter::pay_for(state, &operand, Use::Prints)?;
        text.push_str(&printed(&operand));
        meter::allow(text.len())?;
    }
    Ok(Value::from(text))
}

/// Texts and lists are as long as their factor says, so that is looked at first.
fn times(state: &mut State, left: Value, right: Value) -> Result<Value, Error> {
    for (repeated, factor) in [(&left, &right), (&right, &left)] {
        let factor = factor.as_usize().unwrap_or(0);
        if let Some(text) = repeated.as_str() {
            meter::allow(text.len().saturating_mul(factor))?;
        } else if repeated.as_object().is_some() {
            let length = repeated.len().unwrap_or(0);
            meter::pay_for_places(state, length.saturating_mul(factor))?;
        }
    }
    let product = state.env().compile_expression("left * right")?;
    let product = product.eval(context! { left, right });
    let product = product.map_err(|error| {
        let reason = error.detail().unwrap_or_default().to_owned();
        Error::new(ErrorKind::InvalidOperation, reason)
    })?;
    meter::keep_flat(state, product)
}

fn closure(state: &mut State, nothing: Value) -> Result<Value, Error> {
    meter::pay_for_closure(state)?;
    Ok(nothing)
}
