//! What each loss type makes of a pair.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, relu, sigmoid};

use crate::config::{DpoConfig, LossType, Semantics};
use crate::pairs::{Pairs, PerPair};

/// The smoothing that TRL 0.15 gives `exo_pair` where none is set.
const EXO_SMOOTHING: f64 = 1e-3;

/// Losses `[pair]`, and 1 for those that count.
pub(crate) struct PairLosses {
    pub(crate) values: Tensor<1>,
    pub(crate) is_kept: Tensor<1>,
}

/// The loss of each pair under a loss type that is a mean over pairs; `baseline` is `[1]`, of `bco_pair`.
///
/// # Panics
///
/// If the loss type is `sft`, which is a mean over tokens.
pub(crate) fn of_pairs(
    loss_type: LossType,
    config: &DpoConfig,
    pairs: &Pairs,
    baseline: &Tensor<1>,
) -> PairLosses {
    let beta = config.beta;
    let smoothing = config.label_smoothing;
    let is_new = config.semantics == Semantics::Trl116;
    let rewards = || pairs.log_ratios.clone().map(|log_ratio| log_ratio.mul_scalar(beta));
    let margin = || pairs.scores.clone().difference().mul_scalar(beta); // [pair]
    let mean_margin = || pairs.mean_scores(config).difference(); // [pair]
    let values = match loss_type {
        LossType::Sigmoid => logistic(margin(), if is_new { 0.0 } else { smoothing }),
        LossType::Hinge => relu(-margin() + 1.0),
        LossType::Ipo => square(mean_margin().sub_scalar(0.5 / beta)),
        LossType::ExoPair => {
            exo_pair(margin(), if smoothing == 0.0 { EXO_SMOOTHING } else { smoothing })
        }
        LossType::NcaPair => nca_pair(rewards()),
        LossType::Robust => robust(margin(), smoothing),
        LossType::BcoPair => bco_pair(rewards(), baseline),
        LossType::SppoHard => sppo_hard(pairs.log_ratios.clone(), beta),
        LossType::ApoZero => apo_zero(rewards()),
        LossType::ApoDown => apo_down(rewards()),
        LossType::Discopop => discopop(margin(), config.discopop_tau),
        LossType::SigmoidNorm => logistic(mean_margin().mul_scalar(beta), 0.0),
        LossType::Simpo => logistic(margin().sub_scalar(config.simpo_gamma), smoothing),
        LossType::Aot => return sorted_margins(pairs, config),
        LossType::AotPair | LossType::AotUnpaired => return sorted_log_ratios(pairs, config),
        LossType::Sft => panic!("sft is a mean over tokens"),
    };
    PairLosses { values, is_kept: pairs.is_kept.clone() }
}

/// `-(1 - eps) log sigmoid(x) - eps log sigmoid(-x)`. `log_sigmoid`, because `sigmoid().log()` is -inf from -104 on.
fn logistic(x: Tensor<1>, smoothing: f64) -> Tensor<1> {
    let kept = log_sigmoid(x.clone()).mul_scalar(smoothing - 1.0);
    if smoothing == 0.0 { kept } else { kept - log_sigmoid(-x).mul_scalar(smoothing) }
}

fn square(x: Tensor<1>) -> Tensor<1> {
    x.clone() * x
}

fn exo_pair(margin: Tensor<1>, smoothing: f64) -> Tensor<1> {
    let side =
        |x: Tensor<1>, target: f64| sigmoid(x.clone()) * (log_sigmoid(x).sub_scalar(target.ln()));
    side(margin.clone(), 1.0 - smoothing) + side(-margin, smoothing)
}

fn nca_pair(rewards: PerPair) -> Tensor<1> {
    let PerPair { chosen, rejected } = rewards;
    let repelled = log_sigmoid(-chosen.clone()) + log_sigmoid(-rejected);
    -log_sigmoid(chosen) - repelled.mul_scalar(0.5)
}

fn robust(margin: Tensor<1>, smoothing: f64) -> Tensor<1> {
    let clean = log_sigmoid(margin.clone()).mul_scalar(smoothing - 1.0);
    let flipped = log_sigmoid(-margin).mul_scalar(smoothing);
    (clean + flipped).div_scalar(1.0 - 2.0 * smoothing)
}

fn bco_pair(rewards: PerPair, baseline: &Tensor<1>) -> Tensor<1> {
    let PerPair { chosen, rejected } = rewards.map(|reward| reward - baseline.clone());
    -log_sigmoid(chosen) - log_sigmoid(-rejected)
}

fn sppo_hard(log_ratios: PerPair, beta: f64) -> Tensor<1> {
    let PerPair { chosen, rejected } = log_ratios;
    square(chosen.sub_scalar(0.5 / beta)) + square(rejected.add_scalar(0.5 / beta))
}

fn apo_zero(rewards: PerPair) -> Tensor<1> {
    sigmoid(rewards.rejected) - sigmoid(rewards.chosen) + 1.0
}

fn apo_down(rewards: PerPair) -> Tensor<1> {
    sigmoid(rewards.chosen.clone()) - sigmoid(rewards.difference()) + 1.0
}

/// `m e^-x` is written `e^(log m - x)`: apart, `m` is 0 and `e^-x` infinite for very wrong pairs.
fn discopop(margin: Tensor<1>, tau: f64) -> Tensor<1> {
    let scaled = margin.clone().div_scalar(tau);
    let logistic = -log_sigmoid(margin.clone()) * sigmoid(-scaled.clone());
    logistic + (log_sigmoid(scaled) - margin).exp()
}

fn sorted_margins(pairs: &Pairs, config: &DpoConfig) -> PairLosses {
    let policy = sorted(pairs.policy.clone().difference(), &pairs.is_kept);
    let reference = sorted(pairs.reference.clone().difference(), &pairs.is_kept);
    of_sorted(policy - reference, pairs, config)
}

fn sorted_log_ratios(pairs: &Pairs, config: &DpoConfig) -> PairLosses {
    let PerPair { chosen, rejected } = pairs.log_ratios.clone();
    of_sorted(sorted(chosen, &pairs.is_kept) - sorted(rejected, &pairs.is_kept), pairs, config)
}

fn of_sorted(delta: Tensor<1>, pairs: &Pairs, config: &DpoConfig) -> PairLosses {
    let values = logistic(delta.mul_scalar(config.beta), config.label_smoothing);
    PairLosses { values, is_kept: pairs.is_kept.clone().sort_descending(0) }
}

/// In ascending order, with pairs that do not count at the end.
fn sorted(values: Tensor<1>, is_kept: &Tensor<1>) -> Tensor<1> {
    let last = is_kept.clone().equal_scalar(0.0);
    let order = values.clone().detach().mask_fill(last, f32::MAX).argsort(0);
    values.select(0, order)
}
