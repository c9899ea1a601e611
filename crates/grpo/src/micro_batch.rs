//! The tensors of a micro-batch, cleaned of what does not count.

use burn::tensor::{Bool, Tensor};
use forethought_logprob::Ragged;
use forethought_objective::PolicyBatch;

use crate::tokens::Tokens;
use crate::{GrpoLoss, ImportanceSamplingLevel, Semantics};

/// Log-ratios are bounded to this, as in verl: single precision overflows from 88 on, and an update that far off policy
/// says nothing any more.
const MAX_LOG_RATIO: f32 = 20.0;

/// Lists `[token]` of a micro-batch. Log-probabilities are 0 for tokens that do not count: whatever stood there, an infinity
/// even, reaches neither the loss nor the gradient.
pub(crate) struct MicroBatch {
    pub(crate) ragged: Ragged,
    pub(crate) tokens: Tokens,
    pub(crate) advantages: Tensor<1>,
    /// Shares of the token losses in the loss of the step.
    pub(crate) weights: Tensor<1>,
    /// 1 for tokens that count, 0 for the others.
    pub(crate) is_counted: Tensor<1>,
    pub(crate) is_left_out: Tensor<1, Bool>,
    pub(crate) log_probs: Tensor<1>,
    /// Detached.
    pub(crate) old_log_probs: Tensor<1>,
    pub(crate) reference_log_probs: Option<Tensor<1>>,
    pub(crate) sampling_log_probs: Option<Tensor<1>>,
    pub(crate) entropy: Option<Tensor<1>>,
    pub(crate) entropy_threshold: Option<f32>,
    pub(crate) num_micro_batches: usize,
}

impl MicroBatch {
    pub(crate) fn new(loss: &GrpoLoss, batch: &PolicyBatch) -> Self {
        let device = batch.device();
        let tokens = Tokens::new(loss, batch);
        let list = |values: &[f32]| Tensor::<1>::from_floats(values, &device);
        let log_probs = batch.log_probs();
        let old_log_probs = match loss.config.semantics {
            Semantics::Trl116 => batch.old_log_probs(),
            Semantics::Trl015 => batch.log_probs().detach(),
        };
        let reference = batch.reference_log_probs().filter(|_| loss.needs_reference());
        let given =
            [Some(log_probs.clone().detach()), Some(old_log_probs.clone()), reference.clone()];
        let is_finite = given.into_iter().flatten().map(Tensor::is_finite);
        // A token that a policy holds impossible has no ratio. It is left out, and counted.
        let is_counted =
            is_finite.fold(list(&tokens.is_counted), |counted, is| counted * is.float());
        let is_left_out = is_counted.clone().equal_scalar(0.0); // [token]
        let counted = |list: Tensor<1>| list.mask_fill(is_left_out.clone(), 0.0);
        Self {
            ragged: Ragged::new(&tokens.lengths, &device),
            advantages: list(&tokens.advantages),
            weights: list(&tokens.weights),
            log_probs: counted(log_probs),
            old_log_probs: counted(old_log_probs),
            reference_log_probs: reference.map(counted),
            sampling_log_probs: batch.sampling_log_probs(),
            entropy: batch.entropy().map(counted),
            entropy_threshold: batch.entropy_threshold(),
            num_micro_batches: batch.totals().num_micro_batches,
            is_counted,
            is_left_out,
            tokens,
        }
    }

    /// `log pi - log pi_old`, `[token]`.
    pub(crate) fn log_ratio(&self) -> Tensor<1> {
        let log_ratio = self.log_probs.clone() - self.old_log_probs.clone(); // [token]
        log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
    }

    /// The ratio of policies, `[token]`.
    pub(crate) fn ratio(&self, level: ImportanceSamplingLevel) -> Tensor<1> {
        let log_ratio = self.log_ratio();
        match level {
            ImportanceSamplingLevel::Token => log_ratio.exp(),
            ImportanceSamplingLevel::Sequence => self.spread_mean(log_ratio).exp(),
        }
    }

    /// Gives each token the mean of its completion, `[token]`.
    pub(crate) fn spread_mean(&self, list: Tensor<1>) -> Tensor<1> {
        self.ragged.spread(self.ragged.mean(list))
    }

    /// Gives each token the sum of its completion, `[token]`.
    pub(crate) fn spread_sum(&self, list: Tensor<1>) -> Tensor<1> {
        self.ragged.spread(self.ragged.sum(list))
    }

    /// A list of 0 and 1 that is 1 where the condition holds and the token counts, `[token]`.
    pub(crate) fn among_counted(&self, condition: Tensor<1, Bool>) -> Tensor<1> {
        condition.float() * self.is_counted.clone()
    }

    /// Tokens that should count and do not, because a policy holds them impossible or undefined, `[1]`.
    pub(crate) fn num_not_finite(&self) -> Tensor<1> {
        (self.is_counted.clone().sum() - self.tokens.num_counted as f64).neg()
    }
}
