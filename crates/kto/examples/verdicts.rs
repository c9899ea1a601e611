//! Fits a toy policy to verdicts on single completions, and prints how far it went.
//!
//! The policy is a table of logits over eight completions of one token each; the upper half is desirable, and a quarter of
//! the verdicts is wrong. The reference is the uniform distribution.

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use forethought_kto::{KtoConfig, KtoConfigError, LossType, mismatched};
use forethought_objective::{UnpairedBatch, UnpairedCompletion, UnpairedLoss};

const NUM_COMPLETIONS: usize = 8;
const NUM_STEPS: usize = 300;

fn main() -> Result<(), KtoConfigError> {
    println!("loss               first loss  last loss  mass on what is desirable");
    for loss_type in [LossType::Kto, LossType::ApoZeroUnpaired] {
        let config = KtoConfig { loss_type, beta: 0.5, ..KtoConfig::default() };
        let (first, last, mass) = fit(&config)?;
        println!("{:<19}{first:>10.4}{last:>11.4}{mass:>27.3}", format!("{loss_type:?}"));
    }
    Ok(())
}

/// The first loss, the last one, and the probability of the four desirable completions; a half before training.
fn fit(config: &KtoConfig) -> Result<(f32, f32, f32), KtoConfigError> {
    let device = Device::flex().autodiff();
    let kto = config.init()?;
    let (tokens, verdicts) = verdicts();
    let others: Vec<i32> =
        mismatched(tokens.len()).into_iter().map(|other| tokens[other]).collect();
    let [tokens, others] =
        [tokens, others].map(|ids| Tensor::<1, Int>::from_ints(ids.as_slice(), &device)); // [completion]
    let mut logits = Tensor::<1>::zeros([NUM_COMPLETIONS], &device).require_grad();
    let reference = log_softmax(logits.clone().detach(), 0);
    let mut losses = Vec::new();
    for _ in 0..NUM_STEPS {
        let policy = log_softmax(logits.clone(), 0);
        let log_ratios = (policy.clone() - reference.clone()).select(0, others.clone());
        let batch =
            UnpairedBatch::new(policy.select(0, tokens.clone()), verdicts.clone(), verdicts.len())
                .with_reference_log_probs(reference.clone().select(0, tokens.clone()))
                .with_kl_log_ratios(log_ratios);
        let loss = kto.forward(batch).loss;
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = loss.backward();
        let gradient = logits.grad(&gradients).expect("the logits are tracked");
        let gradient = Tensor::from_data(gradient.into_data(), &device).mul_scalar(10.0);
        logits = (logits.detach() - gradient).require_grad();
    }
    let half = NUM_COMPLETIONS / 2..NUM_COMPLETIONS;
    let desirable = log_softmax(logits.detach(), 0).exp().slice(half);
    Ok((losses[0], losses[NUM_STEPS - 1], desirable.sum().into_scalar()))
}

/// Each completion four times; the upper half is desirable three times of four, the lower half once.
fn verdicts() -> (Vec<i32>, Vec<UnpairedCompletion>) {
    let all = (0..4_usize).flat_map(|round| (0..NUM_COMPLETIONS).map(move |id| (round, id)));
    let verdict = |(round, id): (usize, usize)| {
        let is_wrong = round == id % 4;
        let is_desirable = (NUM_COMPLETIONS / 2 <= id) != is_wrong;
        let id = i32::try_from(id).expect("eight completions");
        (id, UnpairedCompletion { num_tokens: 1, is_desirable })
    };
    all.map(verdict).unzip()
}
