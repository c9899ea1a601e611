//! Baselines on data small enough to work out by hand.

use forethought_evaluate::{
    BaselineError, Combine, Labelled, LengthRegression, Neighbours, NeighboursConfig, Outcome,
    baselines, most_frequent,
};

use crate::assert_close;

fn labelled<'a>(rows: &[(&'a str, u32)]) -> Vec<Labelled<'a>> {
    rows.iter().map(|&(question, class)| Labelled { question, class }).collect()
}

fn nearest(k: usize) -> NeighboursConfig {
    NeighboursConfig { k, ..NeighboursConfig::default() }
}

#[test]
fn the_most_frequent_class_is_the_smallest_of_equals() {
    let train = labelled(&[("a", 7), ("b", 5), ("c", 9), ("d", 7), ("e", 5)]);
    assert_eq!(most_frequent(&train), Some(5));
    assert_eq!(most_frequent(&[]), None);
}

/* Python: x = [1, 2, 4, 9]; y = [2, 3, 3, 8]; slope = sum((a-4)*(b-4))/sum((a-4)**2) = 28/38 */
#[test]
fn the_line_is_that_of_least_squares() {
    let train = labelled(&[("a", 2), ("bb", 3), ("cccc", 3), ("ddddddddd", 8)]);
    let line = LengthRegression::fit(&train).expect("four rows");
    assert_close(line.slope, 28.0 / 38.0);
    assert_close(line.intercept, 4.0 - 4.0 * 28.0 / 38.0);
    assert_eq!(line.predict("four"), 4);
    assert_eq!(line.predict("一二三四"), 4, "a Chinese character counts once");
    assert_eq!(line.predict(&"x".repeat(100)), 75, "the line goes on beyond the largest class");
}

#[test]
fn the_line_stops_at_class_0() {
    let train = labelled(&[("aaaa", 9), ("aaaaaaaa", 1)]);
    assert_eq!(LengthRegression::fit(&train).expect("two rows").predict(&"a".repeat(20)), 0);
}

#[test]
fn questions_of_one_length_are_given_the_mean_class() {
    let line = LengthRegression::fit(&labelled(&[("ab", 1), ("cd", 6)])).expect("two rows");
    assert_eq!((line.slope, line.predict("a much longer question")), (0.0, 4));
}

/* Python:
from collections import Counter; from math import log, sqrt
train = ["abcd", "abce", "xyz"]; grams = lambda t: Counter(t[i:i+3] for i in range(len(t) - 2))
df = Counter(g for t in train for g in grams(t)); idf = lambda g: log(4 / (1 + df[g])) + 1
def vec(t):
    w = {g: c * idf(g) for g, c in grams(t).items() if g in df}; n = sqrt(sum(x*x for x in w.values()))
    return {g: x / n for g, x in w.items()}
cos = lambda a, b: sum(x * b.get(g, 0) for g, x in a.items())
[cos(vec("abcd"), vec(t)) for t in train]  # 1, 0.366446816266513, 0
*/
#[test]
fn neighbours_are_sorted_by_the_cosine_of_their_weighted_trigrams() {
    let train = labelled(&[("xyz", 9), ("abce", 2), ("abcd", 1)]);
    let neighbours = Neighbours::fit(&train, &nearest(3)).expect("three rows");
    let found = neighbours.neighbours("ABCD");
    let rows: Vec<usize> = found.iter().map(|&(row, _)| row).collect();
    assert_eq!(rows, [2, 1], "a row that shares nothing is no neighbour; case does not matter");
    assert!((found[0].1 - 1.0).abs() < 1e-6, "{found:?}");
    assert!((found[1].1 - 0.366_446_82).abs() < 1e-6, "{found:?}");
}

#[test]
fn a_question_unlike_all_others_gets_the_most_frequent_class() {
    let train = labelled(&[("abcd", 4), ("abce", 4), ("xyz", 9)]);
    let neighbours = Neighbours::fit(&train, &nearest(1)).expect("three rows");
    assert_eq!(neighbours.predict("xyz"), 9);
    assert_eq!(neighbours.predict("12345"), 4);
    assert_eq!(neighbours.predict(""), 4);
}

/// Questions as like to one another as can be: each differs from each in its last character.
fn alike(classes: &[u32]) -> Vec<(String, u32)> {
    let question = |(i, &class): (usize, &u32)| (format!("abcdef{i}"), class);
    classes.iter().enumerate().map(question).collect()
}

