//! Completions of a micro-batch as pairs: log-probabilities, log-ratios, scores and lengths.

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Bool, Device, Tensor};
use forethought_logprob::Ragged;
use forethought_objective::PreferenceBatch;

use crate::config::{DpoConfig, FDivergence, LossType, Semantics};

/// Beyond this, `exp` leaves single precision.
const MAX_EXPONENT: f64 = 80.0;

/// A value of each side of each pair, `[pair]`.
#[derive(Clone, Debug)]
pub(crate) struct PerPair {
    pub(crate) chosen: Tensor<1>,
    pub(crate) rejected: Tensor<1>,
}

impl PerPair {
    /// Of `[completion]`: all chosen, then all rejected.
    fn split(completions: Tensor<1>) -> Self {
        let num_pairs = completions.dims()[0] / 2;
        let chosen = completions.clone().slice(0..num_pairs);
        Self { chosen, rejected: completions.slice(num_pairs..2 * num_pairs) }
    }

    pub(crate) fn map(self, map: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        Self { chosen: map(self.chosen), rejected: map(self.rejected) }
    }

    fn zip(self, other: Self, zip: impl Fn(Tensor<1>, Tensor<1>) -> Tensor<1>) -> Self {
        Self {
            chosen: zip(self.chosen, other.chosen),
            rejected: zip(self.rejected, other.rejected),
        }
    }

    pub(crate) fn over(self, lengths: &Self) -> Self {
        self.zip(lengths.clone(), |value, length| value / length)
    }

    pub(crate) fn difference(self) -> Tensor<1> {
        self.chosen - self.rejected
    }
}

/// Everything that a loss may ask of the pairs of a micro-batch. Pairs that hold a log-probability that is not finite are
/// replaced by zeros, so that they reach neither loss nor gradient.
pub(crate) struct Pairs {
    /// `log pi(y|x)`.
    pub(crate) policy: PerPair,
    /// `log pi_ref(y|x)`, detached; 0 without a reference.
    pub(crate) reference: PerPair,
    /// `policy - reference`.
    pub(crate) log_ratios: PerPair,
    /// What the divergence makes of the log-ratios.
    pub(crate) scores: PerPair,
    /// Numbers of tokens, at least 1.
    pub(crate) lengths: PerPair,
    /// 1 for pairs that count, 0 for replaced ones.
    pub(crate) is_kept: Tensor<1>,
    /// `[token]`, log-probabilities of the policy, 0 in replaced pairs.
    pub(crate) log_probs: Tensor<1>,
    /// `[token]`, 1 for tokens of pairs that count.
    pub(crate) is_kept_token: Tensor<1>,
    /// Tokens of the chosen and then the rejected completions.
    pub(crate) ragged: Ragged,
}

impl Pairs {
    /// # Panics
    ///
    /// If the loss needs a reference and the batch has none.
    pub(crate) fn new(config: &DpoConfig, batch: &PreferenceBatch) -> Self {
        let device = batch.device();
        let ragged = Ragged::new(&batch.lengths(), &device);
        let reference = reference(config, batch);
        let is_finite = is_finite_pair(&ragged, &batch.log_probs(), reference.as_ref());
        let is_kept = is_finite.float(); // [pair]
        let is_kept_token = ragged.spread(Tensor::cat(vec![is_kept.clone(), is_kept.clone()], 0));
        let is_replaced = is_kept_token.clone().equal_scalar(0.0); // [token]
        let log_probs = batch.log_probs().mask_fill(is_replaced.clone(), 0.0); // [token]

        let lengths = lengths(batch, &device);
        let weights = tail_weights(config, batch, &device);
        let is_mean = is_mean(config);
        let per_pair = |tokens: Tensor<1>, weights: Option<&Tensor<1>>| {
            let tokens = match weights {
                Some(weights) => tokens * weights.clone(),
                None => tokens,
            };
            let sums = PerPair::split(ragged.sum(tokens));
            if is_mean { sums.over(&lengths) } else { sums }
        };
        let policy = per_pair(log_probs.clone(), weights.as_ref());
        let reference = match reference {
            Some(reference) => {
                let reference = reference.mask_fill(is_replaced, 0.0); // [token]
                // TRL 1.16 weighs the tail in the reference too; the older code in the policy alone.
                let is_weighed = config.semantics == Semantics::Trl116;
                per_pair(reference, weights.as_ref().filter(|_| is_weighed))
            }
            None => policy.clone().map(|values| values.zeros_like()),
        };
        let log_ratios =
            policy.clone().zip(reference.clone(), |policy, reference| policy - reference);
        let scores = log_ratios.clone().map(|log_ratio| score(config, log_ratio));
        Self {
            policy,
            reference,
            log_ratios,
            scores,
            lengths,
            is_kept,
            log_probs,
            is_kept_token,
            ragged,
        }
    }

