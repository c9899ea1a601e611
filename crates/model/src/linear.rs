//! A linear layer, with or without a low-rank adapter beside its weight.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor};

use crate::adapter::{Adapter, DropoutKey, Weight, in_place_of};

/// `y = x W + b`, and with an adapter what [`Adapter`] makes of `x W`.
#[derive(Module, Debug)]
pub(crate) struct Linear {
    /// `[in, out]`
    pub(crate) weight: Param<Tensor<2>>,
    /// `[out]`
    pub(crate) bias: Option<Param<Tensor<1>>>,
    pub(crate) adapter: Option<Adapter>,
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
        let y = match &self.adapter {
            Some(adapter) => adapter.forward(x, self, dropout),
            None => self.product(x),
        }; // [token, out]
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }

    /// Folds the adapter, if there is one, into the weight.
    pub(crate) fn merge(mut self) -> Self {
        let Some(adapter) = self.adapter.take() else { return self };
        let factors = adapter.factors(&self).map(Tensor::without_autodiff);
        let [_, outputs] = self.dims();
        let merged = adapter.merged(&self, factors.as_ref(), 0, outputs); // [in, out]
        self.weight = self.weight.map(|weight| in_place_of(merged, &weight));
        self
    }
}

impl Weight for Linear {
    fn product(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val())
    }

    fn dims(&self) -> [usize; 2] {
        self.weight.dims()
    }

    fn columns(&self, start: usize, length: usize) -> Tensor<2> {
        self.weight.val().without_autodiff().narrow(1, start, length)
    }
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
