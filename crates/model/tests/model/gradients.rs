//! Loss and gradient norms of TRL's `SFTTrainer`.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use forethought_model::{Decoder, pack};
use serde_json::Value;

use crate::{fixtures, index, json, load_fixture};

/// Norm of every parameter's gradient, by name.
pub(crate) fn gradient_norms(model: &impl Module, gradients: &Gradients) -> BTreeMap<String, f64> {
    let mut visitor = GradientNorms { gradients, path: Vec::new(), norms: BTreeMap::new() };
    model.visit(&mut visitor);
    visitor.norms
}

struct GradientNorms<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    norms: BTreeMap<String, f64>,
}

impl ModuleVisitor for GradientNorms<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad(self.gradients) else { return };
        let values = gradient.into_data();
        let squares: f64 = values.iter::<f64>().map(|value| value * value).sum();
        self.norms.insert(self.path.join("."), squares.sqrt());
    }
}

/// The rows of a padded batch without their padding, and which of their tokens have a label.
fn rows(inputs: &Value) -> Vec<(Vec<u32>, Vec<bool>)> {
    let list = |key: &str| -> Vec<Vec<i64>> {
        serde_json::from_value(inputs[key].clone()).expect("lists of numbers")
    };
    let rows = list("input_ids").into_iter().zip(list("labels")).zip(list("attention_mask"));
    rows.map(|((ids, labels), mask)| {
        let length = mask.iter().filter(|flag| **flag == 1).count();
        let ids = ids[..length].iter().map(|id| u32::try_from(*id).expect("an id")).collect();
        (ids, labels[..length].iter().map(|label| *label != -100).collect())
    })
    .collect()
}

/// Mean negative log-probability of the labelled tokens, over one packed row.
fn loss(decoder: &Decoder, rows: &[(Vec<u32>, Vec<bool>)]) -> Tensor<1> {
    let sequences: Vec<&[u32]> = rows.iter().map(|(ids, _)| ids.as_slice()).collect();
    let packed = pack(&sequences);
    let (mut before, mut targets) = (Vec::new(), Vec::new());
    for ((ids, is_label), row) in rows.iter().zip(&packed.rows) {
        for token in (1..ids.len()).filter(|token| is_label[*token]) {
            before.push(row[token - 1]);
            targets.push(ids[token] as usize);
        }
    }
    let device = decoder.device();
    let hidden = decoder.forward(&packed.tokens, None).select(0, index(&before, &device));
    decoder.score(hidden, index(&targets, &device), 1.0).log_probs.mean().neg()
}

#[track_caller]
fn assert_relative(actual: f64, expected: f64, tolerance: f64, what: &str) {
    let difference = (actual - expected).abs() / expected.abs();
    assert!(difference <= tolerance, "{what}: {actual} is not {expected}, relative {difference}");
}

#[test]
fn loss_and_every_gradient_norm_of_a_packed_row_equal_those_of_trl() {
    let golden = json(&fixtures().join("gradients.json"));
    for case in ["text_nll", "prompt_completion_default"] {
        let golden = &golden["cases"][case];
        let decoder = load_fixture("tiny-qwen2", &Device::flex().autodiff());
        let loss = loss(&decoder, &rows(&golden["inputs"]));
        let norms = gradient_norms(&decoder, &loss.backward());
        let expected = golden["loss"].as_f64().expect("a number");
        assert_relative(loss.into_scalar::<f64>(), expected, 1e-5, case);
        let expected: BTreeMap<String, f64> =
            serde_json::from_value(golden["grad_norms"].clone()).expect("numbers");
        assert!(norms.keys().eq(expected.keys()), "{norms:?}");
        for (name, expected) in &expected {
            assert_relative(norms[name], *expected, 1e-4, name);
        }
        let global = norms.values().map(|norm| norm * norm).sum::<f64>().sqrt();
        let expected = golden["grad_norm_global"].as_f64().expect("a number");
        assert_relative(global, expected, 1e-4, "global norm");
    }
}
