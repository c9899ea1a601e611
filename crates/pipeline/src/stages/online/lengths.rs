//! How long the answers of a sampling are, under TRL's names.

use forethought_rollout::Completion;

/// Lengths in tokens of all answers and of those that ended by themselves, and the share of those that did not. Where none ended,
/// their lengths are 0, as in TRL.
pub(super) fn of_lengths(completions: &[Completion]) -> Vec<(String, f64)> {
    let lengths = |is_counted: fn(&Completion) -> bool| -> Vec<f64> {
        let counted = completions.iter().filter(|one| is_counted(one));
        counted.map(|one| one.ids.len() as f64).collect()
    };
    let (all, ended) = (lengths(|_| true), lengths(|one| one.is_finished));
    let [mean, least, greatest] = summary(&all);
    let [ended_mean, ended_least, ended_greatest] = summary(&ended);
    let clipped = (all.len() - ended.len()) as f64 / all.len().max(1) as f64;
    let numbers = [
        ("mean_length", mean),
        ("min_length", least),
        ("max_length", greatest),
        ("clipped_ratio", clipped),
        ("mean_terminated_length", ended_mean),
        ("min_terminated_length", ended_least),
        ("max_terminated_length", ended_greatest),
    ];
    numbers.map(|(name, value)| (format!("completions/{name}"), value)).into()
}

/// Mean, least and greatest; 0 of nothing.
fn summary(list: &[f64]) -> [f64; 3] {
    if list.is_empty() {
        return [0.0; 3];
    }
    let mean = list.iter().sum::<f64>() / list.len() as f64;
    let least = list.iter().copied().fold(f64::INFINITY, f64::min);
    [mean, least, list.iter().copied().fold(0.0, f64::max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of so many tokens, and whether it ended.
    fn completion((length, is_finished): (u32, bool)) -> Completion {
        Completion {
            prompt_index: 0,
            sample_index: 0,
            ids: (0..length).collect(),
            log_probs: vec![0.0; length as usize],
            is_finished,
        }
    }

    /// TRL 1.16, `GRPOTrainer._generate`, with `agg_completion_lengths = [5, 2, 9, 4]` and
    /// `agg_is_truncated = [False, False, True, False]`: `term_completion_lengths = [5, 2, 4]`.
    #[test]
    fn lengths_are_those_of_trl() {
        let completions = [(5, true), (2, true), (9, false), (4, true)];
        let completions = completions.map(completion);
        let expected = [
            ("completions/mean_length", 5.0),
            ("completions/min_length", 2.0),
            ("completions/max_length", 9.0),
            ("completions/clipped_ratio", 0.25),
            ("completions/mean_terminated_length", 11.0 / 3.0),
            ("completions/min_terminated_length", 2.0),
            ("completions/max_terminated_length", 5.0),
        ];
        assert_eq!(
            of_lengths(&completions),
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }

    #[test]
    fn where_no_answer_ended_the_lengths_of_those_that_did_are_zero() {
        let found = of_lengths(&[(3, false), (3, false)].map(completion));
        let of = |name: &str| found.iter().find(|(known, _)| known == name).map(|one| one.1);
        assert_eq!(of("completions/clipped_ratio"), Some(1.0));
        for name in ["mean", "min", "max"] {
            assert_eq!(of(&format!("completions/{name}_terminated_length")), Some(0.0));
        }
    }
}
