//! Metrics against the scripts they come from, and by hand.

use forethought_evaluate::{
    Breakdown, ClassAccuracy, ConfusionCell, ErrorCount, Outcome, Proportion, amount_of_class,
    class_metrics, within,
};
use serde::Deserialize;

use crate::{assert_close, outcome};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    preds: Vec<f64>,
    labels: Vec<f64>,
    limit: f64,
    strict: f64,
    tolerance: f64,
}

#[test]
fn shares_within_a_limit_are_those_of_the_published_script() {
    let golden: Golden =
        serde_json::from_str(include_str!("../golden/think_metrics.json")).expect("golden cases");
    assert_eq!(golden.cases.len(), 24);
    for case in golden.cases {
        let pairs = || case.preds.iter().copied().map(Some).zip(case.labels.iter().copied());
        assert_close(within(pairs(), case.limit).value(), case.strict);
        assert_close(within(pairs(), case.limit + 1.0).value(), case.tolerance);
    }
}

/// What the published workflow for steps computes on its strings, read as it reads them.
#[derive(Deserialize)]
struct StepGolden {
    cases: Vec<StepCase>,
}

#[derive(Deserialize)]
struct StepCase {
    read: Vec<Option<String>>,
    labels: Vec<u32>,
    strict: f64,
    within_1: f64,
}

#[test]
fn shares_of_parsed_answers_are_those_of_the_published_script_for_steps() {
    let golden: StepGolden =
        serde_json::from_str(include_str!("../golden/step_metrics.json")).expect("golden cases");
    assert_eq!(golden.cases.len(), 8);
    for case in golden.cases {
        let read = case
            .read
            .iter()
            .map(|text| text.as_deref().map(|text| text.parse().expect("a number")));
        let outcomes: Vec<Outcome> = read
            .zip(&case.labels)
            .map(|(predicted, &class)| Outcome { class, amount: class, predicted })
            .collect();
        let metrics = class_metrics(&outcomes, 1);
        // Where nothing is parsed the script says 0, and a share of nothing does not exist.
        let share = |share: Proportion| if share.n() == 0 { 0.0 } else { share.value() };
        assert_close(share(metrics.strict_of_parsed), case.strict);
        assert_close(share(metrics.within_1_of_parsed), case.within_1);
        let num_read = case.read.iter().flatten().filter(|text| *text != "nan").count();
        assert_eq!(metrics.strict_of_parsed.n(), num_read);
        assert_eq!(metrics.strict.n(), case.labels.len(), "all answers count in the other share");
    }
}

#[test]
fn each_limit_counts_what_is_within_it() {
    let predictions = [4.0, 4.5, 3.5, 5.0, 2.0, 6.5];
    let outcomes: Vec<Outcome> =
        predictions.into_iter().map(|predicted| outcome(4, Some(predicted))).collect();
    let metrics = class_metrics(&outcomes, 25);
    assert_eq!(metrics.n, 6);
    assert_eq!(metrics.strict, Proportion::new(1, 6));
    assert_eq!(metrics.within_half, Proportion::new(3, 6));
    assert_eq!(metrics.within_1, Proportion::new(4, 6));
    assert_eq!(metrics.within_2, Proportion::new(5, 6));
    assert_eq!(metrics.unparseable, Proportion::new(0, 6));
    let error = metrics.mean_absolute_error.expect("six values");
    assert_close(error.mean, 25.0 * (0.0 + 0.5 + 0.5 + 1.0 + 2.0 + 2.5) / 6.0);
    assert_eq!(metrics.median_absolute_error, Some(25.0 * f64::midpoint(0.5, 1.0)));
}

#[test]
fn an_answer_without_a_number_is_wrong_and_has_no_error_in_tokens() {
    let metrics = class_metrics(&[outcome(0, None), outcome(0, Some(1.0))], 25);
    assert_eq!(metrics.strict, Proportion::new(0, 2), "class 0 is not what no number means");
    assert_eq!(metrics.within_1, Proportion::new(1, 2));
    assert_eq!(metrics.unparseable, Proportion::new(1, 2));
    let error = metrics.mean_absolute_error.expect("one value");
    assert_eq!((error.n, error.interval), (1, None));
    assert_close(error.mean, 25.0);
}

#[test]
fn an_infinite_prediction_counts_as_unparseable() {
    let metrics = class_metrics(&[outcome(2, Some(f64::INFINITY)), outcome(2, Some(f64::NAN))], 25);
    assert_eq!(metrics.unparseable, Proportion::new(2, 2));
    assert_eq!(metrics.mean_absolute_error, None);
    assert_eq!(metrics.median_absolute_error, None);
}

#[test]
fn a_class_stands_for_the_middle_of_its_tokens() {
    assert_close(amount_of_class(0.0, 25), 12.0); // of 0, 1, …, 24
    assert_close(amount_of_class(4.0, 10), 44.5); // of 40, 41, …, 49
    assert_close(amount_of_class(7.0, 1), 7.0);
    assert_close(amount_of_class(1.5, 25), 49.5);
}

#[test]
fn the_error_in_tokens_is_measured_against_the_true_count() {
    let row = Outcome { class: 2, amount: 74, predicted: Some(2.0) };
    let error = class_metrics(&[row], 25).mean_absolute_error.expect("one value");
    assert_close(error.mean, 12.0); // 74 - (50 + 12)
}

#[test]
#[should_panic(expected = "at least 1 wide")]
fn a_class_has_a_width() {
    let _ = class_metrics(&[], 0);
}

#[test]
fn a_breakdown_counts_by_class_by_prediction_and_by_error() {
    let rows = [(1, Some(1.0)), (1, Some(2.4)), (4, Some(1.0)), (4, None), (4, Some(1.0))];
    let outcomes = rows.map(|(class, predicted)| outcome(class, predicted));
    let Breakdown { classes, confusion, errors } = Breakdown::of(&outcomes);
    let accuracy = |class, strict, within_1, n| ClassAccuracy {
        class,
        strict: Proportion::new(strict, n),
        within_1: Proportion::new(within_1, n),
    };
    assert_eq!(classes, [accuracy(1, 1, 1, 2), accuracy(4, 0, 0, 3)]);
    let cell = |class, predicted, count| ConfusionCell { class, predicted, count };
    let expected =
        [cell(1, Some(1), 1), cell(1, Some(2), 1), cell(4, None, 1), cell(4, Some(1), 2)];
    assert_eq!(confusion, expected);
    let error = |error, count| ErrorCount { error, count };
    assert_eq!(errors, [error(-3, 2), error(0, 1), error(1, 1)]);
}
