//! The filters, tests, functions and methods of templates, each paying for what it reads and makes.

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters, functions, tests};

use super::limits;
use super::meter::{self, Use};
use super::operators;

/// Pays for what a filter is about to do with its arguments, or refuses it.
type Before = fn(&mut State, &[Value]) -> Result<(), Error>;
/// Pays for what a filter made.
type After = fn(&mut State, Value) -> Result<Value, Error>;

/// Gives an environment everything that templates may call.
pub(crate) fn install(environment: &mut Environment<'static>) {
    operators::install(environment);
    for (before, after, filters) in [
        (look as Before, meter::keep_flat as After, looking()),
        (list, meter::keep_flat, choosing()),
        (list, meter::keep, nesting()),
        (compare, meter::keep_flat, ordering()),
        (compare, meter::keep, grouping()),
        (write, meter::keep_flat, writing()),
    ] {
        for (name, filter) in filters {
            environment.add_filter(name, guarded(before, filter, after));
        }
    }
    for (name, before, filter) in growing() {
        environment.add_filter(name, guarded(before, filter, meter::keep_flat));
    }
    install_tests(environment);
    environment.add_function("range", functions::range);
    environment.add_function("dict", functions::dict);
    environment.add_function("namespace", namespace);
    environment.set_unknown_method_callback(call_method);
}

