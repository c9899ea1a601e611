//! Hyper-parameters of a run under the names of Hugging Face's `TrainingArguments`, checked once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adamw::AdamW;
use crate::checkpoint::Best;
use crate::guard::{LossSpike, NonFinite};
use crate::record::StepRecord;
use crate::schedule::{Schedule, Shape};
use crate::scheduler::{SchedulerKwargs, SchedulerType};

/// Hyper-parameters of a training run.
///
/// Names and defaults are those of transformers 5.23 `TrainingArguments` ("HF" below) unless a field says otherwise.
/// How many examples make a step is not here: the [`BatchSource`](crate::BatchSource) decides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Highest learning rate of the schedule: finite and `> 0`. Default 5e-5 (HF).
    pub learning_rate: f64,
    /// How the learning rate moves over the run. Default `linear` (HF).
    pub lr_scheduler_type: SchedulerType,
    /// Parameters of the scheduler type. Default none (HF).
    pub lr_scheduler_kwargs: SchedulerKwargs,
    /// Fraction of the steps over which the learning rate rises from 0, rounded up: in `[0, 1]`. Default 0 (HF).
    pub warmup_ratio: f64,
    /// Number of steps over which the learning rate rises from 0. If `> 0`, `warmup_ratio` is not used. Default 0 (HF).
    pub warmup_steps: u64,
    /// Gradients with a larger global norm are scaled down to it: finite and `>= 0`, 0 for no clipping. Default 1 (HF).
    pub max_grad_norm: f64,
    /// Decoupled weight decay, not applied to biases and norms: finite and `>= 0`. Default 0 (HF).
    pub weight_decay: f64,
    /// Decay of AdamW's first moment: in `[0, 1)`. Default 0.9 (HF).
    pub adam_beta1: f64,
    /// Decay of AdamW's second moment: in `[0, 1)`. Default 0.999 (HF).
    pub adam_beta2: f64,
    /// Added to the root of AdamW's second moment: finite and `> 0`. Default 1e-8 (HF).
    pub adam_epsilon: f64,
    /// Ends the run, and its schedule, after this many steps if the data has more: `>= 1`. Default none. HF repeats the
    /// data when `max_steps` is larger than it; here the data's own length then stands.
    pub max_steps: Option<u64>,
    /// Steps between checkpoints: `>= 1`. Default 500 (HF). The last step is always saved.
    pub save_steps: u64,
    /// Number of checkpoints kept, the newest: `>= 2`, so that a damaged one has a predecessor. Default 2 (HF: all).
    pub save_total_limit: usize,
    /// Steps between progress lines when the output is not a terminal: `>= 1`. Default 10 (TRL 1.16; HF: 500).
    pub logging_steps: u64,
    /// The metric whose best value, and its step, checkpoints keep: `loss`, `grad_norm`, or one that the steps log. Default
    /// `loss` (HF).
    pub metric_for_best_model: String,
    /// Whether a larger value of it is better. Default: unless its name ends in `loss` (HF).
    pub greater_is_better: Option<bool>,
    /// What happens when a loss or gradient is NaN or infinite: `stop`, or `{skip: N}`. Default `stop` (HF: nothing, and the
    /// weights are lost).
    pub non_finite: NonFinite,
    /// When the run goes back to its last checkpoint because the loss has risen far. Default: never.
    pub loss_spike: Option<LossSpike>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            learning_rate: 5e-5,
            lr_scheduler_type: SchedulerType::default(),
            lr_scheduler_kwargs: SchedulerKwargs::default(),
            warmup_ratio: 0.0,
            warmup_steps: 0,
            max_grad_norm: 1.0,
            weight_decay: 0.0,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            max_steps: None,
            save_steps: 500,
            save_total_limit: 2,
            logging_steps: 10,
            metric_for_best_model: "loss".to_owned(),
            greater_is_better: None,
            non_finite: NonFinite::Stop,
            loss_spike: None,
        }
    }
}

