//! Cases recorded from Math-Verify 0.9.0 (`math_verify.py` says how).

use forethought_verify::{Comparison, Limits, Rules, Verdict, equivalent_by, extract, last_boxed};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    gold: String,
    answer: String,
    expected: bool,
    gold_rules: Rules,
    answer_rules: Rules,
    comparison: Comparison,
}

/// Cases whose recorded expectation is wrong: Math-Verify cuts `\mathrm{e}` off as a unit, so 1 − 1/e is 1 + 1/e to it.
const WRONG: [&str; 1] = ["test_string_extraction[9]"];

#[test]
fn every_recorded_case_has_its_expected_outcome_unless_that_is_wrong() {
    let limits = Limits::default();
    let mut failures = Vec::new();
    for line in include_str!("math_verify.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let gold = extract(&case.gold, &case.gold_rules, &limits);
        let answer = extract(&case.answer, &case.answer_rules, &limits);
        let judgement = equivalent_by(&gold, &answer, case.comparison, &limits);
        let expected = case.expected != WRONG.contains(&case.id.as_str());
        if judgement.is_equal() != expected {
            failures.push(format!("{}: {judgement:?}", case.id));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_box_is_found_as_hendrycks_finds_it() {
    // verl 0.5, `last_boxed_only_string`.
    for (text, expected) in [
        (r"a \boxed{\frac{1}{2}} b", Some(r"\boxed{\frac{1}{2}}")),
        (r"\boxed{1} \boxed{2}", Some(r"\boxed{2}")),
        (r"\boxed 5$ rest", Some(r"\boxed 5")),
        (r"\fbox{7}", Some(r"\fbox{7}")),
        ("no box", None),
        (r"\boxed{unclosed", None),
        (r"\boxed{}", Some(r"\boxed{}")),
        (r"\\boxed{9}", Some(r"\boxed{9}")),
        (r"\boxed{中文}", Some(r"\boxed{中文}")),
        (r"\boxed{1} then \boxed{unclosed", None),
        (r"$\boxed{10}$ \fbox{11}", Some(r"\boxed{10}")),
    ] {
        assert_eq!(last_boxed(text), expected, "{text}");
    }
}

#[test]
fn a_difference_that_math_verify_cannot_see_is_seen() {
    use forethought_verify::verify;
    for (gold, answer, verdict) in [
        ("1/2004!", "1/2006!", Verdict::Different),
        ("1/2^99", "1/2^98", Verdict::Different),
        (r"\frac{2^{2005}+1}{3\cdot 2^{2006}}", r"\frac{1}{3\cdot 2^{2006}}", Verdict::Different),
        ("0.0000003", "0.0000004", Verdict::Different),
        ("3.3e-10", r"3.3\times 10^{-10}", Verdict::Equal),
        (r"e^{i\pi}", "-1", Verdict::Equal),
        (r"2^{2^{2^{2^{2^2}}}}", "1", Verdict::Undecided),
        ("9^{9^{9^9}}", "5", Verdict::Undecided),
        ("1000000!", "3", Verdict::Undecided),
        (r"\sum_{k=0}^{1999} k", "1999000", Verdict::Equal),
        (r"0.\overline{3}", r"\frac{1}{3}", Verdict::Equal),
        (r"x\neq 2", r"(-\infty,2)\cup(2,\infty)", Verdict::Equal),
        (r"1-\frac{1}{\mathrm{e}}", r"1+\frac{1}{\mathrm{e}}", Verdict::Different),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)", Verdict::Equal),
        (r"90^\circ", r"\frac{\pi}{2}", Verdict::Equal),
        (r"(2,\infty)", "x>2", Verdict::Equal),
        (r"0.5\%", "0.5", Verdict::Different),
        (r"5\text{ cm}", r"5\text{ m}", Verdict::Different),
        ("(1,2)", r"\{1,2\}", Verdict::Different),
        ("1011_2", "11", Verdict::Equal),
        ("1011_2", "1011", Verdict::Different),
    ] {
        let judgement = verify(gold, answer);
        assert_eq!(judgement.verdict, verdict, "{gold} and {answer}: {judgement:?}");
    }
    let nested = |inner: &str| format!("{}{inner}{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(verify(&nested("7"), "7").verdict, Verdict::Equal);
}
