//! Rewards that fail, texts that are huge, threads that share a function: what is counted, and what it costs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forethought_reward::{
    AccuracyConfig, AgainstSolution, FUNCTIONS, Fields, RewardConfig, RewardFn, RewardSet, Sample,
    Scope, Score, Tokens, Verdict,
};

/// Panics, or answers with something else than a number, where the completion says so.
struct Faulty(Scope);

impl RewardFn for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn scope(&self) -> Scope {
        self.0
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        let mut scores = Vec::new();
        for sample in samples {
            match sample.completion {
                "panic" => panic!("of its own accord"),
                "nan" => scores.push(Score::new(f64::NAN, Verdict::Correct, "")),
                "none" => scores.push(Score::none(Verdict::LabelUnparseable, "no label")),
                "short" => {}
                _ => scores.push(Score::new(1.0, Verdict::Correct, "")),
            }
        }
        scores
    }
}

fn set(function: Box<dyn RewardFn>) -> RewardSet {
    RewardSet::of(vec![(function, 1.0)]).expect("in range")
}

fn values(set: &RewardSet, completions: &[(&str, usize)]) -> Vec<Option<f64>> {
    let fields = Fields::new();
    let samples: Vec<Sample<'_>> = completions
        .iter()
        .map(|(text, group)| Sample::new(text, &fields).in_group(*group))
        .collect();
    set.score(&samples).iter().map(|score| score.total).collect()
}

#[test]
fn every_failure_is_counted_and_costs_no_other_row() {
    let set = set(Box::new(Faulty(Scope::Sample)));
    let faults = ["fine", "panic", "nan", "none", "short"];
    let fields = Fields::new();
    let samples: Vec<Sample<'_>> =
        (0..1000).map(|index| Sample::new(faults[index * index % 5], &fields)).collect();
    let scores = set.score(&samples);
    let [(_, summary)] = &set.summaries(&scores)[..] else { panic!("one function") };
    // Squares are 0, 1 or 4 modulo 5: one in five is 0, two are 1, two are 4.
    assert_eq!(summary.of_verdict(Verdict::Correct), 200);
    assert_eq!(summary.of_verdict(Verdict::Failed), 800);
    assert_eq!((summary.unjudged, summary.mean), (800, Some(1.0)));
    let reason = |completion: &str| {
        set.score(&[Sample::new(completion, &fields)]).remove(0).scores.remove(0).score.reason
    };
    assert_eq!(reason("panic"), "the reward function panicked: of its own accord");
    assert_eq!(reason("nan"), "the reward function returned NaN");
    assert_eq!(reason("short"), "the reward function returned 0 scores for 1 completions");
}

#[test]
fn a_failure_reaches_as_far_as_the_function_sees() {
    let rows = [("fine", 0), ("fine", 1), ("panic", 0), ("fine", 1)];
    let of = |scope| values(&set(Box::new(Faulty(scope))), &rows);
    assert_eq!(of(Scope::Sample), [Some(1.0), Some(1.0), None, Some(1.0)]);
    assert_eq!(of(Scope::Group), [None, Some(1.0), None, Some(1.0)]);
    assert_eq!(of(Scope::Call), [None; 4]);
}

#[test]
fn too_many_unjudged_stop_a_run_and_say_why() {
    let set = set(Box::new(Faulty(Scope::Sample)));
    let fields = Fields::new();
    let samples = ["fine", "none", "fine", "panic"].map(|text| Sample::new(text, &fields));
    let scores = set.score(&samples);
    assert_eq!(set.check_unjudged(&scores, 0.5), Ok(()));
    let error = set.check_unjudged(&scores, 0.49).expect_err("half of them").to_string();
    assert_eq!(
        error,
        "the reward faulty could not judge 2 of 4 completions, more than the share of 0.49 that max_unjudged_share \
         allows; the first because no label"
    );
    assert_eq!(set.check_unjudged(&[], 0.0), Ok(()));
}

#[test]
fn a_column_that_is_missing_is_found_before_anything_is_judged() {
    let configs = [RewardConfig::named("format"), RewardConfig::named("accuracy")];
    let configs = configs.map(|config| config.expect("no settings are needed"));
    let set = RewardSet::new(&configs).expect("in range");
    let columns = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    };
    assert_eq!(set.check(&columns(&["prompt", "solution"]), Tokens::Unknown), Ok(()));
    let error = set.check(&columns(&["prompt", "gold"]), Tokens::Known).expect_err("no solution");
    assert_eq!(
        error.to_string(),
        "the reward accuracy needs the column `solution`; there are `gold`, `prompt`"
    );
    let overlong = RewardConfig::named("soft_overlong").expect("no settings are needed");
    let overlong = RewardSet::new(&[overlong]).expect("in range");
    let error = overlong.check(&columns(&[]), Tokens::Unknown).expect_err("no tokens").to_string();
    assert_eq!(
        error,
        "the reward soft_overlong needs the tokens of the completions, which are not known"
    );
}

