//! Gradients of a whole step: their global norm, clipping by it, and which parameter's is not a number.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Norm of all gradients together, before clipping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GlobalNorm {
    /// Euclidean norm over every element of every gradient.
    pub(crate) total: f64,
    /// Path of the first parameter whose gradient holds NaN or an infinity, if one does.
    pub(crate) first_non_finite: Option<String>,
}

/// Computes the norm of `grads`.
///
/// The squares of each gradient are summed on the device and the sums, in the order in which `model` visits its
/// parameters, in f64 on the host: the order never depends on timing or on a hash.
pub(crate) fn global_norm<M: Module>(model: &M, grads: &GradientsParams) -> GlobalNorm {
    let mut squares =
        Squares { grads, seen: BTreeSet::new(), path: vec![], paths: vec![], sums: vec![] };
    model.visit(&mut squares);
    if squares.sums.is_empty() {
        return GlobalNorm { total: 0.0, first_non_finite: None };
    }
    // One read for all parameters: each read waits for the device.
    let sums: Vec<f64> = Tensor::cat(squares.sums, 0).into_data().iter::<f64>().collect();
    let bad = sums.iter().position(|sum| !sum.is_finite());
    GlobalNorm {
        total: sums.iter().sum::<f64>().sqrt(),
        first_non_finite: bad.map(|index| squares.paths[index].clone()),
    }
}

/// Scales `grads` so that their norm, which is `norm` now, is at most `max_norm`.
///
/// `torch.nn.utils.clip_grad_norm_`: the factor is `max_norm / (norm + 1e-6)`, never above 1.
pub(crate) fn clip<M: Module>(
    model: &M,
    grads: GradientsParams,
    norm: f64,
    max_norm: f64,
) -> GradientsParams {
    let factor = max_norm / (norm + 1e-6);
    if factor >= 1.0 {
        return grads;
    }
    let mut scale = Scale { grads, seen: BTreeSet::new(), factor };
    model.visit(&mut scale);
    scale.grads
}

struct Squares<'a> {
    grads: &'a GradientsParams,
    /// A parameter may be reached twice (a tied embedding); its gradient counts once.
    seen: BTreeSet<ParamId>,
    path: Vec<String>,
    paths: Vec<String>,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.sums.push(grad.square().sum()); // [1]
            self.paths.push(self.path.join("."));
        }
    }
}

struct Scale {
    grads: GradientsParams,
    seen: BTreeSet<ParamId>,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.grads.register(param.id, grad.mul_scalar(self.factor));
        }
    }
}
