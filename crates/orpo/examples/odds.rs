//! Fits a toy policy to preferences without a reference, and prints how far it went.
//!
//! The policy is a table of logits over eight completions of one token each; completion `i` is preferred to `j` if `i > j`.
//! Without the odds ratio, likelihood alone would give each completion its share of the chosen sides.

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use forethought_objective::{PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals};
use forethought_orpo::{OrpoConfig, OrpoConfigError, Semantics};

const NUM_COMPLETIONS: i32 = 8;
const NUM_STEPS: usize = 500;

fn main() -> Result<(), OrpoConfigError> {
    println!("beta   first loss  last loss  accuracy  mass on the best completion");
    for beta in [0.01, 0.1, 1.0] {
        let [first, last, accuracy, mass] = fit(beta)?;
        println!("{beta:<5}{first:>12.4}{last:>11.4}{accuracy:>10.3}{mass:>29.3}");
    }
    Ok(())
}

/// The first loss, the last one, the share of pairs in the right order, and the probability of the best completion.
fn fit(beta: f64) -> Result<[f32; 4], OrpoConfigError> {
    let device = Device::flex().autodiff();
    let orpo = OrpoConfig { semantics: Semantics::LlamaFactory, beta }.init()?;
    let all = (0..NUM_COMPLETIONS).flat_map(|better| (0..better).map(move |worse| (better, worse)));
    let (chosen, rejected): (Vec<i32>, Vec<i32>) = all.unzip();
    let pairs = vec![PairLengths { chosen: 1, rejected: 1 }; chosen.len()];
    let sides = [chosen, rejected].concat();
    let sides = Tensor::<1, Int>::from_ints(sides.as_slice(), &device); // [token]
    let totals = PreferenceTotals::of(&[&pairs]);
    let num_completions = NUM_COMPLETIONS as usize;
    let mut logits = Tensor::<1>::zeros([num_completions], &device).require_grad();
    let mut losses = Vec::new();
    let mut accuracy = 0.0;
    for _ in 0..NUM_STEPS {
        let log_probs = log_softmax(logits.clone(), 0).select(0, sides.clone()); // [token]
        let output = orpo.forward(PreferenceBatch::new(log_probs, pairs.clone(), totals));
        let is_accuracy = |(name, _): &&(&str, Tensor<1>)| *name == "rewards/accuracies";
        let metric = output.metrics.iter().find(is_accuracy).expect("ORPO measures its accuracy");
        accuracy = metric.1.clone().into_scalar();
        losses.push(output.loss.clone().into_scalar::<f32>());
        let gradients = output.loss.backward();
        let gradient = logits.grad(&gradients).expect("the logits are tracked");
        let gradient = Tensor::from_data(gradient.into_data(), &device);
        logits = (logits.detach() - gradient).require_grad();
    }
    let best = log_softmax(logits.detach(), 0).exp().slice(num_completions - 1..num_completions);
    Ok([losses[0], losses[NUM_STEPS - 1], accuracy, best.into_scalar()])
}
