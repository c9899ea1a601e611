//! Learns the strengths of eight players from the results of their games, and prints them beside the true ones.
//!
//! Each pair of players meets as often as their true strengths ask for whole results: how often the stronger one wins
//! follows Bradley and Terry. The centring term makes the scores sum to about 0.

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use burn::tensor::{Device, Int, Tensor};
use forethought_objective::{ScoreBatch, ScoreLoss};
use forethought_reward_model::{RewardModelConfig, RewardModelConfigError, preference_probability};

const STRENGTHS: [f32; 8] = [-2.0, -1.2, -0.5, -0.1, 0.3, 0.8, 1.2, 1.5];
const NUM_GAMES: f32 = 200.0;
const NUM_STEPS: usize = 400;

fn main() -> Result<(), RewardModelConfigError> {
    let device = Device::flex().autodiff();
    let loss = RewardModelConfig { center_rewards_coefficient: Some(0.001) }.init()?;
    let (winners, losers): (Vec<i32>, Vec<i32>) = games().into_iter().unzip();
    let num_games = winners.len();
    let [winners, losers] =
        [winners, losers].map(|ids| Tensor::<1, Int>::from_ints(ids.as_slice(), &device)); // [pair]
    let mut scores = Tensor::<1>::zeros([STRENGTHS.len()], &device).require_grad();
    let mut losses = Vec::new();
    for _ in 0..NUM_STEPS {
        let of = |side: &Tensor<1, Int>| scores.clone().select(0, side.clone());
        let batch = ScoreBatch::new(of(&winners), of(&losers), num_games);
        let step = loss.forward(batch).loss;
        losses.push(step.clone().into_scalar::<f32>());
        let gradients = step.backward();
        let gradient = scores.grad(&gradients).expect("the scores are tracked");
        let gradient = Tensor::from_data(gradient.into_data(), &device).mul_scalar(4.0);
        scores = (scores.detach() - gradient).require_grad();
    }
    println!("loss {:.4} -> {:.4} on {num_games} games", losses[0], losses[NUM_STEPS - 1]);
    println!("strength  score");
    let learnt: Vec<f32> = scores.into_data().iter::<f32>().collect();
    for (strength, score) in STRENGTHS.iter().zip(learnt) {
        println!("{strength:>8.2}{score:>7.2}");
    }
    Ok(())
}

/// The winner and the loser of every game.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts below 200")]
fn games() -> Vec<(i32, i32)> {
    let ids = || (0..).zip(STRENGTHS);
    let meetings = ids().flat_map(|one| ids().map(move |other| (one, other)));
    meetings
        .filter(|((one, _), (other, _))| one != other)
        .flat_map(|((one, strength), (other, other_strength))| {
            let share = preference_probability(strength, other_strength);
            std::iter::repeat_n((one, other), (NUM_GAMES * share).round() as usize)
        })
        .collect()
}
