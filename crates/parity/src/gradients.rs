//! A model's parameters and their gradients, by the names that Hugging Face gives them.

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
    visit(model, Wanted::Gradients(gradients))
}

/// The values of all parameters by name, with their shapes.
pub(crate) fn values_of<M: Module>(model: &M) -> Tensors {
    visit(model, Wanted::Values)
}

fn visit<M: Module>(model: &M, wanted: Wanted<'_>) -> Tensors {
    let mut visitor = Visitor { wanted, path: Vec::new(), found: BTreeMap::new() };
    model.visit(&mut visitor);
    visitor.found
}

/// What is read of each parameter.
enum Wanted<'a> {
    Values,
    Gradients(&'a Gradients),
}

struct Visitor<'a> {
    wanted: Wanted<'a>,
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
        let tensor = match &self.wanted {
            Wanted::Values => Some(param.val()),
            Wanted::Gradients(gradients) => param.val().grad(gradients),
        };
        let Some(tensor) = tensor else { return };
        let shape = tensor.dims().to_vec();
        let values = tensor.into_data().iter::<f32>().collect();
        // A reward model holds its decoder under a name that files do not have.
        let name = self.path.join(".");
        let name = name.strip_prefix("decoder.").unwrap_or(&name).to_owned();
        self.found.insert(name, (shape, values));
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
        let Some(found) = in_shape(found, name, shape) else {
            checks.equal(&format!("gradient of {name}"), "missing", "there");
            continue;
        };
        let largest = expected.iter().fold(0.0_f64, |max, value| max.max(f64::from(value.abs())));
        let tolerance = Tolerance::Absolute(GRADIENT_ELEMENT * largest);
        checks.numbers(&format!("gradient of {name}"), &found, expected, tolerance);
    }
}

/// A tensor by name as a file holds it, in this shape.
pub(crate) fn in_shape(found: &Tensors, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let (found_shape, values) = found.get(name)?;
    Some(if is_turned(name, found_shape, shape) {
        transposed(values, shape)
    } else {
        values.clone()
    })
}

/// Linear weights of the decoder's layers stand the other way round; a square one shows it by its name only.
fn is_turned(name: &str, found: &[usize], shape: &[usize]) -> bool {
    found != shape || name.ends_with("_proj.weight")
}

/// Linear weights are `[in, out]` here and `[out, in]` in files.
fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let &[rows, columns] = shape else { return values.to_vec() };
    (0..rows).flat_map(|row| (0..columns).map(move |column| values[column * rows + row])).collect()
}

/// The Euclidean norm.
pub(crate) fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt()
}
