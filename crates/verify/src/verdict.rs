//! What a comparison found, and by which rule.

use serde::{Deserialize, Serialize};

/// Whether an answer is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The answer is equal to the gold answer.
    Equal,
    /// The answer is something else.
    Different,
    /// Neither could be shown within the limits.
    Undecided,
    /// The gold answer could not be read.
    GoldUnparseable,
    /// The answer could not be read.
    AnswerUnparseable,
}

impl Verdict {
    /// The name used in files, such as `gold_unparseable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::Undecided => "undecided",
            Self::GoldUnparseable => "gold_unparseable",
            Self::AnswerUnparseable => "answer_unparseable",
        }
    }
}

/// What decided a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Both are written alike.
    SameForm,
    /// Both have the same text, which is no notation that is known.
    SameText,
    /// Rational values, exactly.
    Exact,
    /// A decimal was compared up to its rounding.
    Rounded,
    /// Values in a prime field: a difference is a proof, agreement errs with a probability below 1e-15.
    PrimeField,
    /// Floating-point values at seeded points, with a bound of their error.
    Numeric,
    /// Elements were matched.
    Elements,
    /// Entries of matrices were compared.
    Entries,
    /// Sets of real numbers were compared at their boundaries and between them.
    RealLine,
    /// Equations or inequalities were compared as solution sets or as multiples of each other.
    Relation,
    /// Words were compared.
    Words,
    /// The two are of kinds that have nothing in common.
    Kind,
    /// The limits were reached, or no rule applies.
    Limits,
    /// Something could not be read.
    Unread,
}

impl Rule {
    /// The name used in files, such as `prime_field`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SameForm => "same_form",
            Self::SameText => "same_text",
            Self::Exact => "exact",
            Self::Rounded => "rounded",
            Self::PrimeField => "prime_field",
            Self::Numeric => "numeric",
            Self::Elements => "elements",
            Self::Entries => "entries",
            Self::RealLine => "real_line",
            Self::Relation => "relation",
            Self::Words => "words",
            Self::Kind => "kind",
            Self::Limits => "limits",
            Self::Unread => "unread",
        }
    }
}

/// A verdict with the forms it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Whether the answer is right.
    pub verdict: Verdict,
    /// What decided.
    pub rule: Rule,
    /// The gold answer as it was read.
    pub gold_parsed: Option<String>,
    /// The answer as it was read.
    pub answer_parsed: Option<String>,
}

impl Judgement {
    /// Whether the answer is right.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.verdict == Verdict::Equal
    }
}

/// What is known of two expressions, while they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Equal,
    Different,
    Unknown,
}

impl From<bool> for Outcome {
    fn from(equal: bool) -> Self {
        if equal { Self::Equal } else { Self::Different }
    }
}

/// An outcome and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) outcome: Outcome,
    pub(crate) rule: Rule,
}

impl Finding {
    pub(crate) const UNKNOWN: Self = Self { outcome: Outcome::Unknown, rule: Rule::Limits };
    pub(crate) const OTHER_KIND: Self = Self { outcome: Outcome::Different, rule: Rule::Kind };

    pub(crate) fn new(outcome: impl Into<Outcome>, rule: Rule) -> Self {
        Self { outcome: outcome.into(), rule }
    }

    pub(crate) fn is_equal(self) -> bool {
        self.outcome == Outcome::Equal
    }

    /// The same outcome under another rule.
    pub(crate) fn by(self, rule: Rule) -> Self {
        Self {
            outcome: self.outcome,
            rule: if self.outcome == Outcome::Unknown { self.rule } else { rule },
        }
    }

    /// Both must hold.
    pub(crate) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self.outcome {
            Outcome::Different => self,
            Outcome::Equal => other(),
            Outcome::Unknown => {
                let other = other();
                if other.outcome == Outcome::Different { other } else { self }
            }
        }
    }

    /// One must hold.
    pub(crate) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self.outcome {
            Outcome::Equal => self,
            Outcome::Different => {
                let other = other();
                if other.outcome == Outcome::Different { self } else { other }
            }
            Outcome::Unknown => {
                let other = other();
                if other.is_equal() { other } else { self }
            }
        }
    }
}
