//! Methods side by side: what each made of the model it started from, and what it cost.

use serde::{Deserialize, Serialize};

use crate::{MeanInterval, Proportion};

/// One trained model: a row of the table of methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodRow {
    /// The method.
    pub name: String,
    /// What it started from; empty for the model that the others started from.
    pub from: String,
    /// Questions whose predicted number is the class itself.
    pub strict: Proportion,
    /// Questions whose prediction is at most one class off.
    pub within_1: Proportion,
    /// Mean rewards of sampled answers, by the name of the reward.
    pub rewards: Vec<MeanReward>,
    /// How far it has left the reference: `log pi - log pi_ref` of whole sampled answers, in nats.
    pub divergence: Option<MeanInterval>,
    /// Seconds the training took.
    pub seconds: Option<f64>,
}

/// The mean of one reward over sampled answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanReward {
    /// The reward.
    pub name: String,
    /// Its mean.
    pub mean: MeanInterval,
}
