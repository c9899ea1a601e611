//! The schedulers that a config may name, with their parameters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{AT_LEAST_ONE, FRACTION, NOT_NEGATIVE, POSITIVE, TrainConfigError};
use crate::schedule::{Curve, Shape};

/// How the learning rate moves after the warm-up; the names are those of transformers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerType {
    /// Stays, and has no warm-up.
    Constant,
    /// Falls to 0 on a line.
    #[default]
    Linear,
    /// Falls to 0 on half a cosine.
    Cosine,
    /// Stays after the warm-up.
    ConstantWithWarmup,
    /// Falls on half a cosine to `min_lr`, or to `min_lr_rate` of `learning_rate`.
    CosineWithMinLr,
    /// Falls to 0 on half a cosine, `num_cycles` times over the run.
    CosineWithRestarts,
    /// Falls to `lr_end` as the `power` of what is left of the run.
    Polynomial,
    /// Falls as the inverse of the square root of the step, on the scale of `timescale` steps.
    InverseSqrt,
    /// Stays, and falls in the last `num_decay_steps` steps to `min_lr_ratio` of `learning_rate`.
    WarmupStableDecay,
}

/// Parameters of a scheduler. One that the scheduler type does not use is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchedulerKwargs {
    /// `cosine_with_min_lr`, this or `min_lr_rate`: lowest learning rate, in `[0, learning_rate]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_lr: Option<f64>,
    /// `cosine_with_min_lr`: lowest learning rate as a fraction of `learning_rate`, in `[0, 1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_lr_rate: Option<f64>,
    /// `cosine_with_restarts`: how often the rate falls, `>= 1`. Default 1. `warmup_stable_decay`: waves of a `cosine` decay,
    /// finite and `> 0`. Default 0.5, which is a fall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_cycles: Option<f64>,
    /// `polynomial`: finite and `> 0`. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// `polynomial`: last learning rate, finite, `>= 0` and below `learning_rate`. Default 1e-7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_end: Option<f64>,
    /// `inverse_sqrt`: steps, `>= 1`. Default: those of the warm-up, or 10,000 without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timescale: Option<u64>,
    /// `warmup_stable_decay`, which needs it: steps over which the rate falls, `>= 1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_decay_steps: Option<u64>,
    /// `warmup_stable_decay`: steps over which the rate stays. Default: what warm-up and decay leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_stable_steps: Option<u64>,
    /// `warmup_stable_decay`: how the rate rises. Default `linear`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_type: Option<Curve>,
    /// `warmup_stable_decay`: how the rate falls. Default `cosine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay_type: Option<Curve>,
    /// `warmup_stable_decay`: first and last learning rate as a fraction of `learning_rate`, in `[0, 1]`. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_lr_ratio: Option<f64>,
}

impl SchedulerType {
    /// Its name in a config.
    fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
            Self::Cosine => "cosine",
            Self::ConstantWithWarmup => "constant_with_warmup",
            Self::CosineWithMinLr => "cosine_with_min_lr",
            Self::CosineWithRestarts => "cosine_with_restarts",
            Self::Polynomial => "polynomial",
            Self::InverseSqrt => "inverse_sqrt",
            Self::WarmupStableDecay => "warmup_stable_decay",
        }
    }

    /// The parameters that it uses.
    fn uses(self) -> &'static [&'static str] {
        match self {
            Self::Constant | Self::Linear | Self::Cosine | Self::ConstantWithWarmup => &[],
            Self::CosineWithMinLr => &["min_lr", "min_lr_rate"],
            Self::CosineWithRestarts => &["num_cycles"],
            Self::Polynomial => &["power", "lr_end"],
            Self::InverseSqrt => &["timescale"],
            Self::WarmupStableDecay => &[
                "num_decay_steps",
                "num_stable_steps",
                "warmup_type",
                "decay_type",
                "min_lr_ratio",
                "num_cycles",
            ],
        }
    }
}

