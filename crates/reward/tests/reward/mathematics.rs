//! Rewards that compare answers as mathematics. Numbers are those of open-r1 and TRL 1.16 with Math-Verify 0.9.

use forethought_reward::{
    Accuracy, AccuracyConfig, AgainstSolution, Among, CosineConfig, Fields, LengthConfig,
    ReasoningAccuracyConfig, RewardFn, Sample, Score, Semantics, Verdict,
};

fn accuracy(semantics: Semantics) -> Accuracy {
    AccuracyConfig { semantics, ..AccuracyConfig::default() }.init()
}

#[test]
fn an_answer_counts_where_it_is_latex_and_announced() {
    let cases = [
        (r"\boxed{\frac{63}{400}}", r"\frac{63}{400}", Some(1.0), Verdict::Correct),
        (r"\boxed{3}", "6", Some(0.0), Verdict::Wrong),
        (
            "<think>\na\n</think>\n<answer>\n$x = 5$\n</answer>",
            "$x=5$",
            Some(1.0),
            Verdict::Correct,
        ),
        ("<think>a</think><answer>4</answer>", "$4$", Some(0.0), Verdict::Unparseable),
        ("so we have $4$", "$4$", Some(0.0), Verdict::Unparseable),
        ("no tags at all 42", "$42$", Some(0.0), Verdict::Unparseable),
        (r"答案是 \boxed{25}。", "$25$", Some(1.0), Verdict::Correct),
        (r"\boxed{2} and \boxed{3}", "$3$", Some(0.0), Verdict::Wrong),
        (r"\boxed{1e3}", "$1000$", Some(0.0), Verdict::Wrong),
        (r"\boxed{\frac12}", "$1/2$", Some(0.0), Verdict::Unparseable),
        (r"\boxed{\frac{1}2}", "$1/2$", Some(0.0), Verdict::Unparseable),
        (r"\boxed{\sqrt[3]2}", r"$\sqrt[3]{2}$", Some(0.0), Verdict::Unparseable),
        (r"\boxed{\sqrt[3]{2}}", r"$\sqrt[3]{2}$", Some(1.0), Verdict::Correct),
        (r"\boxed{7}", "no latex but 7", Some(1.0), Verdict::Correct),
        ("plain", "unparseable text only", None, Verdict::LabelUnparseable),
        (r"\boxed{1}", "$9^{9^{9^9}}$", None, Verdict::Undecided),
    ];
    for semantics in [Semantics::OpenR1, Semantics::Trl] {
        for (completion, solution, value, verdict) in cases {
            let score = accuracy(semantics).judge(completion, solution);
            assert_eq!((score.value, score.verdict), (value, verdict), "{completion:?} {score:?}");
        }
    }
}

#[test]
fn an_unreadable_gold_counted_as_answered_in_february_2025() {
    let early = accuracy(Semantics::OpenR1Early);
    let score = early.judge(r"\boxed{3}", "6");
    assert_eq!((score.value, score.verdict), (Some(1.0), Verdict::LabelUnparseable));
    assert_eq!(score.reason, "the solution cannot be read: 6, which counts as answered");
    assert_eq!(early.judge(r"\boxed{3}", "$6$").value, Some(0.0));
}

#[test]
fn verify_reads_answers_in_any_notation() {
    let own = accuracy(Semantics::Verify);
    assert_eq!(own.judge("<think>a</think><answer>4</answer>", "4").value, Some(1.0));
    assert_eq!(own.judge(r"\boxed{1e3}", "1000").value, Some(1.0));
    assert_eq!(own.judge("It is 42.", "41").value, Some(0.0));
}

#[test]
fn a_score_says_what_was_compared() {
    let score = accuracy(Semantics::OpenR1).judge(r"so \boxed{0.5}", r"$\frac12$");
    assert_eq!(score.answer.as_deref(), Some("0.5"));
    assert_eq!(score.gold.as_deref(), Some(r"\frac12"));
    assert_eq!(score.reason, r"0.5 is equal to \frac12 (exact)");
}

