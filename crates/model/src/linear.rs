//! A linear layer, with or without a low-rank adapter beside its weight.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, FloatDType, Tensor};
use forethought_kernels::{
    Quantisation, QuantisedMatrix, dequantise_rows, linear, product_precision, quantised_linear,
};

use crate::adapter::{Adapter, DropoutKey, Weight, on_device};
use crate::weights::{HostTensor, transpose};

/// `y = x W + b`, and with an adapter what [`Adapter`] makes of `x W`.
#[derive(Module, Debug)]
pub(crate) struct Linear {
    /// `[in, out]`; absent where `quantised` holds it.
    weight: Option<Param<Tensor<2>>>,
    /// The frozen weight in few bits, as `[out, in]`.
    quantised: Option<QuantisedMatrix>,
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
            weight: Some(unfilled([inputs, outputs], device)),
            quantised: None,
            bias: (bias == Bias::With).then(|| unfilled([outputs], device)),
            adapter: None,
        }
    }

    /// `x`: `[token, in]`; output: `[token, out]`.
    pub(crate) fn forward(&self, x: Tensor<2>, dropout: Option<DropoutKey>) -> Tensor<2> {
        let (stored, computed) = (x.dtype().into(), product_precision(&x));
        let x = x.cast(computed);
        let y = match &self.adapter {
            Some(adapter) => adapter.forward(x, self, dropout),
            None => self.product(x),
        }; // [token, out]
        let y = match &self.bias {
            Some(bias) => y + bias.val().cast(computed).unsqueeze(),
            None => y,
        };
        y.cast::<FloatDType>(stored)
    }

    /// The layer with an adapter beside its weight.
    pub(crate) fn with_adapter(self, adapter: Adapter) -> Self {
        Self { adapter: Some(adapter), ..self }
    }

    /// Folds the adapter, if there is one, into the weight, which is in 32 bits from here on.
    pub(crate) fn merge(mut self) -> Self {
        let [_, outputs] = self.dims();
        let merged = match self.adapter.take() {
            Some(adapter) => {
                let factors = adapter.factors(&self).map(Tensor::without_autodiff);
                adapter.merged(&self, factors.as_ref(), 0, outputs)
            }
            None if self.quantised.is_some() => self.columns(0, outputs),
            None => return self,
        }; // [in, out]
        let merged = on_device(merged, &self.device());
        self.weight = Some(match self.weight {
            Some(weight) => weight.map(|_| merged),
            None => Param::from_tensor(merged),
        });
        self.quantised = None;
        self
    }

    /// Freezes the weight and stores it in few bits.
    pub(crate) fn quantise(self, quantisation: Quantisation) -> Self {
        let Some(weight) = &self.weight else { return self };
        let rows = transpose(&HostTensor::read(weight.val())); // [out, in]
        self.with_quantised(&rows.values, quantisation)
    }

    /// The layer with a frozen weight of these rows, `[out, in]`, in few bits.
    pub(crate) fn with_quantised(self, rows: &[f32], quantisation: Quantisation) -> Self {
        let [inputs, outputs] = self.dims();
        let dims = [outputs, inputs];
        let quantised = QuantisedMatrix::quantise(rows, dims, quantisation, &self.device());
        Self { weight: None, quantised: Some(quantised), ..self }
    }

    fn device(&self) -> Device {
        match (&self.weight, &self.quantised) {
            (Some(weight), _) => weight.lazy_device(),
            (None, Some(matrix)) => matrix.device(),
            (None, None) => unreachable!("{WITHOUT_WEIGHT}"),
        }
    }

    /// The frozen weight in few bits, if it is.
    pub(crate) fn quantised(&self) -> Option<&QuantisedMatrix> {
        self.quantised.as_ref()
    }
}

/// A linear layer is made with a weight, and the weight is only ever exchanged for the other form.
const WITHOUT_WEIGHT: &str = "a linear layer without a weight";

impl Weight for Linear {
    fn product(&self, x: Tensor<2>) -> Tensor<2> {
        match (&self.weight, &self.quantised) {
            (Some(weight), _) => {
                let precision: FloatDType = x.dtype().into();
                linear(x, weight.val().cast(precision))
            }
            (None, Some(matrix)) => quantised_linear(x, matrix),
            (None, None) => unreachable!("{WITHOUT_WEIGHT}"),
        }
    }

    fn dims(&self) -> [usize; 2] {
        match (&self.weight, &self.quantised) {
            (Some(weight), _) => {
                let shape = weight.lazy_shape();
                [shape[0], shape[1]]
            }
            (None, Some(matrix)) => {
                let [outputs, inputs] = matrix.dims();
                [inputs, outputs]
            }
            (None, None) => unreachable!("{WITHOUT_WEIGHT}"),
        }
    }

    fn columns(&self, start: usize, length: usize) -> Tensor<2> {
        match (&self.weight, &self.quantised) {
            (Some(weight), _) => {
                let columns = weight.val().without_autodiff().narrow(1, start, length);
                columns.cast(FloatDType::F32)
            }
            (None, Some(matrix)) => dequantise_rows(matrix, start, length).transpose(),
            (None, None) => unreachable!("{WITHOUT_WEIGHT}"),
        }
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
