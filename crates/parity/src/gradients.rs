//! Gradients of a model's parameters by the names that Hugging Face gives them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
use serde::Deserialize;

use crate::check::{Checks, GRADIENT_ELEMENT, GRADIENT_NORM, Tolerance};
use crate::goldens::Tensors;

/// What a case expects of the gradients.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExpectedNorms {
    #[serde(rename = "grad_norm_global")]
    pub(crate) global: f64,
    #[serde(rename = "grad_norms")]
    pub(crate) by_name: BTreeMap<String, f64>,
}

/// The gradients of all parameters that have one, by name, with their shapes.
pub(crate) fn gradients_of<M: Module>(model: &M, gradients: &Gradients) -> Tensors {
    let mut visitor = Visitor { gradients, path: Vec::new(), found: BTreeMap::new() };
    model.visit(&mut visitor);
    visitor.found
}

struct Visitor<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: Tensors,
}

impl ModuleVisitor for Visitor<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad(self.gradients) else { return };
        let shape = gradient.dims().to_vec();
        let values = gradient.into_data().iter::<f32>().collect();
        self.found.insert(self.path.join("."), (shape, values));
    }
}

/// Compares the norm of every parameter's gradient, and that of all together.
pub(crate) fn check_norms(checks: &mut Checks, found: &Tensors, expected: &ExpectedNorms) {
    let norms: BTreeMap<&str, f64> =
        found.iter().map(|(name, (_, values))| (name.as_str(), norm(values))).collect();
    for (name, &expected) in &expected.by_name {
        // A parameter that the loss does not reach has no gradient here and one of zeros there.
        let found = norms.get(name.as_str()).copied().unwrap_or_default();
        checks.number(&format!("gradient norm of {name}"), found, expected, GRADIENT_NORM);
    }
    let unexpected = norms.iter().filter(|(name, _)| !expected.by_name.contains_key(**name));
    for (name, &norm) in unexpected {
        checks.number(&format!("gradient norm of {name}"), norm, 0.0, GRADIENT_NORM);
    }
    let global = norms.values().map(|norm| norm * norm).sum::<f64>().sqrt();
    checks.number("global gradient norm", global, expected.global, GRADIENT_NORM);
}

/// Compares every element of every gradient.
pub(crate) fn check_elements(checks: &mut Checks, found: &Tensors, expected: &Tensors) {
    for (name, (shape, expected)) in expected {
        let Some((found_shape, found)) = found.get(name) else {
            checks.equal(&format!("gradient of {name}"), "missing", "there");
            continue;
        };
        let found = if found_shape == shape { found.clone() } else { transposed(found, shape) };
        let largest = expected.iter().fold(0.0_f64, |max, value| max.max(f64::from(value.abs())));
        let tolerance = Tolerance::Absolute(GRADIENT_ELEMENT * largest);
        checks.numbers(&format!("gradient of {name}"), &found, expected, tolerance);
    }
}

/// Linear weights are `[in, out]` here and `[out, in]` in files.
fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let &[rows, columns] = shape else { return values.to_vec() };
    (0..rows).flat_map(|row| (0..columns).map(move |column| values[column * rows + row])).collect()
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}