type Filters = Vec<(&'static str, Value)>;

/// Filters that look at a value and give it, a part of it, or a number.
fn looking() -> Filters {
    vec![
        ("abs", Value::from_function(filters::abs)),
        ("attr", Value::from_function(filters::attr)),
        ("bool", Value::from_function(filters::bool)),
        ("count", Value::from_function(filters::length)),
        ("d", Value::from_function(filters::default)),
        ("default", Value::from_function(filters::default)),
        ("first", Value::from_function(filters::first)),
        ("float", Value::from_function(filters::float)),
        ("int", Value::from_function(filters::int)),
        ("last", Value::from_function(filters::last)),
        ("length", Value::from_function(filters::length)),
        ("round", Value::from_function(filters::round)),
    ]
}

/// Filters that list some parts of a value.
fn choosing() -> Filters {
    vec![
        ("chain", Value::from_function(filters::chain)),
        ("list", Value::from_function(filters::list)),
        ("reject", Value::from_function(filters::reject)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
        ("reverse", Value::from_function(filters::reverse)),
        ("select", Value::from_function(filters::select)),
        ("selectattr", Value::from_function(filters::selectattr)),
    ]
}

/// Filters that list new values, some of them lists.
fn nesting() -> Filters {
    vec![
        ("batch", Value::from_function(filters::batch)),
        ("items", Value::from_function(filters::items)),
        ("map", Value::from_function(filters::map)),
        ("slice", Value::from_function(filters::slice)),
        ("zip", Value::from_function(filters::zip)),
    ]
}

/// Filters that compare the parts of a value.
fn ordering() -> Filters {
    vec![
        ("max", Value::from_function(filters::max)),
        ("min", Value::from_function(filters::min)),
        ("sort", Value::from_function(filters::sort)),
        ("unique", Value::from_function(filters::unique)),
    ]
}

/// Filters that compare the parts of a value and make pairs of them.
fn grouping() -> Filters {
    vec![
        ("dictsort", Value::from_function(filters::dictsort)),
        ("groupby", Value::from_function(filters::groupby)),
    ]
}

/// Filters that write a text, some times as long as what they are given.
fn writing() -> Filters {
    vec![
        ("capitalize", Value::from_function(filters::capitalize)),
        ("e", Value::from_function(filters::escape)),
        ("escape", Value::from_function(filters::escape)),
        ("lower", Value::from_function(filters::lower)),
        ("safe", Value::from_function(filters::safe)),
        ("string", Value::from_function(filters::string)),
        ("title", Value::from_function(filters::title)),
        ("trim", Value::from_function(filters::trim)),
        ("upper", Value::from_function(filters::upper)),
    ]
}

/// Filters whose arguments multiply.
fn growing() -> Vec<(&'static str, Before, Value)> {
    vec![
        ("format", limits::format, Value::from_function(filters::format)),
        ("indent", limits::indent, Value::from_function(filters::indent)),
        ("join", limits::join, Value::from_function(filters::join)),
        ("lines", limits::lines, Value::from_function(filters::lines)),
        ("replace", limits::replace, Value::from_function(filters::replace)),
        ("split", limits::split, Value::from_function(filters::split)),
        ("sum", limits::sum, Value::from_function(filters::sum)),
        ("tojson", limits::to_json, Value::from_function(crate::python::to_json)),
    ]
}

fn guarded(
    before: Before,
    filter: Value,
    after: After,
) -> impl Fn(&mut State, Rest<ValueOrKwargs>) -> Result<Value, Error> {
    move |state, given| {
        let given = given.into_values();
        before(state, &given)?;
        let made = filter.call(state, &given)?;
        after(state, made)
    }
}

fn look(state: &mut State, given: &[Value]) -> Result<(), Error> {
    given.iter().try_for_each(|value| meter::touch(state, value))
}

/// A text is a list of its characters.
fn list(state: &mut State, given: &[Value]) -> Result<(), Error> {
    limits::counts(given)?;
    given.iter().try_for_each(|value| meter::pay_for_list_of(state, value))
}

fn compare(state: &mut State, given: &[Value]) -> Result<(), Error> {
    list(state, given)?;
    given.iter().try_for_each(|value| meter::pay_for(state, value, Use::Reads))
}

fn write(state: &mut State, given: &[Value]) -> Result<(), Error> {
    given.iter().try_for_each(|value| meter::pay_for(state, value, Use::Prints))
}

fn namespace(state: &mut State, of: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let mut of = of.into_values();
    of.iter().try_for_each(|value| meter::pay_for(state, value, Use::Holds))?;
    if of.len() > 1 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    functions::namespace(of.pop().map(ValueOrKwargs::from))
}

/// The methods of Python's texts, maps and lists.
fn call_method(
    state: &mut State,
    of: &Value,
    method: &str,
    given: &[Value],
) -> Result<Value, Error> {
    if of.kind() == ValueKind::String {
        let all: Vec<Value> = std::iter::once(of).chain(given).cloned().collect();
        match method {
            "format" => limits::format(state, &all),
            // What joins comes first here, unlike in the filter.
            "join" => limits::join(state, &[given, std::slice::from_ref(of)].concat()),
            "replace" => limits::replace(state, &all),
            "split" => limits::split(state, &all),
            "splitlines" => limits::lines(state, &all),
            _ => write(state, &all),
        }?;
    } else {
        meter::touch(state, of)?;
        given.iter().try_for_each(|value| meter::pay_for(state, value, Use::Reads))?;
    }
    let made = minijinja_contrib::pycompat::unknown_method_callback(state, of, method, given)?;
    meter::keep(state, made)
}

fn install_tests(environment: &mut Environment<'static>) {
    environment.add_test("boolean", tests::is_boolean);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("divisibleby", tests::is_divisibleby);
    environment.add_test("even", tests::is_even);
    environment.add_test("false", tests::is_false);
    environment.add_test("filter", tests::is_filter);
    environment.add_test("float", tests::is_float);
    environment.add_test("int", tests::is_integer);
    environment.add_test("integer", tests::is_integer);
    environment.add_test("iterable", tests::is_iterable);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("none", tests::is_none);
    environment.add_test("number", tests::is_number);
    environment.add_test("odd", tests::is_odd);
    environment.add_test("safe", tests::is_safe);
    environment.add_test("sameas", tests::is_sameas);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("string", tests::is_string);
    environment.add_test("test", tests::is_test);
    environment.add_test("true", tests::is_true);
    environment.add_test("undefined", tests::is_undefined);
    for (names, test) in [
        (&["eq", "equalto", "=="][..], Value::from_function(tests::is_eq)),
        (&["ne", "!="], Value::from_function(tests::is_ne)),
        (&["lt", "lessthan", "<"], Value::from_function(tests::is_lt)),
        (&["le", "<="], Value::from_function(tests::is_le)),
        (&["gt", "greaterthan", ">"], Value::from_function(tests::is_gt)),
        (&["ge", ">="], Value::from_function(tests::is_ge)),
        (&["in"], Value::from_function(tests::is_in)),
        (&["lower"], Value::from_function(tests::is_lower)),
        (&["upper"], Value::from_function(tests::is_upper)),
        (&["startingwith"], Value::from_function(tests::is_startingwith)),
        (&["endingwith"], Value::from_function(tests::is_endingwith)),
    ] {
        for name in names {
            environment.add_test(*name, reading(test.clone()));
        }
    }
}

/// A test that reads what it is given.
fn reading(test: Value) -> impl Fn(&mut State, Rest<ValueOrKwargs>) -> Result<bool, Error> {
    move |state, given| {
        let given = given.into_values();
        write(state, &given)?;
        Ok(test.call(state, &given)?.is_true())
    }
}
