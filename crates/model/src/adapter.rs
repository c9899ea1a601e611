//! The trained part of an adapted layer: a product of two low-rank factors, and the magnitudes of `DoRA`.

use burn::module::{Module, Param};
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use forethought_kernels::linear;
use forethought_seed::Seed;
use rand::Rng;

/// Columns of the weight whose adapted values exist at one time while their norms are taken.
const NORM_COLUMNS: usize = 256;

/// The trained part of a LoRA layer (Hu et al. 2021, <https://arxiv.org/abs/2106.09685>). The product `A B` is never
/// formed in a forward pass, so that neither it nor a gradient of its size takes memory.
#[derive(Module, Debug)]
pub(crate) struct Adapter {
    /// `[in, rank]`
    pub(crate) a: Param<Tensor<2>>,
    /// `[rank, out]`
    pub(crate) b: Param<Tensor<2>>,
    /// `[out]`, the length that each column of the weight has in `DoRA` (Liu et al. 2024,
    /// <https://arxiv.org/abs/2402.09353>).
    pub(crate) magnitude: Option<Param<Tensor<1>>>,
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

/// A weight `[in, out]`, in whatever form it is stored.
pub(crate) trait Weight {
    /// `x W` for `x` `[token, in]`: `[token, out]`.
    fn product(&self, x: Tensor<2>) -> Tensor<2>;

    /// `[in, out]`
    fn dims(&self) -> [usize; 2];

    /// `length` columns of the weight from `start` on, as constants: `[in, length]`.
    fn columns(&self, start: usize, length: usize) -> Tensor<2>;
}

impl Adapter {
    /// What the adapted layer gives without its bias: `x W + s (x A) B`, with `DoRA` each column at its magnitude.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        weight: &impl Weight,
        dropout: Option<DropoutKey>,
    ) -> Tensor<2> {
        let base = weight.product(x.clone()); // [token, out]
        let dropped = dropout
            .filter(|_| 0.0 < self.dropout)
            .map(|key| x.clone() * keep_mask(&x, self.dropout, key)); // [token, in]
        let Some(factors) = self.factors(weight) else {
            return base + self.low_rank(dropped.unwrap_or(x));
        };
        let factors = factors.unsqueeze::<2>(); // [1, out]
        match dropped {
            None => (base + self.low_rank(x)) * factors,
            // PEFT leaves the base as it is and lets what the adapter changes of it see the dropped inputs.
            Some(x) => {
                let change = weight.product(x.clone()) * factors.clone().sub_scalar(1.0);
                base + change + self.low_rank(x) * factors
            }
        }
    }

    /// `s (x A) B`: `[token, out]`. The factors stay in single precision whatever their base is stored in.
    pub(crate) fn low_rank(&self, x: Tensor<2>) -> Tensor<2> {
        let precision: FloatDType = x.dtype().into();
        let x = x.cast(FloatDType::F32);
        linear(linear(x, self.a.val()), self.b.val()).mul_scalar(self.scale).cast(precision)
    }

    /// What `DoRA` multiplies each column with, `[out]`: its magnitude over the length that it has. The length is a
    /// constant, as the paper proposes in section 4.3 and PEFT does.
    pub(crate) fn factors(&self, weight: &impl Weight) -> Option<Tensor<1>> {
        self.magnitude.as_ref().map(|magnitude| magnitude.val() / self.column_norms(weight))
    }

    /// Length of each column of `W + s A B`, `[out]`, a tile of columns at a time.
    pub(crate) fn column_norms(&self, weight: &impl Weight) -> Tensor<1> {
        let [_, outputs] = weight.dims();
        let tiles = (0..outputs).step_by(NORM_COLUMNS).map(|start| {
            let column = self.folded(weight, start, NORM_COLUMNS.min(outputs - start));
            (column.clone() * column).sum_dim(0).sqrt().squeeze_dim::<1>(0) // [tile]
        });
        Tensor::cat(tiles.collect(), 0)
    }

    /// Some columns of the weight with the adapter folded in, as constants: `[in, length]`.
    pub(crate) fn merged(
        &self,
        weight: &impl Weight,
        factors: Option<&Tensor<1>>,
        start: usize,
        length: usize,
    ) -> Tensor<2> {
        let folded = self.folded(weight, start, length);
        match factors {
            None => folded,
            Some(factors) => folded * factors.clone().narrow(0, start, length).unsqueeze(),
        }
    }

    fn folded(&self, weight: &impl Weight, start: usize, length: usize) -> Tensor<2> {
        let [a, b] = [&self.a, &self.b].map(|factor| factor.val().without_autodiff());
        weight.columns(start, length) + a.matmul(b.narrow(1, start, length)).mul_scalar(self.scale)
    }
}

/// A constant as a parameter of this device holds it: with autodiff where the device has it.
pub(crate) fn on_device(constant: Tensor<2>, device: &Device) -> Tensor<2> {
    if device.is_autodiff() { Tensor::from_inner(constant) } else { constant }
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

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "bits above 16 are shifted out")]
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

    struct Dense(Tensor<2>);

    impl Weight for Dense {
        fn product(&self, x: Tensor<2>) -> Tensor<2> {
            x.matmul(self.0.clone())
        }

        fn dims(&self) -> [usize; 2] {
            self.0.dims()
        }

        fn columns(&self, start: usize, length: usize) -> Tensor<2> {
            self.0.clone().narrow(1, start, length)
        }
    }

    fn numbers<const D: usize>(seed: u64, shape: [usize; D]) -> Tensor<D> {
        let mut random = Seed::new(seed).stream("test", &[]);
        let count = shape.iter().product();
        let draw = |_| f32::from((random.next_u32() >> 16) as u16) / 32_768.0 - 1.0;
        let values: Vec<f32> = (0..count).map(draw).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// PEFT: the base keeps its inputs, and what `DoRA` adds to it is `(f - 1) x~ W + f s x~ A B`.
    #[test]
    fn with_dropout_only_what_changes_the_base_sees_the_dropped_inputs() {
        let (inputs, outputs, rank) = (5, 300, 2);
        let (x, weight) = (numbers(1, [4, inputs]), numbers(2, [inputs, outputs]));
        let (a, b) = (numbers(3, [inputs, rank]), numbers(4, [rank, outputs]));
        let magnitude: Tensor<1> = numbers(5, [outputs]);
        let adapter = Adapter {
            a: Param::from_tensor(a.clone()),
            b: Param::from_tensor(b.clone()),
            magnitude: Some(Param::from_tensor(magnitude.clone())),
            scale: 3.0,
            dropout: 0.5,
        };
        let key = DropoutKey { seed: Seed::new(6), layer: 0, projection: 0 };
        let dropped = x.clone() * keep_mask(&x, 0.5, key);
        let change = a.matmul(b).mul_scalar(3.0); // [in, out]
        let norms = (weight.clone() + change.clone()).powi_scalar(2).sum_dim(0).sqrt(); // [1, out]
        let factors = magnitude.unsqueeze::<2>() / norms; // [1, out]
        let expected = x.clone().matmul(weight.clone())
            + dropped.clone().matmul(weight.clone()) * (factors.clone() - 1.0)
            + dropped.matmul(change) * factors;
        let found = adapter.forward(x, &Dense(weight), Some(key));
        let difference = (found - expected).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-4, "{difference}");
    }
}