#[test]
fn an_unknown_name_is_told_all_there_are_and_the_nearest() {
    let error = RewardConfig::named("acuracy").expect_err("one letter is missing").to_string();
    assert!(
        error.starts_with("there is no reward named `acuracy`; there are `accuracy`, "),
        "{error}"
    );
    assert!(error.ends_with("`tiered`; did you mean `accuracy`?"), "{error}");
    let error = RewardConfig::named("pattern").expect_err("it needs one").to_string();
    assert_eq!(error, "the reward `pattern` needs settings: missing field `regex`");
    let yaml = |text: &str| {
        serde_yaml::from_str::<Vec<RewardConfig>>(text).expect_err("refused").to_string()
    };
    assert!(yaml("[acuracy]").contains("unknown variant `acuracy`, expected one of `accuracy`, "));
    assert!(
        yaml("[{accuracy: , format: }]")
            .contains("one reward is one function, got `accuracy` and `format`")
    );
    assert!(yaml("[{weight: 2}]").contains("a reward needs one of accuracy, "));
    assert!(yaml("[{accuracy: {semantic: verify}}]").contains("unknown field `semantic`"));
}

#[test]
fn rewards_outside_the_program_are_refused_where_nobody_opens_them() {
    let configs: Vec<RewardConfig> =
        serde_yaml::from_str("[{process: {command: [cat]}}]").expect("the shape is right");
    let error = RewardSet::new(&configs).expect_err("nobody opens it").to_string();
    assert!(error.starts_with("process cannot be used: "), "{error}");
}

#[test]
fn what_is_written_is_read_again() {
    let text = "[accuracy, {name: near, weight: 0.5, tiered: 12/6/3}, {process: {command: [cat]}}, {length: {among: call}}]";
    let configs: Vec<RewardConfig> = serde_yaml::from_str(text).expect("the shape is right");
    let written = serde_yaml::to_string(&configs).expect("it can be written");
    let again: Vec<RewardConfig> = serde_yaml::from_str(&written).expect("the shape is right");
    assert_eq!(configs, again);
}

/// Every function of this crate, with tokens and columns that suit it.
fn all() -> RewardSet {
    let outside = ["http", "model", "process", "pattern", "tiered"];
    let configs = FUNCTIONS.iter().filter(|name| !outside.contains(name));
    let mut configs: Vec<RewardConfig> =
        configs.map(|name| RewardConfig::named(name).expect("no settings are needed")).collect();
    let more = "[{pattern: {regex: '(a|b)*c'}}, {tiered: 12/6/3}, {name: zh, repetition_penalty: {language: zh}}]";
    let more: Vec<RewardConfig> = serde_yaml::from_str(more).expect("the shape is right");
    configs.extend(more);
    RewardSet::new(&configs).expect("in range")
}

/// A megabyte of each of these takes no function long; the bound is generous, for tests are not optimised.
#[test]
fn completions_of_a_megabyte_are_judged() {
    let fields = Fields::from([
        ("solution".to_owned(), r"$\frac{1}{2}$".into()),
        ("label".to_owned(), 3_u32.into()),
    ]);
    let tokens = vec![7; 250_000];
    let set = all();
    for unit in ["a", "\\boxed{", "思考一下", "answer: $", "</think>x "] {
        let text = unit.repeat((1 << 20) / unit.len());
        let start = Instant::now();
        let scores = set.score(&[Sample::new(&text, &fields).with_tokens(&tokens)]);
        for named in &scores[0].scores {
            assert_ne!(named.score.verdict, Verdict::Failed, "{unit:?} {named:?}");
            assert!(named.score.reason.len() < 1000, "{unit:?} {}", named.name);
        }
        assert!(start.elapsed() < Duration::from_mins(2), "{unit:?}: {:?}", start.elapsed());
    }
}

#[test]
fn answers_that_blow_up_are_left_undecided() {
    let accuracy = AccuracyConfig::default().init();
    let start = Instant::now();
    for answer in ["9^{9^{9^9}}", "2^{2^{2^{2^{2^2}}}}", "1000000!"] {
        let score = accuracy.judge(&format!("\\boxed{{{answer}}}"), "$7$");
        assert_eq!((score.value, score.verdict), (None, Verdict::Undecided), "{answer}");
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn threads_change_no_score() {
    let set = Arc::new(all());
    let judge = |set: &RewardSet, seed: usize| -> Vec<Option<f64>> {
        (0..200_usize)
            .map(|index| {
                let (a, b) = ((index * 7 + seed) % 23, index % 19);
                let solution = format!("$\\frac{{{a}}}{{{b}}}$");
                let fields = Fields::from([
                    ("solution".to_owned(), solution.as_str().into()),
                    ("label".to_owned(), 3_u32.into()),
                ]);
                let text = format!("<think>{a} over {b}</think> \\boxed{{{}}}", f64::from(3) * 0.5);
                set.score(&[Sample::new(&text, &fields).with_tokens(&[1, 2, 1, 2])])[0].total
            })
            .collect()
    };
    let alone = [judge(&set, 1), judge(&set, 2)];
    let threads = [1, 2].map(|seed| {
        let set = Arc::clone(&set);
        std::thread::spawn(move || judge(&set, seed))
    });
    let together = threads.map(|thread| thread.join().expect("it ends"));
    assert_eq!(alone, together);
}
