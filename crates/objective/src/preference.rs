//! Objectives over pairs of completions, of which one is preferred.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{LossOutput, assert_tokens};

/// Completion tokens of one pair, end-of-sequence tokens among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairLengths {
    /// Of the preferred completion.
    pub chosen: usize,
    /// Of the other one.
    pub rejected: usize,
}

/// Sizes of one optimiser step, over all its micro-batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreferenceTotals {
    /// Pairs.
    pub num_pairs: usize,
    /// Tokens of the chosen completions.
    pub num_chosen_tokens: usize,
}

impl PreferenceTotals {
    /// The sizes of a step made of these micro-batches.
    #[must_use]
    pub fn of(micro_batches: &[&[PairLengths]]) -> Self {
        let pairs = || micro_batches.iter().copied().flatten();
        Self {
            num_pairs: pairs().count(),
            num_chosen_tokens: pairs().map(|pair| pair.chosen).sum(),
        }
    }
}

/// A running mean of rewards, which one loss (`bco_pair` of `dpo`) measures rewards against.
///
/// It is the only state that a preference loss has. It goes in with the batch and is moved on by the caller with the mean
/// reward that comes out, so a checkpoint holds two numbers and a loss holds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardBaseline {
    /// Mean of the mean rewards of the micro-batches so far; 0 before the first.
    pub mean: f64,
    /// How many micro-batches those are.
    pub num_micro_batches: u64,
}

impl RewardBaseline {
    /// The baseline after a micro-batch of this mean reward. One that is not finite changes nothing.
    #[must_use]
    pub fn after(self, mean_reward: f64) -> Self {
        if !mean_reward.is_finite() {
            return self;
        }
        let num_micro_batches = self.num_micro_batches + 1;
        let mean = self.mean + (mean_reward - self.mean) / num_micro_batches as f64;
        Self { mean, num_micro_batches }
    }
}

/// The pairs of one micro-batch. Lists of tokens hold the chosen completions of all pairs, one behind the other, and then
/// the rejected ones in the same order.
#[derive(Clone, Debug)]
pub struct PreferenceBatch {
    log_probs: Tensor<1>,
    pairs: Vec<PairLengths>,
    totals: PreferenceTotals,
    reference_log_probs: Option<Tensor<1>>,
    prompt: Option<PromptTokens>,
    baseline: RewardBaseline,
    entropy: Option<Tensor<1>>,
    mean_logits: Option<Tensor<1>>,
    is_argmax: Option<Tensor<1>>,
    log_sum_squared_probs: Option<Tensor<1>>,
}

/// The prompts before chosen completions.
#[derive(Clone, Debug)]
struct PromptTokens {
    log_probs: Tensor<1>,
    num_step_tokens: usize,
}

