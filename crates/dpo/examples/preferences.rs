//! Fits a toy policy to preferences with each loss, and prints how far it went.
//!
//! The policy is a table of logits over eight completions of one token each; completion `i` is preferred to `j` if `i > j`. A
//! quarter of the pairs is labelled the wrong way round. The reference is the uniform distribution.

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use forethought_dpo::{DpoConfig, DpoConfigError, LossType};
use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals};

const NUM_COMPLETIONS: i32 = 8;
const NUM_STEPS: usize = 300;

const LOSSES: [LossType; 8] = [
    LossType::Sigmoid,
    LossType::Hinge,
    LossType::Ipo,
    LossType::Robust,
    LossType::ApoZero,
    LossType::NcaPair,
    LossType::SppoHard,
    LossType::Simpo,
];

fn main() -> Result<(), DpoConfigError> {
    println!("loss        first loss  last loss  mass on the upper half");
    for loss_type in LOSSES {
        let config = DpoConfig {
            loss_type: vec![loss_type],
            beta: 0.5,
            label_smoothing: 0.25,
            ..DpoConfig::default()
        };
        let (first, last, mass) = fit(&config)?;
        println!("{:<12}{first:>10.4}{last:>11.4}{mass:>24.3}", format!("{loss_type:?}"));
    }
    Ok(())
}

/// The first loss, the last one, and the probability of the four better completions; a half before training.
fn fit(config: &DpoConfig) -> Result<(f32, f32, f32), DpoConfigError> {
    let device = Device::flex().autodiff();
    let dpo = config.init()?;
    let (sides, pairs) = pairs();
    let sides = Tensor::<1, Int>::from_ints(sides.as_slice(), &device); // [token]
    let totals = PreferenceTotals::of(&[&pairs]);
    let num_completions = NUM_COMPLETIONS as usize;
    let mut logits = Tensor::<1>::zeros([num_completions], &device).require_grad();
    let reference = log_softmax(logits.clone().detach(), 0).select(0, sides.clone()); // [token]
    let mut losses = Vec::new();
    for _ in 0..NUM_STEPS {
        let log_probs = log_softmax(logits.clone(), 0).select(0, sides.clone()); // [token]
        let batch = PreferenceBatch::new(log_probs, pairs.clone(), totals)
            .with_reference_log_probs(reference.clone());
        let loss = dpo.forward(batch).loss;
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = loss.backward();
        let gradient = logits.grad(&gradients).expect("the logits are tracked");
        let gradient = Tensor::from_data(gradient.into_data(), &device);
        logits = (logits.detach() - gradient).require_grad();
    }
    let better = log_softmax(logits.detach(), 0).exp().slice(num_completions / 2..num_completions);
    Ok((losses[0], losses[NUM_STEPS - 1], better.sum().into_scalar()))
}

/// All pairs of two completions, the chosen ones first; every fourth pair the wrong way round.
fn pairs() -> (Vec<i32>, Vec<PairLengths>) {
    let all = (0..NUM_COMPLETIONS).flat_map(|better| (0..better).map(move |worse| (better, worse)));
    let labelled =
        all.enumerate().map(
            |(index, (better, worse))| {
                if index % 4 == 3 { (worse, better) } else { (better, worse) }
            },
        );
    let (chosen, rejected): (Vec<i32>, Vec<i32>) = labelled.unzip();
    let num_pairs = chosen.len();
    ([chosen, rejected].concat(), vec![PairLengths { chosen: 1, rejected: 1 }; num_pairs])
}
