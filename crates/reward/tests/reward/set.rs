//! Weighted sets: sums, what is left out of them, and functions that fail.

use forethought_reward::{
    Fields, RewardConfig, RewardFn, RewardSet, Sample, Score, SetScore, Summary, Verdict,
};

/// Returns what it was made with; panics where that is nothing.
struct Fixed(&'static str, Option<Score>);

impl RewardFn for Fixed {
    fn name(&self) -> &str {
        self.0
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        samples.iter().map(|_| self.1.clone().expect("a function that fails")).collect()
    }
}

fn fixed(name: &'static str, value: f64) -> Box<dyn RewardFn> {
    Box::new(Fixed(name, Some(Score::new(value, Verdict::Close, ""))))
}

fn unjudged(name: &'static str) -> Box<dyn RewardFn> {
    Box::new(Fixed(name, Some(Score::none(Verdict::LabelUnparseable, "no label"))))
}

fn score(functions: Vec<(Box<dyn RewardFn>, f64)>) -> SetScore {
    let set = RewardSet::of(functions).expect("the set is in range");
    set.score(&[Sample::new("", &Fields::new())]).remove(0)
}

fn error(yaml: &str) -> String {
    let configs: Vec<RewardConfig> = serde_yaml::from_str(yaml).expect("the shape is right");
    RewardSet::new(&configs).expect_err("the values are not").to_string()
}

#[test]
fn the_total_is_the_weighted_sum_of_what_was_judged() {
    let total = score(vec![(fixed("a", 3.0), 1.0), (unjudged("b"), 5.0), (fixed("c", 4.0), 0.5)]);
    assert_eq!(total.total, Some(5.0));
    assert_eq!(total.scores[1].score.value, None);
    assert_eq!(total.scores[2].score.value, Some(4.0));
}

#[test]
fn a_completion_that_nobody_judges_has_no_total() {
    assert_eq!(score(vec![(unjudged("a"), 1.0)]).total, None);
}

#[test]
fn a_function_that_fails_is_left_out_and_says_so() {
    let scores = score(vec![
        (Box::new(Fixed("panics", None)), 1.0),
        (fixed("nan", f64::NAN), 1.0),
        (fixed("fine", 2.0), 1.0),
    ]);
    assert_eq!(scores.total, Some(2.0));
    let reasons =
        ["the reward function panicked: a function that fails", "the reward function returned NaN"];
    for (named, reason) in scores.scores.iter().zip(reasons) {
        assert_eq!(named.score, Score::none(Verdict::Failed, reason), "{}", named.name);
    }
}

#[test]
fn a_set_is_read_from_yaml() {
    let yaml = "- tiered: 12/6/3\n- {name: near, weight: 0.5, tiered: {tiers: [{within: 3, score: 1}], label: class}}";
    let configs: Vec<RewardConfig> = serde_yaml::from_str(yaml).expect("the config parses");
    let set = RewardSet::new(&configs).expect("the config is in range");
    assert_eq!(set.names().collect::<Vec<_>>(), ["tiered", "near"]);
    let fields = Fields::from([("label".into(), 7_u32.into()), ("class".into(), "7".into())]);
    assert_eq!(set.score(&[Sample::new("8", &fields)])[0].total, Some(6.5));
}

#[test]
fn sets_out_of_range_are_refused() {
    assert_eq!(error("[]"), "rewards must not be empty");
    assert_eq!(
        error("[{tiered: 12/6/3}, {tiered: 5/4/3/2/1}]"),
        "two rewards are named `tiered`; give one of them another `name`"
    );
    assert_eq!(
        error("[{tiered: 12/6/3, weight: .inf}]"),
        "weight of tiered must be finite, got inf"
    );
    let unknown = serde_yaml::from_str::<Vec<RewardConfig>>("[{tierd: 12/6/3}]");
    let unknown = unknown.expect_err("one letter is missing").to_string();
    assert!(unknown.contains("unknown field `tierd`"), "{unknown}");
}

#[test]
fn summaries_count_verdicts_and_mean_what_was_judged() {
    let yaml = "[{tiered: 12/6/3}]";
    let set = RewardSet::new(&serde_yaml::from_str::<Vec<_>>(yaml).expect("the config parses"));
    let set = set.expect("the config is in range");
    let judge = |completion: &str, label: &str| {
        let fields = Fields::from([("label".to_owned(), label.into())]);
        set.score(&[Sample::new(completion, &fields)]).remove(0)
    };
    let scores = [judge("7", "7"), judge("9", "7"), judge("?", "7"), judge("7", "?")];
    let [(name, summary)] = &set.summaries(&scores)[..] else { panic!("one function") };
    assert_eq!((name.as_str(), summary.count, summary.mean), ("tiered", 4, Some(5.0)));
    let counts = [
        (Verdict::Correct, 1),
        (Verdict::Close, 1),
        (Verdict::Unparseable, 1),
        (Verdict::LabelUnparseable, 1),
        (Verdict::Wrong, 0),
    ];
    for (verdict, count) in counts {
        assert_eq!(summary.of_verdict(verdict), count, "{verdict:?}");
    }
    assert_eq!(Summary::of([]).mean, None);
}
