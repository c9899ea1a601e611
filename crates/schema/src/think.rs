//! Records of the first uses: how long a reasoning model will think about a question, in how many steps it is answered.

use serde::{Deserialize, Serialize};

/// What a reasoning model was asked, what it thought, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file the trace was read from.
    pub file: String,
    /// The row in that file, counted from 1.
    pub row: u64,
    /// The question.
    pub question: String,
    /// The thinking between `<think>` and `</think>`, trimmed.
    pub thinking: String,
    /// What follows `</think>`, trimmed.
    pub answer: String,
    /// Whether `</think>` was there; without it the length of the thinking is only a lower bound.
    pub is_finished: bool,
}

/// A question with what it took to answer it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledQuestion {
    /// The file the question was read from.
    pub file: String,
    /// The row in that file, counted from 1.
    pub row: u64,
    /// The question.
    pub question: String,
    /// Length of the thinking, in tokens of the model's tokenizer; or the number of steps.
    pub amount: u32,
    /// The class to predict: `floor(amount / width)`. Steps are classes of width 1.
    pub class: u32,
}

/// What a model said about one question of the validation split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// The question.
    pub question: String,
    /// Thinking tokens, or steps.
    pub amount: u32,
    /// The true class.
    pub class: u32,
    /// The text the model wrote.
    pub completion: String,
    /// The first number of that text; `None` when it holds none.
    pub predicted: Option<f64>,
}
