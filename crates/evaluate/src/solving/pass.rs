//! How likely at least one of `k` samples is right.

/// The unbiased estimate of pass@k from `num_samples` samples of which `num_right` are right:
///
/// ```text
/// pass@k = 1 − C(n − c, k) / C(n, k)
/// ```
///
/// the share of all choices of `k` of the samples that hold a right one; Chen et al. (2021), equation 1. It is computed as
/// a product of `n − c` factors below 1, so nothing overflows.
///
/// ```
/// use forethought_evaluate::pass_at_k;
///
/// assert_eq!(pass_at_k(4, 1, 1), 0.25);
/// assert_eq!(pass_at_k(4, 1, 2), 0.5);
/// assert_eq!(pass_at_k(4, 3, 2), 1.0);
/// ```
///
/// # Panics
///
/// If more samples are right than there are, or `k` is 0 or more than the samples.
#[must_use]
pub fn pass_at_k(num_samples: usize, num_right: usize, k: usize) -> f64 {
    assert!(num_right <= num_samples, "{num_right} of {num_samples} samples are right");
    assert!((1..=num_samples).contains(&k), "k is {k}, of {num_samples} samples");
    let num_wrong = num_samples - num_right;
    if num_wrong < k {
        return 1.0;
    }
    let factors = num_wrong + 1..=num_samples;
    1.0 - factors.map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}