    /// Scores per token. Where log-probabilities are means already, the scores are.
    pub(crate) fn mean_scores(&self, config: &DpoConfig) -> PerPair {
        let scores = self.scores.clone();
        if is_mean(config) { scores } else { scores.over(&self.lengths) }
    }
}

/// Whether log-probabilities of completions are means over their tokens and no sums.
fn is_mean(config: &DpoConfig) -> bool {
    config.loss_type.iter().any(|loss| match loss {
        LossType::Simpo => true,
        // Before TRL 1, `ipo` divided where log-probabilities are made, so its metrics are means as well.
        LossType::Ipo => config.semantics != Semantics::Trl116,
        _ => false,
    })
}

fn reference(config: &DpoConfig, batch: &PreferenceBatch) -> Option<Tensor<1>> {
    if !config.needs_reference() {
        return None;
    }
    let reference = batch.reference_log_probs();
    assert!(
        reference.is_some(),
        "the loss {:?} needs reference_log_probs, but the batch has none",
        config.loss_type
    );
    reference
}

/// Whether all log-probabilities of both sides are finite, `[pair]`.
fn is_finite_pair(
    ragged: &Ragged,
    log_probs: &Tensor<1>,
    reference: Option<&Tensor<1>>,
) -> Tensor<1, Bool> {
    let lists = [Some(log_probs), reference].into_iter().flatten();
    let is_finite = lists
        .map(|list| ragged.is_finite(list.clone().detach()))
        .reduce(Tensor::bool_and)
        .expect("the list of the policy is there"); // [completion]
    let num_pairs = ragged.num_sequences() / 2;
    is_finite.clone().slice(0..num_pairs).bool_and(is_finite.slice(num_pairs..2 * num_pairs))
}

fn lengths(batch: &PreferenceBatch, device: &Device) -> PerPair {
    let lengths: Vec<f32> = batch.lengths().iter().map(|length| (*length).max(1) as f32).collect();
    PerPair::split(Tensor::from_floats(lengths.as_slice(), device))
}

/// `[token]`, `ld_alpha` for tokens beyond the length of the shorter completion of their pair and 1 for the others.
#[allow(clippy::cast_possible_truncation, reason = "a weight between 0 and 1")]
fn tail_weights(config: &DpoConfig, batch: &PreferenceBatch, device: &Device) -> Option<Tensor<1>> {
    let ld_alpha = config.ld_alpha? as f32;
    let pairs = batch.pairs();
    let of = |length: usize, shared: usize| {
        std::iter::repeat_n(1.0, shared).chain(std::iter::repeat_n(ld_alpha, length - shared))
    };
    let shared = |pair: &forethought_objective::PairLengths| pair.chosen.min(pair.rejected);
    let chosen = pairs.iter().flat_map(|pair| of(pair.chosen, shared(pair)));
    let rejected = pairs.iter().flat_map(|pair| of(pair.rejected, shared(pair)));
    let weights: Vec<f32> = chosen.chain(rejected).collect();
    Some(Tensor::from_floats(weights.as_slice(), device))
}

/// The derivative of the divergence's generator at the ratio, of which the log-ratio is given, `[pair]`.
fn score(config: &DpoConfig, log_ratio: Tensor<1>) -> Tensor<1> {
    let exp = |exponent: Tensor<1>| exponent.clamp_max(MAX_EXPONENT).exp();
    let alpha = config.f_alpha_divergence_coef;
    let is_old = config.semantics != Semantics::Trl116;
    match config.f_divergence_type {
        FDivergence::ReverseKl => log_ratio,
        FDivergence::ForwardKl => exp(-log_ratio).neg().add_scalar(1.0),
        FDivergence::JsDivergence => log_sigmoid(log_ratio).add_scalar(std::f64::consts::LN_2),
        FDivergence::AlphaDivergence if is_old => {
            exp(log_ratio.mul_scalar(-alpha)).div_scalar(-alpha)
        }
        // The limit at 1 is the logarithm.
        FDivergence::AlphaDivergence if (alpha - 1.0).abs() < 1e-6 => log_ratio,
        FDivergence::AlphaDivergence => {
            exp(log_ratio.mul_scalar(alpha - 1.0)).sub_scalar(1.0).div_scalar(alpha - 1.0)
        }
    }
}
