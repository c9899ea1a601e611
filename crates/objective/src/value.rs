//! Objectives over the values that a critic predicts.

use burn::tensor::{Device, Tensor};

use crate::{LossOutput, assert_tokens};

/// Predicted values of one micro-batch. Lists hold the values of its completions one behind the other, `[value]`.
///
/// How many values a completion has is the business of the method: one for each token, or one more for what follows the
/// last.
#[derive(Clone, Debug)]
pub struct ValueBatch {
    values: Tensor<1>,
    old_values: Tensor<1>,
    returns: Tensor<1>,
    num_step_values: usize,
}

impl ValueBatch {
    /// Values `[value]` under the critic being trained, those it predicted when the completions were sampled, what came of
    /// them, and the number of values of all micro-batches of the optimiser step. Old values and returns are detached.
    ///
    /// # Panics
    ///
    /// If the lists differ in length, or if the step has fewer values than this micro-batch.
    #[must_use]
    pub fn new(
        values: Tensor<1>,
        old_values: Tensor<1>,
        returns: Tensor<1>,
        num_step_values: usize,
    ) -> Self {
        let [num_values] = values.dims();
        assert_tokens("old_values", &old_values, num_values);
        assert_tokens("returns", &returns, num_values);
        assert!(
            num_values <= num_step_values,
            "a micro-batch of {num_values} values in a step of {num_step_values}"
        );
        Self { values, old_values: old_values.detach(), returns: returns.detach(), num_step_values }
    }

    /// Values under the critic being trained, `[value]`.
    #[must_use]
    pub fn values(&self) -> Tensor<1> {
        self.values.clone()
    }

    /// Values when the completions were sampled, `[value]`, detached.
    #[must_use]
    pub fn old_values(&self) -> Tensor<1> {
        self.old_values.clone()
    }

    /// What the values should have been, `[value]`, detached.
    #[must_use]
    pub fn returns(&self) -> Tensor<1> {
        self.returns.clone()
    }

    /// Number of values of this micro-batch.
    #[must_use]
    pub fn num_values(&self) -> usize {
        self.values.dims()[0]
    }

    /// Number of values of all micro-batches of the step.
    #[must_use]
    pub fn num_step_values(&self) -> usize {
        self.num_step_values
    }

    /// Where the lists live.
    #[must_use]
    pub fn device(&self) -> Device {
        self.values.device()
    }
}

/// An objective over predicted values.
pub trait ValueLoss {
    /// The share of one micro-batch in the loss of its step, weighted as it is to be added to that of the policy.
    fn forward_values(&self, batch: ValueBatch) -> LossOutput;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> Tensor<1> {
        Tensor::zeros([count], &Device::flex())
    }

    #[test]
    #[should_panic(expected = "number of tokens of returns")]
    fn returns_that_would_broadcast_are_refused() {
        let _ = ValueBatch::new(list(4), list(4), list(1), 4);
    }

    #[test]
    #[should_panic(expected = "a micro-batch of 4 values in a step of 3")]
    fn a_step_smaller_than_its_micro_batch_is_refused() {
        let _ = ValueBatch::new(list(4), list(4), list(4), 3);
    }

    #[test]
    fn only_the_critic_being_trained_gets_a_gradient() {
        let device = Device::flex().autodiff();
        let leaves = [1.0, 2.0, 4.0].map(|value: f32| {
            let leaf: Tensor<1> = Tensor::from_floats([value], &device);
            leaf.require_grad()
        });
        let [values, old_values, returns] = leaves.clone();
        let batch = ValueBatch::new(values, old_values, returns, 1);
        let sum = batch.values() * 3.0 + batch.old_values() + batch.returns();
        let gradients = sum.sum().backward();
        let gradient = |leaf: &Tensor<1>| leaf.grad(&gradients).map(Tensor::into_scalar::<f32>);
        assert_eq!(gradient(&leaves[0]), Some(3.0));
        assert!(leaves[1..].iter().all(|leaf| gradient(leaf).is_none_or(|value| value == 0.0)));
    }
}
