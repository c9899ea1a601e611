//! Operations on whole numbers, written down as they are done.

use std::fmt;

/// What is done with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `a+b`.
    Add,
    /// `a-b`, never below 0.
    Subtract,
    /// `a*b`.
    Multiply,
    /// `a/b`, without remainder.
    Divide,
    /// `a/b` in lowest terms.
    Cancel,
}

/// One line of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first number.
    pub left: i64,
    /// What is done.
    pub operation: Operation,
    /// The second number.
    pub right: i64,
    /// What comes out.
    pub result: String,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, right, result, .. } = self;
        match self.operation {
            Operation::Add => write!(formatter, "{left}+{right}={result}"),
            Operation::Subtract => write!(formatter, "{left}-{right}={result}"),
            Operation::Multiply => write!(formatter, "{left}*{right}={result}"),
            Operation::Divide | Operation::Cancel => write!(formatter, "{left}/{right}={result}"),
        }
    }
}

/// A solution in the making.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) steps: Vec<Step>,
}

impl Work {
    pub(crate) fn add(&mut self, left: i64, right: i64) -> i64 {
        self.note(left, Operation::Add, right, left + right)
    }

    pub(crate) fn subtract(&mut self, left: i64, right: i64) -> i64 {
        assert!(right <= left, "{left} - {right} is below 0");
        self.note(left, Operation::Subtract, right, left - right)
    }

    pub(crate) fn multiply(&mut self, left: i64, right: i64) -> i64 {
        self.note(left, Operation::Multiply, right, left * right)
    }

    pub(crate) fn divide(&mut self, left: i64, right: i64) -> i64 {
        assert!(left % right == 0, "{left} / {right} leaves a remainder");
        self.note(left, Operation::Divide, right, left / right)
    }

    /// The fraction in lowest terms, as text.
    pub(crate) fn cancel(&mut self, numerator: i64, denominator: i64) -> String {
        let divisor = gcd(numerator, denominator);
        let result = format!("{}/{}", numerator / divisor, denominator / divisor);
        let (left, right) = (numerator, denominator);
        self.steps.push(Step { left, operation: Operation::Cancel, right, result: result.clone() });
        result
    }

    fn note(&mut self, left: i64, operation: Operation, right: i64, result: i64) -> i64 {
        self.steps.push(Step { left, operation, right, result: result.to_string() });
        result
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
