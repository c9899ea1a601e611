//! Balanced splits: closed forms on counted classes, and what holds for any rows and settings.

use std::collections::{BTreeMap, BTreeSet};

use forethought_dataset::{
    BalanceConfig, Balanced, ClassFate, DatasetError, Overflow, ShareOf, ValidationConfig, balance,
};
use forethought_schema::LabelledQuestion;
use forethought_seed::Seed;
use proptest::prelude::*;

/// A row whose place in the input is its row number.
fn row(number: usize, question: String, class: u32) -> LabelledQuestion {
    let number = number as u64;
    LabelledQuestion {
        file: format!("{}.jsonl", number % 2),
        row: number,
        question,
        amount: class * 25 + 3,
        class,
    }
}

/// Rows of different questions: so many of each class.
fn rows(counts: &[(u32, usize)]) -> Vec<LabelledQuestion> {
    let classes = counts.iter().flat_map(|(class, count)| std::iter::repeat_n(*class, *count));
    classes.enumerate().map(|(number, class)| row(number, format!("q{number}"), class)).collect()
}

fn config(min_count: usize, max_train: Option<usize>, ratio: f64, of: ShareOf) -> BalanceConfig {
    let validation = ValidationConfig { ratio, of };
    BalanceConfig { min_count, max_train, validation, ..BalanceConfig::default() }
}

fn split(counts: &[(u32, usize)], config: &BalanceConfig) -> Result<Balanced, DatasetError> {
    balance(rows(counts), config, Seed::new(42))
}

/// (class, train, validation) of the classes that are kept.
fn sizes(balanced: &Balanced) -> Vec<(u32, usize, usize)> {
    let kept = balanced.classes.iter().filter(|class| class.fate == ClassFate::Kept);
    kept.map(|class| (class.class, class.train, class.validation)).collect()
}

fn dropped(balanced: &Balanced) -> Vec<(&str, u64)> {
    balanced.ledger.dropped_by_reason().into_iter().collect()
}

#[test]
fn training_takes_the_smallest_count_of_each_class_and_validation_its_share_of_the_rest() {
    let counts = [(0, 10), (3, 100), (7, 40), (9, 60)];
    let balanced = split(&counts, &config(20, None, 0.5, ShareOf::Training)).expect("splits");
    // 3 * 40 rows of training want 60 of validation: class 7 has none left, 9 has 20, and 3 fills up.
    assert_eq!(balanced.wanted_validation, 60);
    assert_eq!(sizes(&balanced), [(3, 40, 40), (7, 40, 0), (9, 40, 20)]);
    assert_eq!(dropped(&balanced), [("beyond_class_share", 20), ("class_too_small", 10)]);
    assert_eq!((balanced.train.len(), balanced.validation.len()), (120, 60));
}

#[test]
fn a_share_of_each_class_is_held_out_before_training_is_drawn() {
    let counts = [(3, 100), (7, 40)];
    let balanced = split(&counts, &config(20, None, 0.25, ShareOf::EachClass)).expect("splits");
    assert_eq!(sizes(&balanced), [(3, 30, 25), (7, 30, 10)]);
    assert_eq!(balanced.wanted_validation, 35);
    assert_eq!(dropped(&balanced), [("beyond_class_share", 45)]);
}

#[test]
fn the_largest_classes_leave_first_when_training_is_too_large() {
    let counts = [(1, 30), (2, 90), (3, 50), (4, 90), (5, 35)];
    let of_training = config(20, Some(100), 0.25, ShareOf::Training);
    let balanced = split(&counts, &of_training).expect("splits");
    // Three times 30 fit in 100. Of the equals 2 and 4, and of all, the fullest leave.
    assert_eq!(sizes(&balanced), [(1, 30, 0), (3, 30, 17), (5, 30, 5)]);
    assert_eq!(dropped(&balanced), [("beyond_class_share", 3), ("class_over_max_train", 180)]);
    let of_each = config(20, Some(100), 0.25, ShareOf::EachClass);
    let balanced = split(&counts, &of_each).expect("splits");
    // After 7 of its 30 are held out class 1 gives 23, so that four classes fit; of the equals, 4 is the longer.
    assert_eq!(sizes(&balanced), [(1, 23, 7), (2, 23, 22), (3, 23, 12), (5, 23, 8)]);
    assert_eq!(balanced.classes[3].fate, ClassFate::OverMaxTrain);
}

#[test]
fn subsampling_keeps_every_class() {
    let counts = [(1, 30), (2, 90), (3, 50)];
    let config = BalanceConfig {
        overflow: Overflow::Subsample,
        ..config(20, Some(50), 0.25, ShareOf::Training)
    };
    let balanced = split(&counts, &config).expect("splits");
    assert_eq!(sizes(&balanced), [(1, 16, 4), (2, 16, 4), (3, 16, 4)]);
}