/// A hyper-parameter outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainConfigError {
    /// One field breaks its own rule.
    #[error("{field} must be {rule}, got {value}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// What is allowed.
        rule: &'static str,
        /// What was found.
        value: f64,
    },
    /// The scheduler needs a lowest learning rate, once.
    #[error(
        "lr_scheduler_kwargs must set exactly one of min_lr and min_lr_rate for cosine_with_min_lr, got {found}"
    )]
    MinimumRate {
        /// `neither` or `both`.
        found: &'static str,
    },
    /// The scheduler would ignore a parameter.
    #[error("lr_scheduler_kwargs.{field} is of no use to the scheduler {scheduler}")]
    UnusedKwarg {
        /// Name of the parameter.
        field: &'static str,
        /// Name of the scheduler.
        scheduler: &'static str,
    },
}

/// A [`TrainConfig`] whose values are in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer {
    pub(crate) adamw: AdamW,
    pub(crate) learning_rate: f64,
    pub(crate) shape: Shape,
    pub(crate) warmup: Warmup,
    pub(crate) max_grad_norm: f64,
    pub(crate) max_steps: Option<u64>,
    pub(crate) save_steps: u64,
    pub(crate) save_total_limit: usize,
    pub(crate) logging_steps: u64,
    pub(crate) watched: Watched,
    pub(crate) non_finite: NonFinite,
    pub(crate) loss_spike: Option<LossSpike>,
}

/// Numbers of every step that are no metrics of a method.
const LOSS: &str = "loss";
const GRAD_NORM: &str = "grad_norm";

/// The metric whose best value is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Watched {
    metric: String,
    is_greater_better: bool,
}

impl Watched {
    /// Refuses a metric that is not among those that a step logs.
    pub(crate) fn require<'a>(&self, logged: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let known: Vec<&str> = [LOSS, GRAD_NORM].into_iter().chain(logged).collect();
        if known.contains(&self.metric.as_str()) {
            return Ok(());
        }
        let (metric, known) = (&self.metric, known.join(", "));
        Err(format!("metric_for_best_model: no step logs `{metric}`; there are {known}"))
    }

    /// The better of what was best so far and a finished step.
    pub(crate) fn better(&self, best: Option<Best>, record: &StepRecord) -> Option<Best> {
        let value = match self.metric.as_str() {
            LOSS => Some(record.loss),
            GRAD_NORM => Some(record.grad_norm),
            name => record.metric(name),
        };
        let Some(value) = value.filter(|value| value.is_finite()) else { return best };
        let is_better = |best: &Best| {
            if self.is_greater_better { best.value < value } else { value < best.value }
        };
        if best.as_ref().is_none_or(is_better) {
            return Some(Best { metric: self.metric.clone(), value, step: record.step });
        }
        best
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Warmup {
    Steps(u64),
    Ratio(f64),
}

impl TrainConfig {
    /// Checks the hyper-parameters.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn init(&self) -> Result<Trainer, TrainConfigError> {
        self.check_ranges()?;
        let warmup = match self.warmup_steps {
            0 => Warmup::Ratio(self.warmup_ratio),
            steps => Warmup::Steps(steps),
        };
        Ok(Trainer {
            adamw: AdamW {
                beta1: self.adam_beta1,
                beta2: self.adam_beta2,
                epsilon: self.adam_epsilon,
                weight_decay: self.weight_decay,
            },
            learning_rate: self.learning_rate,
            shape: self.lr_scheduler_kwargs.shape(self.lr_scheduler_type, self.learning_rate)?,
            warmup,
            max_grad_norm: self.max_grad_norm,
            max_steps: self.max_steps,
            save_steps: self.save_steps,
            save_total_limit: self.save_total_limit,
            logging_steps: self.logging_steps,
            watched: Watched {
                is_greater_better: self
                    .greater_is_better
                    .unwrap_or(!self.metric_for_best_model.ends_with("loss")),
                metric: self.metric_for_best_model.clone(),
            },
            non_finite: self.non_finite,
            loss_spike: self.loss_spike,
        })
    }

    fn check_ranges(&self) -> Result<(), TrainConfigError> {
        POSITIVE.check("learning_rate", self.learning_rate)?;
        POSITIVE.check("adam_epsilon", self.adam_epsilon)?;
        NOT_NEGATIVE.check("max_grad_norm", self.max_grad_norm)?;
        NOT_NEGATIVE.check("weight_decay", self.weight_decay)?;
        FRACTION.check("warmup_ratio", self.warmup_ratio)?;
        BELOW_ONE.check("adam_beta1", self.adam_beta1)?;
        BELOW_ONE.check("adam_beta2", self.adam_beta2)?;
        AT_LEAST_ONE.check("max_steps", self.max_steps.unwrap_or(1) as f64)?;
        AT_LEAST_ONE.check("save_steps", self.save_steps as f64)?;
        AT_LEAST_ONE.check("logging_steps", self.logging_steps as f64)?;
        AT_LEAST_TWO.check("save_total_limit", self.save_total_limit as f64)?;
        self.non_finite.check()?;
        self.loss_spike.as_ref().map_or(Ok(()), LossSpike::check)
    }
}

