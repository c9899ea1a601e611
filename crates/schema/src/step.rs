//! Records of the second use: in how many steps a question is answered.

use serde::{Deserialize, Serialize};

use crate::LabelledQuestion;

/// A question whose steps somebody counted, or could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotatedQuestion {
    /// The file the problem was read from.
    pub file: String,
    /// The row in that file, counted from 1.
    pub row: u64,
    /// The question.
    pub question: String,
    /// How many steps its solution takes.
    pub steps: StepLabel,
    /// What a teacher wrote, where one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
}

impl AnnotatedQuestion {
    /// The question with its number of steps as the amount and the class; nothing where nobody knows it.
    #[must_use]
    pub fn labelled(self) -> Option<LabelledQuestion> {
        let StepLabel::Counted(steps) = self.steps else { return None };
        let Self { file, row, question, .. } = self;
        Some(LabelledQuestion { file, row, question, amount: steps, class: steps })
    }
}

/// A number of steps, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepLabel {
    /// So many, at least 1.
    Counted(u32),
    /// Nobody knows.
    Missing(NoSteps),
}

/// Why a number of steps is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSteps {
    /// The reason, under which a ledger counts it.
    pub reason: NoStepsReason,
    /// What stood where the number should be; empty where nothing did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
}

/// The reasons why a number of steps may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoStepsReason {
    /// The text or cell that should tell it is empty.
    Empty,
    /// The text has no `<count_step>`, and is no number itself.
    NoCountTag,
    /// What stands between the tags is no whole number: words around it, a decimal point, the request echoed.
    NotAWholeNumber,
    /// The number is 0.
    ZeroSteps,
    /// The number is below 0.
    NegativeSteps,
    /// The number is larger than any number of steps.
    TooManySteps,
    /// The solution has no numbered steps.
    NoNumberedSteps,
    /// The numbers of the steps do not go 1, 2, 3, ….
    NumbersOutOfOrder,
    /// The solution has several numbered lists.
    SeveralLists,
    /// The teacher refused the question.
    Refused,
}

impl NoStepsReason {
    /// The word for it in a ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoCountTag => "no_count_tag",
            Self::NotAWholeNumber => "not_a_whole_number",
            Self::ZeroSteps => "zero_steps",
            Self::NegativeSteps => "negative_steps",
            Self::TooManySteps => "too_many_steps",
            Self::NoNumberedSteps => "no_numbered_steps",
            Self::NumbersOutOfOrder => "numbers_out_of_order",
            Self::SeveralLists => "several_lists",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_number_or_a_reason() {
        let counted = serde_json::to_string(&StepLabel::Counted(4)).expect("plain data");
        assert_eq!(counted, r#"{"counted":4}"#);
        let missing = r#"{"missing":{"reason":"not_a_whole_number","found":"5步"}}"#;
        let label: StepLabel = serde_json::from_str(missing).expect("a reason");
        let StepLabel::Missing(none) = &label else { panic!("{label:?}") };
        assert_eq!((none.reason.as_str(), none.found.as_str()), ("not_a_whole_number", "5步"));
        assert_eq!(serde_json::to_string(&label).expect("plain data"), missing);
    }
}
