//! Objectives over tokens that a data set prescribes.

use burn::tensor::Tensor;

use crate::{LossOutput, assert_tokens};

/// The completion tokens of one micro-batch.
#[derive(Clone, Debug)]
pub struct SupervisedBatch {
    log_probs: Tensor<1>,
    num_step_tokens: usize,
    entropy: Option<Tensor<1>>,
    is_argmax: Option<Tensor<1>>,
    mean_log_probs: Option<Tensor<1>>,
}

impl SupervisedBatch {
    /// Log-probabilities `[token]` of the prescribed tokens, in nats, and the number of completion tokens of all
    /// micro-batches of the optimiser step.
    ///
    /// # Panics
    ///
    /// If the step has fewer tokens than this micro-batch.
    #[must_use]
    pub fn new(log_probs: Tensor<1>, num_step_tokens: usize) -> Self {
        let [num_tokens] = log_probs.dims();
        assert!(
            num_tokens <= num_step_tokens,
            "a micro-batch of {num_tokens} tokens in a step of {num_step_tokens}"
        );
        Self { log_probs, num_step_tokens, entropy: None, is_argmax: None, mean_log_probs: None }
    }

    /// Adds the entropy `[token]` of the model's distributions, in nats, for the metrics.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_entropy(self, entropy: Tensor<1>) -> Self {
        assert_tokens("entropy", &entropy, self.num_tokens());
        Self { entropy: Some(entropy.detach()), ..self }
    }

    /// Adds, for the metrics, 1 for each token that the model holds most probable and 0 for the others, `[token]`.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_is_argmax(self, is_argmax: Tensor<1>) -> Self {
        assert_tokens("is_argmax", &is_argmax, self.num_tokens());
        Self { is_argmax: Some(is_argmax.detach()), ..self }
    }

    /// Adds the mean `[token]` over the vocabulary of the log-probabilities, which label smoothing raises; it is not
    /// detached.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_mean_log_probs(self, mean_log_probs: Tensor<1>) -> Self {
        assert_tokens("mean_log_probs", &mean_log_probs, self.num_tokens());
        Self { mean_log_probs: Some(mean_log_probs), ..self }
    }

    /// Log-probabilities of the prescribed tokens, `[token]`.
    #[must_use]
    pub fn log_probs(&self) -> Tensor<1> {
        self.log_probs.clone()
    }

    /// Entropies, `[token]`, if they are known.
    #[must_use]
    pub fn entropy(&self) -> Option<Tensor<1>> {
        self.entropy.clone()
    }

    /// 1 for each token that the model holds most probable, `[token]`, if that is known.
    #[must_use]
    pub fn is_argmax(&self) -> Option<Tensor<1>> {
        self.is_argmax.clone()
    }

    /// Means of the log-probabilities over the vocabulary, `[token]`, if they are known.
    #[must_use]
    pub fn mean_log_probs(&self) -> Option<Tensor<1>> {
        self.mean_log_probs.clone()
    }

    /// Number of tokens of this micro-batch.
    #[must_use]
    pub fn num_tokens(&self) -> usize {
        self.log_probs.dims()[0]
    }

    /// Number of tokens of all micro-batches of the step.
    #[must_use]
    pub fn num_step_tokens(&self) -> usize {
        self.num_step_tokens
    }
}

/// An objective over prescribed tokens.
pub trait SupervisedLoss {
    /// The share of one micro-batch in the loss of its step.
    fn forward(&self, batch: SupervisedBatch) -> LossOutput;

    /// Whether the batch must carry the means of the log-probabilities over the vocabulary.
    fn needs_mean_log_probs(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    #[should_panic(expected = "a micro-batch of 4 tokens in a step of 3")]
    fn a_step_smaller_than_its_micro_batch_is_refused() {
        let _ = SupervisedBatch::new(Tensor::zeros([4], &Device::flex()), 3);
    }

    #[test]
    #[should_panic(expected = "number of tokens of entropy")]
    fn an_entropy_that_would_broadcast_is_refused() {
        let batch = SupervisedBatch::new(Tensor::zeros([4], &Device::flex()), 4);
        let _ = batch.with_entropy(Tensor::zeros([1], &Device::flex()));
    }
}
