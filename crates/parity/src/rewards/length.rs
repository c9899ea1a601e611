//! Rewards by length of completions some of which may be missing.
//!
//! A file may hold a part of the completions that were compared with each other. The rewards of right answers then tell how
//! long the shortest and the longest of all were, for they fall along a line; the rest is compared as always.

use forethought_reward::{Among, LengthConfig, RewardFn, Sample, Score, Verdict};

use super::Judged;

/// The column of all completions compared with each other.
pub(super) const ALL: &str = "len_all_as_one_group";
/// The columns of completions compared in groups, and their size.
pub(super) const GROUPS: &str = "len_groups_of_";

fn call() -> impl RewardFn {
    LengthConfig { among: Among::Call, ..LengthConfig::default() }.init()
}

/// The shortest and the longest of the completions that were compared, where the file does not hold them.
pub(super) fn others(judged: &[Judged]) -> Vec<String> {
    let scores = super::scores(&call(), judged, judged.len());
    let is_right =
        |score: &Score| matches!(score.verdict, Verdict::Correct | Verdict::LabelUnparseable);
    let length = |one: &Judged| one.completion.chars().count();
    let points = judged.iter().zip(&scores).filter(|(_, score)| is_right(score));
    let points = points.filter_map(|(one, _)| Some((length(one), one.rewards.get(ALL)?.as_f64()?)));
    let points: Vec<(usize, f64)> = points.collect();
    let first = points.iter().min_by_key(|(length, _)| *length);
    let last = points.iter().max_by_key(|(length, _)| *length);
    let bounds = first.zip(last).and_then(|(first, last)| solved(*first, *last));
    let lengths: Vec<usize> = judged.iter().map(length).collect();
    let missing = |bound: &usize| !lengths.contains(bound);
    // Bounds within those of the file would mean that rewards are not what they should be.
    let holds_all =
        |bounds: &[usize; 2]| lengths.iter().all(|length| (bounds[0]..=bounds[1]).contains(length));
    let bounds = bounds.filter(holds_all).into_iter().flatten().filter(missing);
    bounds.map(|length| "-".repeat(length)).collect()
}

/// The shortest and the longest length, of two lengths with their rewards.
fn solved(first: (usize, f64), last: (usize, f64)) -> Option<[usize; 2]> {
    let (near, far) = (first.0 as f64, last.0 as f64);
    // reward = 0.5 − (length − shortest) / span
    let span = (far - near) / (first.1 - last.1);
    let shortest = near - (0.5 - first.1) * span;
    let whole = |number: f64| {
        let rounded = number.round();
        let is_whole = (number - rounded).abs() < 1e-6 && (0.0..1e9).contains(&rounded);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        is_whole.then_some(rounded as usize)
    };
    Some([whole(shortest)?, whole(shortest + span)?])
}

/// The scores of the completions among others, which give no right answer.
pub(super) fn scores_among(judged: &[Judged], others: &[String]) -> Vec<Score> {
    let fields: Vec<_> = judged.iter().map(Judged::fields).collect();
    let Some(any) = fields.first() else { return Vec::new() };
    let own = judged.iter().zip(&fields).map(|(one, fields)| Sample::new(&one.completion, fields));
    let samples: Vec<Sample<'_>> =
        own.chain(others.iter().map(|text| Sample::new(text, any))).collect();
    let mut scores = call().score(&samples);
    scores.truncate(judged.len());
    scores
}
