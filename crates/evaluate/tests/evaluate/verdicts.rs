//! What the headline claims, and which samples are shown.

use forethought_evaluate::{Entry, Report, Sample, SampleKind, Standing, Target, choose_samples};

use crate::{outcome, outcomes};

fn report(baselines: &[(&str, usize)], models: &[(&str, usize)]) -> Report {
    let mut report = Report::new("A run", Target::thinking_tokens(25));
    let rows = |right: usize| outcomes(right, 1000 - right);
    report
        .entries
        .extend(baselines.iter().map(|(name, right)| Entry::baseline(*name, &rows(*right), 25)));
    report
        .entries
        .extend(models.iter().map(|(name, right)| Entry::model(*name, &rows(*right), 25)));
    report
}

fn standing(model: usize, baselines: &[(&str, usize)]) -> Standing {
    report(baselines, &[("after SFT", model)]).verdict().expect("a model").standing
}

#[test]
fn a_model_beats_the_baselines_only_with_intervals_apart_from_all_of_them() {
    // 1000 rows: the half width at 40 % is about 3 points.
    assert_eq!(standing(400, &[("a", 100), ("b", 330)]), Standing::Beats);
    assert_eq!(standing(400, &[("a", 100), ("b", 360)]), Standing::Ahead);
    assert_eq!(standing(400, &[("a", 100), ("b", 400)]), Standing::NotAhead);
    assert_eq!(standing(400, &[("a", 700), ("b", 100)]), Standing::NotAhead);
    assert_eq!(standing(400, &[]), Standing::NoBaseline);
}

#[test]
fn being_better_on_one_measure_is_not_enough() {
    let mut report = Report::new("A run", Target::thinking_tokens(25));
    // The baseline is never exact and always one off.
    let near: Vec<_> = (0..1000).map(|_| outcome(3, Some(4.0))).collect();
    report.entries =
        vec![Entry::baseline("a", &near, 25), Entry::model("m", &outcomes(900, 100), 25)];
    assert_eq!(report.verdict().expect("a model").standing, Standing::NotAhead);
}

#[test]
fn the_verdict_is_about_the_last_model() {
    let report = report(&[("a", 300)], &[("after SFT", 200), ("after GRPO", 500)]);
    let verdict = report.verdict().expect("a model");
    assert_eq!(verdict.model.name, "after GRPO");
    assert_eq!(verdict.previous.map(|entry| entry.name.as_str()), Some("after SFT"));
    assert_eq!(verdict.standing, Standing::Beats);
}

#[test]
fn the_headline_says_result_comparison_and_change() {
    let report = report(&[("guess", 31), ("knn", 300)], &[("after SFT", 480), ("after GRPO", 500)]);
    assert_eq!(
        report.headline(),
        "The model (after GRPO) predicts the exact class for 50.0% of 1,000 validation questions and is at most one \
         class off for 50.0%. It beats every baseline on both, with 95% intervals apart; the best baseline, knn, \
         reaches 30.0% and 30.0%. From “after SFT” to “after GRPO” the accuracy within one class went from 48.0% to \
         50.0% (intervals overlap)."
    );
}

#[test]
fn the_best_baselines_are_named_the_first_of_equals() {
    let same = report(&[("worst", 10), ("first", 300), ("second", 300)], &[("m", 900)]);
    assert!(same.headline().contains("the best baseline, first, reaches 30.0%"));
    let mut two = report(&[("exact", 300)], &[("m", 900)]);
    let near: Vec<_> =
        (0..1000).map(|i| outcome(3, Some(if i < 400 { 4.0 } else { 9.0 }))).collect();
    two.entries.push(Entry::baseline("near", &near, 25));
    let expected = "the best baselines reach 30.0% (exact) and 40.0% (near).";
    assert!(two.headline().contains(expected), "{}", two.headline());
}

#[test]
fn the_headline_is_honest_about_a_model_that_loses() {
    let headline = report(&[("knn", 300)], &[("after SFT", 100)]).headline();
    assert!(headline.contains("It is not ahead of every baseline on both"), "{headline}");
    assert_eq!(
        Report::new("A run", Target::thinking_tokens(25)).headline(),
        "No model was evaluated."
    );
}

fn sample(question: &str, predicted: Option<f64>) -> Sample {
    let outcome = outcome(5, predicted);
    Sample { question: question.to_owned(), completion: String::new(), outcome }
}

#[test]
fn samples_are_spread_over_the_rows_and_sorted_from_right_to_unparseable() {
    let mut rows: Vec<Sample> = (0..10).map(|i| sample(&format!("wrong {i}"), Some(9.0))).collect();
    rows.push(sample("none", None));
    rows.push(sample("near", Some(7.0)));
    rows.push(sample("right", Some(5.0)));
    let chosen = choose_samples(&rows, 2);
    let questions: Vec<&str> = chosen.iter().map(|sample| sample.question.as_str()).collect();
    assert_eq!(questions, ["right", "near", "wrong 0", "wrong 5", "none"]);
}

#[test]
fn near_ends_at_two_classes() {
    let kinds = [Some(5.0), Some(5.5), Some(3.0), Some(2.9), None]
        .map(|predicted| sample("q", predicted).kind());
    let expected = [
        SampleKind::Right,
        SampleKind::Near,
        SampleKind::Near,
        SampleKind::Wrong,
        SampleKind::Unparseable,
    ];
    assert_eq!(kinds, expected);
}
