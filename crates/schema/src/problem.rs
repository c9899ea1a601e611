//! Problems with their solutions.

use serde::{Deserialize, Serialize};

/// A problem, how it is solved, and what comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The file the problem was read from.
    pub file: String,
    /// The row in that file, counted from 1.
    pub row: u64,
    /// What is asked, trimmed.
    pub problem: String,
    /// The worked solution as the file has it, trimmed; `None` where the file has only answers.
    pub solution: Option<String>,
    /// The answer as it is written, such as `72` or `\frac{1}{2}`; `None` where the row tells none.
    pub answer: Option<String>,
}
