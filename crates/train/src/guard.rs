//! What happens to a step whose numbers are bad: it changes nothing, and the run stops, skips it, or goes back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{AT_LEAST_ONE, POSITIVE, Rule, TrainConfigError};
use crate::gradients::GlobalNorm;
use crate::record::StepRecord;

/// What happens when a loss or a gradient is NaN or infinite. No weight, moment or state is changed by such a step, and
/// the rows of it are written to a file, whatever happens then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NonFinite {
    /// The run stops.
    #[default]
    Stop,
    /// The run goes on with the next step; after so many skipped steps, `>= 1`, it stops at the next one.
    Skip(u64),
}

/// When a loss is so far above those before it that the run goes back to its last checkpoint and leaves out the steps that
/// led there, as Chowdhery et al. 2022 (`PaLM`, <https://arxiv.org/abs/2204.02311>, section 5.1) did by hand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossSpike {
    /// Steps before that a loss is compared with, `>= 2`; there are no spikes before them. Default 50.
    #[serde(default = "default_window")]
    pub window: usize,
    /// A loss is a spike from so many standard deviations above their mean on: finite and `> 0`. Default 6. A deviation
    /// counts as at least a hundredth of the mean, so that a steady loss may move.
    #[serde(default = "default_deviations")]
    pub deviations: f64,
    /// How often the run may go back, `>= 1`; at the next spike it stops. Default 3.
    #[serde(default = "default_rollbacks")]
    pub max_rollbacks: u64,
}

fn default_window() -> usize {
    50
}
fn default_deviations() -> f64 {
    6.0
}
fn default_rollbacks() -> u64 {
    3
}

const WINDOW: Rule = Rule { words: "at least 2", allows: |x| x >= 2.0 };

impl NonFinite {
    pub(crate) fn check(self) -> Result<(), TrainConfigError> {
        match self {
            Self::Stop => Ok(()),
            Self::Skip(limit) => AT_LEAST_ONE.check("non_finite.skip", limit as f64),
        }
    }

    /// How many steps may be skipped.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Stop => 0,
            Self::Skip(limit) => limit,
        }
    }
}

impl LossSpike {
    pub(crate) fn check(&self) -> Result<(), TrainConfigError> {
        WINDOW.check("loss_spike.window", self.window as f64)?;
        POSITIVE.check("loss_spike.deviations", self.deviations)?;
        AT_LEAST_ONE.check("loss_spike.max_rollbacks", self.max_rollbacks as f64)
    }

    /// Mean and deviation of the losses before, if this one is a spike.
    fn found(&self, history: &[StepRecord], loss: f64) -> Option<(f64, f64)> {
        let losses = history.iter().rev().map(|record| record.loss);
        let losses: Vec<f64> = losses.filter(|loss| loss.is_finite()).take(self.window).collect();
        if losses.len() < self.window {
            return None;
        }
        let count = losses.len() as f64;
        let mean = losses.iter().sum::<f64>() / count;
        let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt().max(mean.abs() / 100.0).max(f64::MIN_POSITIVE);
        (loss > mean + self.deviations * deviation).then_some((mean, deviation))
    }
}

/// What is wrong with the numbers of a step.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Bad {
    /// The loss is NaN or infinite.
    #[error("the loss is not finite")]
    Loss,
    /// The gradient of this parameter is.
    #[error("the gradient of {0} is not finite")]
    Gradient(String),
    /// The loss is far above those before it, of which this is the mean and the deviation.
    #[error("the losses before have a mean of {mean} and a deviation of {deviation}")]
    Spike { mean: f64, deviation: f64 },
}

/// Judges a step before its update.
pub(crate) fn judge(
    loss: f64,
    norm: &GlobalNorm,
    spike: Option<&LossSpike>,
    history: &[StepRecord],
) -> Result<(), Bad> {
    if !loss.is_finite() {
        return Err(Bad::Loss);
    }
    if let Some(parameter) = norm.first_non_finite.clone() {
        return Err(Bad::Gradient(parameter));
    }
    match spike.and_then(|spike| spike.found(history, loss)) {
        Some((mean, deviation)) => Err(Bad::Spike { mean, deviation }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(losses: &[f64]) -> Vec<StepRecord> {
        let record = |(index, loss): (usize, &f64)| StepRecord {
            step: index as u64 + 1,
            stage: "sft".to_owned(),
            loss: *loss,
            grad_norm: 1.0,
            learning_rate: 1.0,
            tokens_per_second: 1.0,
            metrics: vec![],
            diagnosis: vec![],
        };
        losses.iter().enumerate().map(record).collect()
    }

    #[test]
    fn a_spike_is_measured_by_the_last_losses_that_are_numbers() {
        let spike = LossSpike { window: 4, deviations: 3.0, max_rollbacks: 1 };
        // The last four: 1, 3, 1, 3; mean 2, deviation 1.
        let before = history(&[90.0, 1.0, 3.0, f64::NAN, 1.0, 3.0]);
        let norm = GlobalNorm { total: 1.0, first_non_finite: None };
        let judge = |loss, before: &[StepRecord]| judge(loss, &norm, Some(&spike), before);
        assert_eq!(judge(5.0, &before), Ok(()));
        assert_eq!(judge(5.1, &before), Err(Bad::Spike { mean: 2.0, deviation: 1.0 }));
        assert_eq!(judge(5.1, &before[2..]), Ok(()), "three losses are too few");
    }

    #[test]
    fn a_steady_loss_may_move_by_hundredths() {
        let spike = LossSpike { window: 3, deviations: 3.0, max_rollbacks: 1 };
        let found = |loss| spike.found(&history(&[2.0, 2.0, 2.0]), loss);
        assert_eq!(found(2.05), None);
        assert_eq!(found(2.07), Some((2.0, 0.02)));
    }

    #[test]
    fn settings_are_words_or_numbers_in_range() {
        let parse = |text: &str| serde_json::from_str::<NonFinite>(text);
        assert_eq!(parse("\"stop\"").expect("a word"), NonFinite::Stop);
        assert_eq!(parse("{\"skip\": 3}").expect("a number"), NonFinite::Skip(3));
        assert!(parse("\"go on\"").is_err());
        let error = NonFinite::Skip(0).check().expect_err("none to skip").to_string();
        assert_eq!(error, "non_finite.skip must be at least 1, got 0");
        let spike = LossSpike { window: 1, deviations: 6.0, max_rollbacks: 3 };
        let error = spike.check().expect_err("no deviation of one").to_string();
        assert_eq!(error, "loss_spike.window must be at least 2, got 1");
    }
}