impl SchedulerKwargs {
    /// The shape of the schedule.
    pub(crate) fn shape(
        &self,
        scheduler: SchedulerType,
        learning_rate: f64,
    ) -> Result<Shape, TrainConfigError> {
        self.refuse_unused(scheduler)?;
        Ok(match scheduler {
            SchedulerType::Constant => Shape::Constant,
            SchedulerType::ConstantWithWarmup => Shape::ConstantWithWarmup,
            SchedulerType::Linear => Shape::Linear,
            SchedulerType::Cosine => Shape::Cosine { min_lr_rate: 0.0 },
            SchedulerType::CosineWithMinLr => {
                Shape::Cosine { min_lr_rate: self.min_lr_rate(learning_rate)? }
            }
            SchedulerType::CosineWithRestarts => {
                let num_cycles = self.num_cycles.unwrap_or(1.0);
                AT_LEAST_ONE.check("num_cycles", num_cycles)?;
                Shape::CosineWithRestarts { num_cycles: num_cycles.floor() }
            }
            SchedulerType::Polynomial => self.polynomial(learning_rate)?,
            SchedulerType::InverseSqrt => {
                AT_LEAST_ONE.check("timescale", self.timescale.unwrap_or(1) as f64)?;
                Shape::InverseSqrt { timescale: self.timescale }
            }
            SchedulerType::WarmupStableDecay => self.warmup_stable_decay()?,
        })
    }

    fn refuse_unused(&self, scheduler: SchedulerType) -> Result<(), TrainConfigError> {
        let given = [
            ("min_lr", self.min_lr.is_some()),
            ("min_lr_rate", self.min_lr_rate.is_some()),
            ("num_cycles", self.num_cycles.is_some()),
            ("power", self.power.is_some()),
            ("lr_end", self.lr_end.is_some()),
            ("timescale", self.timescale.is_some()),
            ("num_decay_steps", self.num_decay_steps.is_some()),
            ("num_stable_steps", self.num_stable_steps.is_some()),
            ("warmup_type", self.warmup_type.is_some()),
            ("decay_type", self.decay_type.is_some()),
            ("min_lr_ratio", self.min_lr_ratio.is_some()),
        ];
        let mut unused =
            given.into_iter().filter(|(name, is)| *is && !scheduler.uses().contains(name));
        match unused.next() {
            Some((field, _)) => {
                Err(TrainConfigError::UnusedKwarg { field, scheduler: scheduler.name() })
            }
            None => Ok(()),
        }
    }

    fn min_lr_rate(&self, learning_rate: f64) -> Result<f64, TrainConfigError> {
        match (self.min_lr, self.min_lr_rate) {
            (Some(min_lr), None) => {
                let (field, rule) = ("min_lr", "in [0, learning_rate]");
                if !(0.0..=learning_rate).contains(&min_lr) {
                    return Err(TrainConfigError::OutOfRange { field, rule, value: min_lr });
                }
                Ok(min_lr / learning_rate)
            }
            (None, Some(rate)) => {
                FRACTION.check("min_lr_rate", rate)?;
                Ok(rate)
            }
            (None, None) => Err(TrainConfigError::MinimumRate { found: "neither" }),
            (Some(_), Some(_)) => Err(TrainConfigError::MinimumRate { found: "both" }),
        }
    }

    fn polynomial(&self, learning_rate: f64) -> Result<Shape, TrainConfigError> {
        let (power, lr_end) = (self.power.unwrap_or(1.0), self.lr_end.unwrap_or(1e-7));
        POSITIVE.check("power", power)?;
        NOT_NEGATIVE.check("lr_end", lr_end)?;
        if learning_rate <= lr_end {
            let (field, rule) = ("lr_end", "below learning_rate");
            return Err(TrainConfigError::OutOfRange { field, rule, value: lr_end });
        }
        Ok(Shape::Polynomial { power, lr_end })
    }

    fn warmup_stable_decay(&self) -> Result<Shape, TrainConfigError> {
        let num_decay_steps = self.num_decay_steps.unwrap_or(0);
        AT_LEAST_ONE.check("num_decay_steps", num_decay_steps as f64)?;
        let (min_lr_ratio, num_cycles) =
            (self.min_lr_ratio.unwrap_or(0.0), self.num_cycles.unwrap_or(0.5));
        FRACTION.check("min_lr_ratio", min_lr_ratio)?;
        POSITIVE.check("num_cycles", num_cycles)?;
        Ok(Shape::WarmupStableDecay {
            num_decay_steps,
            num_stable_steps: self.num_stable_steps,
            warmup: self.warmup_type.unwrap_or(Curve::Linear),
            decay: self.decay_type.unwrap_or(Curve::Cosine),
            min_lr_ratio,
            num_cycles,
        })
    }
}
