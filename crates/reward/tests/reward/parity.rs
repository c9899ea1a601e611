//! The tables against the rewards of the published workflow: equal but for its named faults, and both sides of those.

use std::collections::BTreeMap;

use forethought_reward::{
    Edge, Field, Fields, Numbers, RewardFn, Sample, TieredConfig, first_number,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    completions: Vec<String>,
    labels: Vec<Field>,
    rewards: BTreeMap<String, Vec<Vec<f64>>>,
}

/// Why the source gives another reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// A completion without a number is read as 0.
    NoNumberIsZero,
    /// `\d+` finds neither sign nor fraction, unless the completion is nothing but a number.
    DigitsOnly,
    /// The first two tiers of `16/12/8/4` are tested with `<`.
    StrictTiers,
    /// `-?\b\d+\b` finds no fraction, and no digit right after or before a letter of any script.
    WordBoundary,
    /// A label that is a number is refused, and one with text around it is not found.
    NumericLabel,
}

const FUNCTIONS: [(&str, &str); 7] = [
    ("GRPO.experiment1", "12/6/3"),
    ("GRPO.experiment2", "10/8/6/4/2"),
    ("GRPO.experiment3", "5/4/3/2/1"),
    ("RLOO_unsloth.experiment1", "12/6/3"),
    ("RLOO_unsloth.experiment2", "16/12/8/4"),
    ("RLOO_unsloth.experiment3", "5/4/3/2/1"),
    ("GRPO_unsloth", "12/6/3"),
];

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/numeric.json")).expect("the golden file is JSON")
}

fn ours(table: &str, completion: &str, label: &Field) -> f64 {
    let reward = TieredConfig::preset(table).and_then(|config| config.init()).expect("a preset");
    let fields = Fields::from([("label".to_owned(), label.clone())]);
    let score = reward.score(&[Sample::new(completion, &fields)]).remove(0);
    score.value.expect("every label is a number")
}

fn fault(function: &str, completion: &str, label: &Field) -> Option<Fault> {
    let has_sign_or_fraction = ["--5", "1.5.2", "a-1b", "答案：-5", "约 12.5 左右"];
    let beside_letters =
        ["0x10", "320tokens", "a-1b", "token320", "估计的令牌数量范围在320", "第3步到第5步"];
    let has_fraction = [".5", "1.5.2", "320.5", "约 12.5 左右"];
    let is_text_number = |text: &str| *label == Field::from(text);
    match function {
        "GRPO_unsloth" if matches!(label, Field::Number(_)) || is_text_number("范围320") => {
            Some(Fault::NumericLabel)
        }
        "GRPO_unsloth" if beside_letters.contains(&completion) => Some(Fault::WordBoundary),
        "GRPO_unsloth" if has_fraction.contains(&completion) || is_text_number("12.5") => {
            Some(Fault::WordBoundary)
        }
        "GRPO_unsloth" => None,
        _ if first_number(completion).is_none() => Some(Fault::NoNumberIsZero),
        _ if function.starts_with("GRPO") => None,
        _ if has_sign_or_fraction.contains(&completion) => Some(Fault::DigitsOnly),
        "RLOO_unsloth.experiment2" => Some(Fault::StrictTiers),
        _ => None,
    }
}

#[test]
fn rewards_are_those_of_the_source_but_for_its_faults() {
    let golden = golden();
    let (mut equal, mut different) = (0, BTreeMap::<Fault, usize>::new());
    for (function, table) in FUNCTIONS {
        for (label, row) in golden.labels.iter().zip(&golden.rewards[function]) {
            for (completion, expected) in golden.completions.iter().zip(row) {
                let value = ours(table, completion, label);
                let fault = fault(function, completion, label);
                if value.total_cmp(expected).is_eq() {
                    equal += 1;
                    continue;
                }
                let case = format!("{function}, {completion:?}, {label:?}: {value} {expected}");
                *different.entry(fault.expect(&case)).or_default() += 1;
            }
        }
    }
    assert_eq!(equal + different.values().sum::<usize>(), 7 * 8 * 40);
    let expected = BTreeMap::from([
        (Fault::NoNumberIsZero, 36),
        (Fault::DigitsOnly, 19),
        (Fault::StrictTiers, 34),
        (Fault::WordBoundary, 16),
        (Fault::NumericLabel, 24),
    ]);
    assert_eq!(different, expected);
}

/// With the source's rules for numbers, and the two tiers that it tests with `<`, nothing differs.
#[test]
fn under_the_rules_of_the_source_every_reward_is_its_own() {
    let golden = golden();
    let mut count = 0;
    for (function, table) in FUNCTIONS {
        let numbers = match function.split('.').next() {
            Some("GRPO") => Numbers::SourceGrpo,
            Some("RLOO_unsloth") => Numbers::SourceRloo,
            _ => Numbers::SourceUnsloth,
        };
        let mut config = TieredConfig { numbers, ..TieredConfig::preset(table).expect("a preset") };
        if table == "16/12/8/4" {
            config.tiers.iter_mut().take(2).for_each(|tier| tier.edge = Edge::Excluded);
        }
        let reward = config.init().expect("in range");
        for (label, row) in golden.labels.iter().zip(&golden.rewards[function]) {
            let fields = Fields::from([("label".to_owned(), label.clone())]);
            for (completion, expected) in golden.completions.iter().zip(row) {
                let score = reward.score(&[Sample::new(completion, &fields)]).remove(0);
                assert_eq!(score.value, Some(*expected), "{function} {completion:?} {label:?}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 2_240);
}

/// One row of each fault, as the source rewards it and as we do.
#[test]
fn both_sides_of_each_fault() {
    let golden = golden();
    let label_of = |text: &str| Field::from(text);
    let rows = [
        ("GRPO.experiment1", "no number", label_of("0"), 12.0, 0.0),
        ("RLOO_unsloth.experiment3", "约 12.5 左右", label_of("12.5"), 4.0, 5.0),
        ("RLOO_unsloth.experiment2", "320", label_of("320"), 12.0, 16.0),
        ("GRPO_unsloth", "估计的令牌数量范围在320", label_of("320"), 0.0, 12.0),
        ("GRPO_unsloth", "320", Field::Number(320.0), 0.0, 12.0),
    ];
    for (function, completion, label, source, expected) in rows {
        let table = FUNCTIONS.iter().find(|(name, _)| *name == function).expect("listed").1;
        let row = golden.labels.iter().position(|other| *other == label).expect("listed");
        let column = golden.completions.iter().position(|other| other == completion);
        let golden = golden.rewards[function][row][column.expect("listed")];
        assert_eq!((golden, ours(table, completion, &label)), (source, expected), "{function}");
    }
}
