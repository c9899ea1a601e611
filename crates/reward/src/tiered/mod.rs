//! A score by how far the first number of a completion is from the label.

mod config;

use crate::function::each;
use crate::number::Source;
use crate::{Field, Need, RewardFn, Sample, Score, Verdict, first_number};

pub(crate) use config::preset_names;
pub use config::{Edge, Numbers, PRESETS, Tier, TieredConfig, TieredTable};

/// Scores the first number of a completion by its distance from a label. Only [`TieredConfig::init`] builds it, so its
/// tiers are in order.
#[derive(Clone, Debug)]
pub struct TieredReward {
    config: TieredConfig,
}

impl TieredReward {
    pub(crate) fn new(config: TieredConfig) -> Self {
        Self { config }
    }

    /// The score of a completion whose label is a number.
    #[must_use]
    pub fn judge(&self, completion: &str, label: f64) -> Score {
        if !label.is_finite() {
            return Score::none(Verdict::LabelUnparseable, format!("the label is {label}"));
        }
        let number = match self.source() {
            None => first_number(completion).map(|number| (number.value, number.text)),
            Some(source) => source.number(completion).map(|(value, text)| (value, text.to_owned())),
        };
        let score = number.map_or_else(
            || {
                let value = self.config.unparseable;
                Score::new(value, Verdict::Unparseable, "the completion holds no number")
            },
            |(number, text)| self.compare(number, label).with_answer(&text),
        );
        score.with_gold(&label.to_string())
    }

    fn source(&self) -> Option<Source> {
        match self.config.numbers {
            Numbers::First => None,
            Numbers::SourceGrpo => Some(Source::Grpo),
            Numbers::SourceRloo => Some(Source::Rloo),
            Numbers::SourceUnsloth => Some(Source::Unsloth),
        }
    }

    fn compare(&self, number: f64, label: f64) -> Score {
        let distance = (number - label).abs();
        let tier = self.config.tiers.iter().position(|tier| tier.holds(distance));
        let (value, verdict, rule) = match tier.map(|index| (index, self.config.tiers[index])) {
            Some((0, tier)) => (tier.score, Verdict::Correct, format!("within {}", tier.within)),
            Some((_, tier)) => (tier.score, Verdict::Close, format!("within {}", tier.within)),
            None => (self.config.otherwise, Verdict::Wrong, "beyond every tier".to_owned()),
        };
        Score::new(value, verdict, format!("{number} is {distance} from {label}: {rule}"))
    }

    /// A label that is text is read as a completion is, by its first number.
    fn score_one(&self, sample: &Sample<'_>) -> Score {
        let column = &self.config.label;
        if let (Some(source), Some(field)) = (self.source(), sample.fields.get(column)) {
            return match source.label(field) {
                Some(label) => self.judge(sample.completion, label),
                // The program takes a label that it cannot read for a wrong answer.
                None => Score::new(0.0, Verdict::Wrong, format!("{column} was refused")),
            };
        }
        if let Some(Field::Number(label)) = sample.fields.get(column) {
            return self.judge(sample.completion, *label);
        }
        let text = match sample.column(column) {
            Ok(text) => text,
            Err(score) => return score,
        };
        let Some(label) = first_number(&text) else {
            let text = crate::excerpt::excerpt(&text);
            let reason = format!("{column} holds no number: {text:?}");
            return Score::none(Verdict::LabelUnparseable, reason);
        };
        self.judge(sample.completion, label.value)
    }
}

impl RewardFn for TieredReward {
    fn name(&self) -> &'static str {
        "tiered"
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Column(&self.config.label)]
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.score_one(sample))
    }
}