#[test]
fn classes_outside_the_counts_are_left_out() {
    let counts = [(1, 19), (2, 20), (3, 40), (4, 41)];
    let config = BalanceConfig { max_count: Some(40), ..config(20, None, 0.25, ShareOf::Training) };
    let balanced = split(&counts, &config).expect("splits");
    let fates: Vec<ClassFate> = balanced.classes.iter().map(|class| class.fate).collect();
    let expected = [ClassFate::TooSmall, ClassFate::Kept, ClassFate::Kept, ClassFate::TooLarge];
    assert_eq!(fates, expected);
    assert_eq!(
        dropped(&balanced),
        [("beyond_class_share", 10), ("class_too_large", 41), ("class_too_small", 19)]
    );
}

#[test]
fn the_three_published_settings_can_be_said() {
    let parse = |yaml: &str| serde_yaml::from_str::<BalanceConfig>(yaml).expect("it is valid");
    let first = parse("{min_count: 312, max_train: 9000, validation: {ratio: 0.25, of: training}}");
    let second = parse(
        "{min_count: 1100, max_count: 2000, max_train: 19000, overflow: subsample, validation: {ratio: 0.25}}",
    );
    let third =
        parse("{min_count: 900, max_train: 20000, validation: {ratio: 0.2, of: each_class}}");

    let counts: Vec<(u32, usize)> =
        (0..40).map(|class| (class, 300 + 20 * class as usize)).collect();
    let balanced = split(&counts, &first).expect("splits");
    // Class 1 (320) is the smallest of 39; 28 * 320 = 8960 fit.
    assert_eq!((balanced.train.len(), balanced.validation.len()), (28 * 320, 2240));
    let counts: Vec<(u32, usize)> =
        (0..20).map(|class| (class, 1000 + 50 * class as usize)).collect();
    let balanced = split(&counts, &second).expect("splits");
    // 18 classes of 1100 or more: 19000 / 18 = 1055 of each.
    assert_eq!((balanced.train.len(), balanced.validation.len()), (18 * 1055, 4747));
    let balanced = split(&[(0, 899), (1, 900), (2, 1500)], &third).expect("splits");
    assert_eq!(sizes(&balanced), [(1, 720, 180), (2, 720, 300)]);
}

#[test]
fn all_rows_of_a_question_go_to_one_side_and_the_ledger_says_so() {
    // Two questions in two spellings, each answered by several models with different lengths.
    let labelled = vec![
        row(0, "How many?".into(), 1),
        row(1, " How\n many? ".into(), 1),
        row(2, "How many?".into(), 2),
        row(3, "Why?".into(), 1),
        row(4, "Why?".into(), 2),
    ];
    let config = config(1, None, 0.5, ShareOf::EachClass);
    let balanced = balance(labelled, &config, Seed::new(1)).expect("splits");
    let words = |rows: &[LabelledQuestion]| -> BTreeSet<String> {
        rows.iter()
            .filter_map(|row| row.question.split_whitespace().next().map(Into::into))
            .collect()
    };
    assert!(words(&balanced.train).is_disjoint(&words(&balanced.validation)));
    assert_eq!(words(&balanced.train).len() + words(&balanced.validation).len(), 2);
}

#[test]
fn another_seed_draws_other_questions() {
    let config = config(1, None, 0.25, ShareOf::EachClass);
    let draw = |seed| balance(rows(&[(0, 50), (1, 50)]), &config, Seed::new(seed)).expect("splits");
    assert_ne!(draw(1).validation, draw(2).validation);
    assert_eq!(draw(1), draw(1));
}

