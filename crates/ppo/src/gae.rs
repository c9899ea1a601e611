//! Generalised advantage estimation over completions of different lengths.

/// `A_t = sum_l (gamma lambda)^l delta_{t+l}` with `delta_t = r_t + gamma V_{t+1} - V_t`, where nothing follows the last
/// position; Eq. 16 of Schulman et al. 2015, <https://arxiv.org/abs/1506.02438>.
///
/// `rewards` and `values` hold the positions of the completions one behind the other; `lengths` says how many each has.
///
/// ```
/// use forethought_ppo::gae;
///
/// // Without discount and with lambda = 1: what is still to come, less the value.
/// assert_eq!(gae(&[1.0, 2.0, 5.0], &[0.5, 0.0, 1.0], &[2, 1], 1.0, 1.0), [2.5, 2.0, 4.0]);
/// ```
///
/// # Panics
///
/// If the lists differ in length from the sum of the lengths.
#[must_use]
pub fn gae(
    rewards: &[f32],
    values: &[f32],
    lengths: &[usize],
    gamma: f64,
    lambda: f64,
) -> Vec<f32> {
    let num_positions: usize = lengths.iter().sum();
    assert_eq!(rewards.len(), num_positions, "number of positions of rewards");
    assert_eq!(values.len(), num_positions, "number of positions of values");
    let mut advantages = vec![0.0; num_positions];
    let mut start = 0;
    for length in lengths {
        let (mut next_value, mut advantage) = (0.0, 0.0);
        for position in (start..start + length).rev() {
            let value = f64::from(values[position]);
            let surprise = f64::from(rewards[position]) + gamma * next_value - value;
            advantage = surprise + gamma * lambda * advantage;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it weighs single-precision ratios"
            )]
            let single = advantage as f32;
            advantages[position] = single;
            next_value = value;
        }
        start += length;
    }
    advantages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /* Python:
    r, v, gamma, lam, a, out = [1.0, -0.5, 2.0], [0.3, 0.6, -0.2], 0.9, 0.8, 0.0, []
    for t in (2, 1, 0):
        delta = r[t] + gamma * (v[t + 1] if t < 2 else 0.0) - v[t]
        a = delta + gamma * lam * a
        out.append(a)
    print(out)  # [2.2, 0.30400000000000027, 1.45888]
    */
    #[test]
    fn the_estimate_is_that_of_python() {
        let actual = gae(&[1.0, -0.5, 2.0], &[0.3, 0.6, -0.2], &[3], 0.9, 0.8);
        for (actual, expected) in actual.into_iter().zip([1.45888, 0.304, 2.2]) {
            assert!((actual - expected).abs() < 1e-6, "{actual} is not {expected}");
        }
    }

    proptest! {
        /// With lambda = 0 an advantage looks one position ahead, with lambda = 1 to the end.
        #[test]
        fn lambda_weighs_one_step_against_all(
            positions in prop::collection::vec((-3f32..3., -3f32..3.), 1..12),
            gamma in 0.5f64..1.0,
        ) {
            let (rewards, values): (Vec<f32>, Vec<f32>) = positions.into_iter().unzip();
            let length = rewards.len();
            let one = gae(&rewards, &values, &[length], gamma, 0.0);
            let all = gae(&rewards, &values, &[length], gamma, 1.0);
            let mut to_come = 0.0;
            for position in (0..length).rev() {
                let next = values.get(position + 1).map_or(0.0, |value| f64::from(*value));
                let (reward, value) = (f64::from(rewards[position]), f64::from(values[position]));
                to_come = reward + gamma * to_come;
                prop_assert!((f64::from(one[position]) - (reward + gamma * next - value)).abs() < 1e-4);
                prop_assert!((f64::from(all[position]) - (to_come - value)).abs() < 1e-4);
            }
        }

        /// No completion knows of another.
        #[test]
        fn completions_do_not_mix(
            first in prop::collection::vec((-3f32..3., -3f32..3.), 0..6),
            second in prop::collection::vec((-3f32..3., -3f32..3.), 0..6),
        ) {
            let of = |parts: &[&Vec<(f32, f32)>]| {
                let positions = parts.iter().flat_map(|part| part.iter().copied());
                let (rewards, values): (Vec<f32>, Vec<f32>) = positions.unzip();
                let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                gae(&rewards, &values, &lengths, 0.9, 0.8)
            };
            prop_assert_eq!(of(&[&first, &second]), [of(&[&first]), of(&[&second])].concat());
        }
    }
}
