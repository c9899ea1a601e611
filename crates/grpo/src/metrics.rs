//! The numbers that TRL logs beside the loss, under its names.

use burn::tensor::{Bool, Int, Tensor};
use forethought_logprob::{Ragged, masked_mean};

use crate::weights::Tokens;
use crate::{GrpoLoss, ImportanceSamplingLevel};

/// The mean over the tokens that count, `[1]`, detached.
pub(crate) fn mean(values: Tensor<1>, is_counted: Tensor<1>) -> Tensor<1> {
    masked_mean(values.detach(), is_counted)
}

/// How often the ratio left the clip range in the direction of its advantage: shares of tokens, and the least and the
/// greatest share within one completion. With ratios of whole completions: shares of completions.
pub(crate) fn clip_ratios(
    loss: &GrpoLoss,
    tokens: &Tokens,
    ragged: &Ragged,
    [ratio, advantages, is_counted]: [Tensor<1>; 3],
) -> Vec<(&'static str, Tensor<1>)> {
    let ratio = ratio.detach();
    let negative = advantages.clone().lower_scalar(0.0); // [token]
    let positive = advantages.greater_scalar(0.0); // [token]
    let low = ratio.clone().lower_scalar(1.0 - loss.config.epsilon).bool_and(negative);
    let high = ratio.greater_scalar(1.0 + loss.epsilon_high).bool_and(positive);
    let region = low.clone().bool_or(high.clone());
    let shares = |clipped: Tensor<1, Bool>| ragged.mean(clipped.float() * is_counted.clone());
    let average = |clipped: Tensor<1, Bool>| match loss.config.importance_sampling_level {
        ImportanceSamplingLevel::Token => masked_mean(clipped.float(), is_counted.clone()),
        ImportanceSamplingLevel::Sequence => shares(clipped).mean(),
    };
    let counted = counted_completions(tokens, &is_counted); // completions of which tokens count
    let among_counted = |shares: Tensor<1>| match &counted {
        Some(counted) => shares.select(0, counted.clone()),
        None => shares, // all of them 0
    };
    vec![
        ("clip_ratio/low_mean", average(low.clone())),
        ("clip_ratio/low_min", among_counted(shares(low)).min()),
        ("clip_ratio/high_mean", average(high.clone())),
        ("clip_ratio/high_max", among_counted(shares(high)).max()),
        ("clip_ratio/region_mean", average(region)),
    ]
}

/// The completions of which tokens count, if there are any.
fn counted_completions(tokens: &Tokens, like: &Tensor<1>) -> Option<Tensor<1, Int>> {
    let mut start = 0;
    let mut counted: Vec<i64> = Vec::new();
    for (index, length) in (0..).zip(&tokens.lengths) {
        if tokens.is_counted[start..start + length].contains(&1.0) {
            counted.push(index);
        }
        start += length;
    }
    (!counted.is_empty()).then(|| Tensor::from_ints(counted.as_slice(), &like.device()))
}
