//! A policy over pairs of digits and its critic learn which pair is right from nothing but the scores of their samples.

#![expect(clippy::print_stdout, reason = "the example shows what it learnt")]

use std::error::Error;

use burn::tensor::{Device, Int, Tensor, activation};
use forethought_objective::{PolicyBatch, PolicyCompletion, PolicyLoss, ValueBatch, ValueLoss};
use forethought_ppo::{Experience, PpoConfig, PpoLoss, Sampled};
use forethought_seed::Seed;

const DIGITS: usize = 4;
const BATCH: usize = 16;
/// A digit at its place is worth 1.
const RIGHT: [usize; 2] = [2, 1];

struct Learner {
    /// `[place, digit]`
    logits: Tensor<2>,
    /// `[3]`, before each digit and behind both.
    critic: Tensor<1>,
}

/// The samples of one step.
struct Samples {
    /// `[token]`, where each digit stands in the table of log-probabilities.
    chosen: Tensor<1, Int>,
    scores: Vec<Option<f32>>,
    /// `[token]`
    log_probs: Tensor<1>,
    /// `[value]`
    values: Tensor<1>,
}

/// Draws a digit by its probability.
fn draw(probabilities: &[f32], step: u64, token: usize) -> usize {
    let item = [step.to_le_bytes(), (token as u64).to_le_bytes()].concat();
    let mut left = (Seed::new(3).key("sample", &item) >> 40) as f32 / (1u64 << 24) as f32;
    let hit = probabilities.iter().position(|probability| {
        left -= probability;
        left < 0.0
    });
    hit.unwrap_or(probabilities.len() - 1)
}

impl Learner {
    /// `[place * digit]`
    fn log_probs(&self) -> Tensor<1> {
        activation::log_softmax(self.logits.clone(), 1).reshape([2 * DIGITS])
    }

    fn sample(&self, step: u64) -> Result<Samples, Box<dyn Error>> {
        let table = self.log_probs().detach();
        let probabilities = table.clone().exp().into_data().try_to_vec::<f32>()?;
        let digit =
            |token: usize| draw(&probabilities[token % 2 * DIGITS..][..DIGITS], step, token);
        let digits: Vec<usize> = (0..2 * BATCH).map(digit).collect();
        let num_right =
            |pair: &[usize]| pair.iter().zip(RIGHT).filter(|(one, right)| *one == right).count();
        let places = digits
            .iter()
            .enumerate()
            .map(|(token, digit)| i64::try_from(token % 2 * DIGITS + digit));
        let places = places.collect::<Result<Vec<i64>, _>>()?;
        let chosen = Tensor::<1, Int>::from_ints(places.as_slice(), &table.device());
        Ok(Samples {
            scores: digits.chunks_exact(2).map(|pair| Some(num_right(pair) as f32)).collect(),
            log_probs: table.select(0, chosen.clone()),
            values: self.critic.clone().detach().repeat_dim(0, BATCH),
            chosen,
        })
    }

    /// One step down the gradient of both losses.
    fn update(&mut self, ppo: &PpoLoss, samples: &Samples, experience: &Experience) {
        let device = self.logits.device();
        let completion = PolicyCompletion { num_tokens: 2, advantage: 0.0, is_truncated: false };
        let completions = vec![completion; BATCH];
        let totals = ppo.step_totals(&[&completions]);
        let log_probs = self.log_probs().select(0, samples.chosen.clone());
        let policy = PolicyBatch::new(log_probs, completions, totals)
            .with_old_log_probs(samples.log_probs.clone())
            .with_token_advantages(experience.advantages.clone());
        let returns = Tensor::from_floats(experience.returns.as_slice(), &device);
        let predicted = self.critic.clone().repeat_dim(0, BATCH);
        let values = ValueBatch::new(predicted, samples.values.clone(), returns, 3 * BATCH);
        let loss = ppo.forward(policy).loss + ppo.forward_values(values).loss;
        let gradients = loss.backward();
        let (of_policy, of_critic) = (self.logits.grad(&gradients), self.critic.grad(&gradients));
        self.logits = descend(self.logits.clone(), of_policy);
        self.critic = descend(self.critic.clone(), of_critic);
    }
}

fn descend<const D: usize>(leaf: Tensor<D>, gradient: Option<Tensor<D>>) -> Tensor<D> {
    let device = leaf.device();
    let Some(gradient) = gradient else { return leaf };
    let gradient = Tensor::from_data(gradient.into_data(), &device);
    (leaf.detach() - gradient).require_grad()
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    let config = PpoConfig { vf_coef: 0.5, ..PpoConfig::default() };
    let ppo = config.init()?;
    let mut learner = Learner {
        logits: Tensor::<2>::zeros([2, DIGITS], &device).require_grad(),
        critic: Tensor::<1>::zeros([3], &device).require_grad(),
    };
    for step in 0..60 {
        let samples = learner.sample(step)?;
        let sampled = Sampled {
            lengths: &[2; BATCH],
            scores: &samples.scores,
            is_truncated: &[false; BATCH],
            log_probs: &samples.log_probs.clone().into_data().try_to_vec::<f32>()?,
            reference_log_probs: &[-(DIGITS as f32).ln(); 2 * BATCH], // the policy at the start
            values: &samples.values.clone().into_data().try_to_vec::<f32>()?,
        };
        let experience = config.experience(sampled, config.kl_coef)?;
        for _ in config.mini_batches(BATCH, |_| (0..BATCH).collect())? {
            learner.update(&ppo, &samples, &experience);
        }
    }
    let table = learner.log_probs().exp().into_data().try_to_vec::<f32>()?;
    println!("probabilities {table:.3?}");
    assert!(table[RIGHT[0]] > 0.8 && table[DIGITS + RIGHT[1]] > 0.8, "both digits are learnt");
    Ok(())
}