#[test]
fn settings_that_leave_nothing_say_why() {
    let error = |counts: &[(u32, usize)], config: &BalanceConfig| {
        split(counts, config).expect_err("a split is empty").to_string()
    };
    let plain = config(20, None, 0.25, ShareOf::Training);
    let text = error(&[(4, 7), (5, 9)], &plain);
    assert!(
        text.starts_with(
            "nothing is left for training: none of 2 classes has min_count = 20 examples; \
             the largest, class 5, has 9\nbalance: 16 rows read = 0 kept + 16 dropped\n"
        ),
        "{text}"
    );
    assert!(error(&[], &plain).contains("training: there is no example"));
    let text = error(&[(4, 30), (5, 30)], &plain);
    assert!(
        text.starts_with(
            "nothing is left for validation: training takes as many of each class as the smallest has, and no class has \
             more; set max_train below that with overflow: subsample, or hold out questions before training is drawn with \
             validation.of: each_class\n"
        ),
        "{text}"
    );
    assert!(text.contains("60 rows read = 60 kept + 0 dropped"), "{text}");
    let limited = config(20, Some(40), 0.25, ShareOf::Training);
    let text = error(&[(4, 30), (5, 31)], &limited);
    assert!(
        text.starts_with(
            "nothing is left for validation: training takes every example of the smaller classes, and 1 larger ones are \
             left out for max_train = 40; set overflow: subsample"
        ),
        "{text}"
    );
    let mended = BalanceConfig { overflow: Overflow::Subsample, ..limited };
    assert_eq!(split(&[(4, 30), (5, 31)], &mended).expect("both splits").validation.len(), 10);
    let text = error(&[(4, 30), (5, 40)], &config(20, None, 0.001, ShareOf::Training));
    assert!(
        text.contains("a share of 0.001 rounds to no example; raise validation.ratio"),
        "{text}"
    );
    let text = error(&[(4, 30)], &config(20, Some(29), 0.25, ShareOf::Training));
    assert!(text.contains("max_train = 29 has no room for 30 examples of one class"), "{text}");
    assert!(text.contains("30 rows read = 0 kept + 30 dropped"), "{text}");
}

/// Rows of few questions in two spellings, so that questions repeat within and across classes.
fn any_rows() -> impl Strategy<Value = Vec<LabelledQuestion>> {
    let one = (0..30_u8, any::<bool>(), 0..5_u32);
    prop::collection::vec(one, 0..120).prop_map(|rows| {
        let spelling = |question, wide| {
            if wide { format!("  q  {question}") } else { format!("q {question}") }
        };
        rows.into_iter()
            .enumerate()
            .map(|(number, (question, wide, class))| row(number, spelling(question, wide), class))
            .collect()
    })
}

fn any_config() -> impl Strategy<Value = BalanceConfig> {
    let overflow = prop_oneof![Just(Overflow::DropLargestClasses), Just(Overflow::Subsample)];
    let of = prop_oneof![Just(ShareOf::Training), Just(ShareOf::EachClass)];
    let max_count = prop::option::of(10..40_usize);
    let max_train = prop::option::of(1..60_usize);
    (1..10_usize, max_count, max_train, overflow, 0.05..0.95_f64, of).prop_map(
        |(min_count, max_count, max_train, overflow, ratio, of)| BalanceConfig {
            min_count,
            max_count,
            max_train,
            overflow,
            validation: ValidationConfig { ratio, of },
        },
    )
}

fn normal(rows: &[LabelledQuestion]) -> BTreeSet<String> {
    rows.iter().map(|row| row.question.split_whitespace().collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn splits_share_no_question_and_account_for_every_row(
        rows in any_rows(),
        config in any_config(),
        seed in any::<u64>(),
    ) {
        let total = rows.len();
        let balanced = match balance(rows, &config, Seed::new(seed)) {
            Ok(balanced) => balanced,
            Err(error) => {
                prop_assert!(matches!(error, DatasetError::EmptySplit { .. }), "{error}");
                return Ok(());
            }
        };
        prop_assert!(normal(&balanced.train).is_disjoint(&normal(&balanced.validation)));

        let mut train = BTreeMap::new();
        balanced.train.iter().for_each(|row| *train.entry(row.class).or_insert(0) += 1);
        prop_assert_eq!(train.values().collect::<BTreeSet<_>>().len(), 1, "{:?}", train);
        prop_assert!(config.max_train.is_none_or(|limit| balanced.train.len() <= limit));
        prop_assert!(balanced.validation.len() <= balanced.wanted_validation);

        prop_assert!(balanced.ledger.check().is_ok());
        prop_assert_eq!(balanced.ledger.read(), total as u64);
        let lists = balanced.ledger.entries.iter().flat_map(|entry| entry.dropped.values());
        prop_assert!(lists.into_iter().all(|list| list.rows.is_sorted()));
        let kept = balanced.train.len() + balanced.validation.len();
        prop_assert_eq!(balanced.ledger.kept(), kept as u64);
        for class in &balanced.classes {
            prop_assert_eq!(class.fate == ClassFate::Kept, class.train > 0);
            prop_assert!(class.train + class.validation <= class.count);
            if class.fate == ClassFate::Kept {
                prop_assert!(class.count >= config.min_count);
                prop_assert!(config.max_count.is_none_or(|limit| class.count <= limit));
            }
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(
        (rows, shuffled) in any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        config in any_config(),
        seed in any::<u64>(),
    ) {
        let run = |rows| balance(rows, &config, Seed::new(seed)).map_err(|error| error.to_string());
        prop_assert_eq!(run(rows), run(shuffled));
    }
}
