//! The numbers that TRL logs beside the loss, under its names.

use burn::tensor::{Bool, Tensor};
use forethought_logprob::masked_mean;
use forethought_objective::PreferenceBatch;

use crate::pairs::{Pairs, PerPair};

type Metrics = Vec<(&'static str, Tensor<1>)>;

/// Means over pairs that count; `skipped_pairs` is how many do not.
pub(crate) fn of_pairs(pairs: &Pairs, beta: f64) -> Metrics {
    let is_kept = &pairs.is_kept;
    let mean = |values: Tensor<1>| masked_mean(values.detach(), is_kept.clone());
    let PerPair { chosen, rejected } =
        pairs.log_ratios.clone().map(|log_ratio| log_ratio.mul_scalar(beta));
    let margins = chosen.clone() - rejected.clone();
    let is_right: Tensor<1, Bool> = chosen.clone().greater(rejected.clone());
    vec![
        ("rewards/chosen", mean(chosen)),
        ("rewards/rejected", mean(rejected)),
        ("rewards/accuracies", mean(is_right.float())),
        ("rewards/margins", mean(margins)),
        ("logps/chosen", mean(pairs.policy.chosen.clone())),
        ("logps/rejected", mean(pairs.policy.rejected.clone())),
        ("skipped_pairs", is_kept.clone().neg().add_scalar(1.0).sum()),
    ]
}

/// Means over tokens that count, of what the batch knows.
pub(crate) fn of_tokens(pairs: &Pairs, batch: &PreferenceBatch) -> Metrics {
    let [num_tokens, num_chosen] = [batch.num_tokens(), batch.num_chosen_tokens()];
    let mean = |values: Tensor<1>, range: std::ops::Range<usize>| {
        let is_kept = pairs.is_kept_token.clone().slice(range.clone());
        masked_mean(values.slice(range), is_kept)
    };
    let mut metrics = Vec::new();
    if let Some(entropy) = batch.entropy() {
        metrics.push(("entropy", mean(entropy, 0..num_tokens)));
    }
    if let Some(logits) = batch.mean_logits() {
        metrics.push(("logits/chosen", mean(logits.clone(), 0..num_chosen)));
        metrics.push(("logits/rejected", mean(logits, num_chosen..num_tokens)));
    }
    if let Some(is_argmax) = batch.is_argmax() {
        metrics.push(("mean_token_accuracy", mean(is_argmax, 0..num_chosen)));
    }
    metrics
}
