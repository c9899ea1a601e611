//! What the answer given most often is worth.

use std::collections::BTreeMap;

/// The chance that the answer given most often is right, where a tie is broken by chance.
///
/// `votes` holds, of each sample, the number of its answer, equal answers having one number, or `None` where it has no
/// answer and so no vote; `is_right` says which samples are right. Without a vote the chance is 0. An answer is right if
/// the first sample that gives it is.
///
/// # Panics
///
/// If the two differ in length.
#[must_use]
pub fn majority(votes: &[Option<usize>], is_right: &[bool]) -> f64 {
    assert_eq!(votes.len(), is_right.len(), "one verdict for each vote");
    let mut answers: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
    for (vote, right) in votes.iter().zip(is_right) {
        if let Some(vote) = vote {
            answers.entry(*vote).or_insert((0, *right)).0 += 1;
        }
    }
    let Some(most) = answers.values().map(|(count, _)| *count).max() else { return 0.0 };
    let tied: Vec<bool> =
        answers.values().filter(|(count, _)| *count == most).map(|(_, right)| *right).collect();
    tied.iter().filter(|right| **right).count() as f64 / tied.len() as f64
}
