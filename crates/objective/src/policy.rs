//! Objectives over tokens that a policy sampled.

use burn::tensor::{Device, Tensor};

use crate::{LossOutput, StepTotals, assert_tokens};

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

/// The completions of one micro-batch. Lists of tokens hold them one behind the other.
#[derive(Clone, Debug)]
pub struct PolicyBatch {
    log_probs: Tensor<1>,
    completions: Vec<PolicyCompletion>,
    totals: StepTotals,
    token_advantages: Option<Vec<f32>>,
    old_log_probs: Option<Tensor<1>>,
    sampling_log_probs: Option<Tensor<1>>,
    reference_log_probs: Option<Tensor<1>>,
    entropy: Option<Tensor<1>>,
    entropy_threshold: Option<f32>,
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
            token_advantages: None,
            old_log_probs: None,
            sampling_log_probs: None,
            reference_log_probs: None,
            entropy: None,
            entropy_threshold: None,
        }
    }

    /// Adds an advantage for each token, which then stand in for those of the completions.
    ///
    /// # Panics
    ///
    /// If they are not as many as the log-probabilities.
    #[must_use]
    pub fn with_token_advantages(self, token_advantages: Vec<f32>) -> Self {
        assert_eq!(
            token_advantages.len(),
            self.num_tokens(),
            "number of tokens of token_advantages"
        );
        Self { token_advantages: Some(token_advantages), ..self }
    }

    /// Adds the log-probabilities `[token]` under the policy that sampled the tokens, computed as those of the policy being
    /// trained are; they are detached. Without them the policy being trained is that policy.
    ///
    /// # Panics
    ///
    /// If they have another length than the log-probabilities.
    #[must_use]
    pub fn with_old_log_probs(self, old_log_probs: Tensor<1>) -> Self {
        assert_tokens("old_log_probs", &old_log_probs, self.num_tokens());
        Self { old_log_probs: Some(old_log_probs.detach()), ..self }
    }

    /// Adds the log-probabilities `[token]` that the sampler reported; they are detached. They are those of the same policy
    /// as the old ones, and differ where the sampler computes in another way. NaN where it reported none.
    ///
    /// # Panics
    ///
    /// If they have another length than the log-probabilities.
    #[must_use]
    pub fn with_sampling_log_probs(self, sampling_log_probs: Tensor<1>) -> Self {
        assert_tokens("sampling_log_probs", &sampling_log_probs, self.num_tokens());
        Self { sampling_log_probs: Some(sampling_log_probs.detach()), ..self }
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

    /// Adds the entropy `[token]` of the policy's distributions, in nats. It is not detached, for a loss may reward it.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_entropy(self, entropy: Tensor<1>) -> Self {
        assert_tokens("entropy", &entropy, self.num_tokens());
        Self { entropy: Some(entropy), ..self }
    }

    /// Adds the entropy below which a loss that learns from uncertain tokens alone leaves a token out, where that is known
    /// for the whole step. Without it each micro-batch finds its own.
    #[must_use]
    pub fn with_entropy_threshold(self, entropy_threshold: f32) -> Self {
        Self { entropy_threshold: Some(entropy_threshold), ..self }
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

    /// Log-probabilities that the sampler reported, `[token]`, if it did.
    #[must_use]
    pub fn sampling_log_probs(&self) -> Option<Tensor<1>> {
        self.sampling_log_probs.clone()
    }

    /// Whether the policy that sampled may be another than the policy being trained.
    #[must_use]
    pub fn has_old_log_probs(&self) -> bool {
        self.old_log_probs.is_some()
    }

    /// The advantage of each token: its own if there are such, else that of its completion.
    #[must_use]
    pub fn token_advantages(&self) -> Vec<f32> {
        self.token_advantages.clone().unwrap_or_else(|| {
            let spread =
                |one: &PolicyCompletion| std::iter::repeat_n(one.advantage, one.num_tokens);
            self.completions.iter().flat_map(spread).collect()
        })
    }

    /// Number of tokens of each completion.
    #[must_use]
    pub fn lengths(&self) -> Vec<usize> {
        self.completions.iter().map(|completion| completion.num_tokens).collect()
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

    /// The entropy below which tokens are left out, if it is known for the whole step.
    #[must_use]
    pub fn entropy_threshold(&self) -> Option<f32> {
        self.entropy_threshold
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

    fn totals() -> StepTotals {
        StepTotals::new(1, 2, 4)
    }

    fn completion(num_tokens: usize) -> PolicyCompletion {
        PolicyCompletion { num_tokens, advantage: 0.5, is_truncated: false }
    }

    fn tokens(count: usize) -> Tensor<1> {
        Tensor::zeros([count], &Device::flex())
    }

    #[test]
    #[should_panic(expected = "number of tokens of log_probs")]
    fn lengths_that_do_not_add_up_are_refused() {
        let _ = PolicyBatch::new(tokens(4), vec![completion(2), completion(1)], totals());
    }

    #[test]
    #[should_panic(expected = "number of tokens of reference_log_probs")]
    fn a_reference_that_would_broadcast_is_refused() {
        let batch = PolicyBatch::new(tokens(4), vec![completion(2), completion(2)], totals());
        let _ = batch.with_reference_log_probs(tokens(1));
    }

    #[test]
    #[should_panic(expected = "number of tokens of token_advantages")]
    fn advantages_of_another_length_are_refused() {
        let batch = PolicyBatch::new(tokens(4), vec![completion(2), completion(2)], totals());
        let _ = batch.with_token_advantages(vec![1.0; 2]);
    }

    #[test]
    fn a_token_has_the_advantage_of_its_completion_unless_it_has_its_own() {
        let completions =
            vec![completion(1), PolicyCompletion { advantage: -2.0, ..completion(2) }];
        let batch = PolicyBatch::new(tokens(3), completions, totals());
        assert_eq!(batch.token_advantages(), [0.5, -2.0, -2.0]);
        let own = batch.with_token_advantages(vec![1.0, 2.0, 3.0]);
        assert_eq!(own.token_advantages(), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn without_old_log_probs_the_policy_itself_stands_in_detached() {
        let device = Device::flex().autodiff();
        let log_probs = Tensor::<1>::from_floats([-1.0, -2.0], &device).require_grad();
        let batch = PolicyBatch::new(log_probs.clone(), vec![completion(2)], totals());
        let gradients = (batch.old_log_probs() + log_probs.clone()).sum().backward();
        let gradient = log_probs.grad(&gradients).expect("tracked").into_data();
        assert_eq!(gradient.try_to_vec::<f32>().expect("single precision"), [1.0, 1.0]);
    }
}
