//! Pass@k, majority, the sign-flip test and the summary of a policy against closed forms and brute force.

use forethought_evaluate::{
    Change, Report, Solved, SolvedKind, SolvedSample, Solving, Target, Tries, choose_solved, html,
    majority, pass_at_k, sign_flip, table,
};
use proptest::prelude::*;

/// All choices of `k` of the samples, of which the first `num_right` are right.
fn brute_pass(num_samples: usize, num_right: usize, k: usize) -> f64 {
    let subsets = (0..1_u32 << num_samples).filter(|subset| subset.count_ones() as usize == k);
    let right_ones = (1_u32 << num_right) - 1;
    let (mut all, mut hits) = (0.0, 0.0);
    for subset in subsets {
        all += 1.0;
        hits += if subset & right_ones > 0 { 1.0 } else { 0.0 };
    }
    hits / all
}

/// The numbers are sums of halves and quarters, which have no rounding.
#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

#[test]
fn pass_at_k_is_the_share_of_choices_that_hold_a_right_sample() {
    for num_samples in 1..=8 {
        for num_right in 0..=num_samples {
            for k in 1..=num_samples {
                let expected = brute_pass(num_samples, num_right, k);
                let found = pass_at_k(num_samples, num_right, k);
                assert!((found - expected).abs() < 1e-12, "{num_samples} {num_right} {k}");
            }
        }
    }
    // numpy: 1.0 - np.prod(1.0 - 100 / np.arange(990 + 1, 1000 + 1))
    assert!((pass_at_k(1000, 10, 100) - 0.653_072_285_207_994).abs() < 1e-9);
}

#[test]
fn the_majority_is_counted_over_equal_answers_and_ties_are_split() {
    let votes = |votes: &[i64]| -> Vec<Option<usize>> {
        votes.iter().map(|vote| usize::try_from(*vote).ok()).collect()
    };
    let found = |list: &[i64], right: &[bool]| majority(&votes(list), right);
    near(found(&[0, 1, 1, 2], &[true, false, false, false]), 0.0);
    near(found(&[0, 1, 1, 2], &[false, true, true, false]), 1.0);
    near(found(&[0, 1, 1, 0, 2], &[false, true, true, false, false]), 0.5);
    near(found(&[-1, -1, -1, 4], &[false, false, false, true]), 1.0);
    near(found(&[-1, -1], &[false, false]), 0.0);
}

/// All sign patterns.
fn brute_flip(differences: &[i64]) -> f64 {
    let observed: i64 = differences.iter().sum::<i64>().abs();
    let num = differences.len();
    let patterns = 0..1_u32 << num;
    let is_as_far = |pattern: &u32| {
        let signed = differences.iter().enumerate();
        let sum: i64 =
            signed.map(|(index, size)| if pattern >> index & 1 == 1 { *size } else { -size }).sum();
        sum.abs() >= observed
    };
    f64::from(u32::try_from(patterns.filter(is_as_far).count()).expect("few"))
        / f64::from(1_u32 << num)
}

#[test]
fn differences_of_one_make_mcnemars_exact_test() {
    // scipy.stats.binomtest(8, 10).pvalue
    let differences = [1, 1, 1, 1, 1, 1, 1, 1, -1, -1, 0, 0, 0];
    assert!((sign_flip(&differences) - 0.109_375).abs() < 1e-12);
}

#[test]
fn many_large_differences_take_no_time_and_are_no_chance() {
    let p_value = sign_flip(&[8; 500]);
    assert!(p_value > 0.0 && (p_value.log2() + 499.0).abs() < 1e-9, "{p_value}");
}

proptest! {
    #[test]
    fn the_sign_flip_test_is_the_share_of_all_patterns(
        differences in prop::collection::vec(-6_i64..=6, 1..10)
    ) {
        prop_assert!((sign_flip(&differences) - brute_flip(&differences)).abs() < 1e-12);
    }
}

fn tries(is_right: &[bool], reward: &[Option<f64>]) -> Tries {
    Tries {
        is_right: is_right.to_vec(),
        votes: is_right.iter().map(|right| Some(usize::from(*right))).collect(),
        is_finished: vec![true; is_right.len()],
        num_tokens: vec![3; is_right.len()],
        rewards: vec![reward.to_vec()],
    }
}