fn combine(rows: &[(String, u32)], k: usize) -> Combine {
    let rows: Vec<(&str, u32)> = rows.iter().map(|(text, class)| (text.as_str(), *class)).collect();
    Neighbours::fit(&labelled(&rows), &nearest(k)).expect("rows").combine()
}

#[test]
fn the_rule_is_the_one_that_is_right_more_often_on_training_questions_left_out() {
    // Leaving out a 7 leaves 1, 5, 7, 7: the vote is 7, the lower median 5.
    assert_eq!(combine(&alike(&[1, 5, 7, 7, 7]), 4), Combine::Vote);
    // Leaving out the 3 leaves 1, 4, 9: the vote falls to 1, the median is 4. Leaving out the 4, it is 3.
    assert_eq!(combine(&alike(&[1, 3, 4, 9]), 3), Combine::Median);
}

#[test]
fn a_question_asked_twice_does_not_give_its_own_answer_away() {
    // Were its copies allowed, both rules would be right always, and the vote would win the tie.
    let copies: Vec<(String, u32)> = (0..5).flat_map(|_| alike(&[1, 3, 4, 9])).collect();
    assert_eq!(combine(&copies, 15), Combine::Median);
}

#[test]
fn of_equals_the_earlier_question_and_the_smaller_class_win() {
    let same = labelled(&[("abcd", 6), ("abcd", 2)]);
    assert_eq!(Neighbours::fit(&same, &nearest(1)).expect("two rows").predict("abcd"), 6);
    let rows = labelled(&[("abcdef0", 7), ("abcdef1", 2)]);
    let neighbours = Neighbours::fit(&rows, &nearest(2)).expect("two rows");
    assert_eq!(neighbours.combine(), Combine::Vote, "of equal rules the vote");
    assert_eq!(neighbours.predict("abcdef"), 2);
}

#[test]
fn the_median_is_the_lower_one_weighted_by_similarity() {
    let rows = alike(&[1, 3, 4, 9]);
    let rows: Vec<(&str, u32)> = rows.iter().map(|(text, class)| (text.as_str(), *class)).collect();
    let neighbours = Neighbours::fit(&labelled(&rows), &nearest(4)).expect("four rows");
    assert_eq!(neighbours.predict("abcdef"), 3);
}

#[test]
fn three_baselines_answer_every_question_and_say_how_far_they_are() {
    let train = labelled(&[("abc", 2), ("abcdef", 5), ("abcdefghi", 8), ("xyzxyzxyz", 8)]);
    let mut progress = Vec::new();
    let found = baselines(&train, &["abc", "xyzx"], &nearest(1), |done| progress.push(done));
    let found = found.expect("four rows");
    assert_eq!(progress, [1, 2]);
    let names: Vec<&str> = found.iter().map(|baseline| baseline.name).collect();
    assert_eq!(names, ["most frequent class", "linear regression on length", "nearest neighbours"]);
    assert_eq!(found[0].predicted, [8, 8]);
    assert_eq!(found[1].predicted, [2, 3], "the class is the length less one");
    assert_eq!(found[2].predicted, [2, 8]);
    let outcome = |class, predicted: f64| Outcome { class, amount: 80, predicted: Some(predicted) };
    let expected = [outcome(3, 2.0), outcome(3, 8.0)];
    assert_eq!(found[2].outcomes(&[(3, 80), (3, 80)]), expected);
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let train = labelled(&[("abc", 1)]);
    let fit = |rows: &[Labelled<'_>], config| {
        baselines(rows, &[], &config, |_| {}).expect_err("out of range").to_string()
    };
    let config = NeighboursConfig::default();
    assert_eq!(fit(&[], config), "the training split is empty, so no baseline can be fitted");
    assert_eq!(fit(&train, nearest(0)), "k must be at least 1, got 0");
    let ngrams = NeighboursConfig { shortest: 2, longest: 4, ..config };
    let error = BaselineError::Ngrams { shortest: 2, longest: 4 };
    assert_eq!(fit(&train, ngrams), error.to_string());
    assert_eq!(
        error.to_string(),
        "n-gram lengths must satisfy 1 <= shortest <= longest <= 3, got 2 and 4"
    );
}