impl Trainer {
    /// Refuses a `metric_for_best_model` that is neither of every step nor among the metrics that one logs.
    ///
    /// # Errors
    ///
    /// If it is not, with those that are.
    pub fn require_metric<'a>(&self, logged: impl Iterator<Item = &'a str>) -> Result<(), String> {
        self.watched.require(logged)
    }

    /// Whether a step may be taken back after its batches were used, so that what the source keeps must be kept aside.
    pub(crate) fn may_take_back(&self) -> bool {
        self.non_finite != NonFinite::Stop || self.loss_spike.is_some()
    }

    /// How often a run goes back to a checkpoint after a spike of the loss.
    pub(crate) fn max_rollbacks(&self) -> u64 {
        self.loss_spike.as_ref().map_or(0, |spike| spike.max_rollbacks)
    }

    /// The learning rate of every step of a run of `num_steps` steps.
    #[must_use]
    pub fn schedule(&self, num_steps: u64) -> Schedule {
        let warmup_steps = match self.warmup {
            Warmup::Steps(steps) => steps,
            Warmup::Ratio(ratio) => ceil(num_steps as f64 * ratio),
        };
        Schedule { shape: self.shape, learning_rate: self.learning_rate, warmup_steps, num_steps }
    }

    /// Steps of a run on data that has `available` of them.
    #[must_use]
    pub fn num_steps(&self, available: u64) -> u64 {
        self.max_steps.map_or(available, |max_steps| max_steps.min(available))
    }
}

/// Rounds a small number of steps, not negative, up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction in [0, 1] of a u64 is a u64"
)]
fn ceil(steps: f64) -> u64 {
    steps.ceil() as u64
}

/// What a field may be, in words and as a test.
pub(crate) struct Rule {
    pub(crate) words: &'static str,
    pub(crate) allows: fn(f64) -> bool,
}

pub(crate) const POSITIVE: Rule =
    Rule { words: "finite and greater than 0", allows: |x| x.is_finite() && x > 0.0 };
pub(crate) const NOT_NEGATIVE: Rule =
    Rule { words: "finite and at least 0", allows: |x| x.is_finite() && x >= 0.0 };
pub(crate) const FRACTION: Rule = Rule { words: "in [0, 1]", allows: |x| (0.0..=1.0).contains(&x) };
const BELOW_ONE: Rule = Rule { words: "in [0, 1)", allows: |x| (0.0..1.0).contains(&x) };
pub(crate) const AT_LEAST_ONE: Rule = Rule { words: "at least 1", allows: |x| x >= 1.0 };
const AT_LEAST_TWO: Rule = Rule { words: "at least 2", allows: |x| x >= 2.0 };

impl Rule {
    pub(crate) fn check(&self, field: &'static str, value: f64) -> Result<(), TrainConfigError> {
        if (self.allows)(value) {
            Ok(())
        } else {
            Err(TrainConfigError::OutOfRange { field, rule: self.words, value })
        }
    }
}
