//! 1 for the right answer and 0 for any other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mathematics::{Grade, Grader, Use};
use crate::{AgainstSolution, Score, Semantics, Verdict};

/// Settings of [`Accuracy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccuracyConfig {
    /// Whose rules: `open-r1`, `open-r1-2025-02`, `trl-1.16` (the same as `open-r1` here) or `verify`. Default `open-r1`.
    pub semantics: Semantics,
    /// The column that holds the solution. Default `solution`, as in open-r1 and TRL.
    pub solution: String,
}

impl Default for AccuracyConfig {
    fn default() -> Self {
        Self { semantics: Semantics::default(), solution: solution() }
    }
}

pub(crate) fn solution() -> String {
    "solution".to_owned()
}

impl AccuracyConfig {
    /// Builds the function.
    #[must_use]
    pub fn init(&self) -> Accuracy {
        let grader = Grader::new(self.semantics, Use::Accuracy);
        Accuracy { config: self.clone(), grader }
    }
}

/// `accuracy_reward`: 1 where the answer is the solution, 0 where it is another or there is none.
#[derive(Clone, Debug)]
pub struct Accuracy {
    config: AccuracyConfig,
    grader: Grader,
}

impl AgainstSolution for Accuracy {
    const NAME: &'static str = "accuracy";

    fn solution(&self) -> &str {
        &self.config.solution
    }

    fn judge(&self, completion: &str, solution: &str) -> Score {
        let graded = self.grader.grade(solution, completion);
        let value = match graded.grade {
            Grade::Right => Some(1.0),
            Grade::Wrong | Grade::NoAnswer | Grade::NoBraces => Some(0.0),
            Grade::NoGold if self.config.semantics == Semantics::OpenR1Early => {
                return graded.score(Some(1.0), ", which counts as answered");
            }
            Grade::NoGold | Grade::Undecided => None,
        };
        graded.score(value, "")
    }
}

/// Settings of [`ReasoningAccuracy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReasoningAccuracyConfig {
    /// Ends of the reasoning; the first of them that the completion has counts. Default `</think>`, as in TRL.
    pub delimiters: Vec<String>,
    /// Whose rules read what follows, as for [`AccuracyConfig`]. Default `trl-1.16`.
    pub semantics: Semantics,
    /// The column that holds the solution. Default `solution`.
    pub solution: String,
}

impl Default for ReasoningAccuracyConfig {
    fn default() -> Self {
        let delimiters = vec!["</think>".to_owned()];
        Self { delimiters, semantics: Semantics::Trl, solution: solution() }
    }
}

impl ReasoningAccuracyConfig {
    /// Builds the function.
    #[must_use]
    pub fn init(&self) -> ReasoningAccuracy {
        let accuracy =
            AccuracyConfig { semantics: self.semantics, solution: self.solution.clone() }.init();
        ReasoningAccuracy { delimiters: self.delimiters.clone(), accuracy }
    }
}

/// `reasoning_accuracy_reward` of TRL: [`Accuracy`] of what follows the last end of the reasoning; 0 where the reasoning
/// does not end.
#[derive(Clone, Debug)]
pub struct ReasoningAccuracy {
    delimiters: Vec<String>,
    accuracy: Accuracy,
}

/// What follows the last occurrence of the first delimiter that the text has.
pub(crate) fn after_reasoning<'a>(text: &'a str, delimiters: &[String]) -> Option<&'a str> {
    delimiters
        .iter()
        .find_map(|delimiter| text.rsplit_once(delimiter.as_str()))
        .map(|(_, after)| after)
}

impl AgainstSolution for ReasoningAccuracy {
    const NAME: &'static str = "reasoning_accuracy";

    fn solution(&self) -> &str {
        &self.accuracy.config.solution
    }

    fn judge(&self, completion: &str, solution: &str) -> Score {
        match after_reasoning(completion, &self.delimiters) {
            Some(answer) => self.accuracy.judge(answer, solution),
            None => Score::new(0.0, Verdict::Unparseable, "the reasoning does not end"),
        }
    }
}
