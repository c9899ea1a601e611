//! The numbers that TRL and LLaMA-Factory log beside the loss, under their names.

use burn::tensor::Tensor;
use forethought_logprob::masked_mean;
use forethought_objective::PreferenceBatch;

use crate::Pairs;
use crate::config::{OrpoConfig, Semantics};

type Metrics = Vec<(&'static str, Tensor<1>)>;

/// Means over pairs (of logits: tokens) that count; `skipped_pairs` is how many do not.
pub(crate) fn all(
    config: &OrpoConfig,
    pairs: &Pairs,
    batch: &PreferenceBatch,
    nll: Tensor<1>,
    log_ratios: Tensor<1>,
) -> Metrics {
    let mean = |values: Tensor<1>| masked_mean(values.detach(), pairs.is_kept.clone());
    let [chosen, rejected] = [pairs.chosen.clone(), pairs.rejected.clone()];
    let rewards = |log_probs: Tensor<1>| log_probs.mul_scalar(config.beta);
    let is_right = chosen.clone().greater(rejected.clone()).float();
    let mut metrics = vec![
        ("rewards/chosen", mean(rewards(chosen.clone()))),
        ("rewards/rejected", mean(rewards(rejected.clone()))),
        ("rewards/accuracies", mean(is_right)),
        ("rewards/margins", mean(rewards(chosen.clone() - rejected.clone()))),
        ("logps/rejected", mean(rejected)),
        ("logps/chosen", mean(chosen)),
    ];
    if let Some(logits) = batch.mean_logits() {
        let [num_tokens, num_chosen] = [batch.num_tokens(), batch.num_chosen_tokens()];
        let mean = |range: std::ops::Range<usize>| {
            let is_kept = pairs.is_kept_token.clone().slice(range.clone());
            masked_mean(logits.clone().slice(range), is_kept)
        };
        metrics.push(("logits/rejected", mean(num_chosen..num_tokens)));
        metrics.push(("logits/chosen", mean(0..num_chosen)));
    }
    if config.semantics == Semantics::LlamaFactory {
        metrics.push(("sft_loss", nll));
        metrics.push(("odds_ratio_loss", mean(log_ratios).neg()));
    } else {
        metrics.push(("nll_loss", nll));
        metrics.push(("log_odds_ratio", mean(log_ratios)));
        metrics.push(("log_odds_chosen", mean(pairs.log_odds.clone())));
    }
    metrics.push(("skipped_pairs", pairs.is_kept.clone().neg().add_scalar(1.0).sum()));
    metrics
}
