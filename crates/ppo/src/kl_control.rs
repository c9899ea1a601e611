//! How much the divergence from the reference costs: a fixed amount, or one that is steered towards a target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the weight of the divergence moves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KlControl {
    /// It stays `kl_coef`.
    Fixed(FixedKl),
    /// It rises while the divergence is above the target and falls while it is below.
    Adaptive(AdaptiveKl),
}

impl Default for KlControl {
    fn default() -> Self {
        Self::Fixed(FixedKl {})
    }
}

/// A weight that stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedKl {}

/// A weight that is steered; Ziegler et al. 2019, section 2.2, <https://arxiv.org/abs/1909.08593>.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveKl {
    /// The divergence of a completion to keep to, in nats: finite, `> 0`. Default 6 (TRL 0.11).
    pub target: f64,
    /// Completions over which the weight moves by up to a fifth: finite, `> 0`. Default 10,000 (TRL 0.11).
    pub horizon: f64,
}

impl Default for AdaptiveKl {
    fn default() -> Self {
        Self { target: 6.0, horizon: 10_000.0 }
    }
}

/// The weight of the divergence now. It is part of a checkpoint: write it with serde, and a resumed run goes on from it.
///
/// ```
/// use forethought_ppo::{AdaptiveKl, KlControl, KlController};
///
/// let adaptive = AdaptiveKl { target: 6.0, horizon: 100.0 };
/// let mut controller = KlController::new(KlControl::Adaptive(adaptive), 0.2);
/// controller.update(12.0, 10); // twice the target: as far up as one update goes, 2 % for 10 of 100 completions
/// assert!((controller.coefficient() - 0.204).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KlController {
    control: KlControl,
    coefficient: f64,
}

impl KlController {
    /// A controller that starts from a weight.
    #[must_use]
    pub fn new(control: KlControl, coefficient: f64) -> Self {
        Self { control, coefficient }
    }

    /// The weight of the divergence.
    #[must_use]
    pub fn coefficient(&self) -> f64 {
        self.coefficient
    }

    /// Takes in the mean divergence of some completions. One that is no finite number says nothing about the policy and
    /// moves nothing.
    pub fn update(&mut self, divergence: f64, num_completions: usize) {
        const MAX_ERROR: f64 = 0.2;
        let KlControl::Adaptive(AdaptiveKl { target, horizon }) = self.control else { return };
        if divergence.is_finite() {
            let error = (divergence / target - 1.0).clamp(-MAX_ERROR, MAX_ERROR);
            self.coefficient *= 1.0 + error * num_completions as f64 / horizon;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn adaptive() -> KlController {
        KlController::new(KlControl::Adaptive(AdaptiveKl::default()), 0.2)
    }

    /// `AdaptiveKLController.update` of TRL 0.11: `value *= 1 + clip(current / 6 - 1, -0.2, 0.2) * n / 10000`.
    #[test]
    fn the_weight_moves_as_in_trl() {
        for (divergence, expected) in
            [(6.3, 0.2 * 1.00128), (60.0, 0.2 * 1.00512), (0.0, 0.2 * 0.99488)]
        {
            let mut controller = adaptive();
            controller.update(divergence, 256);
            assert!((controller.coefficient() - expected).abs() < 1e-9, "{divergence}");
        }
    }

    #[test]
    fn a_fixed_weight_and_an_undefined_divergence_move_nothing() {
        let mut fixed = KlController::new(KlControl::default(), 0.05);
        fixed.update(100.0, 1000);
        let mut undefined = adaptive();
        undefined.update(f64::NAN, 1000);
        assert_eq!((fixed.coefficient(), undefined.coefficient()), (0.05, 0.2));
    }

    #[test]
    fn a_controller_goes_on_where_it_was_written() {
        let mut whole = adaptive();
        whole.update(9.0, 64);
        let written = serde_json::to_string(&whole).expect("plain values");
        let mut resumed: KlController = serde_json::from_str(&written).expect("what was written");
        for controller in [&mut whole, &mut resumed] {
            controller.update(2.0, 64);
        }
        assert_eq!(whole, resumed);
    }

    proptest! {
        #[test]
        fn the_weight_stays_positive_and_moves_towards_the_target(
            divergences in prop::collection::vec(0f64..50., 1..20),
        ) {
            let mut controller = adaptive();
            for divergence in divergences {
                let before = controller.coefficient();
                controller.update(divergence, 512);
                let after = controller.coefficient();
                prop_assert!(after > 0.0);
                prop_assert!((after - before) * (divergence - 6.0) >= 0.0);
            }
        }
    }
}
