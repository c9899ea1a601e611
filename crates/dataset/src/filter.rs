//! Conditions on rows: expressions of SQL over the columns of a file.

mod evaluate;
mod parse;

use std::path::Path;

use serde_json::Value;

use crate::error::{DatasetError, nearest};
use evaluate::{Datum, evaluate};

/// A condition, checked as far as it can be without a file.
///
/// Columns are named as they are, or in double quotes; texts stand in single quotes. There are `AND`, `OR`, `NOT`, the
/// comparisons, `+ - * / %`, `IS [NOT] NULL`, `[NOT] IN`, `[NOT] BETWEEN`, `[NOT] LIKE` and `ILIKE`, and the functions
/// `length` (characters of a text, items of a list), `lower`, `upper`, `trim`, `abs`, `coalesce`, `contains`,
/// `starts_with`, `ends_with` and `array_length`. A field that a row does not have is null, and so is what is computed from it, as in SQL;
/// a row is kept where the condition is true.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    expression: String,
    node: Node,
}

/// An expression of what there is.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Column(String),
    Literal(Datum),
    Not(Box<Node>),
    Negative(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    IsNull(Box<Node>),
    In(Box<Node>, Vec<Node>),
    Like(Case, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
    Remainder,
}

/// Whether capital and small letters differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Length,
    Lower,
    Upper,
    Trim,
    Abs,
    Coalesce,
    Contains,
    StartsWith,
    EndsWith,
    ArrayLength,
}

impl Filter {
    /// Reads an expression.
    pub(crate) fn parse(expression: &str) -> Result<Self, DatasetError> {
        let node = parse::parse(expression).map_err(|message| DatasetError::Filter {
            expression: expression.to_owned(),
            message,
        })?;
        Ok(Self { expression: expression.to_owned(), node })
    }

    /// Whether a row of a file is kept, whose columns are those that [`Filter::require_columns`] has seen.
    pub(crate) fn keeps(
        &self,
        path: &Path,
        number: u64,
        row: &Value,
    ) -> Result<bool, DatasetError> {
        let place = || format!("{}, row {number}", path.display());
        match evaluate(&self.node, row) {
            Ok(Datum::Flag(is_kept)) => Ok(is_kept),
            Ok(Datum::Null) => Ok(false),
            Ok(other) => {
                let found = other.kind();
                Err(self.fault(format!("{}: it is {found}, not a condition", place())))
            }
            Err(message) => Err(self.fault(format!("{}: {message}", place()))),
        }
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.node.columns(&mut names);
        names
    }

    /// An error if a column is not there.
    pub(crate) fn require_columns(
        &self,
        path: &Path,
        columns: &[String],
    ) -> Result<(), DatasetError> {
        let unknown =
            self.columns().into_iter().find(|name| !columns.iter().any(|one| one == name));
        let Some(name) = unknown else { return Ok(()) };
        let nearest = nearest(name, columns.iter().map(String::as_str));
        let hint = crate::error::hint(nearest.as_deref());
        let known = crate::error::listed(columns);
        Err(self.fault(format!("{}: no column `{name}`{hint}; it has: {known}", path.display())))
    }

    fn fault(&self, message: String) -> DatasetError {
        DatasetError::Filter { expression: self.expression.clone(), message }
    }
}

