//! What a check found, and where.

use std::fmt;

/// A place in the repository that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, relative to the root of the repository, or the crate.
    place: String,
    /// The line, counted from 1; `None` when the whole file is meant.
    line: Option<usize>,
    /// What is wrong, and what would be right.
    problem: String,
}

impl Finding {
    /// A finding about a whole file or crate.
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), line: None, problem: problem.into() }
    }

    /// A finding about one line, counted from 1.
    pub(crate) fn at(place: impl Into<String>, line: usize, problem: impl Into<String>) -> Self {
        Self { place: place.into(), line: Some(line), problem: problem.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.place, self.problem),
            None => write!(f, "{}: {}", self.place, self.problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_an_editor_expects_it() {
        assert_eq!(Finding::at("a/b.rs", 3, "too long").to_string(), "a/b.rs:3: too long");
        assert_eq!(Finding::new("a/b.rs", "too long").to_string(), "a/b.rs: too long");
    }
}
