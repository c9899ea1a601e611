//! Scores of pairs: accuracy, calibration, margins.

use forethought_evaluate::{PairResult, Proportion, Report, ScoredPair, Target, html, table};

fn pair(kind: &str, chosen: f64, rejected: f64) -> ScoredPair {
    ScoredPair { kind: kind.to_owned(), chosen, rejected }
}

#[test]
fn a_pair_is_ranked_rightly_when_the_preferred_one_scores_higher_and_equal_scores_rank_nothing() {
    let pairs = [pair("", 2.0, 1.0), pair("", 1.0, 1.0), pair("", -1.0, 3.0), pair("", 0.5, 0.25)];
    let result = PairResult::of("reward", &pairs);
    assert_eq!(result.accuracy, Proportion::new(2, 4));
    assert!(result.kinds.is_empty(), "one kind is none");
}

/* Python, float64:
from math import exp, log
print(sum(log(1 + exp(-m)) for m in [1, 0, -4, 0.25]) / 4)  # 1.400_124_553_968_705_3
*/
#[test]
fn the_log_loss_is_that_of_python_float64() {
    let pairs = [pair("", 2.0, 1.0), pair("", 1.0, 1.0), pair("", -1.0, 3.0), pair("", 0.5, 0.25)];
    let expected = 1.400_124_553_968_705_3;
    let result = PairResult::of("reward", &pairs);
    assert!((result.log_loss - expected).abs() < 1e-12, "{} and {expected}", result.log_loss);
    let far = PairResult::of("reward", &[pair("", -1000.0, 1000.0)]);
    assert!((far.log_loss - 2000.0).abs() < 1e-9, "no overflow: {}", far.log_loss);
}

#[test]
fn scores_that_are_as_sure_as_they_are_right_have_no_calibration_error() {
    // A margin of ln 3 is a probability of 3/4; three of four such pairs are right.
    let margin = 3_f64.ln();
    let mut pairs = vec![pair("", margin, 0.0); 3];
    pairs.push(pair("", 0.0, margin));
    let result = PairResult::of("reward", &pairs);
    assert_eq!(result.calibration.len(), 1);
    assert!((result.calibration[0].confidence - 0.75).abs() < 1e-12);
    assert!(result.calibration_error < 1e-12, "{}", result.calibration_error);
    let sure = PairResult::of("reward", &[pair("", 50.0, 0.0), pair("", 0.0, 50.0)]);
    assert!((sure.calibration_error - 0.5).abs() < 1e-9, "sure of both and right in one");
}

#[test]
fn kinds_are_told_apart_and_margins_fall_into_bins_that_hold_them_all() {
    let mut pairs: Vec<ScoredPair> =
        (0..50).map(|index| pair("near", f64::from(index) * 0.1, 2.0)).collect();
    pairs.extend((0..10).map(|index| pair("far", 3.0 + f64::from(index), 0.0)));
    pairs.push(pair("far", f64::NAN, 0.0));
    let result = PairResult::of("reward", &pairs);
    let kinds: Vec<(&str, Proportion)> =
        result.kinds.iter().map(|one| (one.kind.as_str(), one.accuracy)).collect();
    assert_eq!(kinds, [("far", Proportion::new(10, 10)), ("near", Proportion::new(29, 50))]);
    assert_eq!(result.num_not_finite, 1);
    assert_eq!(result.margins.iter().map(|bin| bin.count).sum::<usize>(), 60);
    let below: usize = result.margins.iter().filter(|bin| bin.bin < 0).map(|bin| bin.count).sum();
    assert_eq!(below, 20, "margins from -2 to -0.1");
}

#[test]
fn a_report_of_pairs_alone_says_how_they_are_ranked() {
    let mut report = Report::new("reward", Target::thinking_tokens(25));
    report.pairs = vec![PairResult::of("score", &[pair("a", 2.0, 1.0), pair("b", 0.0, 1.0)])];
    let page = html(&report).expect("a page");
    assert!(page.contains("ranks 50.0% of 2 unseen pairs"), "the headline");
    assert!(page.contains("Calibration") && page.contains("Margins") && !page.contains("NaN"));
    assert!(!page.contains("class 10 is"), "classes are none of its business");
    assert!(table(&report).contains("ranks 50.0% of 2 unseen pairs"));
    let empty = Report {
        pairs: vec![PairResult::of("score", &[])],
        ..Report::new("reward", Target::thinking_tokens(25))
    };
    html(&empty).expect("a page without a pair");
}