impl PreferenceBatch {
    /// Log-probabilities `[token]` under the policy being trained, in nats, of the tokens of `pairs`: all chosen completions,
    /// then all rejected ones.
    ///
    /// # Panics
    ///
    /// If the tokens of the pairs are not as many as the log-probabilities, or if the step has fewer pairs or fewer chosen
    /// tokens than this micro-batch.
    #[must_use]
    pub fn new(log_probs: Tensor<1>, pairs: Vec<PairLengths>, totals: PreferenceTotals) -> Self {
        let own = PreferenceTotals::of(&[&pairs]);
        let num_rejected_tokens: usize = pairs.iter().map(|pair| pair.rejected).sum();
        assert_tokens("log_probs", &log_probs, own.num_chosen_tokens + num_rejected_tokens);
        assert!(
            own.num_pairs <= totals.num_pairs && own.num_chosen_tokens <= totals.num_chosen_tokens,
            "a micro-batch of {own:?} in a step of {totals:?}"
        );
        Self {
            log_probs,
            pairs,
            totals,
            reference_log_probs: None,
            prompt: None,
            baseline: RewardBaseline::default(),
            entropy: None,
            mean_logits: None,
            is_argmax: None,
            log_sum_squared_probs: None,
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

    /// Adds the log-probabilities `[token]` under the policy being trained of the prompts before the chosen completions, the
    /// first token of each left out (nothing predicts it), and the number of such tokens in the whole step.
    ///
    /// # Panics
    ///
    /// If the step has fewer prompt tokens than this micro-batch.
    #[must_use]
    pub fn with_prompt_log_probs(self, log_probs: Tensor<1>, num_step_tokens: usize) -> Self {
        let [num_tokens] = log_probs.dims();
        assert!(
            num_tokens <= num_step_tokens,
            "a micro-batch of {num_tokens} prompt tokens in a step of {num_step_tokens}"
        );
        Self { prompt: Some(PromptTokens { log_probs, num_step_tokens }), ..self }
    }

    /// Adds the running mean of rewards; without it, it starts with this micro-batch.
    #[must_use]
    pub fn with_baseline(self, baseline: RewardBaseline) -> Self {
        Self { baseline, ..self }
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

    /// Adds the logarithm `[token]` of the sum over the vocabulary of the squared probabilities, for losses that weigh pairs
    /// by how much the policy itself would have written them; it is detached.
    ///
    /// # Panics
    ///
    /// If it has another length than the log-probabilities.
    #[must_use]
    pub fn with_log_sum_squared_probs(self, log_sum_squared_probs: Tensor<1>) -> Self {
        assert_tokens("log_sum_squared_probs", &log_sum_squared_probs, self.num_tokens());
        Self { log_sum_squared_probs: Some(log_sum_squared_probs.detach()), ..self }
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

    /// Log-probabilities of the prompts before the chosen completions, `[token]`, and their number in the whole step, if
    /// they are known.
    #[must_use]
    pub fn prompt_log_probs(&self) -> Option<(Tensor<1>, usize)> {
        self.prompt.as_ref().map(|prompt| (prompt.log_probs.clone(), prompt.num_step_tokens))
    }

    /// The running mean of rewards before this micro-batch.
    #[must_use]
    pub fn baseline(&self) -> RewardBaseline {
        self.baseline
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

    /// 1 for each token that the model holds most probable, `[token]`, if that is known.
    #[must_use]
    pub fn is_argmax(&self) -> Option<Tensor<1>> {
        self.is_argmax.clone()
    }

    /// Logarithms of the sums of squared probabilities, `[token]`, if they are known.
    #[must_use]
    pub fn log_sum_squared_probs(&self) -> Option<Tensor<1>> {
        self.log_sum_squared_probs.clone()
    }

    /// The pairs, in the order of their tokens.
    #[must_use]
    pub fn pairs(&self) -> &[PairLengths] {
        &self.pairs
    }

    /// Tokens of each completion in the order of the lists: all chosen ones, then all rejected ones.
    #[must_use]
    pub fn lengths(&self) -> Vec<usize> {
        let chosen = self.pairs.iter().map(|pair| pair.chosen);
        chosen.chain(self.pairs.iter().map(|pair| pair.rejected)).collect()
    }

    /// Sizes of the step that this micro-batch is part of.
    #[must_use]
    pub fn totals(&self) -> PreferenceTotals {
        self.totals
    }

    /// Number of tokens of the chosen completions of this micro-batch, which are the first in the lists.
    #[must_use]
    pub fn num_chosen_tokens(&self) -> usize {
        self.pairs.iter().map(|pair| pair.chosen).sum()
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

/// An objective over pairs of completions.
pub trait PreferenceLoss {
    /// The share of one micro-batch in the loss of its step.
    fn forward(&self, batch: PreferenceBatch) -> LossOutput;

    /// Whether the batch must carry the log-probabilities of a reference.
    fn needs_reference(&self) -> bool;

    /// Whether the batch must carry the log-probabilities of the prompts.
    fn needs_prompt(&self) -> bool {
        false
    }

    /// Whether the batch must carry the sums of squared probabilities.
    fn needs_sum_squared_probs(&self) -> bool {
        false
    }

    /// The running mean of rewards after a micro-batch, from what went in and what came out; most losses keep none.
    fn baseline_after(&self, before: RewardBaseline, _output: &LossOutput) -> RewardBaseline {
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [PairLengths; 2] =
        [PairLengths { chosen: 2, rejected: 1 }, PairLengths { chosen: 1, rejected: 3 }];

    fn tokens(count: usize) -> Tensor<1> {
        Tensor::zeros([count], &Device::flex())
    }

    fn batch() -> PreferenceBatch {
        PreferenceBatch::new(tokens(7), PAIRS.to_vec(), PreferenceTotals::of(&[&PAIRS]))
    }

    #[test]
    fn chosen_completions_stand_before_rejected_ones() {
        assert_eq!(batch().lengths(), [2, 1, 1, 3]);
        assert_eq!(batch().num_chosen_tokens(), 3);
    }

    #[test]
    fn totals_are_over_all_micro_batches() {
        let totals = PreferenceTotals::of(&[&PAIRS, &PAIRS[..1]]);
        assert_eq!(totals, PreferenceTotals { num_pairs: 3, num_chosen_tokens: 5 });
    }

    #[test]
    #[should_panic(expected = "number of tokens of log_probs")]
    fn lengths_that_do_not_add_up_are_refused() {
        let _ = PreferenceBatch::new(tokens(6), PAIRS.to_vec(), PreferenceTotals::of(&[&PAIRS]));
    }

    #[test]
    #[should_panic(expected = "in a step of")]
    fn a_step_smaller_than_its_micro_batch_is_refused() {
        let totals = PreferenceTotals { num_pairs: 2, num_chosen_tokens: 2 };
        let _ = PreferenceBatch::new(tokens(7), PAIRS.to_vec(), totals);
    }

    #[test]
    #[should_panic(expected = "number of tokens of reference_log_probs")]
    fn a_reference_that_would_broadcast_is_refused() {
        let _ = batch().with_reference_log_probs(tokens(1));
    }

    #[test]
    #[should_panic(expected = "a micro-batch of 4 prompt tokens in a step of 3")]
    fn a_step_with_fewer_prompt_tokens_is_refused() {
        let _ = batch().with_prompt_log_probs(tokens(4), 3);
    }

    #[test]
    fn a_baseline_is_the_mean_of_what_it_was_shown() {
        let shown = [1.0, f64::NAN, 4.0, -2.0];
        let baseline = shown.into_iter().fold(RewardBaseline::default(), RewardBaseline::after);
        assert_eq!(baseline, RewardBaseline { mean: 1.0, num_micro_batches: 3 });
    }
}