#[test]
fn reasoning_must_end_before_the_answer() {
    let reward = ReasoningAccuracyConfig::default().init();
    let value = |completion: &str, solution: &str| reward.judge(completion, solution).value;
    assert_eq!(value(r"<think>\boxed{3}</think> \boxed{4}", "$4$"), Some(1.0));
    assert_eq!(value(r"<think>\boxed{4}</think> \boxed{3}", "$4$"), Some(0.0));
    assert_eq!(value(r"<think>\boxed{4}", "$4$"), Some(0.0));
    assert_eq!(value("plain", "unparseable text only"), Some(0.0));
    assert_eq!(value("a</think>plain", "unparseable text only"), None);
}

/// `0.5 + 0.25 · (1 + cos(0.35 π))` and its mirror image, by hand.
#[test]
fn short_right_answers_and_long_wrong_ones_are_worth_most() {
    let near = |found: Option<f64>, expected: f64| {
        assert!((found.expect("judged") - expected).abs() < 1e-12, "{found:?} {expected}");
    };
    let open_r1 = CosineConfig::default().init().expect("in range");
    near(open_r1.judge(r"\boxed{5}", "$5$", 350).value, 0.863_497_624_934_886_7);
    near(open_r1.judge(r"\boxed{6}", "$5$", 350).value, -0.863_497_624_934_886_7);
    // Beyond the longest length the cosine turns back up.
    near(open_r1.judge(r"\boxed{5}", "$5$", 2000).value, 1.0);
    near(open_r1.judge(r"\boxed{5}", "5", 350).value, 1.0);
    let trl = CosineConfig { semantics: Semantics::Trl, ..CosineConfig::default() };
    let trl = trl.init().expect("in range");
    near(trl.judge(r"\boxed{5}", "$5$", 2000).value, 0.5);
    assert_eq!(trl.judge(r"\boxed{5}", "no number", 3).value, None);
}

#[test]
fn tokens_are_counted_where_trl_counts_them() {
    let trl = CosineConfig { semantics: Semantics::Trl, max_len: 4, ..CosineConfig::default() };
    let trl = trl.init().expect("in range");
    let fields = Fields::from([("solution".to_owned(), "$5$".into())]);
    let sample = Sample::new(r"\boxed{5}", &fields);
    assert_eq!(trl.score(&[sample])[0].verdict, Verdict::Failed);
    let score = trl.score(&[sample.with_tokens(&[1, 2])]).remove(0);
    assert_eq!(score.value, Some(0.75));
}

/// Lengths 9, 10 and 13: λ is 0.5, 0.25 and −0.5.
#[test]
fn the_shorter_of_the_right_answers_is_better() {
    let solution = Fields::from([("solution".to_owned(), "$5$".into())]);
    let texts = [r"\boxed{5}", r"\boxed{55}", r"\boxed{5} yes"];
    let other = [r"\boxed{5} and more"];
    let samples = |texts: &[&'static str], group| -> Vec<Sample<'_>> {
        texts.iter().map(|text| Sample::new(text, &solution).in_group(group)).collect()
    };
    let values = |scores: Vec<Score>| -> Vec<Option<f64>> {
        scores.into_iter().map(|score| score.value).collect()
    };
    let length = LengthConfig::default().init();
    assert_eq!(values(length.score(&samples(&texts, 0))), [Some(0.5), Some(0.0), Some(-0.5)]);
    assert_eq!(values(length.score(&samples(&other, 1))), [Some(0.0)]);
    let call = LengthConfig { among: Among::Call, ..LengthConfig::default() }.init();
    let all = [samples(&texts, 0), samples(&other, 1)].concat();
    let of_call = values(call.score(&all));
    assert_eq!((of_call[0], of_call[1], of_call[3]), (Some(0.5), Some(0.0), Some(-0.5)));
}

#[test]
fn a_row_without_its_solution_is_not_judged_and_says_what_there_is() {
    let fields =
        Fields::from([("prompt".to_owned(), "1 + 1".into()), ("gold".to_owned(), "2".into())]);
    let score = accuracy(Semantics::OpenR1).score(&[Sample::new("2", &fields)]).remove(0);
    assert_eq!(score.value, None);
    assert_eq!(score.reason, "solution is not among the columns: gold, prompt");
}
