//! The numbers that TRL logs beside the loss, under its names. What a micro-batch has none of is left out.

use burn::tensor::{Int, Tensor};
use forethought_logprob::masked_mean;
use forethought_objective::UnpairedBatch;

use crate::Completions;

type Metrics = Vec<(&'static str, Tensor<1>)>;

/// A verdict, and the names of what is logged for it.
struct Verdict {
    is_desirable: bool,
    logits: &'static str,
    rewards: &'static str,
    log_probs: &'static str,
}

const DESIRABLE: Verdict = Verdict {
    is_desirable: true,
    logits: "logits/chosen",
    rewards: "rewards/chosen",
    log_probs: "logps/chosen",
};
const UNDESIRABLE: Verdict = Verdict {
    is_desirable: false,
    logits: "logits/rejected",
    rewards: "rewards/rejected",
    log_probs: "logps/rejected",
};

pub(crate) fn all(
    completions: &Completions,
    batch: &UnpairedBatch,
    kl: Tensor<1>,
    beta: f64,
) -> Metrics {
    let mut metrics = vec![("kl", kl)];
    let is_kept_token = completions.ragged.spread(completions.is_kept.clone()); // [token]
    if let Some(entropy) = batch.entropy() {
        metrics.push(("entropy", masked_mean(entropy, is_kept_token.clone())));
    }
    let sides = [&DESIRABLE, &UNDESIRABLE].map(|verdict| {
        let side = Side::new(completions, batch, verdict)?;
        if let Some(logits) = batch.mean_logits() {
            let logits = masked_mean(logits, side.tokens.clone() * is_kept_token.clone());
            metrics.push((verdict.logits, logits));
        }
        let rewards = side.mean(completions.log_ratios.clone(), completions).mul_scalar(beta);
        Some((verdict, rewards, side.mean(completions.log_probs.clone(), completions)))
    });
    for (verdict, rewards, log_probs) in sides.iter().flatten() {
        metrics.push((verdict.rewards, rewards.clone()));
        metrics.push((verdict.log_probs, log_probs.clone()));
    }
    if let [Some((_, chosen, _)), Some((_, rejected, _))] = sides {
        metrics.push(("rewards/margins", chosen - rejected));
    }
    let num_skipped = completions.is_kept.clone().neg().add_scalar(1.0).sum();
    metrics.push(("skipped_completions", num_skipped));
    metrics
}

/// The completions of one verdict.
struct Side {
    /// Which ones they are.
    indices: Tensor<1, Int>,
    /// `[token]`, 1 for their tokens.
    tokens: Tensor<1>,
}

impl Side {
    fn new(completions: &Completions, batch: &UnpairedBatch, verdict: &Verdict) -> Option<Self> {
        let device = batch.device();
        let flags = batch.completions().iter().map(|one| one.is_desirable == verdict.is_desirable);
        let indices: Vec<i32> =
            (0..).zip(flags.clone()).filter_map(|(index, flag)| flag.then_some(index)).collect();
        let flags: Vec<f32> = flags.map(|flag| f32::from(u8::from(flag))).collect();
        let tokens = completions.ragged.spread(Tensor::from_floats(flags.as_slice(), &device));
        let indices = (!indices.is_empty()).then(|| Tensor::from_ints(indices.as_slice(), &device));
        Some(Self { indices: indices?, tokens })
    }

    /// The mean over those that count, detached.
    fn mean(&self, values: Tensor<1>, completions: &Completions) -> Tensor<1> {
        let of = |values: Tensor<1>| values.select(0, self.indices.clone());
        masked_mean(of(values.detach()), of(completions.is_kept.clone()))
    }
}
