//! Whether paired differences could be chance.

/// The two-sided p-value of the paired sign-flip test (Fisher 1935): the chance that the sum of the differences is as far
/// from 0 as it is, if each of them could as well have had the other sign.
///
/// It is exact. The distribution of the sum over all sign patterns is built up difference by difference, which takes as
/// many steps as there are differences times the sum of their sizes. Differences of −1, 0 and 1 make it McNemar's exact
/// test.
///
/// ```
/// use forethought_evaluate::sign_flip;
///
/// // Of eight patterns of signs, two have a sum of 6 in size.
/// assert_eq!(sign_flip(&[1, 2, 3]), 0.25);
/// assert_eq!(sign_flip(&[0, 0]), 1.0);
/// ```
#[must_use]
pub fn sign_flip(differences: &[i64]) -> f64 {
    let sizes: Vec<usize> = differences
        .iter()
        .filter_map(|difference| usize::try_from(difference.unsigned_abs()).ok())
        .filter(|size| *size > 0)
        .collect();
    let total: usize = sizes.iter().sum();
    // `chances[i]` is the chance that the positive ones among them add up to i; the sum is then 2i − total.
    let mut chances = vec![0.0_f64; total + 1];
    chances[0] = 1.0;
    let mut reached = 0;
    for size in sizes {
        reached += size;
        for sum in (0..=reached).rev() {
            let with = if sum >= size { chances[sum - size] } else { 0.0 };
            chances[sum] = 0.5 * (chances[sum] + with);
        }
    }
    let observed = differences.iter().sum::<i64>().unsigned_abs();
    let is_as_far = |(sum, _): &(usize, &f64)| (2 * sum).abs_diff(total) as u64 >= observed;
    chances.iter().enumerate().filter(is_as_far).map(|(_, chance)| chance).sum::<f64>().min(1.0)
}
