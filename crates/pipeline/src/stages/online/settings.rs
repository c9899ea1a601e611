//! What an online stage can be told, and what is wrong with it.

use burn::tensor::Device;
use forethought_grpo::GrpoConfig;
use forethought_model::{FreezeConfig, LoraConfig};
use forethought_ppo::PpoConfig;
use forethought_reward::{RewardConfig, RewardSet};
use forethought_rloo::RlooConfig;
use forethought_rollout::Sampling;
use forethought_tokenize::Overflow;
use forethought_train::{StopFlag, TrainConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::engine::RolloutSource;
use super::method::{OnlineMethod, Plan};
use crate::config::Problem;
use crate::examples::{drop_long, is_drop};
use crate::rewards::{check_rewards, reward_set};
use crate::stages::links::{Before, EXAMPLES, Inputs, POLICIES};
use crate::training::{self, problem};
use crate::tuning::{Base, Tuning};

/// Settings of a stage that learns from rewards of what it samples; `L` is the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    bound = "L: JsonSchema + serde::de::DeserializeOwned + Serialize",
    rename = "StageOf{L}"
)]
pub struct OnlineStage<L> {
    /// What the stage is called, for several of its kind in one pipeline. Default: its kind.
    #[serde(default)]
    pub name: Option<String>,
    /// The stage whose model it starts from. Default: the nearest stage before it that trains a policy, else `model`.
    #[serde(default)]
    pub from: Option<String>,
    /// Passes over the training questions, at least 1. Default 3 (transformers).
    #[serde(default = "default_epochs")]
    pub num_train_epochs: usize,
    /// Questions of one optimiser step, at least 1. Default 8.
    #[serde(default = "default_prompts")]
    pub prompts_per_step: usize,
    /// Questions of one micro-batch, at least 1; bounds memory and changes no result. Default 8.
    #[serde(default = "default_prompts")]
    pub prompts_per_micro_batch: usize,
    /// Answers to each question. At least 2 where their rewards are compared with each other; 1 is enough for `ppo`, whose
    /// critic they are compared with. Default 8 for `grpo`, 2 for `rloo` (TRL), 1 for `ppo`.
    #[serde(default)]
    pub num_generations: Option<usize>,
    /// The longest question, in tokens with its instruction. Default 1,024, as in the source pipeline.
    #[serde(default = "default_max_prompt_length")]
    pub max_prompt_length: usize,
    /// What happens to longer ones: `error`, `drop`, or `truncate`, which keeps their last tokens, where the answer
    /// begins. Default `drop`.
    #[serde(default = "drop_long", skip_serializing_if = "is_drop")]
    pub on_overflow: Overflow,
    /// How answers are drawn; the temperature is also that of the trained policy, so it must not be 0. Default:
    /// temperature 1, at most 20 tokens.
    #[serde(default)]
    pub sampling: Sampling,
    /// Where answers are sampled: `{engine: local}`, with the weights that are trained, or `{engine: server, …}`. Default
    /// `local`.
    #[serde(default, skip_serializing_if = "RolloutSource::is_local")]
    pub rollout: RolloutSource,
    /// What an answer is worth to functions; the column `label` is the true class. A weight of 0 logs a reward that nothing
    /// is learnt from. Default: none, which needs a reward model.
    #[serde(default)]
    pub rewards: Vec<RewardConfig>,
    /// What an answer is worth to a reward model, added to the rewards by rule. Default: none.
    #[serde(default)]
    pub reward_model: Option<RewardModelSource>,
    /// The largest share of the answers of one sampling that a reward by rule may leave unjudged before the run stops: from
    /// 0 to 1, which never stops it. Default 0.5. What is left unjudged is left out of means and advantages, and counted.
    #[serde(default = "default_max_unjudged_share")]
    pub max_unjudged_share: f64,
    /// Sampled answers are written to `completions/` every so many samplings, at least 1. Default 10.
    #[serde(default = "default_log_completions")]
    pub log_completions_steps: u64,
    /// The hyper-parameters of the optimiser and its schedule.
    #[serde(default)]
    pub training: TrainConfig,
    /// The loss.
    #[serde(default = "crate::config::of_nothing::<L>")]
    pub loss: L,
    /// Low-rank adapters to train instead of the full weights.
    #[serde(default)]
    pub lora: Option<LoraConfig>,
    /// The layers to train instead of all.
    #[serde(default)]
    pub freeze: Option<FreezeConfig>,
    /// How the weights under adapters are held: `f32`, `nf4` or `int8`. Default `f32`.
    #[serde(default)]
    pub base: Base,
}

/// The reward model of a stage before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardModelSource {
    /// The stage that trained it. Default: the nearest one before.
    #[serde(default)]
    pub from: Option<String>,
    /// Factor of its score: finite. Default 1.
    #[serde(default = "one")]
    pub weight: f64,
}

/// Group relative policy optimisation.
pub type GrpoStage = OnlineStage<GrpoConfig>;
/// REINFORCE leave-one-out.
pub type RlooStage = OnlineStage<RlooConfig>;
/// Proximal policy optimisation with a critic.
pub type PpoStage = OnlineStage<PpoConfig>;

