//! Estimators of the KL divergence from single samples.

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to estimate `KL(policy || reference)` from tokens that the policy sampled, with `r = reference / policy` the ratio
/// of their probabilities; Schulman 2020, <http://joschu.net/blog/kl-approx.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KlEstimator {
    /// `-log r`: unbiased, negative for half of the tokens, high variance.
    K1,
    /// `(log r)^2 / 2`: biased, never negative, low variance.
    K2,
    /// `(r - 1) - log r`: unbiased, never negative, low variance.
    K3,
}

impl KlEstimator {
    /// The estimate of each token.
    ///
    /// # Shapes
    ///
    /// - `log_probs`, `reference` and output: `[token]`; the reference is detached
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[must_use]
    pub fn estimate(self, log_probs: Tensor<1>, reference: Tensor<1>) -> Tensor<1> {
        assert_eq!(log_probs.dims(), reference.dims(), "numbers of tokens differ");
        let log_ratio = reference.detach() - log_probs; // [token], log r
        match self {
            Self::K1 => -log_ratio,
            Self::K2 => log_ratio.clone() * log_ratio * 0.5,
            Self::K3 => log_ratio.clone().exp() - log_ratio - 1.0,
        }
    }

    /// The estimate of one token, from plain numbers.
    ///
    /// ```
    /// use forethought_logprob::KlEstimator;
    ///
    /// assert_eq!(KlEstimator::K1.of(-1.5, -2.0), 0.5);
    /// assert_eq!(KlEstimator::K2.of(-1.5, -2.0), 0.125);
    /// ```
    #[must_use]
    pub fn of(self, log_prob: f32, reference: f32) -> f32 {
        let log_ratio = reference - log_prob;
        match self {
            Self::K1 => -log_ratio,
            Self::K2 => log_ratio * log_ratio * 0.5,
            Self::K3 => log_ratio.exp() - log_ratio - 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use proptest::prelude::*;

    use super::*;

    const ALL: [KlEstimator; 3] = [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3];

    fn estimates(estimator: KlEstimator, log_probs: &[f32], reference: &[f32]) -> Vec<f32> {
        let tensor = |values: &[f32]| Tensor::from_floats(values, &Device::flex());
        let estimates = estimator.estimate(tensor(log_probs), tensor(reference));
        estimates.into_data().try_to_vec().expect("single precision")
    }

    /* Python, float64:
    from math import exp
    d = -2.0 - -1.5  # reference - policy
    print(-d, d * d / 2, exp(d) - d - 1)  # 0.5 0.125 0.10653065971263342
    */
    #[test]
    fn the_estimates_are_those_of_python_float64() {
        for (estimator, expected) in ALL.into_iter().zip([0.5, 0.125, 0.106_530_66]) {
            let estimate = estimates(estimator, &[-1.5], &[-2.0])[0];
            assert!((estimate - expected).abs() < 1e-6, "{estimator:?} gives {estimate}");
            let plain = estimator.of(-1.5, -2.0);
            assert!((plain - expected).abs() < 1e-6, "{estimator:?} of numbers gives {plain}");
        }
    }

    /// The expectation over the policy is a sum over its outcomes.
    #[test]
    fn the_unbiased_estimators_average_to_the_divergence() {
        let (policy, reference) = ([0.5_f32, 0.3, 0.2], [0.2_f32, 0.2, 0.6]);
        let divergence: f32 = policy.iter().zip(reference).map(|(p, q)| p * (p / q).ln()).sum();
        for estimator in [KlEstimator::K1, KlEstimator::K3] {
            let estimates = estimates(estimator, &policy.map(f32::ln), &reference.map(f32::ln));
            let mean: f32 = policy.iter().zip(estimates).map(|(p, estimate)| p * estimate).sum();
            assert!((mean - divergence).abs() < 1e-6, "{estimator:?} averages to {mean}");
        }
    }

    /// d k1 / d log p = 1, d k2 / d log p = -log r, d k3 / d log p = 1 - r.
    #[test]
    fn the_gradients_are_the_closed_forms_and_the_reference_gets_none() {
        let device = Device::flex().autodiff();
        for (estimator, expected) in ALL.into_iter().zip([1.0, 0.5, 1.0 - (-0.5_f32).exp()]) {
            let log_probs = Tensor::<1>::from_floats([-1.5], &device).require_grad();
            let reference = Tensor::<1>::from_floats([-2.0], &device).require_grad();
            let gradients = estimator.estimate(log_probs.clone(), reference.clone()).backward();
            let gradient = log_probs.grad(&gradients).expect("tracked").into_scalar::<f32>();
            assert!((gradient - expected).abs() < 1e-6, "{estimator:?} has gradient {gradient}");
            assert!(reference.grad(&gradients).is_none());
        }
    }

    proptest! {
        #[test]
        fn k2_and_k3_are_never_negative(policy in -20f32..0., reference in -20f32..0.) {
            prop_assert!(0.0 <= estimates(KlEstimator::K2, &[policy], &[reference])[0]);
            prop_assert!(-1e-6 <= estimates(KlEstimator::K3, &[policy], &[reference])[0]);
        }
    }
}
