//! Objectives over single completions that are called desirable or not.

use burn::tensor::{Device, Tensor};

use crate::{LossOutput, assert_tokens};

/// One completion and the verdict on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpairedCompletion {
    /// Its tokens, the end-of-sequence token among them.
    pub num_tokens: usize,
    /// Whether it is one to imitate.
    pub is_desirable: bool,
}

/// The completions of one micro-batch. Lists of tokens hold them one behind the other.
#[derive(Clone, Debug)]
pub struct UnpairedBatch {
    log_probs: Tensor<1>,
    completions: Vec<UnpairedCompletion>,
    num_step_completions: usize,
    reference_log_probs: Option<Tensor<1>>,
    kl_log_ratios: Option<Tensor<1>>,
    entropy: Option<Tensor<1>>,
    mean_logits: Option<Tensor<1>>,
}

impl UnpairedBatch {
    /// Log-probabilities `[token]` under the policy being trained, in nats, of the tokens of `completions`, and the number of
    /// completions of all micro-batches of the optimiser step.
    ///
    /// # Panics
    ///
    /// If the tokens of the completions are not as many as the log-probabilities, or if the step has fewer completions than
    /// this micro-batch.
    #[must_use]
    pub fn new(
        log_probs: Tensor<1>,
        completions: Vec<UnpairedCompletion>,
        num_step_completions: usize,
    ) -> Self {
        let num_tokens = completions.iter().map(|completion| completion.num_tokens).sum();
        assert_tokens("log_probs", &log_probs, num_tokens);
        assert!(
            completions.len() <= num_step_completions,
            "a micro-batch of {} completions in a step of {num_step_completions}",
            completions.len()
        );
        Self {
            log_probs,
            completions,
            num_step_completions,
            reference_log_probs: None,
            kl_log_ratios: None,
            entropy: None,
            mean_logits: None,
        }
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

    /// Adds `log pi(y'|x) - log pi_ref(y'|x)` of whole mismatched completions, `[completion]`: prompts followed by the answers
    /// to others. Their mean estimates the divergence from the reference; they are detached.
    ///
    /// Those of the micro-batch give the estimate of TRL. Those of the whole step, handed to each of its micro-batches, make
    /// the loss independent of how the step is cut.
    #[must_use]
    pub fn with_kl_log_ratios(self, kl_log_ratios: Tensor<1>) -> Self {
        Self { kl_log_ratios: Some(kl_log_ratios.detach()), ..self }
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

    /// Adds the mean `[token]` over the vocabulary of the logits that predict each token, for the metrics.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_mean_logits(self, mean_logits: Tensor<1>) -> Self {
        assert_tokens("mean_logits", &mean_logits, self.num_tokens());
        Self { mean_logits: Some(mean_logits.detach()), ..self }
    }

    /// Log-probabilities under the policy being trained, `[token]`.
    #[must_use]
    pub fn log_probs(&self) -> Tensor<1> {
        self.log_probs.clone()
    }

    /// Log-probabilities under the reference, `[token]`, if there is one.
    #[must_use]
    pub fn reference_log_probs(&self) -> Option<Tensor<1>> {
        self.reference_log_probs.clone()
    }

    /// Log-ratios of mismatched completions, `[completion]`, if they are known.
    #[must_use]
    pub fn kl_log_ratios(&self) -> Option<Tensor<1>> {
        self.kl_log_ratios.clone()
    }

    /// Entropies, `[token]`, if they are known.
    #[must_use]
    pub fn entropy(&self) -> Option<Tensor<1>> {
        self.entropy.clone()
    }

    /// Means of the logits, `[token]`, if they are known.
    #[must_use]
    pub fn mean_logits(&self) -> Option<Tensor<1>> {
        self.mean_logits.clone()
    }

    /// The completions, in the order of their tokens.
    #[must_use]
    pub fn completions(&self) -> &[UnpairedCompletion] {
        &self.completions
    }

    /// Tokens of each completion.
    #[must_use]
    pub fn lengths(&self) -> Vec<usize> {
        self.completions.iter().map(|completion| completion.num_tokens).collect()
    }

    /// Number of completions of all micro-batches of the step.
    #[must_use]
    pub fn num_step_completions(&self) -> usize {
        self.num_step_completions
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

/// An objective over single completions.
pub trait UnpairedLoss {
    /// The share of one micro-batch in the loss of its step.
    fn forward(&self, batch: UnpairedBatch) -> LossOutput;

    /// Whether the batch must carry the log-ratios of mismatched completions.
    fn needs_kl(&self) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETIONS: [UnpairedCompletion; 2] = [
        UnpairedCompletion { num_tokens: 2, is_desirable: true },
        UnpairedCompletion { num_tokens: 3, is_desirable: false },
    ];

    fn tokens(count: usize) -> Tensor<1> {
        Tensor::zeros([count], &Device::flex())
    }

    #[test]
    #[should_panic(expected = "number of tokens of log_probs")]
    fn lengths_that_do_not_add_up_are_refused() {
        let _ = UnpairedBatch::new(tokens(4), COMPLETIONS.to_vec(), 2);
    }

    #[test]
    #[should_panic(expected = "a micro-batch of 2 completions in a step of 1")]
    fn a_step_smaller_than_its_micro_batch_is_refused() {
        let _ = UnpairedBatch::new(tokens(5), COMPLETIONS.to_vec(), 1);
    }

    #[test]
    #[should_panic(expected = "number of tokens of mean_logits")]
    fn mean_logits_that_would_broadcast_are_refused() {
        let batch = UnpairedBatch::new(tokens(5), COMPLETIONS.to_vec(), 2);
        let _ = batch.with_mean_logits(tokens(1));
    }
}
