//! What chat templates expect of Python: its methods, its JSON, its names for none and the truths.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, Value, escape_formatter,
};
use serde::Serialize;
use serde_json::Map;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::marks;
use crate::template::guards;
use crate::template::meter::{self, Use};
use crate::template::operators::printed;

/// The syntax as transformers sets it up in jinja2: blocks trimmed.
pub(crate) fn syntax() -> SyntaxConfig {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    // The delimiters, which alone can be wrong, are the usual ones.
    syntax.unwrap_or_default()
}

/// An environment set up as transformers sets up jinja2: nothing escaped, and no loader, so that a template reads no
/// file. It has the usual syntax, which rewritten templates are written in.
pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_debug(false);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(print);
    guards::install(&mut environment);
    environment.add_filter(marks::FILTER, marks::enclose);
    environment.add_function("raise_exception", raise_exception);
    environment
}

/// The variables of a rendering; `strftime_now` is among them only when there is a date to give.
pub(crate) fn context(variables: Map<String, serde_json::Value>, today: Option<String>) -> Value {
    let mut pairs: Vec<(String, Value)> =
        variables.into_iter().map(|(name, value)| (name, Value::from(Serde(value)))).collect();
    if let Some(today) = today {
        let strftime_now = Value::from_function(move |_format: &str| today.clone());
        pairs.push(("strftime_now".into(), strftime_now));
    }
    Value::from_pairs(pairs)
}

/// Writes a value, paid for. Escaping, which a template can ask for, makes of a quotation mark six signs.
fn print(output: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match (value.as_str(), state.auto_escape()) {
        (Some(text), AutoEscape::None) => meter::pay(state, text.len() as u64)?,
        (Some(text), _) => meter::pay(state, 6 * text.len() as u64)?,
        (None, _) => meter::pay_for(state, value, Use::Prints)?,
    }
    match value.kind() {
        ValueKind::None | ValueKind::Bool => output.write_str(&printed(value)).map_err(Error::from),
        _ => escape_formatter(output, state, value),
    }
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// `json.dumps(value, ensure_ascii=False)`: unlike the filter of jinja2 it escapes nothing for HTML.
#[expect(clippy::needless_pass_by_value, reason = "filters get their keyword arguments by value")]
pub(crate) fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let failed = |reason: String| Error::new(ErrorKind::InvalidOperation, reason);
    if value.is_undefined() {
        return Err(failed("undefined cannot be written as JSON".into()));
    }
    let mut json = serde_json::to_value(value).map_err(|error| failed(error.to_string()))?;
    if options.get::<Option<bool>>("sort_keys")?.unwrap_or(false) {
        json.sort_all_objects();
    }
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let text = match indent {
        Some(width) => write(&json, PrettyFormatter::with_indent(" ".repeat(width).as_bytes())),
        None => write(&json, OneLine),
    };
    text.map(Value::from).map_err(failed)
}

fn write(json: &serde_json::Value, formatter: impl Formatter) -> Result<String, String> {
    let mut bytes = Vec::new();
    json.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// Python puts a space after each comma and colon.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
