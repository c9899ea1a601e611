//! Packed sequences compute what they compute alone.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use forethought_model::{Decoder, pack};
use forethought_seed::Seed;
use proptest::prelude::*;

use crate::{
    assert_close, fixtures, index, json, load_fixture, logits, sequences, tiny_config, values,
};

/// Compares every row of a packed forward pass with the sequence computed alone.
fn assert_packed_equals_alone(decoder: &Decoder, sequences: &[&[u32]], tolerance: f32) {
    let packed = pack(sequences);
    let hidden = decoder.forward(&packed.tokens, None);
    for (sequence, row) in sequences.iter().zip(&packed.rows).filter(|(_, row)| !row.is_empty()) {
        let rows = hidden.clone().select(0, index(row, &Device::flex()));
        let (together, alone) = (values(decoder.logits(rows)), values(logits(decoder, sequence)));
        assert_close(&together, &alone, tolerance);
    }
}

#[test]
fn sequences_that_share_prompts_get_the_logits_they_get_alone() {
    let decoder = load_fixture("tiny-qwen2", &Device::flex());
    let golden = json(&fixtures().join("forward/tiny-qwen2.json"));
    let mut all = sequences(&golden);
    let prompt = all[2].clone();
    for end in [[5, 6, 7].as_slice(), &[5, 6, 8, 9], &[10], &[]] {
        all.push([&prompt, end].concat());
    }
    let all: Vec<&[u32]> = all.iter().map(Vec::as_slice).collect();
    let num_tokens: usize = all.iter().map(|sequence| sequence.len()).sum();
    assert_eq!((num_tokens, pack(&all).tokens.len()), (285, 87));
    assert_packed_equals_alone(&decoder, &all, 1e-5);
}

/// Values and the gradients that `take` leaves of the first layer's and the last layer's weights.
fn rows_and_gradients(take: impl Fn(&Decoder) -> Tensor<2>) -> Vec<Vec<f32>> {
    let decoder = load_fixture("tiny-qwen2", &Device::flex().autodiff());
    let hidden = take(&decoder);
    let gradients = hidden.clone().powi_scalar(2).sum().backward();
    let gradients = GradientsParams::from_grads(gradients, &decoder);
    let mut found = Gradients { gradients: &gradients, values: vec![values(hidden)] };
    decoder.visit(&mut found);
    found.values
}

struct Gradients<'a> {
    gradients: &'a GradientsParams,
    values: Vec<Vec<f32>>,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id);
        self.values.push(values(gradient.expect("every parameter has a gradient")));
    }
}

#[test]
fn chosen_rows_have_the_values_and_gradients_that_they_have_among_all_rows() {
    let tokens = pack(&[&[1, 2, 3, 4, 5], &[1, 2, 3, 6, 7, 8], &[1, 9], &[1, 2, 3, 6, 10]]).tokens;
    let rows = [2, 4, 5, 6, 9];
    let alone = rows_and_gradients(|decoder| decoder.forward_rows(&tokens, &rows, None));
    let among_all = rows_and_gradients(|decoder| {
        let hidden = decoder.forward(&tokens, None);
        let device = hidden.device();
        hidden.select(0, index(&rows, &device))
    });
    assert!(alone.len() > 10, "{} tensors", alone.len());
    for (alone, among_all) in alone.iter().zip(&among_all) {
        let largest = among_all.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
        assert_close(alone, among_all, 1e-5 * largest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_tree_of_sequences_computes_what_its_branches_compute_alone(
        sequences in prop::collection::vec(prop::collection::vec(0u32..3, 1..9), 1..7),
    ) {
        let decoder = Decoder::init(&tiny_config(), Seed::new(5), &Device::flex());
        let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
        assert_packed_equals_alone(&decoder, &sequences, 2e-5);
    }
}
