//! What sets one online method apart from the others.

use std::sync::Arc;

use forethought_grpo::DynamicSampling;
use forethought_objective::{PolicyCompletion, PolicyLoss, StepTotals, ValueLoss};
use forethought_train::{BatchError, Reported};

use super::generation::Sample;

/// How what was sampled at once is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Optimiser steps that each pass is cut into.
    pub(crate) slices: usize,
    /// Passes.
    pub(crate) passes: usize,
}

impl Plan {
    /// Optimiser steps between two samplings.
    pub(super) fn num_steps(self) -> u64 {
        (self.slices * self.passes) as u64
    }
}

/// Who samples what a method learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampledBy {
    /// The weights that are trained.
    Ourselves,
    /// A server, whose weights are some steps old and whose numbers come out otherwise.
    Server,
}

/// The settings of an online method.
pub(crate) trait OnlineMethod {
    /// Answers to each question unless the stage says how many.
    fn default_generations(&self) -> usize;

    /// The fewest answers to each question that it can learn from.
    fn min_generations(&self) -> usize;

    /// What is wrong with the settings of the loss.
    fn problem(&self) -> Option<String>;

    /// How what was sampled at once is used, for optimiser steps of so many micro-batches.
    fn plan(&self, micro_batches_per_step: usize) -> Result<Plan, String>;

    /// Weights of the rewards, where the settings of the loss have them.
    fn weights(&self) -> Option<&[f64]> {
        None
    }

    /// Whether questions whose answers are all worth the same are replaced.
    fn refill(&self) -> Option<DynamicSampling> {
        None
    }

    /// Whether its loss can make good that the sampler has other log-probabilities, and then reports them itself.
    fn corrects_sampler(&self) -> bool {
        false
    }

    /// The method at the start of a run, with a weight for each reward.
    fn running(&self, weights: Vec<f64>, sampled_by: SampledBy) -> Result<Box<dyn Method>, String>;
}

/// The answers of one sampling and what they are worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged<'a> {
    /// Question after question.
    pub(crate) samples: &'a [Sample],
    /// One list of rewards for each function.
    pub(crate) columns: &'a [Vec<Option<f32>>],
    /// The weighted sums.
    pub(crate) totals: &'a [Option<f32>],
    /// Answers to each question.
    pub(crate) group_size: usize,
    /// The tokens that end an answer.
    pub(crate) eos_ids: &'a [u32],
}

/// Whether the answers of a sampling are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    /// There are steps left that train on them.
    Going,
    /// There are none.
    Over,
}

impl Judged<'_> {
    /// One slice for each function.
    pub(super) fn rewards(&self) -> Vec<&[Option<f32>]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }
}

/// What the answers of one sampling teach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credit {
    /// The advantage of each answer.
    pub(crate) advantages: Vec<f32>,
    /// The advantage of each token, where tokens have one of their own.
    pub(crate) token_advantages: Option<Vec<f32>>,
    /// What each value should have been, where there is a critic.
    pub(crate) returns: Option<Vec<f32>>,
    /// Numbers known before the step, under TRL's names.
    pub(crate) metrics: Vec<(String, f64)>,
}

/// An online method in the course of a run.
pub(crate) trait Method: Send {
    /// Whether it asks for the log-probabilities of the frozen start.
    fn needs_reference(&self) -> bool;

    /// Whether the distance from the reference is part of the reward, so that it must be known before the steps.
    fn judges_divergence(&self) -> bool;

    /// Whether the loss rewards the entropy of the policy.
    fn rewards_entropy(&self) -> bool {
        false
    }

    /// Whether a critic is trained along.
    fn has_critic(&self) -> bool {
        self.value_loss().is_some()
    }

    /// Values that the critic predicts for an answer of so many tokens, the first before its first token.
    fn num_values(&self, _num_tokens: usize) -> usize {
        0
    }

    /// Whether its loss makes good, and reports, how far the sampler's log-probabilities are from those of training.
    fn corrects_sampler(&self) -> bool {
        false
    }

    /// What the answers teach.
    fn judge(&mut self, judged: Judged<'_>) -> Result<Credit, BatchError>;

    /// The sizes of a step made of these micro-batches.
    fn totals(&self, micro_batches: &[&[PolicyCompletion]]) -> StepTotals;

    /// The objective of the policy.
    fn policy_loss(&self) -> Arc<dyn PolicyLoss + Send + Sync>;

    /// The objective of the critic.
    fn value_loss(&self) -> Option<Arc<dyn ValueLoss + Send + Sync>> {
        None
    }

    /// Numbers that follow from what the micro-batches of a finished step reported.
    fn finished(&mut self, _reported: &[Reported], _passes: Passes) -> Vec<(String, f64)> {
        Vec::new()
    }

    /// What the samplings so far left behind and later ones depend on.
    fn state(&self) -> Option<String> {
        None
    }

    /// Takes back what [`Method::state`] gave.
    fn restore(&mut self, _state: &str) -> Result<(), BatchError> {
        Err("this method keeps no state".into())
    }
}
