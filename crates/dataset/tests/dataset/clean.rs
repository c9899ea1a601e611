//! Cleaning: what is left out, and how the rest is split.

use std::collections::BTreeSet;

use forethought_dataset::{ClassFate, CleanConfig, Cleaned, clean};
use forethought_schema::{AnnotatedQuestion, LabelledQuestion, NoSteps, NoStepsReason, StepLabel};
use forethought_seed::Seed;
use proptest::prelude::*;

fn row(number: u64, question: impl Into<String>, steps: Option<u32>) -> AnnotatedQuestion {
    let missing = NoSteps { reason: NoStepsReason::NoCountTag, found: "many".to_owned() };
    AnnotatedQuestion {
        file: "a.jsonl".to_owned(),
        row: number,
        question: question.into(),
        steps: steps.map_or(StepLabel::Missing(missing), StepLabel::Counted),
        written: None,
    }
}

/// Rows with questions of their own.
fn rows(steps: &[Option<u32>]) -> Vec<AnnotatedQuestion> {
    (1..)
        .zip(steps)
        .map(|(number, steps)| row(number, format!("question {number}"), *steps))
        .collect()
}

fn cleaned(rows: &[AnnotatedQuestion], config: CleanConfig) -> Cleaned {
    clean(rows, &config, Seed::new(42)).expect("both sides have rows")
}

#[test]
fn rows_beyond_three_population_deviations_of_the_labelled_are_dropped() {
    /* Python:
    import statistics as s
    x = [4]*10 + [6]*10 + [15]
    print(s.mean(x), s.pstdev(x))  # 5.476190476190476 2.3425474049997796
    print(s.stdev(x))              # 2.400396792595916: with the sample's deviation, 5.476 + 3 * 2.4 = 12.68, the same row
    */
    let mut steps: Vec<Option<u32>> = [4, 6].repeat(10).into_iter().map(Some).collect();
    steps.extend([Some(15), None, None]);
    let cleaned = cleaned(&rows(&steps), CleanConfig::default());
    assert!(
        (cleaned.spread.mean - 5.476_190_476_190_476).abs() < 1e-12,
        "missing labels are no zeros"
    );
    assert!((cleaned.spread.deviation - 2.342_547_404_999_779_6).abs() < 1e-12);
    assert_eq!(cleaned.spread.kept, (4, 6));
    let entry = &cleaned.ledger.entries[0];
    assert_eq!(entry.dropped["outlier"].rows, [21]);
    assert_eq!(entry.dropped["no_count_tag"].rows, [22, 23]);
    assert_eq!((entry.kept["train"], entry.kept["validation"]), (14, 6));
    let fates: Vec<_> =
        cleaned.classes.iter().map(|one| (one.class, one.count, one.fate)).collect();
    let kept = ClassFate::Kept;
    assert_eq!(fates, [(4, 10, kept), (6, 10, kept), (15, 1, ClassFate::Outlier)]);
}

#[test]
fn the_population_deviation_is_the_one_that_counts() {
    /* Python: x = [1]*5 + [2]*5 + [n]; the population's sigma lets n = 3 be dropped at 1.9 sigmas, the sample's not:
    import statistics as s
    x = [1]*5 + [2]*5 + [3]
    print((3 - s.mean(x)) / s.pstdev(x), (3 - s.mean(x)) / s.stdev(x))  # 2.1213203435596424 2.0225995873897262
    */
    let mut steps: Vec<Option<u32>> = [1, 2].repeat(5).into_iter().map(Some).collect();
    steps.push(Some(3));
    let with = |sigmas| CleanConfig { max_sigmas: sigmas, ..CleanConfig::default() };
    let dropped = |sigmas| cleaned(&rows(&steps), with(sigmas)).ledger.dropped();
    assert_eq!([dropped(Some(2.1)), dropped(Some(2.2)), dropped(None)], [1, 0, 0]);
}

#[test]
fn validation_has_its_share_rounded_up() {
    // scikit-learn's train_test_split(test_size=0.3): ceil(0.3 n).
    for (num_rows, expected) in [(10, 3), (11, 4), (7, 3), (20, 6), (3, 1), (2, 1)] {
        let steps = vec![Some(5); num_rows];
        let cleaned = cleaned(&rows(&steps), CleanConfig::default());
        assert_eq!(cleaned.validation.len(), expected, "of {num_rows}");
        assert_eq!(cleaned.train.len(), num_rows - expected);
        assert!(cleaned.train.iter().all(|row| (row.amount, row.class) == (5, 5)));
    }
}

#[test]
fn an_empty_result_is_an_error_that_prints_the_ledger() {
    let error =
        clean(&rows(&[None, None]), &CleanConfig::default(), Seed::new(1)).expect_err("no label");
    let text = error.to_string();
    assert!(text.starts_with("nothing is left for train: no row has a number of steps"), "{text}");
    assert!(text.contains("clean: 2 rows read = 0 kept + 2 dropped"), "{text}");
    assert!(text.contains("dropped no_count_tag  2  rows 1, 2"), "{text}");

    let same = [row(1, "one", Some(3)), row(2, " one ", Some(3))];
    let error = clean(&same, &CleanConfig::default(), Seed::new(1)).expect_err("one question");
    assert!(error.to_string().contains("one split takes all questions there are"), "{error}");
}

#[test]
fn settings_out_of_range_are_named() {
    let refusal = |config: CleanConfig| config.check().expect_err("out of range").to_string();
    let config = CleanConfig { max_sigmas: Some(0.0), ..CleanConfig::default() };
    assert_eq!(refusal(config), "max_sigmas must be finite and greater than 0, or null, got 0");
    let config = CleanConfig { validation_ratio: 1.0, ..CleanConfig::default() };
    assert_eq!(refusal(config), "validation_ratio must be above 0 and below 1, got 1");
}

fn any_rows() -> impl Strategy<Value = Vec<AnnotatedQuestion>> {
    let one = (0..12_u32, prop::option::weighted(0.8, 1..9_u32));
    prop::collection::vec(one, 4..60).prop_map(|rows| {
        let numbered = (1..).zip(rows);
        numbered
            .map(|(number, (question, steps))| row(number, format!("q {question}"), steps))
            .collect()
    })
}

fn questions(rows: &[LabelledQuestion]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.question.as_str()).collect()
}

proptest! {
    #[test]
    fn no_question_stands_on_both_sides_and_every_row_is_accounted_for(rows in any_rows(), seed in any::<u64>()) {
        if let Ok(cleaned) = clean(&rows, &CleanConfig::default(), Seed::new(seed)) {
            prop_assert!(questions(&cleaned.train).is_disjoint(&questions(&cleaned.validation)));
            let kept = cleaned.train.len() + cleaned.validation.len();
            prop_assert_eq!(cleaned.ledger.kept(), kept as u64);
            prop_assert_eq!(cleaned.ledger.read(), rows.len() as u64);
            prop_assert!(cleaned.ledger.check().is_ok());
            let wanted = (kept as f64 * 0.3 - 1e-9).ceil();
            prop_assert!(cleaned.validation.len() as f64 >= wanted);
        }
    }

    #[test]
    fn the_order_of_the_rows_never_shows(rows in any_rows()) {
        let mut turned = rows.clone();
        turned.reverse();
        let sides = |rows: &[AnnotatedQuestion]| {
            clean(rows, &CleanConfig::default(), Seed::new(3)).map(|one| (one.train, one.validation)).ok()
        };
        prop_assert_eq!(sides(&rows), sides(&turned));
    }
}