fn one() -> f64 {
    1.0
}
fn default_epochs() -> usize {
    3
}
fn default_prompts() -> usize {
    8
}
fn default_max_prompt_length() -> usize {
    1024
}
fn default_max_unjudged_share() -> f64 {
    0.5
}
fn default_log_completions() -> u64 {
    10
}

impl RewardModelSource {
    /// The stage it comes from.
    pub(crate) fn stage<'a>(&'a self, before: Before<'a>) -> &'a str {
        before.pick(self.from.as_deref(), &["reward"]).unwrap_or_default()
    }
}

impl<L> OnlineStage<L> {
    /// What is trained.
    pub(super) fn tuning(&self) -> Tuning<'_> {
        Tuning { lora: self.lora.as_ref(), freeze: self.freeze.as_ref(), base: self.base }
    }

    pub(crate) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        let mut inputs = inputs.need(&["model"])?.pick("", None, &EXAMPLES)?;
        if let Some(source) = &self.reward_model {
            inputs = inputs.pick("reward_model.from", source.from.as_deref(), &["reward"])?;
        }
        match self.from.as_deref() {
            None => Ok(inputs.nearest(&POLICIES)),
            from => inputs.pick("from", from, &POLICIES),
        }
    }

    /// Answers to each question.
    pub(super) fn num_generations(&self, method: &dyn OnlineMethod) -> usize {
        self.num_generations.unwrap_or(method.default_generations())
    }

    /// The micro-batches of an optimiser step, where it has all its questions.
    pub(super) fn plan(&self, method: &dyn OnlineMethod) -> Result<Plan, String> {
        method.plan(self.prompts_per_step.div_ceil(self.prompts_per_micro_batch.max(1)))
    }

    /// The questions without which there is no sampling; none where what is left of them is a smaller one.
    pub(crate) fn needed_at_once(&self, method: &dyn OnlineMethod) -> usize {
        match self.plan(method) {
            Ok(plan) if plan.slices > 1 => plan.slices * self.prompts_per_step,
            _ => 0,
        }
    }

    /// The weight of each reward: those by rule, then that of the reward model.
    pub(super) fn weights(&self, method: &dyn OnlineMethod) -> Vec<f64> {
        if let Some(weights) = method.weights() {
            return weights.to_vec();
        }
        let rules = self.rewards.iter().map(|reward| reward.weight);
        rules.chain(self.reward_model.iter().map(|source| source.weight)).collect()
    }

    /// The rewards by rule, if there are any; models among them on the device.
    pub(super) fn functions(
        &self,
        device: &Device,
        stop: &StopFlag,
    ) -> Result<Option<RewardSet>, String> {
        (!self.rewards.is_empty()).then(|| reward_set(&self.rewards, device, stop)).transpose()
    }

    pub(crate) fn problems(&self, method: &dyn OnlineMethod) -> Vec<Problem> {
        let counts = [
            ("num_train_epochs", self.num_train_epochs),
            ("prompts_per_step", self.prompts_per_step),
            ("prompts_per_micro_batch", self.prompts_per_micro_batch),
            ("max_prompt_length", self.max_prompt_length),
            ("log_completions_steps", usize::from(self.log_completions_steps > 0)),
        ];
        let mut problems = training::problems(&counts, &self.training, self.tuning());
        let (least, found) = (method.min_generations(), self.num_generations(method));
        if found < least {
            let message = format!("must be at least {least}, got {found}");
            problems.push(("num_generations".to_owned(), message));
        }
        if self.sampling.temperature == 0.0 {
            let message = "must be greater than 0: equal answers teach nothing".to_owned();
            problems.push(("sampling.temperature".to_owned(), message));
        }
        let sampling = self.sampling.validate().err();
        problems.extend(sampling.map(|error| problem("sampling", &error.to_string())));
        problems.extend(method.problem().map(|message| problem("loss", &message)));
        let plan = self.plan(method);
        let (lora, usable) = (self.lora.as_ref(), plan.as_ref().ok().copied());
        problems.extend(self.rollout.problems(method, usable, lora, &self.sampling));
        problems.extend(plan.err().map(|message| problem("loss", &message)));
        problems.extend(self.reward_problems(method));
        problems
    }

    fn reward_problems(&self, method: &dyn OnlineMethod) -> Option<Problem> {
        let share = self.max_unjudged_share;
        if !(0.0..=1.0).contains(&share) {
            let message = format!("must be from 0 to 1, got {share}");
            return Some(("max_unjudged_share".to_owned(), message));
        }
        if !self.rewards.is_empty()
            && let Err(message) = check_rewards(&self.rewards)
        {
            return Some(("rewards".to_owned(), message));
        }
        let num_rewards = self.rewards.len() + usize::from(self.reward_model.is_some());
        if num_rewards == 0 {
            let message = "rewards must not be empty unless there is a reward_model".to_owned();
            return Some(("rewards".to_owned(), message));
        }
        if let Some(weight) =
            self.reward_model.as_ref().map(|one| one.weight).filter(|one| !one.is_finite())
        {
            let message = format!("weight must be finite, got {weight}");
            return Some(("reward_model.weight".to_owned(), message));
        }
        let found = method.weights()?.len();
        let message = format!(
            "must have one weight for each of the {num_rewards} rewards (rules, then the reward model), got {found}"
        );
        (found != num_rewards).then(|| ("loss.reward_weights".to_owned(), message))
    }
}
