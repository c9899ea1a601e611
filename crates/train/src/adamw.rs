//! AdamW with the arithmetic and the defaults of PyTorch.
//!
//! ```text
//! theta <- theta (1 - lr lambda)                            decoupled decay
//! m     <- m + (1 - beta1) (g - m)
//! v     <- beta2 v + (1 - beta2) g^2
//! theta <- theta - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
//! ```
//!
//! Loshchilov and Hutter 2017, <https://arxiv.org/abs/1711.05101>, Algorithm 2, in the order of operations of
//! `torch.optim.AdamW` (single tensor). Burn's own `AdamW` computes the same formula, but its coefficients in f32:
//! `1 - 0.999f32` is off by 1.3e-5 of its value, and so is the second moment. Here the coefficients are f64, as in
//! Python, and only the tensors are f32.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::{AdamWState, AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use forethought_kernels::{AdamWStep, adamw};

/// AdamW for one group of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    pub(crate) weight_decay: f64,
}

impl Optimizer for AdamW {
    // Burn's state has the fields this one needs, and a record format that Burn knows.
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let AdaptiveMomentumState { time, moment_1, moment_2, .. } =
            state.map_or_else(|| zero_state(&tensor), |state| state.momentum);
        let time = time + 1;
        let step = self.step_at(time, lr);
        let (tensor, [moment_1, moment_2]) = adamw(tensor, grad, [moment_1, moment_2], step);
        let momentum = AdaptiveMomentumState { time, moment_1, moment_2, max_moment_2: None };
        (tensor, Some(AdamWState::new(momentum)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamWState::new(state.momentum.to_device(device))
    }
}

impl AdamW {
    /// The numbers of update number `time`, counted from 1.
    fn step_at(&self, time: usize, lr: LearningRate) -> AdamWStep {
        // 2^31 steps would take decades; a longer count has corrections of 1 anyway.
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        AdamWStep {
            decay: 1.0 - lr * self.weight_decay,
            beta1: self.beta1,
            beta2: self.beta2,
            step_size: lr / (1.0 - self.beta1.powi(time)),
            root_correction: (1.0 - self.beta2.powi(time)).sqrt(),
            epsilon: self.epsilon,
        }
    }

    /// An optimiser of `model` in which the parameters that Hugging Face exempts from weight decay are exempt.
    pub(crate) fn for_module<M: Module>(self, model: &M) -> ModuleOptimizer {
        let without_decay = Self { weight_decay: 0.0, ..self.clone() };
        let exempt = ParamGroup::from_paths(exempt_paths(model));
        ModuleOptimizer::from(self).with_group(exempt, without_decay, None)
    }
}

fn zero_state<const D: usize>(tensor: &Tensor<D>) -> AdaptiveMomentumState<D> {
    let zeros = tensor.zeros_like();
    AdaptiveMomentumState { time: 0, moment_1: zeros.clone(), moment_2: zeros, max_moment_2: None }
}

/// Whether transformers' `Trainer.get_decay_parameter_names` exempts the parameter with this dotted name: one of the
/// patterns `bias`, `layernorm`, `rmsnorm`, `(?:^|\.)norm(?:$|\.)`, `_norm(?:$|\.)` occurs in it, case ignored.
fn is_exempt(path: &str) -> bool {
    path.to_lowercase().split('.').any(|part| {
        ["bias", "layernorm", "rmsnorm"].iter().any(|name| part.contains(name))
            || part == "norm"
            || part.ends_with("_norm")
    })
}

fn exempt_paths<M: Module>(model: &M) -> Vec<String> {
    let mut paths = ParameterPaths::default();
    model.visit(&mut paths);
    paths.found.retain(|path| is_exempt(path));
    paths.found
}

#[derive(Default)]
struct ParameterPaths {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for ParameterPaths {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.found.push(self.path.join("."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five steps on `3 (x - 1)^2 + 0.01 (y + 2)^2 + 0 z` from `(0.5, 0.25, 4)`.
    fn descend<O: Optimizer>(optimizer: &O) -> Vec<f64> {
        let device = Device::flex();
        let mut point = Tensor::<1>::from_floats([0.5, 0.25, 4.0], &device);
        let mut state = None;
        for _ in 0..5 {
            let slopes = Tensor::from_floats([6.0, 0.02, 0.0], &device);
            let minima = Tensor::from_floats([1.0, -2.0, 0.0], &device);
            let grad = (point.clone() - minima) * slopes;
            (point, state) = optimizer.step(0.1, point, grad, state);
        }
        point.into_data().iter::<f64>().collect()
    }

    #[track_caller]
    fn assert_close(actual: &[f64], expected: [f64; 3]) {
        for (actual, expected) in actual.iter().zip(expected) {
            assert!((actual - expected).abs() < 5e-7, "{actual} is not {expected}");
        }
    }

    /* Python, float64, torch.optim.AdamW's order of operations:
    from math import sqrt
    def adamw(theta, grads, lr, b1, b2, eps, wd):
        m, v = [0.0] * len(theta), [0.0] * len(theta)
        for t in range(1, 6):
            g = grads(theta)
            theta = [x * (1 - lr * wd) for x in theta]
            m = [b1 * a + (1 - b1) * x for a, x in zip(m, g)]
            v = [b2 * a + (1 - b2) * x * x for a, x in zip(v, g)]
            theta = [x - lr / (1 - b1**t) * a / (sqrt(c) / sqrt(1 - b2**t) + eps)
                     for x, a, c in zip(theta, m, v)]
        return theta
    slopes = lambda p: [6 * (p[0] - 1), 0.02 * (p[1] + 2), 0.0]
    print(adamw([0.5, 0.25, 4.0], slopes, 0.1, 0.9, 0.999, 1e-8, 0.1))
    print(adamw([0.5, 0.25, 4.0], slopes, 0.1, 0.9, 0.999, 1e-2, 0.0))
    */
    #[test]
    fn five_steps_match_python_float64() {
        let decaying = AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1 };
        let expected =
            [0.941_288_993_887_389_7, -0.249_787_618_315_298_78, 3.803_960_199_599_999_6];
        assert_close(&descend(&decaying), expected);
        // An epsilon that is felt: it is added after the bias correction of the root.
        let damped = AdamW { epsilon: 1e-2, weight_decay: 0.0, ..decaying };
        assert_close(&descend(&damped), [0.970_472_491_008_830_4, -0.154_720_563_534_278_82, 4.0]);
    }

    #[test]
    fn the_names_that_hugging_face_exempts_are_exempt() {
        // The parameter groups that transformers 5.23 makes of a Qwen2 model, and names of other families.
        for name in [
            "model.layers.0.self_attn.q_proj.bias",
            "model.layers.0.input_layernorm.weight",
            "model.layers.0.post_attention_layernorm.weight",
            "model.norm.weight",
            "model.layers.0.self_attn.q_norm.weight",
            "encoder.LayerNorm.gamma",
            "block.rmsnorm1",
        ] {
            assert!(is_exempt(name), "{name}");
        }
        for name in [
            "model.embed_tokens.weight",
            "model.layers.0.self_attn.o_proj.weight",
            "model.layers.0.mlp.down_proj.weight",
            "model.normalizer.weight",
        ] {
            assert!(!is_exempt(name), "{name}");
        }
    }
}
