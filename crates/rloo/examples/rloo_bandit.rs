//! A policy over five answers learns which is right from nothing but the rewards of its own samples.

#![expect(clippy::print_stdout, reason = "the example shows what it learnt")]

use burn::tensor::{Device, Int, Tensor, activation};
use forethought_objective::{PolicyBatch, PolicyCompletion, PolicyLoss};
use forethought_rloo::{Judged, RlooConfig};
use forethought_seed::Seed;

/// What each answer is worth.
const WORTH: [f32; 5] = [0.0, 0.4, 0.1, 1.0, 0.7];
const GROUP: usize = 8;

/// Draws an answer by its probability.
fn draw(probabilities: &[f32], seed: Seed, step: u64, sample: u64) -> usize {
    let key = seed.key("sample", &[step.to_le_bytes(), sample.to_le_bytes()].concat());
    let mut left = (key >> 40) as f32 / (1u64 << 24) as f32;
    let hit = probabilities.iter().position(|probability| {
        left -= probability;
        left < 0.0
    });
    hit.unwrap_or(probabilities.len() - 1)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();
    let config = RlooConfig::default();
    let rloo = config.init()?;
    let mut logits = Tensor::<1>::zeros([WORTH.len()], &device).require_grad();
    for step in 0..300 {
        let log_probs = activation::log_softmax(logits.clone(), 0); // [answer]
        let probabilities = log_probs.clone().exp().into_data().try_to_vec::<f32>()?;
        let answers: Vec<usize> = (0..GROUP as u64)
            .map(|sample| draw(&probabilities, Seed::new(7), step, sample))
            .collect();
        let rewards: Vec<Option<f32>> = answers.iter().map(|one| Some(WORTH[*one])).collect();
        let judged = Judged {
            rewards: &[&rewards],
            group_size: GROUP,
            divergences: &[0.0; GROUP], // there is no reference to leave
            is_truncated: &[],
        };
        let values = config.advantages(judged)?.values;
        let completion =
            |advantage| PolicyCompletion { num_tokens: 1, advantage, is_truncated: false };
        let completions: Vec<PolicyCompletion> = values.into_iter().map(completion).collect();
        let totals = rloo.step_totals(&[&completions]);
        let chosen: Vec<i64> =
            answers.iter().map(|one| i64::try_from(*one)).collect::<Result<_, _>>()?;
        let chosen = Tensor::<1, Int>::from_ints(chosen.as_slice(), &device);
        let batch = PolicyBatch::new(log_probs.select(0, chosen), completions, totals);
        let gradients = rloo.forward(batch).loss.backward();
        if let Some(gradient) = logits.grad(&gradients) {
            let gradient = Tensor::from_data(gradient.into_data(), &device);
            logits = (logits.detach() - gradient).require_grad();
        }
    }
    let probabilities = activation::softmax(logits, 0).into_data().try_to_vec::<f32>()?;
    println!("probabilities {probabilities:.3?}, worth {WORTH:?}");
    assert!(probabilities[3] > 0.9, "the best answer is the fourth");
    Ok(())
}
