//! Tables: what they score, what they refuse, and how they are written.

use forethought_reward::{
    Field, Fields, Numbers, RewardFn, Sample, Tier, TieredConfig, TieredReward, TieredTable,
    Verdict,
};
use proptest::prelude::*;

fn preset(name: &str) -> TieredReward {
    TieredConfig::preset(name).and_then(|config| config.init()).expect("a preset is in range")
}

/// The values at 0, 0.5, 1, 1.5, 2 and 2.5 classes from the label.
#[test]
fn presets_score_as_their_names_say() {
    let expected = [
        ("12/6/3", [12.0, 6.0, 6.0, 3.0, 3.0, 0.0]),
        ("5/4/3/2/1", [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]),
        ("10/8/6/4/2", [10.0, 8.0, 6.0, 4.0, 2.0, 0.0]),
        ("16/12/8/4", [16.0, 12.0, 8.0, 4.0, 4.0, 0.0]),
    ];
    for (name, scores) in expected {
        for (completion, score) in ["10", "10.5", "11", "11.5", "12", "12.5"].iter().zip(scores) {
            assert_eq!(preset(name).judge(completion, 10.0).value, Some(score), "{name}");
        }
    }
}

#[test]
fn a_score_carries_its_verdict_and_reason() {
    let reward = preset("12/6/3");
    let cases = [
        ("about 320", Verdict::Correct, "320 is 0 from 320: within 0"),
        ("322.0", Verdict::Close, "322 is 2 from 320: within 2"),
        ("-320", Verdict::Wrong, "-320 is 640 from 320: beyond every tier"),
        ("none", Verdict::Unparseable, "the completion holds no number"),
    ];
    for (completion, verdict, reason) in cases {
        let score = reward.judge(completion, 320.0);
        assert_eq!((score.verdict, score.reason.as_str()), (verdict, reason));
        assert_eq!(score.answer.is_some(), verdict != Verdict::Unparseable);
    }
}

#[test]
fn no_number_is_not_the_prediction_0() {
    let score = preset("12/6/3").judge("I cannot say.", 0.0);
    assert_eq!((score.value, score.verdict), (Some(0.0), Verdict::Unparseable));
}

#[test]
fn a_row_without_a_readable_label_is_not_judged() {
    let reward = preset("12/6/3");
    let judged = |name: &str, label: Field| {
        let fields = Fields::from([(name.to_owned(), label)]);
        reward.score(&[Sample::new("3", &fields)]).remove(0)
    };
    let score = judged("label", "three".into());
    assert_eq!((score.value, score.verdict), (None, Verdict::LabelUnparseable));
    assert_eq!(score.reason, "label holds no number: \"three\"");
    assert_eq!(judged("class", 3_u32.into()).reason, "label is not among the columns: class");
    assert_eq!(judged("label", f64::NAN.into()).reason, "the label is NaN");
    assert_eq!(judged("label", "class 3".into()).value, judged("label", 3_u32.into()).value);
}

fn error_of(tiers: &[(f64, f64)], otherwise: f64, unparseable: f64) -> String {
    let tiers = tiers.iter().map(|&(within, score)| Tier::new(within, score)).collect();
    let config = TieredConfig {
        tiers,
        otherwise,
        unparseable,
        label: "label".into(),
        numbers: Numbers::First,
    };
    config.init().expect_err("the table is out of range").to_string()
}

#[test]
fn tables_out_of_order_are_refused() {
    assert_eq!(error_of(&[], 0.0, 0.0), "tiers must not be empty");
    assert_eq!(error_of(&[(-1.0, 2.0)], 0.0, 0.0), "tiers[0].within must be 0 or more, got -1");
    assert_eq!(
        error_of(&[(0.0, 2.0), (0.0, 1.0)], 0.0, 0.0),
        "tiers[1].within must be greater than 0, got 0"
    );
    assert_eq!(
        error_of(&[(0.0, 2.0), (1.0, 2.0)], 0.0, 0.0),
        "tiers[1].score must be less than 2, the score before it, got 2"
    );
    assert_eq!(
        error_of(&[(0.0, 2.0)], 2.0, 0.0),
        "otherwise must be less than 2, the score before it, got 2"
    );
    assert_eq!(
        error_of(&[(0.0, 2.0)], 0.0, 1.0),
        "unparseable must not be greater than otherwise, 0, got 1"
    );
    assert_eq!(
        error_of(&[(0.0, 2.0), (f64::INFINITY, 1.0)], 0.0, 0.0),
        "tiers[1].within must be finite, got inf"
    );
    assert_eq!(error_of(&[(0.0, f64::NAN)], 0.0, 0.0), "tiers[0].score must be finite, got NaN");
}

#[test]
fn a_table_is_a_name_or_written_out() {
    let parse = serde_yaml::from_str::<TieredTable>;
    let named = parse("12/6/3").expect("a name");
    let written =
        parse("tiers: [{within: 0, score: 12}, {within: 1, score: 6}, {within: 2, score: 3}]");
    assert_eq!(named.config(), written.expect("a table").config());
}

#[test]
fn misspelt_tables_say_what_is_allowed() {
    let error = |text| serde_yaml::from_str::<TieredTable>(text).expect_err("refused").to_string();
    assert_eq!(
        error("12/6/4"),
        "there is no reward table named `12/6/4`; there are `12/6/3`, `5/4/3/2/1`, `10/8/6/4/2`, `16/12/8/4`"
    );
    let unknown = error("tiers: []\nunparsable: 0");
    assert!(unknown.contains("unknown field `unparsable`"), "{unknown}");
    assert!(unknown.contains("`unparseable`"), "{unknown}");
    let tier = error("tiers: [{within: 0, points: 3}]");
    assert!(
        tier.contains("unknown field `points`, expected one of `within`, `score`, `edge`"),
        "{tier}"
    );
    let number = error("12");
    assert!(number.contains("expected the name of a table (`12/6/3`"), "{number}");
}

proptest! {
    /// Nearer is never worth less.
    #[test]
    fn scores_fall_with_the_distance(label in -50_i32..400, near in 0_u32..40, further in 0_u32..40) {
        for name in ["12/6/3", "5/4/3/2/1", "10/8/6/4/2", "16/12/8/4"] {
            let value = |halves: u32| {
                let number = f64::from(label) + f64::from(halves) / 2.0;
                preset(name).judge(&number.to_string(), f64::from(label)).value
            };
            prop_assert!(value(near + further) <= value(near));
        }
    }

    /// Too high and too low by as much are worth the same.
    #[test]
    fn scores_are_symmetric_around_the_label(label in 0_i32..400, halves in 0_i32..10) {
        let reward = preset("5/4/3/2/1");
        let value = |number: f64| reward.judge(&number.to_string(), f64::from(label)).value;
        let offset = f64::from(halves) / 2.0;
        prop_assert_eq!(value(f64::from(label) + offset), value(f64::from(label) - offset));
    }
}
