//! What may not change a loss, and how it changes.

use forethought_dpo::{DpoConfig, LossType};
use forethought_objective::PreferenceLoss;
use proptest::prelude::*;

use crate::support::{ALL, Sample, init, metric, of, tensor, value};
use crate::trl::sample;

/// Sorting sees a micro-batch at a time, so those losses depend on the cut by definition.
fn is_sorted(loss_type: LossType) -> bool {
    matches!(loss_type, LossType::Aot | LossType::AotPair | LossType::AotUnpaired)
}

fn loss_type() -> impl Strategy<Value = LossType> {
    prop::sample::select(ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However a step is cut into micro-batches, their losses add up to the loss of the step.
    #[test]
    fn micro_batches_add_up(loss_type in loss_type(), at in 1..4usize) {
        prop_assume!(!is_sorted(loss_type));
        let whole = sample();
        let indices: Vec<usize> = (0..4).collect();
        let (first, second) = (whole.select(&indices[..at]), whole.select(&indices[at..]));
        let loss = init(&of(loss_type));
        let part = |part: &Sample| {
            value(loss.forward(part.batch(tensor(&part.log_probs), &[&first, &second])))
        };
        let sum = part(&first) + part(&second);
        let expected = value(whole.forward(&of(loss_type)));
        prop_assert!((sum - expected).abs() < 1e-5 * expected.abs().max(1.0), "{sum} {expected}");
    }

    #[test]
    fn the_order_of_pairs_changes_nothing(loss_type in loss_type(), seed in 0usize..24) {
        let mut order = vec![0, 1, 2, 3];
        order.rotate_left(seed % 4);
        order.swap(seed % 3, 3);
        let expected = value(sample().forward(&of(loss_type)));
        let shuffled = value(sample().select(&order).forward(&of(loss_type)));
        prop_assert!((shuffled - expected).abs() < 1e-5 * expected.abs().max(1.0));
    }

    /// A constant added to the policy and to the reference changes nothing where only log-ratios matter.
    #[test]
    fn only_log_ratios_matter(loss_type in loss_type(), shift in -5f32..5.) {
        prop_assume!(!matches!(loss_type, LossType::Sft | LossType::Simpo));
        let mut shifted = sample();
        for token in [1, 6, 14] {
            shifted.log_probs[token] += shift;
            shifted.reference_log_probs[token] += shift;
        }
        // Sorted margins of the policy alone are not log-ratios.
        prop_assume!(!is_sorted(loss_type) || loss_type == LossType::AotUnpaired);
        let expected = value(sample().forward(&of(loss_type)));
        let actual = value(shifted.forward(&of(loss_type)));
        prop_assert!((actual - expected).abs() < 1e-4 * expected.abs().max(1.0));
    }

    /// `-log S(m) + log S(-m) = -m`, so a swapped pair costs exactly its margin more.
    #[test]
    fn swapping_pairs_negates_the_margin_and_costs_it(beta in 0.05f64..1.0) {
        let config = DpoConfig { beta, ..DpoConfig::default() };
        let (plain, swapped) = (sample().forward(&config), sample().swapped().forward(&config));
        let margin = metric(&plain, "rewards/margins");
        prop_assert!((metric(&swapped, "rewards/margins") + margin).abs() < 1e-5);
        prop_assert!((value(swapped) - value(plain) - margin).abs() < 1e-4);
    }

    /// How tokens share the log-probability of a completion does not matter, as long as their number does not.
    #[test]
    fn a_completion_counts_as_a_whole(loss_type in loss_type(), amount in -3f32..3.) {
        let mut moved = sample();
        moved.log_probs[0] += amount;
        moved.log_probs[4] -= amount;
        let expected = value(sample().forward(&of(loss_type)));
        let actual = value(moved.forward(&of(loss_type)));
        prop_assert!((actual - expected).abs() < 1e-4 * expected.abs().max(1.0));
    }
}