impl Node {
    fn columns<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Column(name) => names.push(name),
            Self::Literal(_) => {}
            Self::Not(one) | Self::Negative(one) | Self::IsNull(one) => one.columns(names),
            Self::And(one, other)
            | Self::Or(one, other)
            | Self::Compare(_, one, other)
            | Self::Arithmetic(_, one, other)
            | Self::Like(_, one, other) => {
                one.columns(names);
                other.columns(names);
            }
            Self::In(one, list) => {
                one.columns(names);
                for one in list {
                    one.columns(names);
                }
            }
            Self::Call(_, list) => {
                for one in list {
                    one.columns(names);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keeps(expression: &str, row: &Value) -> Result<bool, String> {
        let filter = Filter::parse(expression).map_err(|error| error.to_string())?;
        let columns: Vec<String> = row.as_object().expect("an object").keys().cloned().collect();
        let required = filter.require_columns(Path::new("f"), &columns);
        let keeps = required.and_then(|()| filter.keeps(Path::new("f"), 1, row));
        keeps.map_err(|error| error.to_string())
    }

    fn row() -> Value {
        json!({"prompt": "天空是蓝的?", "score": 0.75, "n": 3, "ok": true, "tags": ["a", "b"],
            "none": null, "Row Id": 7, "obj": {"a": 1}})
    }

    #[test]
    fn conditions_are_true_false_or_unknown_as_in_sql() {
        let cases = [
            ("length(prompt) < 7 AND score > 0.5", true),
            ("length(prompt) = 6 and length(tags) = 2", true),
            ("score >= 0.75 AND score <= 0.75 AND score <> 1 AND NOT score > 1", true),
            ("n + 1 = 4 AND n * 2 - 1 = 5 AND n / 2 = 1.5 AND n % 2 = 1 AND -n < 0", true),
            ("n BETWEEN 1 AND 3 AND n NOT BETWEEN 4 AND 9", true),
            ("n IN (1, 3) AND prompt NOT IN ('x', 'y')", true),
            ("prompt LIKE '天空%' AND prompt LIKE '%_的?' AND prompt NOT LIKE '%绿%'", true),
            ("lower('ABC') = 'abc' AND upper(trim('  a ')) = 'A' AND 'ABC' ILIKE 'a_c'", true),
            (
                "contains(prompt, '蓝') AND starts_with(prompt, '天') AND ends_with(prompt, '?')",
                true,
            ),
            ("ok AND \"Row Id\" = 7 AND abs(-2) = 2", true),
            ("none IS NULL AND prompt IS NOT NULL AND coalesce(none, 5) = 5", true),
            // Null is neither equal nor unequal, and a row without an answer is not kept.
            ("none = 1", false),
            ("none <> 1", false),
            ("NOT (none = 1)", false),
            ("none = 1 OR ok", true),
            ("none = 1 AND NOT ok", false),
            ("n IN (1, none)", false),
            ("n NOT IN (1, none)", false),
            ("false OR score > 1", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(keeps(expression, &row()), Ok(expected), "{expression}");
        }
    }

    /// `tests/conditions/make.py` made the verdicts, with polars.
    #[test]
    fn verdicts_are_those_of_polars() {
        let verdicts: Value =
            serde_json::from_str(include_str!("../tests/conditions/verdicts.json")).expect("JSON");
        let rows = verdicts["rows"].as_array().expect("rows");
        let kept = verdicts["kept"].as_object().expect("cases");
        assert!(kept.len() > 50 && rows.len() == 6);
        for (expression, expected) in kept {
            for (row, expected) in rows.iter().zip(expected.as_array().expect("a row of verdicts"))
            {
                let found = keeps(expression, row).expect(expression);
                assert_eq!(Value::Bool(found), *expected, "{expression}: {row}");
            }
        }
        for expression in verdicts["refused"].as_array().expect("expressions") {
            let expression = expression.as_str().expect("a text");
            assert!(keeps(expression, &rows[0]).is_err(), "{expression}");
        }
    }

    #[test]
    fn errors_name_the_expression_and_the_columns_there_are() {
        let error = |expression: &str| keeps(expression, &row()).expect_err(expression);
        assert_eq!(
            error("length(promt) > 1"),
            "where `length(promt) > 1`: f: no column `promt` (did you mean `prompt`?); it has: prompt, score, n, ok, \
             tags, none, Row Id, obj"
        );
        assert!(error("score >").starts_with("where `score >`: "), "{}", error("score >"));
        assert_eq!(
            error("size(prompt) > 1"),
            "where `size(prompt) > 1`: no function `size`; there are: length, lower, upper, trim, abs, coalesce, \
             contains, starts_with, ends_with, array_length"
        );
        assert_eq!(
            error("length(prompt, 1) > 1"),
            "where `length(prompt, 1) > 1`: length takes 1 argument, got 2"
        );
        assert_eq!(
            error("prompt > 1"),
            "where `prompt > 1`: f, row 1: a number and a text cannot be compared"
        );
        assert_eq!(error("n + 1"), "where `n + 1`: f, row 1: it is a number, not a condition");
        assert_eq!(error("prompt"), "where `prompt`: f, row 1: it is a text, not a condition");
        assert_eq!(
            error("abs(prompt) = 1"),
            "where `abs(prompt) = 1`: f, row 1: abs takes a number, got a text"
        );
        assert!(error("SELECT 1").contains("where `SELECT 1`"), "{}", error("SELECT 1"));
        assert!(error("ok; DROP").contains("after the condition"), "{}", error("ok; DROP"));
        assert!(error("CAST(n AS TEXT) = '3'").contains("is not understood"));
    }
}
