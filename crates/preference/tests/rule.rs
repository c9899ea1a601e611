//! What wrong classes a rule makes, and how often.

use std::collections::BTreeMap;

use forethought_preference::{
    LowerRule, PairingRule, PairingRuleError, SymmetricRule, class_pairs,
};
use forethought_schema::Prompt;
use forethought_seed::Seed;
use proptest::prelude::*;

fn draws(rule: &PairingRule, true_class: u32, count: u64) -> BTreeMap<u32, usize> {
    let mut draws = BTreeMap::new();
    for index in 0..count {
        let wrong = rule.rejected(true_class, Seed::new(7), &[index, 0]).expect("a wrong class");
        *draws.entry(wrong).or_default() += 1;
    }
    draws
}

#[test]
fn the_lower_rule_draws_each_distance_from_3_to_10_about_equally_often() {
    let draws = draws(&PairingRule::Lower(LowerRule::default()), 40, 4_000);
    assert_eq!(draws.keys().copied().collect::<Vec<_>>(), (30..=37).collect::<Vec<_>>());
    // 500 each, with a standard deviation of 21.
    assert!(draws.values().all(|count| (400..600).contains(count)), "{draws:?}");
}

#[test]
fn where_the_lower_rule_would_go_below_0_it_goes_1_lower() {
    let draws = draws(&PairingRule::Lower(LowerRule::default()), 4, 400);
    assert_eq!(draws.keys().copied().collect::<Vec<_>>(), [0, 1, 3]);
    assert!(draws[&3] > 250, "six of eight distances are above 4: {draws:?}");
}

#[test]
fn the_class_0_has_no_lower_one_and_is_named() {
    let lower = PairingRule::Lower(LowerRule::default());
    let made = class_pairs(&[("a", 0), ("b", 1)], &lower, 2, Seed::new(7));
    assert_eq!(made.skipped, [0]);
    assert_eq!(made.pairs.len(), 2);
    assert!(made.pairs.iter().all(|pair| pair.prompt == Prompt::Text("b".to_owned())));
    assert!(
        made.pairs.iter().all(|pair| (pair.chosen.as_str(), pair.rejected.as_str()) == ("1", "0"))
    );
}

#[test]
fn the_symmetric_rule_goes_both_ways_equally_often_and_so_teaches_no_direction() {
    let draws = draws(&PairingRule::default(), 40, 4_000);
    assert_eq!(
        draws.keys().copied().collect::<Vec<_>>(),
        (30..=37).chain(43..=50).collect::<Vec<_>>()
    );
    let num_lower: usize = draws.range(..40).map(|(_, count)| count).sum();
    assert!((1_850..2_150).contains(&num_lower), "{num_lower} of 4000 are lower");
}

#[test]
fn at_an_end_of_the_range_the_symmetric_rule_takes_the_other_side() {
    let rule = SymmetricRule { max_class: Some(20), ..SymmetricRule::default() };
    let rule = PairingRule::Symmetric(rule);
    assert!(draws(&rule, 0, 200).keys().all(|wrong| (3..=10).contains(wrong)));
    assert!(draws(&rule, 20, 200).keys().all(|wrong| (10..=17).contains(wrong)));
}

#[test]
fn in_a_range_narrower_than_the_distances_the_neighbour_is_rejected() {
    let rule = |max_class| {
        PairingRule::Symmetric(SymmetricRule { max_class: Some(max_class), ..Default::default() })
    };
    let rejected = |max_class, class| rule(max_class).rejected(class, Seed::new(1), &[0]);
    assert_eq!((rejected(2, 1), rejected(2, 0)), (Some(0), Some(1)));
    assert_eq!(rejected(0, 0), None, "a single class has no wrong one");
}

#[test]
fn the_same_seed_and_place_draw_the_same_and_another_seed_draws_others() {
    let examples: Vec<(&str, u32)> = vec![("q", 50); 20];
    let of = |seed| class_pairs(&examples, &PairingRule::default(), 3, Seed::new(seed));
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    let shorter = class_pairs(&examples[..5], &PairingRule::default(), 3, Seed::new(1));
    assert_eq!(of(1).pairs[..15], shorter.pairs, "later prompts change nothing before them");
}

#[test]
fn distances_out_of_range_are_refused_by_name() {
    let lower = |min_distance, max_distance| {
        PairingRule::Lower(LowerRule { min_distance, max_distance }).check()
    };
    assert_eq!(lower(0, 3), Err(PairingRuleError::MinDistance));
    let message = lower(4, 3).expect_err("nothing to draw").to_string();
    assert_eq!(message, "max_distance must be at least min_distance = 4, got 3");
    assert_eq!(lower(3, 3), Ok(()));
}

#[test]
fn a_rule_is_written_with_its_distances_and_without_unknown_ones() {
    let parse = serde_json::from_str::<PairingRule>;
    let rule = parse(r#"{"lower": {"max_distance": 5}}"#).expect("a rule");
    assert_eq!(rule, PairingRule::Lower(LowerRule { min_distance: 3, max_distance: 5 }));
    let message = parse(r#"{"symmetric": {"distance": 5}}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `distance`"), "{message}");
}

proptest! {
    #[test]
    fn a_wrong_class_is_wrong_in_range_and_lower_where_it_must_be(
        class in 0u32..100,
        min_distance in 1u32..8,
        more in 0u32..8,
        max_class in 100u32..130,
        counter in any::<u64>(),
    ) {
        let max_distance = min_distance + more;
        let lower = PairingRule::Lower(LowerRule { min_distance, max_distance });
        match lower.rejected(class, Seed::new(3), &[counter]) {
            None => prop_assert_eq!(class, 0),
            Some(wrong) => {
                let distance = class - wrong;
                prop_assert!(distance == 1 || (min_distance..=max_distance).contains(&distance));
            }
        }
        let rule = SymmetricRule { min_distance, max_distance, max_class: Some(max_class) };
        let wrong = PairingRule::Symmetric(rule).rejected(class, Seed::new(3), &[counter]);
        let wrong = wrong.expect("a range of 100 classes has room");
        prop_assert!(wrong <= max_class && (min_distance..=max_distance).contains(&wrong.abs_diff(class)));
    }
}
