//! The parts of each shape: what their columns are usually called, and what they hold.

use super::{Part, Shape};

/// What a part may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// A text, or a list of turns.
    Prose,
    Turns,
    Turn,
    /// True and false, or 1 and 0.
    Flag,
    /// The same, or a word for it: a flag where somebody says that it is one.
    ToldFlag,
    Number,
    /// A list of pairs of texts.
    History,
    /// A text or a list.
    Tools,
    /// A text with `####` in it.
    Hashes,
    /// A text with `\boxed` in it.
    Boxed,
    /// A number, or a text of one short line.
    Result,
    /// A number, or a text of any length: a result where somebody says that it is one.
    Told,
}

/// A part of a shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartOf {
    pub(crate) part: Part,
    /// What its column is usually called; the first is what is written.
    pub(crate) columns: &'static [&'static str],
    pub(crate) holds: Holds,
    pub(crate) is_required: bool,
}

const fn need(part: Part, columns: &'static [&'static str], holds: Holds) -> PartOf {
    PartOf { part, columns, holds, is_required: true }
}

const fn may(part: Part, columns: &'static [&'static str], holds: Holds) -> PartOf {
    PartOf { part, columns, holds, is_required: false }
}

const INSTRUCTION: PartOf = need(Part::Prompt, &["instruction"], Holds::Text);
const INPUT: PartOf = may(Part::Query, &["input"], Holds::Text);
const OUTPUT: PartOf = need(Part::Response, &["output"], Holds::Text);
const HISTORY: PartOf = may(Part::History, &["history"], Holds::History);
const SYSTEM: PartOf = may(Part::System, &["system"], Holds::Text);
const TOOLS: PartOf = may(Part::Tools, &["tools"], Holds::Tools);
const PROMPT: PartOf = need(Part::Prompt, &["prompt"], Holds::Prose);
const COMPLETION: PartOf = need(Part::Completion, &["completion"], Holds::Prose);
const CONVERSATIONS: PartOf =
    need(Part::Messages, &["conversations", "messages", "conversation"], Holds::Turns);
const TURNS: PartOf =
    need(Part::Messages, &["messages", "conversations", "conversation"], Holds::Turns);
const MARGIN: PartOf = may(Part::Margin, &["margin"], Holds::Number);
const KTO_TAG: PartOf = need(Part::KtoTag, &["kto_tag", "label"], Holds::Flag);
const QUESTION_TEXT: PartOf = need(Part::Question, &["question"], Holds::Text);

const fn chosen(holds: Holds) -> PartOf {
    need(Part::Chosen, &["chosen"], holds)
}

const fn rejected(holds: Holds) -> PartOf {
    need(Part::Rejected, &["rejected"], holds)
}

const TEXT: &[PartOf] = &[need(Part::Text, &["text"], Holds::Text)];
const MESSAGES: &[PartOf] = &[TURNS, TOOLS];
const PROMPT_ONLY: &[PartOf] = &[PROMPT, TOOLS];
const PROMPT_COMPLETION: &[PartOf] = &[PROMPT, COMPLETION, TOOLS];
const PREFERENCE: &[PartOf] = &[
    may(Part::Prompt, &["prompt"], Holds::Prose),
    chosen(Holds::Prose),
    rejected(Holds::Prose),
    MARGIN,
    TOOLS,
];
const UNPAIRED: &[PartOf] =
    &[PROMPT, COMPLETION, need(Part::Label, &["label"], Holds::Flag), TOOLS];
const INSTRUCTION_RESPONSE: &[PartOf] = &[
    need(Part::Instruction, &["instruction"], Holds::Text),
    need(Part::Response, &["response"], Holds::Text),
];
const TRIPLE: &[PartOf] = &[QUESTION_TEXT, chosen(Holds::Text), rejected(Holds::Text), MARGIN];
const CVALUES: &[PartOf] = &[
    need(Part::Prompt, &["prompt"], Holds::Text),
    need(Part::PosResp, &["pos_resp"], Holds::Text),
    need(Part::NegResp, &["neg_resp"], Holds::Text),
];
const ALPACA: &[PartOf] = &[INSTRUCTION, INPUT, OUTPUT, SYSTEM, HISTORY, TOOLS];
const ALPACA_RANKING: &[PartOf] =
    &[INSTRUCTION, INPUT, chosen(Holds::Text), rejected(Holds::Text), SYSTEM, HISTORY, TOOLS];
const ALPACA_KTO: &[PartOf] = &[INSTRUCTION, INPUT, OUTPUT, KTO_TAG, SYSTEM, HISTORY, TOOLS];
const SHAREGPT: &[PartOf] = &[CONVERSATIONS, SYSTEM, TOOLS];
const SHAREGPT_RANKING: &[PartOf] =
    &[CONVERSATIONS, chosen(Holds::Turn), rejected(Holds::Turn), SYSTEM, TOOLS];
const SHAREGPT_KTO: &[PartOf] = &[CONVERSATIONS, KTO_TAG, SYSTEM, TOOLS];
const OPENAI: &[PartOf] = &[TURNS, SYSTEM, TOOLS];
const OPENAI_RANKING: &[PartOf] =
    &[TURNS, chosen(Holds::Turn), rejected(Holds::Turn), SYSTEM, TOOLS];
const OPENAI_KTO: &[PartOf] = &[TURNS, KTO_TAG, SYSTEM, TOOLS];
const GSM8K: &[PartOf] = &[QUESTION_TEXT, need(Part::Answer, &["answer"], Holds::Hashes)];
const MATH: &[PartOf] = &[
    need(Part::Problem, &["problem"], Holds::Text),
    need(Part::Solution, &["solution"], Holds::Boxed),
];
const EXERCISE: &[PartOf] = &[
    may(Part::Context, &["context", "body", "Body"], Holds::Text),
    need(Part::Question, &["question", "problem", "Question", "Problem"], Holds::Text),
    may(Part::Solution, &["solution", "Solution"], Holds::Text),
    need(Part::Answer, &["answer", "gold", "Answer"], Holds::Result),
];
const SOLUTION: &[PartOf] = &[
    need(Part::Problem, &["problem", "question"], Holds::Text),
    need(Part::Solution, &["solution"], Holds::Text),
];

impl Shape {
    pub(crate) fn parts(self) -> &'static [PartOf] {
        match self {
            Self::Text => TEXT,
            Self::Messages => MESSAGES,
            Self::Prompt => PROMPT_ONLY,
            Self::PromptCompletion => PROMPT_COMPLETION,
            Self::Preference => PREFERENCE,
            Self::Unpaired => UNPAIRED,
            Self::InstructionResponse => INSTRUCTION_RESPONSE,
            Self::Triple => TRIPLE,
            Self::CValues => CVALUES,
            Self::Alpaca => ALPACA,
            Self::AlpacaRanking => ALPACA_RANKING,
            Self::AlpacaKto => ALPACA_KTO,
            Self::Sharegpt => SHAREGPT,
            Self::SharegptRanking => SHAREGPT_RANKING,
            Self::SharegptKto => SHAREGPT_KTO,
            Self::Openai => OPENAI,
            Self::OpenaiRanking => OPENAI_RANKING,
            Self::OpenaiKto => OPENAI_KTO,
            Self::Gsm8k => GSM8K,
            Self::Math => MATH,
            Self::Exercise => EXERCISE,
            Self::Solution => SOLUTION,
        }
    }
}
