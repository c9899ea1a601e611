//! Objectives over tokens that a policy sampled.

use burn::tensor::{Device, Tensor};

use crate::{LossOutput, assert_tokens};

/// One sampled completion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyCompletion {
    /// Its tokens, the end-of-sequence token among them.
    pub num_tokens: usize,
    /// How much better it was than expected.
    pub advantage: f32,
    /// It was cut off at the length limit, before the model ended it.
    pub is_truncated: bool,
}

/// Sizes of one optimiser step, over all its micro-batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepTotals {
    /// Micro-batches.
    pub num_micro_batches: usize,
    /// Completions.
    pub num_completions: usize,
    /// Tokens that count for the loss.
    pub num_tokens: usize,
}

/// The completions of one micro-batch. Lists of tokens hold them one behind the other.
#[derive(Clone, Debug)]
pub struct PolicyBatch {
    log_probs: Tensor<1>,
    completions: Vec<PolicyCompletion>,
    totals: StepTotals,
    old_log_probs: Option<Tensor<1>>,
    reference_log_probs: Option<Tensor<1>>,
    entropy: Option<Tensor<1>>,
}

impl PolicyBatch {
    /// Log-probabilities `[token]` under the policy being trained, in nats, of the tokens of `completions`.
    ///
    /// # Panics
    ///
    /// If there is no completion, if their tokens are not as many as the log-probabilities, or if the step has fewer
    /// completions than this micro-batch.
    #[must_use]
    pub fn new(
        log_probs: Tensor<1>,
        completions: Vec<PolicyCompletion>,
        totals: StepTotals,
    ) -> Self {
        let num_tokens = completions.iter().map(|completion| completion.num_tokens).sum();
        assert!(!completions.is_empty(), "a micro-batch without completions");
        assert_tokens("log_probs", &log_probs, num_tokens);
        assert!(
            completions.len() <= totals.num_completions && 0 < totals.num_micro_batches,
            "a micro-batch of {} completions in a step of {totals:?}",
            completions.len()
        );
        Self {
            log_probs,
            completions,
            totals,
            old_log_probs: None,
            reference_log_probs: None,
            entropy: None,
        }
    }

    /// Adds the log-probabilities `[token]` under the policy that sampled the tokens; they are detached. Without them the
    /// policy being trained is that policy.
    ///
    /// # Panics
    ///
    /// If they have another length than the log-probabilities.
    #[must_use]
    pub fn with_old_log_probs(self, old_log_probs: Tensor<1>) -> Self {
        assert_tokens("old_log_probs", &old_log_probs, self.num_tokens());
        Self { old_log_probs: Some(old_log_probs.detach()), ..self }
    }

    /// Adds the log-probabilities `[token]` under the frozen reference; they are detached.
    ///
    /// # Panics
    ///
    /// If they have another length than the log-probabilities.
    #[must_use]
    pub fn with_reference_log_probs(self, reference_log_probs: Tensor<1>) -> Self {
        assert_tokens("reference_log_probs", &reference_log_probs, self.num_tokens());
        Self { reference_log_probs: Some(reference_log_probs.detach()), ..self }
    }

    /// Adds the entropy `[token]` of the policy's distributions, in nats, for the metrics.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_entropy(self, entropy: Tensor<1>) -> Self {
        assert_tokens("entropy", &entropy, self.num_tokens());
        Self { entropy: Some(entropy.detach()), ..self }
    }

    /// Log-probabilities under the policy being trained, `[token]`.
    #[must_use]
    pub fn log_probs(&self) -> Tensor<1> {
        self.log_probs.clone()
    }

    /// Log-probabilities under the policy that sampled, `[token]`, detached: the policy being trained if no other was given.
    #[must_use]
    pub fn old_log_probs(&self) -> Tensor<1> {
        self.old_log_probs.clone().unwrap_or_else(|| self.log_probs.clone().detach())
    }

    /// Log-probabilities under the reference, `[token]`, if there is one.
    #[must_use]
    pub fn reference_log_probs(&self) -> Option<Tensor<1>> {
        self.reference_log_probs.clone()
    }

    /// Entropies, `[token]`, if they are known.
    #[must_use]
    pub fn entropy(&self) -> Option<Tensor<1>> {
        self.entropy.clone()
    }

    /// The completions, in the order of their tokens.
    #[must_use]
    pub fn completions(&self) -> &[PolicyCompletion] {
        &self.completions
    }

    /// Sizes of the step that this micro-batch is part of.
    #[must_use]
    pub fn totals(&self) -> StepTotals {
        self.totals
    }

    /// Number of tokens of this micro-batch.
    #[must_use]
    pub fn num_tokens(&self) -> usize {
        self.log_probs.dims()[0]
    }

    /// Where the lists live.
    #[must_use]
    pub fn device(&self) -> Device {
        self.log_probs.device()
    }
}

/// An objective over sampled tokens.
pub trait PolicyLoss {
    /// The share of one micro-batch in the loss of its step.
    fn forward(&self, batch: PolicyBatch) -> LossOutput;
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: StepTotals =
        StepTotals { num_micro_batches: 1, num_completions: 2, num_tokens: 4 };

    fn completion(num_tokens: usize) -> PolicyCompletion {
        PolicyCompletion { num_tokens, advantage: 0.5, is_truncated: false }
    }

    fn tokens(count: usize) -> Tensor<1> {
        Tensor::zeros([count], &Device::flex())
    }

    #[test]
    #[should_panic(expected = "number of tokens of log_probs")]
    fn lengths_that_do_not_add_up_are_refused() {
        let _ = PolicyBatch::new(tokens(4), vec![completion(2), completion(1)], TOTALS);
    }

    #[test]
    #[should_panic(expected = "number of tokens of reference_log_probs")]
    fn a_reference_that_would_broadcast_is_refused() {
        let batch = PolicyBatch::new(tokens(4), vec![completion(2), completion(2)], TOTALS);
        let _ = batch.with_reference_log_probs(tokens(1));
    }

    #[test]
    fn without_old_log_probs_the_policy_itself_stands_in_detached() {
        let device = Device::flex().autodiff();
        let log_probs = Tensor::<1>::from_floats([-1.0, -2.0], &device).require_grad();
        let batch = PolicyBatch::new(log_probs.clone(), vec![completion(2)], TOTALS);
        let gradients = (batch.old_log_probs() + log_probs.clone()).sum().backward();
        let gradient = log_probs.grad(&gradients).expect("tracked").into_data();
        assert_eq!(gradient.try_to_vec::<f32>().expect("single precision"), [1.0, 1.0]);
    }
}
