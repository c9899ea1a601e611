//! The shapes in which programs of the field keep rows: which columns, and what they hold.

mod parts;

use forethought_schema::RecordKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use parts::{Holds, PartOf};

/// A shape of rows. What a row holds follows from it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// TRL, language modelling: `text`.
    Text,
    /// TRL, language modelling: `messages`, turns of `role` and `content`; perhaps `tools`.
    Messages,
    /// TRL, prompt-only: `prompt`, a text or turns.
    Prompt,
    /// TRL, prompt-completion: `prompt` and `completion`, texts or turns.
    PromptCompletion,
    /// TRL, preference: `chosen` and `rejected`, with or without `prompt`, texts or turns; perhaps `margin`.
    Preference,
    /// TRL, unpaired preference: `prompt`, `completion`, texts or turns, and `label`.
    Unpaired,
    /// `instruction` and `response`: texts.
    InstructionResponse,
    /// `question`, `chosen`, `rejected`: texts; perhaps `margin`.
    Triple,
    /// `prompt`, `pos_resp`, `neg_resp`: texts, as in `CValues-Comparison`.
    #[serde(rename = "cvalues")]
    CValues,
    /// LLaMA-Factory, alpaca: `instruction`, `output`; perhaps `input`, `system`, `history`, `tools`.
    Alpaca,
    /// LLaMA-Factory, alpaca with `ranking`: `instruction`, `chosen`, `rejected`, and what [`Shape::Alpaca`] may have.
    AlpacaRanking,
    /// LLaMA-Factory, alpaca with `kto_tag`.
    AlpacaKto,
    /// LLaMA-Factory, sharegpt: `conversations`, turns of `from` and `value`; perhaps `system`, `tools`.
    Sharegpt,
    /// LLaMA-Factory, sharegpt with `ranking`: `conversations`, and the turns `chosen` and `rejected`.
    SharegptRanking,
    /// LLaMA-Factory, sharegpt with `kto_tag`.
    SharegptKto,
    /// LLaMA-Factory, sharegpt under the names of `OpenAI`: `messages`, turns of `role` and `content`.
    Openai,
    /// [`Shape::Openai`] with `ranking`.
    OpenaiRanking,
    /// [`Shape::Openai`] with `kto_tag`, which is called `label` as well.
    OpenaiKto,
    /// GSM8K: `question`, and an `answer` that ends with `####` and the result.
    Gsm8k,
    /// MATH: `problem`, and a `solution` with the result in `\boxed{}`.
    Math,
    /// A problem with its result: `question` and `answer`; perhaps `context` before it, and `solution`.
    Exercise,
    /// A problem with its worked solution, in which nothing marks the result: `problem` and `solution`.
    Solution,
}

/// A part of a row, whatever its column is called.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each is what a column of that name holds in the shapes that have it"
)]
pub enum Part {
    Text,
    Messages,
    Prompt,
    Completion,
    Chosen,
    Rejected,
    Margin,
    Label,
    Instruction,
    Response,
    Question,
    PosResp,
    NegResp,
    Query,
    History,
    System,
    Tools,
    KtoTag,
    Problem,
    Context,
    Solution,
    Answer,
}

impl Shape {
    /// Every shape, those of TRL first: of two that read a row alike the earlier one is meant.
    pub const ALL: [Self; 22] = [
        Self::Text,
        Self::Messages,
        Self::Prompt,
        Self::PromptCompletion,
        Self::Preference,
        Self::Unpaired,
        Self::InstructionResponse,
        Self::Triple,
        Self::CValues,
        Self::Alpaca,
        Self::AlpacaRanking,
        Self::AlpacaKto,
        Self::Sharegpt,
        Self::SharegptRanking,
        Self::SharegptKto,
        Self::Openai,
        Self::OpenaiRanking,
        Self::OpenaiKto,
        Self::Gsm8k,
        Self::Math,
        Self::Exercise,
        Self::Solution,
    ];

    /// The name that YAML and the command line use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Messages => "messages",
            Self::Prompt => "prompt",
            Self::PromptCompletion => "prompt_completion",
            Self::Preference => "preference",
            Self::Unpaired => "unpaired",
            Self::InstructionResponse => "instruction_response",
            Self::Triple => "triple",
            Self::CValues => "cvalues",
            Self::Alpaca => "alpaca",
            Self::AlpacaRanking => "alpaca_ranking",
            Self::AlpacaKto => "alpaca_kto",
            Self::Sharegpt => "sharegpt",
            Self::SharegptRanking => "sharegpt_ranking",
            Self::SharegptKto => "sharegpt_kto",
            Self::Openai => "openai",
            Self::OpenaiRanking => "openai_ranking",
            Self::OpenaiKto => "openai_kto",
            Self::Gsm8k => "gsm8k",
            Self::Math => "math",
            Self::Exercise => "exercise",
            Self::Solution => "solution",
        }
    }

    /// The shape of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// What its rows hold.
    #[must_use]
    pub fn kind(self) -> RecordKind {
        match self {
            Self::Text => RecordKind::Text,
            Self::Messages | Self::Sharegpt | Self::Openai => RecordKind::Messages,
            Self::Prompt => RecordKind::Prompt,
            Self::PromptCompletion | Self::InstructionResponse | Self::Alpaca => {
                RecordKind::PromptCompletion
            }
            Self::Preference
            | Self::Triple
            | Self::CValues
            | Self::AlpacaRanking
            | Self::SharegptRanking
            | Self::OpenaiRanking => RecordKind::Preference,
            Self::Unpaired | Self::AlpacaKto | Self::SharegptKto | Self::OpenaiKto => {
                RecordKind::Unpaired
            }
            Self::Gsm8k | Self::Math | Self::Exercise | Self::Solution => RecordKind::Exercise,
        }
    }

    /// Whether its prompts may be texts as well as turns: TRL's shapes, of which a data set has one form.
    #[must_use]
    pub fn has_two_forms(self) -> bool {
        self.parts().iter().any(|of| of.holds == Holds::Prose)
    }

    /// Whether LLaMA-Factory reads it, by an entry of its `dataset_info.json`.
    #[must_use]
    pub fn is_llama_factory(self) -> bool {
        self.is_alpaca() || self.is_sharegpt()
    }

    pub(crate) fn is_alpaca(self) -> bool {
        matches!(self, Self::Alpaca | Self::AlpacaRanking | Self::AlpacaKto)
    }

    pub(crate) fn is_sharegpt(self) -> bool {
        let is_openai = matches!(self, Self::Openai | Self::OpenaiRanking | Self::OpenaiKto);
        is_openai || matches!(self, Self::Sharegpt | Self::SharegptRanking | Self::SharegptKto)
    }
}

impl Part {
    /// Whether it holds text, or turns, rather than a number or a flag.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Label | Self::KtoTag | Self::Margin)
    }

    /// The name that YAML uses.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => format!("{self:?}"),
        }
    }
}
