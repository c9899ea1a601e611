//! What came of the cases.

use std::fmt;

use crate::check::Worst;

/// One golden case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The file that holds it, relative to the folder.
    pub file: String,
    /// Its name within the file; empty for what concerns the whole file.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Numbers were compared.
    Compared {
        /// The comparison nearest to its tolerance or furthest beyond it.
        worst: Worst,
        /// How many there were.
        count: usize,
    },
    /// Ours could not be computed.
    Failed(String),
    /// There is nothing here that could be compared, and why.
    NotRun(String),
}

impl Case {
    /// Whether the case is to be counted as a failure.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match &self.outcome {
            Outcome::Compared { worst, .. } => !worst.is_within(),
            Outcome::Failed(_) => true,
            Outcome::NotRun(_) => false,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match &self.outcome {
            Outcome::NotRun(_) => "not run",
            _ if self.is_failure() => "FAIL",
            _ => "ok",
        };
        let separator = if self.name.is_empty() { "" } else { ": " };
        write!(f, "{verdict:<8}{}{separator}{}", self.file, self.name)?;
        match &self.outcome {
            Outcome::Compared { worst, count } => write!(
                f,
                "  error {:.1e}, tolerance {:.1e}, {} ({count} compared)",
                worst.error, worst.tolerance, worst.what
            ),
            Outcome::Failed(reason) | Outcome::NotRun(reason) => write!(f, "  {reason}"),
        }
    }
}

/// What came of all cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cases within their tolerances.
    pub num_passed: usize,
    /// Cases beyond a tolerance, and those that could not be computed.
    pub num_failed: usize,
    /// Cases that were not run.
    pub num_not_run: usize,
}

impl Summary {
    pub(crate) fn count(&mut self, case: &Case) {
        match case.outcome {
            Outcome::NotRun(_) => self.num_not_run += 1,
            _ if case.is_failure() => self.num_failed += 1,
            _ => self.num_passed += 1,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { num_passed, num_failed, num_not_run } = self;
        write!(f, "{num_passed} cases agree, {num_failed} do not, {num_not_run} not run")
    }
}
