//! Pairs of the answer of a trace and an answer that was spoilt.

use forethought_dataset::Ledger;
use forethought_schema::{PreferencePair, Prompt, Trace};
use rand::Rng;
use rand::seq::SliceRandom as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PairWriter, default_ratio, is_validation, ratio_problem};
use crate::PipelineError;
use crate::artifact::{LinePicker, LineReader};
use crate::config::Problem;
use crate::stages::Context;

/// Pairs of right and spoilt answers to the questions of the ingested traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpoiltSource {
    /// How answers are spoilt; each question gets one of these, drawn with equal chance. Default: all there are.
    #[serde(default = "default_kinds")]
    pub kinds: Vec<Spoiling>,
    /// Share of the questions that is kept for validation: above 0 and below 1. Default 0.1.
    #[serde(default = "default_ratio")]
    pub validation_ratio: f64,
}

/// How an answer is spoilt.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Spoiling {
    /// It is the answer to another question.
    OtherAnswer,
    /// One of its digits is another one.
    ChangedDigit,
    /// Its words stand in another order.
    Shuffled,
    /// Its end is missing.
    Truncated,
    /// A part of it stands twice.
    Repeated,
}

impl Spoiling {
    /// As YAML writes it, with spaces.
    fn name(self) -> &'static str {
        match self {
            Self::OtherAnswer => "other answer",
            Self::ChangedDigit => "changed digit",
            Self::Shuffled => "shuffled",
            Self::Truncated => "truncated",
            Self::Repeated => "repeated",
        }
    }
}

fn default_kinds() -> Vec<Spoiling> {
    vec![
        Spoiling::OtherAnswer,
        Spoiling::ChangedDigit,
        Spoiling::Shuffled,
        Spoiling::Truncated,
        Spoiling::Repeated,
    ]
}

impl SpoiltSource {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let none = self
            .kinds
            .is_empty()
            .then(|| ("source.spoilt.kinds".to_owned(), "kinds must name at least one".to_owned()));
        let ratio = ratio_problem(self.validation_ratio, "source.spoilt.validation_ratio");
        none.into_iter().chain(ratio).collect()
    }

    /// Writes the pairs, of the texts two traces in memory at a time.
    pub(super) fn write(
        &self,
        context: &Context<'_>,
    ) -> Result<(usize, Vec<String>, Ledger), PipelineError> {
        let path = context.input("ingest", "traces.jsonl");
        let mut others = LinePicker::open(&path)?;
        let mut writer = PairWriter::create(context)?;
        for (index, trace) in LineReader::<Trace>::open(&path)?.enumerate() {
            let trace = trace?;
            let mut stream = context.seed.stream("spoil", &[index as u64]);
            let kind = self.kinds[below(self.kinds.len(), &mut stream)];
            let other = below(others.len(), &mut stream);
            let other = match kind {
                Spoiling::OtherAnswer => others.value::<Trace>(other)?.answer,
                _ => String::new(),
            };
            let entry = writer.ledger.entry(&trace.file);
            entry.count_read(1);
            let Some(rejected) = spoil(&trace.answer, kind, &other, &mut stream) else {
                entry.drop_row(trace.row, "cannot_be_spoilt");
                continue;
            };
            let is_held_out = is_validation(context.seed, &trace.question, self.validation_ratio);
            entry.keep(if is_held_out { "validation" } else { "train" });
            let prompt = Prompt::Text(trace.question);
            let pair = PreferencePair { prompt, chosen: trace.answer, rejected, margin: None };
            if is_held_out {
                writer.validation(&pair)?;
                writer.kinds.push(kind.name().to_owned());
            } else {
                writer.train(&pair)?;
            }
        }
        writer.finish()
    }
}

/// A number below `bound`, which is small.
fn below(bound: usize, stream: &mut impl Rng) -> usize {
    let bound = bound.max(1) as u64;
    usize::try_from(stream.next_u64() % bound).unwrap_or_default()
}

/// The spoilt answer; none where it would be the answer itself, or nothing.
fn spoil(answer: &str, kind: Spoiling, other: &str, stream: &mut impl Rng) -> Option<String> {
    let spoilt = match kind {
        Spoiling::OtherAnswer => other.to_owned(),
        Spoiling::ChangedDigit => change_digit(answer, stream)?,
        Spoiling::Shuffled => {
            let mut parts = parts(answer);
            parts.shuffle(stream);
            parts.concat()
        }
        Spoiling::Truncated => {
            let parts = parts(answer);
            parts[..=below(parts.len().saturating_sub(1), stream)].concat()
        }
        Spoiling::Repeated => {
            let parts = parts(answer);
            let at = below(parts.len(), stream);
            [&parts[..=at], &parts[at..]].concat().concat()
        }
    };
    let spoilt = spoilt.trim().to_owned();
    (!spoilt.is_empty() && spoilt != answer.trim()).then_some(spoilt)
}

/// Words with the space before them; single characters where there are hardly any words, as in Chinese.
fn parts(text: &str) -> Vec<String> {
    if text.split_whitespace().count() > 2 {
        return text.split_inclusive(' ').map(|word| format!("{} ", word.trim())).collect();
    }
    text.chars().map(String::from).collect()
}

/// One of the digits becomes another; none without a digit.
fn change_digit(text: &str, stream: &mut impl Rng) -> Option<String> {
    let digits: Vec<usize> =
        text.char_indices().filter(|(_, one)| one.is_ascii_digit()).map(|(at, _)| at).collect();
    let at = *digits.get(below(digits.len(), stream))?;
    let old = text[at..].chars().next()?.to_digit(10)?;
    let step = 1 + u32::try_from(below(9, stream)).unwrap_or_default();
    let new = char::from_digit((old + step) % 10, 10)?;
    Some(format!("{}{new}{}", &text[..at], &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use forethought_seed::Seed;

    use super::*;

    #[test]
    fn every_kind_changes_the_answer_as_it_says() {
        let answer = "The answer is 47.";
        let spoilt = |kind| {
            let mut stream = Seed::new(3).stream("spoil", &[1]);
            spoil(answer, kind, "The answer is Friday.", &mut stream)
        };
        assert_eq!(spoilt(Spoiling::OtherAnswer).as_deref(), Some("The answer is Friday."));
        let digit = spoilt(Spoiling::ChangedDigit).expect("it has digits");
        let differ = digit.chars().zip(answer.chars()).filter(|(a, b)| a != b).count();
        assert_eq!((digit.len(), differ), (answer.len(), 1));
        let truncated = spoilt(Spoiling::Truncated).expect("it has several words");
        assert!(answer.starts_with(&truncated) && truncated.len() < answer.len());
        let repeated = spoilt(Spoiling::Repeated).expect("it has words");
        assert_eq!(repeated.split(' ').count(), answer.split(' ').count() + 1);
    }

    #[test]
    fn an_answer_that_would_stay_what_it_is_gives_no_pair() {
        let mut stream = Seed::new(3).stream("spoil", &[2]);
        assert_eq!(spoil("Friday", Spoiling::ChangedDigit, "", &mut stream), None);
        assert_eq!(spoil("Friday", Spoiling::OtherAnswer, "Friday", &mut stream), None);
    }
}
