//! How much of the solution stands behind the reasoning, letter by letter.

use rapidfuzz::distance::indel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::at_least_one;
use crate::{AgainstSolution, RewardConfigError, Score, Verdict, accuracy};

/// Settings of [`Levenshtein`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LevenshteinConfig {
    /// Whether white space around the answer and the solution counts: `keep` or `trim`. Default `keep`.
    pub space: Space,
    /// The most characters of answer or solution that are compared, at least 1: the work grows with their product. A
    /// longer one leaves the completion unjudged. Default 100,000.
    pub max_chars: usize,
    /// The column that holds the solution. Default `solution`.
    pub solution: String,
}

/// What becomes of white space around a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// It is compared like the rest.
    #[default]
    Keep,
    /// It is cut off.
    Trim,
}

impl Default for LevenshteinConfig {
    fn default() -> Self {
        Self { space: Space::default(), max_chars: 100_000, solution: accuracy::solution() }
    }
}

impl LevenshteinConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If nothing may be compared.
    pub fn init(&self) -> Result<Levenshtein, RewardConfigError> {
        at_least_one("max_chars", self.max_chars)?;
        Ok(Levenshtein(self.clone()))
    }
}

/// The ratio of python-Levenshtein between the solution and what follows the last `</think>`; 0 without one.
#[derive(Clone, Debug)]
pub struct Levenshtein(LevenshteinConfig);

/// `Levenshtein.ratio` of Python: one minus the insertions and deletions that turn one text into the other over the
/// characters of both; 1 for two empty texts.
///
/// ```
/// assert!((forethought_reward::ratio("kitten", "sitting") - 8.0 / 13.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn ratio(left: &str, right: &str) -> f64 {
    indel::normalized_similarity(left.chars(), right.chars())
}

impl AgainstSolution for Levenshtein {
    const NAME: &'static str = "levenshtein";

    fn solution(&self) -> &str {
        &self.0.solution
    }

    fn judge(&self, completion: &str, solution: &str) -> Score {
        let Some((_, answer)) = completion.rsplit_once("</think>") else {
            return Score::new(0.0, Verdict::Unparseable, "the completion has no </think>");
        };
        let (answer, solution) = match self.0.space {
            Space::Keep => (answer, solution),
            Space::Trim => (answer.trim(), solution.trim()),
        };
        for (what, text) in [("the answer", answer), ("the solution", solution)] {
            if text.chars().nth(self.0.max_chars).is_some() {
                let most = self.0.max_chars;
                let reason = format!("{what} has more than the {most} characters of max_chars");
                return Score::none(Verdict::Undecided, reason);
            }
        }
        let share = ratio(answer, solution);
        let reason = format!("{share:.3} of the answer and the solution are alike");
        Score::new(share, Verdict::of_share(share), reason).with_answer(answer).with_gold(solution)
    }
}
