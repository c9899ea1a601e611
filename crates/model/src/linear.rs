//! A linear layer, with or without a low-rank adapter beside its weight.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use forethought_seed::Seed;
use rand::Rng;

/// `y = x W + b`, and with an adapter `y = x W + b + s (dropout(x) A) B`.
#[derive(Module, Debug)]
pub(crate) struct Linear {
    /// `[in, out]`
    pub(crate) weight: Param<Tensor<2>>,
    /// `[out]`
    pub(crate) bias: Option<Param<Tensor<1>>>,
    pub(crate) adapter: Option<Adapter>,
}

/// The trained part of a LoRA layer (Hu et al. 2021, <https://arxiv.org/abs/2106.09685>). The product `A B` is never
/// formed, so that neither it nor a gradient of its size takes memory.
#[derive(Module, Debug)]
pub(crate) struct Adapter {
    /// `[in, rank]`
    pub(crate) a: Param<Tensor<2>>,
    /// `[rank, out]`
    pub(crate) b: Param<Tensor<2>>,
    #[module(skip)]
    pub(crate) scale: f64,
    #[module(skip)]
    pub(crate) dropout: f64,
}

/// Which stream of random numbers the dropout of one layer draws from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DropoutKey {
    pub(crate) seed: Seed,
    pub(crate) layer: usize,
    pub(crate) projection: usize,
}

/// Whether a linear layer has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bias {
    With,
    Without,
}

impl Linear {
    /// A layer whose values are to be filled in.
    pub(crate) fn unfilled(inputs: usize, outputs: usize, bias: Bias, device: &Device) -> Self {
        Self {
            weight: unfilled([inputs, outputs], device),
            bias: (bias == Bias::With).then(|| unfilled([outputs], device)),
            adapter: None,
        }
    }

    /// `x`: `[token, in]`; output: `[token, out]`.
    pub(crate) fn forward(&self, x: Tensor<2>, dropout: Option<DropoutKey>) -> Tensor<2> {
        let adapted = self.adapter.as_ref().map(|adapter| adapter.forward(x.clone(), dropout));
        let mut y = x.matmul(self.weight.val()); // [token, out]
        if let Some(bias) = &self.bias {
            y = y + bias.val().unsqueeze();
        }
        match adapted {
            Some(adapted) => y + adapted,
            None => y,
        }
    }

    /// Folds the adapter, if there is one, into the weight.
    pub(crate) fn merge(self) -> Self {
        let Some(adapter) = self.adapter else { return self };
        let change = adapter.a.val().matmul(adapter.b.val()).mul_scalar(adapter.scale); // [in, out]
        // The sum is a constant of what comes after, not a step of a computation to differentiate.
        let weight = self.weight.map(|weight| (weight + change).detach());
        Self { weight, bias: self.bias, adapter: None }
    }
}

impl Adapter {
    fn forward(&self, x: Tensor<2>, dropout: Option<DropoutKey>) -> Tensor<2> {
        let x = match dropout {
            Some(key) if 0.0 < self.dropout => x.clone() * keep_mask(&x, self.dropout, key),
            _ => x,
        };
        x.matmul(self.a.val()).matmul(self.b.val()).mul_scalar(self.scale) // [token, out]
    }
}

/// Zero with probability `rate`, else `1 / (1 - rate)`, drawn on the host so that it is the same on every device.
fn keep_mask(x: &Tensor<2>, rate: f64, key: DropoutKey) -> Tensor<2> {
    let mut random = key.seed.stream("lora dropout", &[key.layer as u64, key.projection as u64]);
    #[expect(clippy::cast_possible_truncation, reason = "one value is one 32-bit float")]
    let kept = (1.0 / (1.0 - rate)) as f32;
    let threshold = rate * (f64::from(u32::MAX) + 1.0);
    let shape = x.dims();
    let draw = |_| if f64::from(random.next_u32()) < threshold { 0.0 } else { kept };
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(draw).collect();
    Tensor::from_data(TensorData::new(values, shape), &x.device())
}

/// A parameter that has a shape and gets its values later; reading it before gives zeros.
pub(crate) fn unfilled<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::uninitialized(
        ParamId::new(),
        move |device, require_grad| Tensor::zeros(shape, device).set_require_grad(require_grad),
        device.clone(),
        true,
        shape.into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_keeps_its_share_scaled_and_repeats_for_its_key() {
        let x = Tensor::<2>::ones([100, 100], &Device::flex());
        let key = DropoutKey { seed: Seed::new(3), layer: 1, projection: 2 };
        let mask: Vec<f32> = keep_mask(&x, 0.25, key).into_data().try_to_vec().expect("f32");
        let kept = mask.iter().filter(|value| **value != 0.0).count();
        // 10,000 draws of probability 3/4 have a standard deviation of 43.
        assert!((7_370..7_630).contains(&kept), "{kept} kept");
        assert!(mask.iter().all(|value| *value == 0.0 || (value - 4.0 / 3.0).abs() < 1e-6));
        let again: Vec<f32> = keep_mask(&x, 0.25, key).into_data().try_to_vec().expect("f32");
        assert_eq!(mask, again);
        let other = keep_mask(&x, 0.25, DropoutKey { projection: 3, ..key });
        assert_ne!(mask, other.into_data().try_to_vec::<f32>().expect("f32"));
    }
}
