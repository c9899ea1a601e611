//! What a micro-batch makes of the scores of its tokens: a loss of one family, and what it needs beside them.

use std::fmt;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use forethought_kernels::TokenScores;
use forethought_objective::{
    LossOutput, PolicyBatch, PolicyCompletion, PolicyLoss, StepTotals, SupervisedBatch,
    SupervisedLoss,
};

/// A loss and what it needs beside the scores.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Tokens that a data set prescribes.
    Supervised(Supervised),
    /// Tokens that a policy sampled.
    Policy(Policy),
}

/// A loss of one family.
pub(crate) struct Loss<T: ?Sized>(pub(crate) Arc<T>);

impl<T: ?Sized> Clone for Loss<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> fmt::Debug for Loss<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::any::type_name::<T>())
    }
}

/// A supervised loss and its step.
#[derive(Clone, Debug)]
pub(crate) struct Supervised {
    pub(crate) loss: Loss<dyn SupervisedLoss + Send + Sync>,
    /// Scored tokens of all micro-batches of the optimiser step.
    pub(crate) num_step_tokens: usize,
}

impl Supervised {
    /// The means of log-probabilities over the vocabulary, `[token]`, are asked for where the loss needs them.
    pub(super) fn forward(
        &self,
        scores: TokenScores,
        mean_log_probs: impl FnOnce() -> Tensor<1>,
    ) -> LossOutput {
        let mut batch = SupervisedBatch::new(scores.log_probs, self.num_step_tokens)
            .with_entropy(scores.entropy)
            .with_is_argmax(scores.is_argmax);
        if self.loss.0.needs_mean_log_probs() {
            batch = batch.with_mean_log_probs(mean_log_probs());
        }
        self.loss.0.forward(batch)
    }
}

/// A loss over sampled tokens and what they were sampled with.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) loss: Loss<dyn PolicyLoss + Send + Sync>,
    pub(crate) completions: Vec<PolicyCompletion>,
    pub(crate) totals: StepTotals,
    /// `[token]`, what the tokens were sampled with.
    pub(crate) sampling_log_probs: Vec<f32>,
    /// `[token]`, under the frozen reference, where the loss asks for it.
    pub(crate) reference_log_probs: Option<Vec<f32>>,
}

impl Policy {
    /// The policy that sampled is the policy being trained: its own log-probabilities, detached, are the old ones, and
    /// those of the sampling only show how far the two engines are apart.
    pub(super) fn forward(&self, scores: TokenScores) -> LossOutput {
        let device = scores.log_probs.device();
        let sampled = token_list(&self.sampling_log_probs, &device);
        let difference = (scores.log_probs.clone().detach() - sampled).abs(); // [token]
        let mut batch = PolicyBatch::new(scores.log_probs, self.completions.clone(), self.totals)
            .with_entropy(scores.entropy);
        if let Some(reference) = &self.reference_log_probs {
            batch = batch.with_reference_log_probs(token_list(reference, &device));
        }
        let mut output = self.loss.0.forward(batch);
        output.metrics.push(("sampling/sampling_logp_difference/mean", difference.clone().mean()));
        output.metrics.push(("sampling/sampling_logp_difference/max", difference.max()));
        output
    }
}

fn token_list(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}
