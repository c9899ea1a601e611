//! Gradients of a whole step: their global norm, clipping by it, and which parameter's is not a number.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use forethought_kernels::sum_of_squares;

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
            self.sums.push(sum_of_squares(grad)); // [1]
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

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Pair {
        first: Linear,
        second: Linear,
    }

    fn pair() -> Pair {
        let device = Device::flex().autodiff();
        let linear = || LinearConfig::new(1, 2).with_bias(false).init(&device);
        Pair { first: linear(), second: linear() }
    }

    fn gradients(model: &Pair, first: [[f32; 2]; 1], second: [[f32; 2]; 1]) -> GradientsParams {
        let device = Device::flex();
        let mut grads = GradientsParams::new();
        grads.register(model.first.weight.id, Tensor::<2>::from_floats(first, &device));
        grads.register(model.second.weight.id, Tensor::<2>::from_floats(second, &device));
        grads
    }

    fn values(grads: &GradientsParams, linear: &Linear) -> Vec<f32> {
        let grad = grads.get::<2>(linear.weight.id).expect("a gradient");
        grad.into_data().iter::<f32>().collect()
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_together() {
        let model = pair();
        let norm = global_norm(&model, &gradients(&model, [[1.0, 2.0]], [[4.0, 10.0]]));
        assert_eq!(norm, GlobalNorm { total: 11.0, first_non_finite: None });
    }

    #[test]
    fn clipping_scales_every_gradient_by_the_same_factor() {
        let model = pair();
        // A norm of 1.1e-5 makes the 1e-6 of torch's factor visible: 2.2e-6 / 1.2e-5 = 11 / 60.
        let grads = gradients(&model, [[1e-6, 2e-6]], [[4e-6, 1e-5]]);
        let clipped = clip(&model, grads, 1.1e-5, 2.2e-6);
        let first = values(&clipped, &model.first).into_iter();
        let all = first.chain(values(&clipped, &model.second));
        for (actual, before) in all.zip([1e-6_f32, 2e-6, 4e-6, 1e-5]) {
            assert!((actual / (before * 11.0 / 60.0) - 1.0).abs() < 1e-6, "{actual}");
        }
    }

    #[test]
    fn gradients_within_the_norm_are_left_alone() {
        let model = pair();
        let grads = clip(&model, gradients(&model, [[1.0, 2.0]], [[4.0, 10.0]]), 11.0, 11.1);
        assert_eq!(values(&grads, &model.second), [4.0, 10.0]);
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_named() {
        let model = pair();
        for bad in [f32::NAN, f32::NEG_INFINITY] {
            let norm = global_norm(&model, &gradients(&model, [[1.0, 2.0]], [[4.0, bad]]));
            assert_eq!(norm.first_non_finite.as_deref(), Some("second.weight"));
            assert!(!norm.total.is_finite());
        }
    }

    #[test]
    fn a_tied_parameter_counts_and_is_clipped_once() {
        let linear = pair().first;
        let tied = Pair { first: linear.clone(), second: linear };
        let mut grads = GradientsParams::new();
        let grad = Tensor::<2>::from_floats([[3.0, 4.0]], &Device::flex());
        grads.register(tied.first.weight.id, grad);
        assert!((global_norm(&tied, &grads).total - 5.0).abs() < 1e-12);
        let clipped = clip(&tied, grads, 5.0, 2.5);
        let half = values(&clipped, &tied.first);
        assert!((half[0] - 1.5).abs() < 1e-6 && (half[1] - 2.0).abs() < 1e-6, "{half:?}");
    }

    #[test]
    fn squares_add_up_to_the_same_bits_on_one_thread_and_on_several() {
        // Large enough for the backend to go parallel.
        let shape = [2_100, 2_000];
        let values: Vec<f32> = (0..shape[0] * shape[1]).map(|index| (index as f32).sin()).collect();
        let grad = Tensor::<1>::from_floats(values.as_slice(), &Device::flex()).reshape(shape);
        let sum = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let grad: Tensor<2> = grad.clone();
            pool.expect("threads").install(|| sum_of_squares(grad).into_scalar::<f32>())
        };
        let expected = sum(1);
        // The mean of sin(i)^2 is one half.
        assert!((expected / values.len() as f32 - 0.5).abs() < 1e-5, "{expected}");
        for _ in 0..10 {
            assert_eq!(sum(2).to_bits(), expected.to_bits());
            assert_eq!(sum(3).to_bits(), expected.to_bits());
        }
    }
}
