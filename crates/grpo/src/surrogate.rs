//! What a token is to lose or to gain, by loss type.

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use crate::correction::Correction;
use crate::micro_batch::MicroBatch;
use crate::{GrpoLoss, LossType};

/// The smallest weight of a completion that `vespo` tells from 0; TRL 1.16.
const MIN_WEIGHT: f32 = 1e-8;
/// The largest logarithm of a weight in `vespo`; TRL 1.16.
const MAX_LOG_WEIGHT: f32 = 20.0;

/// Lists `[token]`.
pub(crate) struct Surrogate {
    /// What is minimised, before masks and divergence.
    pub(crate) losses: Tensor<1>,
    /// The ratio of policies, as the metrics report it.
    pub(crate) ratio: Tensor<1>,
    /// The weight of the completion, for `vespo`.
    pub(crate) phi: Option<Tensor<1>>,
}

impl Surrogate {
    pub(crate) fn new(
        loss: &GrpoLoss,
        batch: &MicroBatch,
        ratio: Tensor<1>,
        correction: Option<&Correction>,
    ) -> Self {
        match loss.loss_type {
            LossType::Cispo => cispo(loss, batch, ratio),
            LossType::Sapo => sapo(loss, batch, ratio),
            LossType::Vespo => vespo(loss, batch, ratio, correction),
            LossType::Grpo
            | LossType::Bnpo
            | LossType::DrGrpo
            | LossType::Dapo
            | LossType::Luspo => clipped(loss, batch, ratio),
        }
    }
}

fn clipped(loss: &GrpoLoss, batch: &MicroBatch, ratio: Tensor<1>) -> Surrogate {
    let advantages = batch.advantages.clone(); // [token]
    let inside = ratio.clone().clamp(1.0 - loss.config.epsilon, 1.0 + loss.epsilon_high);
    let ratio = match loss.config.delta {
        Some(delta) => ratio.clamp_max(delta),
        None => ratio,
    };
    // The minimum takes the clipped ratio only where it is the worse of the two: a bad move is always undone.
    let gain = (ratio.clone() * advantages.clone()).min_pair(inside * advantages); // [token]
    Surrogate { losses: -gain, ratio, phi: None }
}

fn cispo(loss: &GrpoLoss, batch: &MicroBatch, ratio: Tensor<1>) -> Surrogate {
    let weight = ratio.clone().clamp_max(loss.epsilon_high).detach(); // [token]
    let gain = weight * batch.advantages.clone() * batch.log_probs.clone();
    Surrogate { losses: -gain, ratio, phi: None }
}

fn sapo(loss: &GrpoLoss, batch: &MicroBatch, ratio: Tensor<1>) -> Surrogate {
    let config = &loss.config;
    let temperature = by_sign(
        batch,
        |advantage| 0.0 < advantage,
        [config.sapo_temperature_pos, config.sapo_temperature_neg],
    );
    let gate = sigmoid(temperature.clone() * (ratio.clone() - 1.0)) * 4.0 / temperature; // [token]
    Surrogate { losses: -(gate * batch.advantages.clone()), ratio, phi: None }
}

/// `phi(w) = w^k exp(lambda (1 - w))`, detached, with `w` the ratio of the whole completion.
fn vespo(
    loss: &GrpoLoss,
    batch: &MicroBatch,
    ratio: Tensor<1>,
    correction: Option<&Correction>,
) -> Surrogate {
    let config = &loss.config;
    let is_good = |advantage| 0.0 <= advantage;
    let k = by_sign(batch, is_good, [config.vespo_k_pos, config.vespo_k_neg]); // [token]
    let lambda = by_sign(batch, is_good, [config.vespo_lambda_pos, config.vespo_lambda_neg]);
    let lambda = lambda.clamp_min(1e-4);
    let mut log_weight = batch.spread_sum(batch.log_ratio().detach()); // [token]
    if let Some(correction) = correction {
        log_weight = log_weight + correction.log_weight_of_completion(batch);
    }
    let log_weight = log_weight.clamp(MIN_WEIGHT.ln(), MAX_LOG_WEIGHT);
    let log_phi = lambda.clone() + k * log_weight.clone() - lambda * log_weight.exp();
    let phi = log_phi.exp(); // [token], 0 where the weight is huge
    let gain = phi.clone() * batch.advantages.clone() * batch.log_probs.clone();
    Surrogate { losses: -gain, ratio, phi: Some(phi) }
}

/// The first value where the advantage is good, the second elsewhere, `[token]`.
fn by_sign(batch: &MicroBatch, is_good: fn(f32) -> bool, values: [f64; 2]) -> Tensor<1> {
    #[expect(clippy::cast_possible_truncation, reason = "it scales single-precision losses")]
    let values = values.map(|value| value as f32);
    let chosen = batch.tokens.advantages.iter().map(|one| values[usize::from(!is_good(*one))]);
    let chosen: Vec<f32> = chosen.collect();
    Tensor::from_floats(chosen.as_slice(), &batch.advantages.device())
}
