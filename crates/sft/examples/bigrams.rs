//! Learns a toy language model from text by supervised fine-tuning, plain, smoothed and dynamic, and prints how far it went.
//!
//! The model is a table of logits of the next letter after each letter. One text in ten is noise.

#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use forethought_objective::{SupervisedBatch, SupervisedLoss};
use forethought_sft::{LossType, SftConfig, SftConfigError};

const LETTERS: &[u8] = b"abcdr .";
const NUM_STEPS: usize = 300;

fn main() -> Result<(), SftConfigError> {
    println!("loss                first loss  last loss  p(r | b)");
    let plain = SftConfig::default();
    let configs = [
        ("nll", plain),
        ("nll, smoothed 0.1", SftConfig { label_smoothing_factor: 0.1, ..plain }),
        ("dft", SftConfig { loss_type: LossType::Dft, ..plain }),
    ];
    for (name, config) in configs {
        let [first, last, probability] = fit(&config)?;
        println!("{name:<20}{first:>10.4}{last:>11.4}{probability:>10.3}");
    }
    Ok(())
}

/// The first loss, the last one, and the probability of `r` after `b`, which follows it in nine of ten texts.
fn fit(config: &SftConfig) -> Result<[f32; 3], SftConfigError> {
    let device = Device::flex().autodiff();
    let sft = config.init()?;
    let text = ["abracadabra. "; 9].concat() + "abcdabcdabcd.";
    let ids: Vec<i32> = text.bytes().map(id).collect();
    let num_letters = LETTERS.len();
    let width = i32::try_from(num_letters).expect("seven letters");
    // Where the logit of each letter after its predecessor stands in the flat table.
    let pairs: Vec<i32> = ids.windows(2).map(|pair| pair[0] * width + pair[1]).collect();
    let [rows, targets] = [ids[..ids.len() - 1].to_vec(), pairs]
        .map(|list| Tensor::<1, Int>::from_ints(list.as_slice(), &device)); // [token]
    let num_tokens = rows.dims()[0];
    let mut logits = Tensor::<2>::zeros([num_letters, num_letters], &device).require_grad();
    let mut losses = Vec::new();
    for _ in 0..NUM_STEPS {
        let log_probs = log_softmax(logits.clone(), 1); // [letter, letter]
        let means = log_probs.clone().mean_dim(1).reshape([num_letters]).select(0, rows.clone());
        let flat: Tensor<1> = log_probs.reshape([num_letters * num_letters]);
        let batch = SupervisedBatch::new(flat.select(0, targets.clone()), num_tokens)
            .with_mean_log_probs(means); // [token]
        let loss = sft.forward(batch).loss;
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = loss.backward();
        let gradient = logits.grad(&gradients).expect("the logits are tracked");
        let gradient = Tensor::from_data(gradient.into_data(), &device).mul_scalar(10.0);
        logits = (logits.detach() - gradient).require_grad();
    }
    let probabilities: Vec<f32> =
        log_softmax(logits.detach(), 1).exp().into_data().iter().collect();
    let after_b = probabilities[num_letters + 4];
    Ok([losses[0], losses[NUM_STEPS - 1], after_b])
}

fn id(letter: u8) -> i32 {
    let place = LETTERS.iter().position(|known| *known == letter).expect("a letter of the texts");
    i32::try_from(place).expect("seven letters")
}
