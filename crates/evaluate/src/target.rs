//! What is predicted: a quantity, told in classes of equal width, and the words and columns that a report has for it.

use serde::{Deserialize, Serialize};

use crate::{ClassMetrics, Proportion};

/// What the numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Tokens that a reasoning model thinks before it answers.
    ThinkingTokens,
    /// Steps that an answer is given in.
    Steps,
}

/// A quantity that is told in classes: class `c` covers `width·c` to `width·c + width − 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What is counted.
    pub quantity: Quantity,
    /// How much of it makes one class, at least 1.
    pub class_width: u32,
}

impl Target {
    /// Thinking tokens in classes of this width.
    #[must_use]
    pub fn thinking_tokens(class_width: u32) -> Self {
        Self { quantity: Quantity::ThinkingTokens, class_width }
    }

    /// Steps, each number of them a class of its own.
    #[must_use]
    pub fn steps() -> Self {
        Self { quantity: Quantity::Steps, class_width: 1 }
    }

    /// What the page says first of what the model does.
    pub(crate) fn note(self) -> String {
        let width = self.class_width;
        match self.quantity {
            Quantity::ThinkingTokens => format!(
                "The model reads a question and predicts how long a reasoning model thinks about it. Lengths are counted \
                 in classes of {width} tokens: class 0 is up to {} tokens, class 10 is {} to {} tokens.",
                width - 1,
                10 * width,
                11 * width - 1,
            ),
            Quantity::Steps => {
                "The model reads a question and predicts in how many steps it will be answered."
                    .to_owned()
            }
        }
    }

    /// What stands below the table on a terminal.
    pub(crate) fn table_note(self) -> String {
        let class = match self.quantity {
            Quantity::ThinkingTokens => {
                format!("a class is {} tokens of thinking wide", self.class_width)
            }
            Quantity::Steps => {
                "\u{201c}of parsed\u{201d} leaves out answers without a number".to_owned()
            }
        };
        format!("shares of all validation questions, 95% intervals below; {class}")
    }

    /// What a class is.
    pub(crate) fn definition(self) -> String {
        let width = self.class_width;
        match self.quantity {
            Quantity::ThinkingTokens => format!(
                "floor(thinking tokens / {width}): class c covers {width}·c to {width}·c + {} tokens.",
                width - 1
            ),
            Quantity::Steps => "the number of steps.".to_owned(),
        }
    }
}

/// How a report speaks of a quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// One class, in a sentence: `the exact class`.
    pub(crate) class: &'static str,
    /// One class as a distance: `at most one class off`.
    pub(crate) unit_class: &'static str,
    /// Several classes as a distance, and on the axis of a diagram.
    pub(crate) unit_classes: &'static str,
    /// Above a column of classes: `true class`.
    pub(crate) axis: &'static str,
    /// What the quantity is measured in.
    pub(crate) unit: &'static str,
    /// What is expected where a prediction is too high.
    pub(crate) too_much: &'static str,
    /// What is expected where a prediction is too low.
    pub(crate) too_little: &'static str,
}

impl Quantity {
    pub(crate) fn words(self) -> Words {
        match self {
            Self::ThinkingTokens => Words {
                class: "class",
                unit_class: "class",
                unit_classes: "classes",
                axis: "class",
                unit: "tokens",
                too_much: "too much thinking",
                too_little: "too little thinking",
            },
            Self::Steps => Words {
                class: "number of steps",
                unit_class: "step",
                unit_classes: "steps",
                axis: "steps",
                unit: "steps",
                too_much: "too many steps",
                too_little: "too few steps",
            },
        }
    }

    /// The shares that the table of results shows, in its order. Steps are whole numbers, so half a step is no
    /// tolerance; the last two are the figures of the published workflow for steps.
    pub(crate) fn measures(self) -> &'static [Measure] {
        match self {
            Self::ThinkingTokens => {
                &[Measure::Strict, Measure::WithinHalf, Measure::Within1, Measure::Within2]
            }
            Self::Steps => &[
                Measure::Strict,
                Measure::Within1,
                Measure::Within2,
                Measure::StrictOfParsed,
                Measure::Within1OfParsed,
            ],
        }
    }
}

/// A share of the questions that were answered well enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measure {
    Strict,
    WithinHalf,
    Within1,
    Within2,
    StrictOfParsed,
    Within1OfParsed,
}

impl Measure {
    pub(crate) fn of(self, metrics: &ClassMetrics) -> Proportion {
        match self {
            Self::Strict => metrics.strict,
            Self::WithinHalf => metrics.within_half,
            Self::Within1 => metrics.within_1,
            Self::Within2 => metrics.within_2,
            Self::StrictOfParsed => metrics.strict_of_parsed,
            Self::Within1OfParsed => metrics.within_1_of_parsed,
        }
    }

    /// Whether it is a share of the answers that hold a number, not of all questions.
    pub(crate) fn is_of_parsed(self) -> bool {
        matches!(self, Self::StrictOfParsed | Self::Within1OfParsed)
    }

    /// Whether it allows a prediction to be off by something, as a share of all questions.
    pub(crate) fn is_limit(self) -> bool {
        matches!(self, Self::WithinHalf | Self::Within1 | Self::Within2)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::WithinHalf => "±0.5",
            Self::Within1 => "±1",
            Self::Within2 => "±2",
            Self::StrictOfParsed => "strict of parsed",
            Self::Within1OfParsed => "±1 of parsed",
        }
    }
}
