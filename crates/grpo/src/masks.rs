//! Tokens and completions that the policy is not to learn from.

use burn::tensor::{Int, Tensor};

use crate::GrpoLoss;
use crate::micro_batch::MicroBatch;

/// 0 for the tokens of bad completions that the policy has left by more than the threshold, 1 for the others, `[token]`;
/// `None` if there is no threshold.
pub(crate) fn off_policy(loss: &GrpoLoss, batch: &MicroBatch) -> Option<Tensor<1>> {
    let threshold = loss.config.off_policy_mask_threshold?;
    let before = batch.sampling_log_probs.clone().unwrap_or_else(|| batch.old_log_probs.clone());
    let is_unknown = before.clone().is_finite().bool_not().bool_or(batch.is_left_out.clone());
    let divergence = before - batch.log_probs.clone().detach(); // [token]
    let divergence = batch.spread_mean(divergence.mask_fill(is_unknown, 0.0));
    let is_near = divergence.lower_equal_scalar(threshold);
    let is_good = batch.advantages.clone().greater_equal_scalar(0.0);
    Some(is_good.bool_or(is_near).float())
}

/// 1 for the counted tokens of the highest entropy, 0 for the others, `[token]`; `None` if all are to be kept.
///
/// # Panics
///
/// If some are to be left out and the entropies are missing.
pub(crate) fn top_entropy(loss: &GrpoLoss, batch: &MicroBatch) -> Option<Tensor<1>> {
    let share = loss.config.top_entropy_quantile;
    if 1.0 <= share {
        return None;
    }
    let Some(entropy) = batch.entropy.clone().map(Tensor::detach) else {
        panic!("top_entropy_quantile is {share}, but the batch has no entropies")
    };
    let threshold = match batch.entropy_threshold {
        Some(threshold) => Tensor::from_floats([threshold], &entropy.device()),
        None => quantile(batch, entropy.clone(), 1.0 - share)?,
    }; // [1]
    let is_top = entropy.clone().greater_equal(threshold.expand(entropy.dims()));
    Some(batch.among_counted(is_top))
}

/// The quantile of the entropies of the tokens that count, `[1]`, interpolated as `torch.quantile` does; `None` if none does.
fn quantile(batch: &MicroBatch, entropy: Tensor<1>, share: f64) -> Option<Tensor<1>> {
    let counted =
        (0i64..).zip(&batch.tokens.is_counted).filter(|(_, is_counted)| **is_counted > 0.0);
    let counted: Vec<i64> = counted.map(|(token, _)| token).collect();
    let (lower, upper, part) = place(counted.len(), share)?;
    let device = entropy.device();
    let counted = Tensor::<1, Int>::from_ints(counted.as_slice(), &device);
    let sorted = entropy.select(0, counted).sort(0); // [counted token]
    let [lower, upper] = [lower, upper].map(|place| sorted.clone().narrow(0, place, 1)); // [1]
    Some(lower.clone() + (upper - lower) * part)
}

/// Between which two of `count` sorted numbers a quantile lies, and how far behind the first.
fn place(count: usize, share: f64) -> Option<(usize, usize, f64)> {
    let last = count.checked_sub(1)?;
    let position = share * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is in [0, 1], so the position is one of the list"
    )]
    let lower = (position.floor() as usize).min(last);
    Some((lower, (lower + 1).min(last), position - lower as f64))
}

/// The entropy from which on a token is among the share of the highest, over the tokens of a whole step; `None` without
/// tokens. For [`PolicyBatch::with_entropy_threshold`](forethought_objective::PolicyBatch::with_entropy_threshold).
///
/// ```
/// use forethought_grpo::entropy_threshold;
///
/// // A share of 0.5 of three tokens: those from the median on.
/// assert_eq!(entropy_threshold(&[1.0, 3.0, 2.0], 0.5), Some(2.0));
/// assert_eq!(entropy_threshold(&[], 0.5), None);
/// ```
#[must_use]
pub fn entropy_threshold(entropies: &[f32], top_entropy_quantile: f64) -> Option<f32> {
    let mut sorted = entropies.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let (lower, upper, part) = place(sorted.len(), 1.0 - top_entropy_quantile)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is a part of a whole")]
    let part = part as f32;
    Some(sorted[lower] + (sorted[upper] - sorted[lower]) * part)
}