#[test]
fn the_problem_is_the_unit_of_every_interval() {
    let problems = [
        tries(&[true, true], &[Some(2.0), None]),
        tries(&[false, true], &[Some(1.0), Some(4.0)]),
        tries(&[false, false], &[None, None]),
    ];
    let names = ["format".to_owned()];
    let solving = Solving::of("a policy", &problems, &names, &[1, 2, 4]).expect("problems");
    assert_eq!((solving.num_problems, solving.num_samples), (3, 2));
    // Shares of the problems: 1, 1/2, 0. They vary by 1/4 as single samples do: no more is known than from three samples.
    near(solving.accuracy.mean, 0.5);
    let interval = solving.accuracy.interval.expect("three problems");
    near(interval.low, 0.125_334_471_910_263_26);
    near(interval.high, 0.874_665_528_089_736_7);
    let chances: Vec<(usize, f64)> =
        solving.pass_at.iter().map(|one| (one.k, one.chance.mean)).collect();
    assert_eq!(chances, [(1, 0.5), (2, 2.0 / 3.0)]);
    // The second problem is a tie.
    near(solving.majority.mean, 0.5);
    // Two problems have a reward, of means 2 and 2.5.
    let reward = &solving.rewards[0];
    assert_eq!((reward.name.as_str(), reward.mean.n, reward.mean.mean), ("format", 2, 2.25));
    assert_eq!((solving.tokens.mean, solving.finished.mean), (3.0, 1.0));
    assert_eq!(Solving::of("of nothing", &[], &names, &[1]), None);
}

#[test]
fn a_change_is_taken_problem_by_problem() {
    let before = [tries(&[false, false], &[None; 2]), tries(&[true, false], &[None; 2])];
    let after = [tries(&[true, true], &[None; 2]), tries(&[true, true], &[None; 2])];
    let change = Change::of("before", &before, &after).expect("problems");
    near(change.accuracy.mean, 0.75);
    // Counts rise by 2 and 1: of four sign patterns two have a sum of 3 in size.
    near(change.p_value, 0.5);
    let backwards = Change::of("after", &after, &before).expect("problems");
    assert_eq!((backwards.accuracy.mean, backwards.p_value), (-0.75, 0.5));
}

fn report() -> Report {
    let names = ["accuracy".to_owned()];
    let wrong = tries(&[false, false], &[Some(0.0), Some(0.0)]);
    let right = tries(&[true, true], &[Some(1.0), Some(1.0)]);
    let before = vec![wrong.clone(); 40];
    let after: Vec<Tries> =
        (0..40).map(|i| if i < 30 { right.clone() } else { wrong.clone() }).collect();
    let summed = |name: &str, problems: &[Tries]| {
        Solving::of(name, problems, &names, &[1, 2]).expect("problems")
    };
    let change = Change::of("after SFT", &before, &after);
    let sample = |kind, completion: &str| SolvedSample {
        problem: "1 < 2 & 3?".to_owned(),
        answer: Some("4".to_owned()),
        completion: completion.to_owned(),
        kind,
        reasons: vec![("accuracy 1".to_owned(), "4 is 4".to_owned())],
    };
    let rows = [
        sample(SolvedKind::Wrong, "5"),
        sample(SolvedKind::Right, "<answer>4</answer>"),
        sample(SolvedKind::Wrong, "6"),
        sample(SolvedKind::Wrong, "7"),
    ];
    let mut report = Report::new("Sums", Target::thinking_tokens(25));
    report.solved = Some(Solved {
        policies: vec![
            summed("after SFT", &before),
            Solving { change, ..summed("after GRPO", &after) },
        ],
        sampling: "temperature 1".to_owned(),
        samples: choose_solved(&rows, 2),
    });
    report
}

#[test]
fn a_report_says_what_the_last_training_changed_and_how_sure_that_is() {
    let report = report();
    let headline = report.headline();
    let expected = "Of 2 answers to each of 40 test problems, 75.0% are right after GRPO (95% interval 59.6–85.9).";
    assert!(headline.starts_with(expected), "{headline}");
    let change = "the accuracy went from 0.0% to 75.0% (intervals apart): +75.0 points, 95% interval +61.4 to +88.6, p < 1e-6";
    assert!(headline.contains(change), "{headline}");
    let table = table(&report);
    let lines: Vec<&str> = table.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("after GRPO")).expect("a row");
    assert_eq!(lines[at].split_whitespace().collect::<Vec<_>>()[2..5], ["75.0%", "75.0%", "75.0%"]);
    assert!(lines[at + 1].contains("59.6-85.9"), "{table}");
}

#[test]
fn the_page_shows_policies_and_answers_and_escapes_what_models_write() {
    let page = html(&report()).expect("a page");
    for part in ["Problems solved", "pass@2", "after GRPO", "1 &lt; 2 &amp; 3?", "4 is 4"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("&lt;answer&gt;4&lt;&#x2f;answer&gt;"));
    assert!(!page.contains("<answer>"));
    // One right and two of three wrong ones were chosen.
    assert_eq!(page.matches("class=\"verdict wrong\"").count(), 2);
    assert!(page.contains(">5</td>") && page.contains(">6</td>") && !page.contains(">7</td>"));
}
