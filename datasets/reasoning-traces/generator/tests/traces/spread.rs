//! How the problems spread over families, languages and classes.

use std::collections::{BTreeMap, BTreeSet};

use forethought_reasoning_traces::{
    CLASS_WIDTH, CLASSES, Family, Language, NUM_PROBLEMS, Problem, estimate_tokens,
};
use forethought_tokenize::{BpeConfig, train_bpe};

use crate::PROBLEMS;

#[test]
fn no_question_is_asked_twice() {
    let words = |question: &str| question.split_whitespace().collect::<Vec<_>>().join(" ");
    let questions: BTreeSet<String> =
        PROBLEMS.iter().map(|problem| words(&problem.question)).collect();
    assert_eq!(questions.len(), NUM_PROBLEMS);
}

#[test]
fn every_family_has_problems_of_most_classes_in_both_languages() {
    assert!(Family::ALL.len() >= 12);
    for &family in Family::ALL {
        let mine = || PROBLEMS.iter().filter(|problem| problem.family == family);
        let classes: BTreeSet<usize> = mine().map(Problem::estimated_class).collect();
        assert!(classes.len() >= 18, "{} has {} classes", family.name(), classes.len());
        let chinese = mine().filter(|problem| problem.language == Language::Chinese).count();
        let share = chinese as f64 / mine().count() as f64;
        assert!((0.2..0.4).contains(&share), "{}: {share} Chinese", family.name());
    }
}

#[test]
fn every_class_is_made_of_many_families() {
    for class in CLASSES {
        let mut families = BTreeMap::<Family, usize>::new();
        let mine = PROBLEMS.iter().filter(|problem| problem.estimated_class() == class);
        mine.for_each(|problem| *families.entry(problem.family).or_default() += 1);
        let total: usize = families.values().sum();
        let largest = families.values().max().copied().unwrap_or(0);
        assert!(total >= 600, "class {class} has {total} problems");
        assert!(families.len() >= 14, "class {class} has {} families", families.len());
        assert!(largest * 8 < total, "a family has {largest} of {total} in class {class}");
    }
}

#[test]
fn the_estimate_agrees_with_a_tokenizer_trained_on_the_data() {
    let sample: Vec<_> = PROBLEMS.iter().step_by(8).collect();
    let texts = sample.iter().flat_map(|problem| [problem.question.clone(), problem.completion()]);
    let encoder = train_bpe(&texts.collect::<Vec<_>>(), &BpeConfig::new(2048)).unwrap();
    let mut num_apart = 0;
    let mut classes = BTreeMap::<usize, usize>::new();
    for problem in &sample {
        let thinking = &problem.solution.thinking;
        let tokens = encoder.count(thinking).unwrap();
        num_apart += usize::from(tokens.abs_diff(estimate_tokens(thinking)) > CLASS_WIDTH);
        *classes.entry(tokens / CLASS_WIDTH).or_default() += 1;
    }
    assert!(num_apart * 50 < sample.len(), "{num_apart} of {} are a class apart", sample.len());
    let filled = classes.values().filter(|&&count| count * 8 >= 400).count();
    assert!(filled >= 20, "{filled} classes have about 400 problems or more: {classes:?}");
}

#[test]
fn a_question_is_neither_a_word_nor_a_page() {
    for problem in PROBLEMS.iter() {
        let tokens = estimate_tokens(&problem.question);
        assert!((15..=76).contains(&tokens), "{tokens} tokens: {}", problem.question);
    }
}
