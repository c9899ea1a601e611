//! A score by how far the first number of a completion is from the label.

use crate::{Extracted, Field, RewardFn, Sample, Score, TieredConfig, Verdict, first_number};

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
        match first_number(completion) {
            Some(number) => self.compare(number, label),
            None => Score {
                value: Some(self.config.unparseable),
                verdict: Verdict::Unparseable,
                extracted: None,
                reason: "the completion holds no number".to_owned(),
            },
        }
    }

    fn compare(&self, number: Extracted, label: f64) -> Score {
        let distance = (number.value - label).abs();
        let tier = self.config.tiers.iter().position(|tier| distance <= tier.within);
        let (value, verdict, rule) = match tier.map(|index| (index, self.config.tiers[index])) {
            Some((0, tier)) => (tier.score, Verdict::Correct, format!("within {}", tier.within)),
            Some((_, tier)) => (tier.score, Verdict::Close, format!("within {}", tier.within)),
            None => (self.config.otherwise, Verdict::Wrong, "beyond every tier".to_owned()),
        };
        let reason = format!("{} is {distance} from {label}: {rule}", number.value);
        Score { value: Some(value), verdict, extracted: Some(number), reason }
    }
}

impl RewardFn for TieredReward {
    fn name(&self) -> &'static str {
        "tiered"
    }

    /// A label that is text is read as a completion is, by its first number.
    fn score(&self, sample: Sample<'_>) -> Score {
        let field = &self.config.label;
        let unreadable =
            |reason: String| Score::none(Verdict::LabelUnparseable, format!("{field} {reason}"));
        match sample.fields.get(field) {
            None => unreadable("is not among the fields".to_owned()),
            Some(Field::Number(label)) => self.judge(sample.completion, *label),
            Some(Field::Text(text)) => match first_number(text) {
                Some(label) => self.judge(sample.completion, label.value),
                None => unreadable(format!("holds no number: {text:?}")),
            },
        }
    }
}
