//! Several passes over the same samples: which mini-batch holds which of them.

/// The samples of one optimiser step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiniBatch {
    /// The pass over the samples that it belongs to, from 0.
    pub epoch: usize,
    /// The samples, by their index.
    pub items: Vec<usize>,
}

/// A way through the samples that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpochsError {
    /// The mini-batches would differ in size, or be empty.
    #[error(
        "num_mini_batches must be at least 1 and divide the {num_items} samples, got {num_mini_batches}"
    )]
    Indivisible {
        /// Samples.
        num_items: usize,
        /// Mini-batches asked for.
        num_mini_batches: usize,
    },
    /// The order of a pass leaves samples out or repeats some.
    #[error("the order of epoch {epoch} is no permutation of {num_items} samples")]
    Order {
        /// The pass, from 0.
        epoch: usize,
        /// Samples.
        num_items: usize,
    },
}

/// Cuts each pass over `num_items` samples into `num_mini_batches` of the same size. `orders` holds one permutation of
/// the samples for each pass; whoever draws them seeds them.
///
/// ```
/// use forethought_objective::mini_batches;
///
/// let plan = mini_batches(4, 2, &[vec![2, 0, 3, 1], vec![0, 1, 2, 3]])?;
/// assert_eq!(plan.len(), 4);
/// assert_eq!((plan[1].epoch, plan[1].items.as_slice()), (0, &[3, 1][..]));
/// # Ok::<(), forethought_objective::EpochsError>(())
/// ```
///
/// # Errors
///
/// If the samples do not divide into the mini-batches, or an order is no permutation.
pub fn mini_batches(
    num_items: usize,
    num_mini_batches: usize,
    orders: &[Vec<usize>],
) -> Result<Vec<MiniBatch>, EpochsError> {
    if num_mini_batches == 0 || num_items == 0 || !num_items.is_multiple_of(num_mini_batches) {
        return Err(EpochsError::Indivisible { num_items, num_mini_batches });
    }
    let mut plan = Vec::with_capacity(orders.len() * num_mini_batches);
    for (epoch, order) in orders.iter().enumerate() {
        if !is_permutation(order, num_items) {
            return Err(EpochsError::Order { epoch, num_items });
        }
        let parts = order.chunks_exact(num_items / num_mini_batches);
        plan.extend(parts.map(|items| MiniBatch { epoch, items: items.to_vec() }));
    }
    Ok(plan)
}

fn is_permutation(order: &[usize], num_items: usize) -> bool {
    let mut is_seen = vec![false; num_items];
    order.len() == num_items
        && order.iter().all(|item| {
            is_seen.get_mut(*item).is_some_and(|is_seen| !std::mem::replace(is_seen, true))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_that_do_not_divide_are_refused_by_name() {
        for (num_items, num_mini_batches) in [(4, 3), (4, 0), (0, 1)] {
            let error = mini_batches(num_items, num_mini_batches, &[]).expect_err("indivisible");
            assert!(error.to_string().starts_with("num_mini_batches must be"), "{error}");
        }
    }

    #[test]
    fn an_order_that_repeats_or_invents_a_sample_is_refused() {
        for order in [vec![0, 0], vec![0, 2], vec![0]] {
            let error = mini_batches(2, 1, &[vec![1, 0], order]).expect_err("no permutation");
            assert_eq!(error, EpochsError::Order { epoch: 1, num_items: 2 });
        }
    }

    proptest! {
        #[test]
        fn each_pass_sees_each_sample_once(
            order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(),
            num_mini_batches in prop::sample::select(vec![1usize, 2, 3, 4, 6, 12]),
        ) {
            let plan = mini_batches(12, num_mini_batches, &[order.clone(), order]).expect("divides");
            for epoch in 0..2 {
                let of_epoch = plan.iter().filter(|one| one.epoch == epoch);
                let mut items: Vec<usize> = of_epoch.flat_map(|one| one.items.clone()).collect();
                items.sort_unstable();
                prop_assert_eq!(items, (0..12).collect::<Vec<_>>());
            }
        }
    }
}
