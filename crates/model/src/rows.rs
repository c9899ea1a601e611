//! A matrix of one row per token id: the embedding, and the head with or without a low-rank adapter.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use forethought_kernels::{TokenScores, linear_log_prob, linear_transposed};

use crate::adapter::{Adapter, Weight, on_device};
use crate::linear::unfilled;

/// One row per token id; used as an embedding and as a head.
#[derive(Module, Debug)]
pub(crate) struct Rows {
    /// `[vocab, hidden]`
    pub(crate) weight: Param<Tensor<2>>,
    /// Only a head of its own can have one.
    pub(crate) adapter: Option<Adapter>,
}

impl Rows {
    /// Rows whose values are to be filled in.
    pub(crate) fn unfilled(rows: usize, width: usize, device: &Device) -> Self {
        Self { weight: unfilled([rows, width], device), adapter: None }
    }

    /// The rows with the adapter folded in, `[vocab, hidden]`.
    pub(crate) fn folded(&self) -> Tensor<2> {
        let weight = self.weight.val();
        let Some(adapter) = &self.adapter else { return weight };
        let change = adapter.a.val().matmul(adapter.b.val()).mul_scalar(adapter.scale);
        let folded = weight + change.transpose(); // [vocab, hidden]
        match adapter.factors(self) {
            Some(factors) => folded * factors.unsqueeze_dim(1),
            None => folded,
        }
    }

    /// `x` times the transpose of the rows: `[n, vocab]` for `x` `[n, hidden]`.
    pub(crate) fn product_with_adapter(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.adapter {
            Some(adapter) => adapter.forward(x, self, None),
            None => self.product(x),
        }
    }

    /// Log-probability and entropy of `targets` (`[n]`) after hidden states `[n, hidden]`.
    pub(crate) fn score(
        &self,
        hidden: Tensor<2>,
        targets: Tensor<1, Int>,
        temperature: f64,
    ) -> TokenScores {
        let weight = self.weight.val();
        let Some(adapter) = &self.adapter else {
            return linear_log_prob(hidden, weight, targets, temperature);
        };
        // `x W^T + (s x A) B` is one product of wider rows, so the chunks of the fused operation serve the adapter too.
        let reduced = hidden.clone().matmul(adapter.a.val()).mul_scalar(adapter.scale); // [n, rank]
        let hidden = Tensor::cat(vec![hidden, reduced], 1); // [n, hidden + rank]
        let head = Tensor::cat(vec![weight, adapter.b.val().transpose()], 1); // [vocab, hidden + rank]
        let head = match adapter.factors(self) {
            Some(factors) => head * factors.unsqueeze_dim(1),
            None => head,
        };
        linear_log_prob(hidden, head, targets, temperature)
    }

    /// Folds the adapter, if there is one, into the rows.
    pub(crate) fn merge(mut self) -> Self {
        let folded = self.folded().without_autodiff();
        if self.adapter.take().is_some() {
            let device = self.weight.lazy_device();
            self.weight = self.weight.map(|_| on_device(folded, &device));
        }
        self
    }
}

impl Weight for Rows {
    fn product(&self, x: Tensor<2>) -> Tensor<2> {
        linear_transposed(x, self.weight.val())
    }

    fn dims(&self) -> [usize; 2] {
        let shape = self.weight.lazy_shape();
        [shape[1], shape[0]]
    }

    fn columns(&self, start: usize, length: usize) -> Tensor<2> {
        self.weight.val().without_autodiff().narrow(0, start, length).transpose()
    }
}
