//! What came of scoring, function by function.

use forethought_reward::{RewardSet, SetScore, Summary, mean_and_std};

/// A line for each function, and one for the weighted sum.
pub(super) fn lines(set: &RewardSet, scores: &[SetScore]) -> Vec<String> {
    let mut lines: Vec<String> =
        set.summaries(scores).iter().map(|(name, summary)| line(name, summary)).collect();
    let totals: Vec<f64> = scores.iter().filter_map(|score| score.total).collect();
    let (mean, std) = mean_and_std(&totals);
    let without = scores.len() - totals.len();
    lines.push(format!("reward: mean {}, std {}, {without} without", shown(mean), shown(std)));
    lines
}

fn line(name: &str, summary: &Summary) -> String {
    let counts: Vec<String> =
        summary.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let (mean, std) = (shown(summary.mean), shown(summary.std));
    let Summary { count, unjudged, .. } = summary;
    if *count == 0 {
        return format!("{name}: there are no rows");
    }
    format!("{name}: mean {mean}, std {std}; {}; {unjudged} of {count} unjudged", counts.join(", "))
}

pub(super) fn shown(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.4}"))
}
