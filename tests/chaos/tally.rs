//! What was done, what came of it, and what was wrong.

use std::collections::BTreeMap;
use std::fmt;

/// The outcome of one kind of trouble.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    what: String,
    counts: BTreeMap<String, u64>,
    /// What must not happen and did.
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// Counts one more of a kind.
    pub(crate) fn count(&mut self, kind: &str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
    }

    /// Notes a problem, if there is one.
    pub(crate) fn check(&mut self, place: &str, result: Result<(), String>) {
        if let Err(problem) = result {
            self.wrong.push(format!("{} {place}: {problem}", self.what));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} wrong", self.what, self.wrong.len())?;
        self.counts.iter().try_for_each(|(kind, count)| write!(formatter, ", {count} {kind}"))
    }
}
