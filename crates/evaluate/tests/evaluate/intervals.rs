//! Proportions, means and their intervals.

use forethought_evaluate::{Interval, MeanInterval, Proportion, apart};
use proptest::prelude::*;

use crate::assert_close;

/* Python, float64:
from math import sqrt
z = 1.959963984540054
def wilson(s, n):
    p = s / n; d = 1 + z*z/n
    h = z * sqrt(p*(1-p)/n + z*z/(4*n*n))
    return (p + z*z/(2*n) - h) / d, (p + z*z/(2*n) + h) / d
*/
#[test]
fn wilson_intervals_are_those_of_the_formula() {
    let cases = [
        (0, 10, 0.0, 0.277_532_799_862_889_2),
        (1, 10, 0.017_876_213_095_072_89, 0.404_150_026_795_238_5),
        (7, 10, 0.396_778_147_461_145_3, 0.892_208_732_593_699),
        (900, 2250, 0.379_944_559_365_502, 0.420_396_321_649_501_25),
    ];
    for (successes, n, low, high) in cases {
        let interval = Proportion::new(successes, n).interval();
        assert_close(interval.low, low);
        assert_close(interval.high, high);
    }
}

#[test]
fn the_ends_of_the_scale_are_reached_exactly() {
    assert_eq!(Proportion::new(0, 7).interval().low.to_bits(), 0);
    assert_eq!(Proportion::new(7, 7).interval().high.to_bits(), 1.0_f64.to_bits());
}

#[test]
fn of_no_rows_nothing_is_known() {
    let none = Proportion::new(0, 0);
    assert!(none.value().is_nan());
    assert_eq!(none.interval(), Interval { low: 0.0, high: 1.0 });
    let json = serde_json::to_string(&none).expect("a record");
    assert_eq!(json, r#"{"successes":0,"n":0,"value":null,"low":0.0,"high":1.0}"#);
    assert_eq!(serde_json::from_str::<Proportion>(&json).expect("the same record"), none);
}

#[test]
#[should_panic(expected = "4 successes in 3 rows")]
fn there_are_no_more_successes_than_rows() {
    let _ = Proportion::new(4, 3);
}

#[test]
fn a_file_with_more_successes_than_rows_is_refused() {
    let error =
        serde_json::from_str::<Proportion>(r#"{"successes": 4, "n": 3}"#).expect_err("4 of 3");
    assert_eq!(error.to_string(), "successes must be at most n, got 4 of 3");
}

/* Python: v = [3.0, 1.0, 4.0, 1.5, 9.0]; m = sum(v)/5; s = sqrt(sum((x-m)**2 for x in v)/4)
m, m - z*s/sqrt(5), m + z*s/sqrt(5) */
#[test]
fn the_interval_of_a_mean_is_the_normal_one_with_the_standard_deviation_of_the_sample() {
    let mean = MeanInterval::of(&[3.0, 1.0, 4.0, 1.5, 9.0]).expect("five values");
    assert_close(mean.mean, 3.7);
    let interval = mean.interval.expect("five values");
    assert_close(interval.low, 0.900_611_496_377_108_4);
    assert_close(interval.high, 6.499_388_503_622_892);
}

/* Python: v = [0.25, 0, 0.75, 1, 0.5, 0]; m = sum(v)/6; s2 = sum((x-m)**2 for x in v)/5; n = 6*m*(1-m)/s2
Wilson's interval of m and n, by hand */
#[test]
fn the_interval_of_shares_is_that_of_the_tries_they_are_worth() {
    let mean = MeanInterval::of_shares(&[0.25, 0.0, 0.75, 1.0, 0.5, 0.0]).expect("six shares");
    assert_close(mean.mean, 0.416_666_666_666_666_7);
    let interval = mean.interval.expect("six shares");
    assert_close(interval.low, 0.168_596_598_075_956_28);
    assert_close(interval.high, 0.715_584_150_628_351_2);
}

#[test]
fn shares_that_are_all_alike_tell_little_at_the_ends_and_all_between() {
    let interval = |share| MeanInterval::of_shares(&[share; 40]).and_then(|mean| mean.interval);
    assert_eq!(interval(0.0), Some(Proportion::new(0, 40).interval()));
    assert_eq!(interval(1.0), Some(Proportion::new(40, 40).interval()));
    assert_eq!(interval(0.5), Some(Interval { low: 0.5, high: 0.5 }));
    assert_eq!(MeanInterval::of_shares(&[0.5]).map(|mean| mean.interval), Some(None));
}

#[test]
#[should_panic(expected = "1.5) is no share")]
fn a_value_above_1_is_no_share() {
    let _ = MeanInterval::of_shares(&[0.5, 1.5]);
}

#[test]
fn one_value_has_a_mean_and_no_interval() {
    let mean = MeanInterval { n: 1, mean: 2.5, interval: None };
    assert_eq!(MeanInterval::of(&[2.5]), Some(mean));
    assert_eq!(MeanInterval::of(&[]), None);
}

#[test]
fn intervals_that_touch_are_not_apart() {
    let at = |low, high| Interval { low, high };
    assert!(apart(at(0.1, 0.2), at(0.3, 0.4)));
    assert!(apart(at(0.3, 0.4), at(0.1, 0.2)));
    assert!(!apart(at(0.1, 0.2), at(0.2, 0.4)));
    assert!(!apart(at(0.1, 0.5), at(0.2, 0.4)));
}

proptest! {
    #[test]
    fn an_interval_of_shares_holds_its_mean_and_stays_among_shares(
        rights in prop::collection::vec(0_u8..=4, 2..60),
    ) {
        let shares: Vec<f64> = rights.iter().map(|right| f64::from(*right) / 4.0).collect();
        let estimate = MeanInterval::of_shares(&shares).expect("shares");
        let Interval { low, high } = estimate.interval.expect("two or more");
        prop_assert!(0.0 <= low && low <= estimate.mean + 1e-12, "{low} of {shares:?}");
        prop_assert!(estimate.mean - 1e-12 <= high && high <= 1.0, "{high} of {shares:?}");
    }

    #[test]
    fn intervals_hold_their_value_and_mirror_with_it(n in 1_usize..5000, part in 0.0..=1.0_f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 5000")]
        let successes = (part * n as f64) as usize;
        let proportion = Proportion::new(successes, n);
        let Interval { low, high } = proportion.interval();
        prop_assert!(0.0 <= low && low <= proportion.value() && proportion.value() <= high && high <= 1.0);
        let mirrored = Proportion::new(n - successes, n).interval();
        prop_assert!((mirrored.low - (1.0 - high)).abs() < 1e-12);
        prop_assert!((mirrored.high - (1.0 - low)).abs() < 1e-12);
    }

    #[test]
    fn more_rows_make_a_narrower_interval(n in 1_usize..500, times in 2_usize..9) {
        let width = |interval: Interval| interval.high - interval.low;
        let (few, many) = (Proportion::new(n / 3, n), Proportion::new(times * (n / 3), times * n));
        prop_assert!(width(many.interval()) < width(few.interval()));
    }
}
