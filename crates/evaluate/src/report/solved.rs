//! Problems that policies solve: how they do, and answers to look at.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::{Interval, MeanInterval, Solving, apart, numbers, text_table};

/// How policies do on the test problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solved {
    /// The policies in the order of the table; the last one is the one the headline is about.
    pub policies: Vec<Solving>,
    /// How answers were drawn, in words.
    pub sampling: String,
    /// Answers of the last policy to look at.
    pub samples: Vec<SolvedSample>,
}

/// One answer and what is said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolvedSample {
    /// What is asked.
    pub problem: String,
    /// The true answer, where it is known.
    pub answer: Option<String>,
    /// What the policy wrote.
    pub completion: String,
    /// How it came out.
    pub kind: SolvedKind,
    /// Why each reward is what it is, by the name of the reward.
    pub reasons: Vec<(String, String)>,
}

/// How an answer came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SolvedKind {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// It holds no answer.
    Unparseable,
}

impl SolvedKind {
    /// From best to worst.
    pub const ALL: [Self; 3] = [Self::Right, Self::Wrong, Self::Unparseable];

    /// One word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Unparseable => "unparseable",
        }
    }
}

impl Solved {
    /// The results as a table for a terminal; below the values stand their 95 % intervals.
    #[must_use]
    pub(crate) fn table(&self) -> String {
        let Some(last) = self.policies.last() else { return String::new() };
        let ks = last.pass_at.iter().filter(|one| one.k > 1).map(|one| format!("pass@{}", one.k));
        let rewards = last.rewards.iter().map(|reward| reward.name.clone());
        let header: Vec<String> = [String::new(), "accuracy".to_owned()]
            .into_iter()
            .chain(ks)
            .chain(["majority".to_owned()])
            .chain(rewards)
            .chain(["finished", "tokens"].map(str::to_owned))
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = self.policies.iter().flat_map(rows).collect();
        text_table(&header, &rows).trim_end().to_owned()
    }

    /// What changed with each training, in sentences.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.policies.iter().filter_map(|policy| self.change(policy)).collect()
    }

    /// The result of the last policy, and what its training changed.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let Some(last) = self.policies.last() else { return Vec::new() };
        let result = format!(
            "Of {} answers to each of {} test problems, {} are right {} ({}).",
            last.num_samples,
            numbers::grouped(last.num_problems),
            numbers::percent(last.accuracy.mean),
            last.name,
            interval_words(last.accuracy.interval),
        );
        std::iter::once(result).chain(self.change(last)).collect()
    }

    fn change(&self, policy: &Solving) -> Option<String> {
        let change = policy.change.as_ref()?;
        let before = self.policies.iter().find(|one| one.name == change.from)?;
        let (old, new) = (before.accuracy, policy.accuracy);
        let is_apart = old.interval.zip(new.interval).is_some_and(|(old, new)| apart(old, new));
        let significance = if is_apart { "intervals apart" } else { "intervals overlap" };
        let points = 100.0 * change.accuracy.mean;
        let interval = change.accuracy.interval.map_or(String::new(), |one| {
            format!(", 95% interval {:+.1} to {:+.1}", 100.0 * one.low, 100.0 * one.high)
        });
        Some(format!(
            "From \u{201c}{}\u{201d} to \u{201c}{}\u{201d} the accuracy went from {} to {} ({significance}): {points:+.1} points{interval}, \
             p {} by the exact sign-flip test over problems.",
            change.from,
            policy.name,
            numbers::percent(old.mean),
            numbers::percent(new.mean),
            p_value(change.p_value),
        ))
    }
}

/// The values of a policy, and below them their intervals.
fn rows(policy: &Solving) -> [Vec<String>; 2] {
    let passes = policy.pass_at.iter().filter(|one| one.k > 1).map(|one| one.chance);
    let shares: Vec<MeanInterval> =
        [policy.accuracy].into_iter().chain(passes).chain([policy.majority]).collect();
    let percent = |one: &MeanInterval| numbers::percent(one.mean);
    let ends = |one: &MeanInterval| one.interval.map(ascii_percent).unwrap_or_default();
    let mut values = vec![policy.name.clone()];
    values.extend(shares.iter().map(percent));
    values.extend(policy.rewards.iter().map(|one| numbers::significant(one.mean.mean)));
    values.extend([numbers::percent(policy.finished.mean), numbers::measured(policy.tokens.mean)]);
    let mut intervals = vec![String::new()];
    intervals.extend(shares.iter().map(ends));
    intervals.resize(values.len(), String::new());
    [values, intervals]
}

/// Plain ASCII: not every terminal has a dash.
fn ascii_percent(interval: Interval) -> String {
    numbers::percent_interval(interval).replace('–', "-")
}

fn interval_words(interval: Option<Interval>) -> String {
    interval.map_or("one problem".to_owned(), |interval| {
        format!("95% interval {}", numbers::percent_interval(interval))
    })
}

/// `= 0.031`, or `< 1e-6` where it is so small.
fn p_value(p_value: f64) -> String {
    if p_value < 1e-6 {
        "< 1e-6".to_owned()
    } else {
        format!("= {}", numbers::significant(p_value))
    }
}

/// Up to `each` samples of each kind, best kind first, evenly spaced over the rows.
#[must_use]
pub fn choose_solved(rows: &[SolvedSample], each: usize) -> Vec<SolvedSample> {
    let chosen_of = |kind| {
        let of_kind: Vec<&SolvedSample> = rows.iter().filter(|row| row.kind == kind).collect();
        let count = each.min(of_kind.len());
        (0..count).map(move |i| of_kind[i * of_kind.len() / count].clone())
    };
    SolvedKind::ALL.into_iter().flat_map(chosen_of).collect()
}

impl Report {
    /// The sentences about the problems that policies solve.
    pub(crate) fn solved_sentences(&self) -> Vec<String> {
        self.solved.as_ref().map_or_else(Vec::new, Solved::sentences)
    }
}
