//! Invariances: of equality itself, of notation, of threads.

use crate::hostile::texts;
use forethought_verify::{Verdict, verify};
use proptest::prelude::*;

/// Expressions in LaTeX.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0_u32..200).prop_map(|number| number.to_string()),
        (1_u32..50, 1_u32..50).prop_map(|(a, b)| format!("{a}.{b}")),
        prop::sample::select(vec!["x", "y", "n", r"\pi", "e", "i", r"\alpha", "x_1"])
            .prop_map(String::from),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} + {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} - ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!(r"({a}) \cdot ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!(r"\frac{{{a}}}{{{b}}}")),
            (inner.clone(), 0_u32..4).prop_map(|(a, n)| format!("({a})^{{{n}}}")),
            inner.clone().prop_map(|a| format!(r"\sqrt{{{a}}}")),
            inner.clone().prop_map(|a| format!(r"\sin\left({a}\right)")),
            inner.prop_map(|a| format!(r"\left|{a}\right|")),
        ]
    })
}

/// Answers of every kind.
fn answer() -> impl Strategy<Value = String> {
    let list = |open: &'static str, close: &'static str| {
        prop::collection::vec(expression(), 2..4)
            .prop_map(move |parts| format!("{open}{}{close}", parts.join(", ")))
    };
    prop_oneof![
        4 => expression(),
        1 => list("(", ")"),
        1 => list("[", "]").prop_filter("an interval has two ends", |text| text.matches(", ").count() == 1),
        1 => list(r"\{", r"\}"),
        1 => list("", ""),
        1 => (expression(), expression()).prop_map(|(a, b)| format!("{a} = {b}")),
        1 => (expression(), expression()).prop_map(|(a, b)| format!("{a} < {b}")),
    ]
}

fn verdict(gold: &str, answer: &str) -> Verdict {
    verify(&format!("${gold}$"), &format!("${answer}$")).verdict
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_answer_is_equal_to_itself(text in answer()) {
        prop_assert_eq!(verdict(&text, &text), Verdict::Equal);
    }

    #[test]
    fn gold_and_answer_of_one_kind_may_change_places(a in expression(), b in expression()) {
        prop_assert_eq!(verdict(&a, &b), verdict(&b, &a));
    }

    #[test]
    fn spacing_and_sizing_change_nothing(text in answer(), other in answer()) {
        let spaced = text.replace(" + ", r"\,+\;").replace('(', r"\left( ").replace(')', r" \right)").replace(r"\left\left", r"\left").replace(r"\right\right", r"\right");
        let sized = text.replace(r"\frac", r"\dfrac").replace(", ", r",\ ");
        let expected = verdict(&text, &other);
        prop_assert_eq!(verdict(&spaced, &other), expected);
        prop_assert_eq!(verdict(&sized, &other), expected);
        prop_assert_eq!(verdict(&text, &text), verdict(&text, &sized));
    }

    #[test]
    fn one_more_is_something_else(text in expression()) {
        // Beside a huge number, one more is below what floating-point numbers resolve.
        prop_assume!(!text.contains(r"\sin") && !text.contains("^{3}"));
        prop_assert_ne!(verdict(&text, &format!("({text}) + 1")), Verdict::Equal);
    }

    #[test]
    fn terms_and_factors_commute(a in expression(), b in expression()) {
        let sum = verdict(&format!("({a}) + ({b})"), &format!("({b}) + ({a})"));
        prop_assert_ne!(sum, Verdict::Different);
        let product = verdict(&format!("({a})({b})"), &format!("({b})({a})"));
        prop_assert_ne!(product, Verdict::Different);
    }
}

#[test]
fn a_verdict_is_the_same_in_every_thread() {
    let pairs: Vec<(String, String)> = (1..60_u32)
        .map(|n| {
            (format!(r"\sin^2({n}x)+\sqrt{{{n}}}"), format!(r"1-\cos^2({n}x)+{n}^{{\frac12}}"))
        })
        .collect();
    let all = |pairs: &[(String, String)]| -> Vec<String> {
        pairs.iter().map(|(gold, answer)| format!("{:?}", verify(gold, answer))).collect()
    };
    let here = all(&pairs);
    let there = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..3).map(|_| scope.spawn(|| all(&pairs))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(there.iter().all(|verdicts| *verdicts == here));
    assert!(here.iter().all(|verdict| verdict.contains("Equal")));
}

/// Ten thousand pairs of random notation, judged by one thread and divided between two.
#[test]
fn two_threads_come_to_the_verdicts_of_one() {
    let pairs: Vec<(String, String)> = texts(11, 10_000).zip(texts(12, 10_000)).collect();
    let judge = |pairs: &[(String, String)]| -> Vec<String> {
        pairs.iter().map(|(gold, answer)| format!("{:?}", verify(gold, answer))).collect()
    };
    let alone = judge(&pairs);
    let (front, back) = pairs.split_at(pairs.len() / 2);
    let together = std::thread::scope(|scope| {
        let halves = [front, back].map(|half| scope.spawn(move || judge(half)));
        halves.map(|half| half.join().unwrap()).concat()
    });
    assert_eq!(alone, together);
    let kinds: std::collections::BTreeSet<&str> =
        alone.iter().filter_map(|shown| shown.split(',').next()).collect();
    assert!(kinds.len() >= 4, "{kinds:?}");
}
