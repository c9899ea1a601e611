//! A row in which prompts stand once gives every objective the loss and the gradients of sequences that stand alone.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use forethought_dpo::DpoConfig;
use forethought_grpo::GrpoConfig;
use forethought_model::{Decoder, DecoderConfig, ScoredRow};
use forethought_objective::{
    PairLengths, PolicyBatch, PolicyCompletion, PolicyLoss as _, PreferenceBatch,
    PreferenceLoss as _, PreferenceTotals, SupervisedBatch, SupervisedLoss as _,
};
use forethought_seed::Seed;
use forethought_sft::SftConfig;

/// Sequences, and where the scored tokens of each begin.
type Sequences<'a> = &'a [(&'a [u32], usize)];

/// Two prompts, the second beginning as the first, with two completions each.
const FOUR: Sequences<'static> = &[
    (&[3, 1, 4, 1, 5, 9, 2], 4),
    (&[3, 1, 8, 8, 6, 11], 4),
    (&[3, 1, 4, 1, 5, 3], 4),
    (&[3, 1, 8, 8, 10], 4),
];

fn decoder() -> Decoder {
    let config = DecoderConfig {
        vocab_size: 12,
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        tie_word_embeddings: true,
        initializer_range: 0.3,
        ..DecoderConfig::default()
    };
    Decoder::init(&config, Seed::new(11), &Device::flex().autodiff())
}

/// The gradient of every parameter.
struct Gradients {
    of: GradientsParams,
    found: Vec<Vec<f32>>,
}

impl ModuleVisitor for Gradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.of.get::<D>(param.id).expect("every parameter has a gradient");
        self.found.push(gradient.into_data().iter::<f32>().collect());
    }
}

/// Loss and gradients, given the log-probabilities of all scored tokens, sequence after sequence.
fn loss_and_gradients(
    rows: &[Sequences<'_>],
    loss: impl Fn(Tensor<1>) -> Tensor<1>,
) -> (f32, Vec<Vec<f32>>) {
    let decoder = decoder();
    let scores = |row: &Sequences<'_>| ScoredRow::new(row).scores(&decoder, 0.8, None).log_probs;
    let loss = loss(Tensor::cat(rows.iter().map(scores).collect(), 0));
    let of = GradientsParams::from_grads(loss.backward(), &decoder);
    let mut gradients = Gradients { of, found: Vec::new() };
    decoder.visit(&mut gradients);
    (loss.into_scalar::<f32>(), gradients.found)
}

#[track_caller]
fn assert_same_together_and_alone(loss: impl Fn(Tensor<1>) -> Tensor<1>) {
    let together = loss_and_gradients(&[FOUR], &loss);
    let alone: Vec<Sequences<'_>> = FOUR.chunks(1).collect();
    let alone = loss_and_gradients(&alone, &loss);
    assert!(
        (together.0 - alone.0).abs() < 1e-5 * alone.0.abs(),
        "{} is not {}",
        together.0,
        alone.0
    );
    assert_eq!(
        together.1.len(),
        3 * 12 + 2,
        "weights, biases and scales of the layers, embedding, last scale"
    );
    for (together, alone) in together.1.iter().zip(&alone.1) {
        let largest = alone.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
        for (together, alone) in together.iter().zip(alone) {
            assert!((together - alone).abs() <= 1e-5 * largest, "{together} is not {alone}");
        }
    }
}

#[test]
fn supervised_examples() {
    let loss = SftConfig::default().init().expect("defaults are valid");
    assert_same_together_and_alone(|log_probs| {
        let [num_tokens] = log_probs.dims();
        loss.forward(SupervisedBatch::new(log_probs, num_tokens)).loss
    });
}

#[test]
fn preference_pairs() {
    let loss = DpoConfig::default().init().expect("defaults are valid");
    // Chosen completions first: 3 and 2 tokens; then the rejected ones of the same prompts: 2 and 1.
    let pairs =
        vec![PairLengths { chosen: 3, rejected: 2 }, PairLengths { chosen: 2, rejected: 1 }];
    let totals = PreferenceTotals::of(&[&pairs]);
    assert_same_together_and_alone(|log_probs| {
        let reference = [-2.0, -3.0, -2.5, -1.5, -4.0, -3.5, -2.0, -1.0];
        let reference = Tensor::from_floats(reference, &log_probs.device());
        let batch = PreferenceBatch::new(log_probs, pairs.clone(), totals);
        loss.forward(batch.with_reference_log_probs(reference)).loss
    });
}

#[test]
fn groups_of_completions() {
    let loss = GrpoConfig::default().init().expect("defaults are valid");
    let advantages = [(3, 1.5), (2, -0.5), (2, -1.5), (1, 0.5)];
    let completion =
        |(num_tokens, advantage)| PolicyCompletion { num_tokens, advantage, is_truncated: false };
    let completions = advantages.map(completion).to_vec();
    let totals = loss.step_totals(&[&completions]);
    assert_same_together_and_alone(|log_probs| {
        let sampled = Tensor::from_floats(
            [-2.0, -3.0, -2.5, -1.5, -4.0, -3.5, -2.0, -1.0],
            &log_probs.device(),
        );
        let batch = PolicyBatch::new(log_probs, completions.clone(), totals);
        loss.forward(batch.with_old_log_probs(sampled)).loss
    });
}
