//! What looks wrong with a training, in words: a pure function over its last steps.

use crate::record::StepRecord;
use crate::step::SKIPPED;

/// Steps that are looked back on.
const WINDOW: usize = 20;
/// Steps that a share is judged from, at least.
const LEAST: usize = 5;
/// Steps before the same thing is said again.
const SILENCE: usize = 200;

/// What of the settings the diagnosis needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The largest gradient norm; 0 for no clipping.
    pub max_grad_norm: f64,
}

/// Something that looks wrong. Its words begin alike whatever the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// Nothing that the step trained on was scored.
    EmptyMasks,
    /// Tokens were left out of the loss, for their log-probability is no finite number.
    NotFinite {
        /// How many at this step.
        count: f64,
        /// The metric that counts them.
        metric: &'static str,
    },
    /// The step changed no weight.
    Skipped,
    /// All answers to most questions are worth the same.
    NoVariance {
        /// Mean share of such questions.
        share: f64,
    },
    /// All advantages are 0, so the loss and its gradient are.
    NoAdvantage,
    /// No completion ended by itself.
    AllTruncated,
    /// Most gradients are scaled down.
    Clipped {
        /// Share of the steps.
        share: f64,
        /// Median norm before.
        median: f64,
    },
    /// The policy moves away from its reference faster and faster.
    DivergenceGrows {
        /// Mean over the last steps.
        now: f64,
        /// Mean over the steps before.
        before: f64,
    },
    /// The probabilities that tokens were sampled with are not those that training computes.
    SamplerApart {
        /// Mean difference of log-probabilities.
        mean: f64,
        /// Steps between the weights that a server sampled with and those that were trained; none without a server.
        staleness: Option<f64>,
    },
}

impl Diagnosis {
    /// The words that do not depend on numbers.
    fn head(self) -> &'static str {
        match self {
            Self::EmptyMasks => "no token is scored",
            Self::NotFinite { .. } => "numbers that are not finite are left out of the loss",
            Self::Skipped => "a step was left out",
            Self::NoVariance { .. } => "groups without variance",
            Self::NoAdvantage => "the loss is 0 because every advantage is",
            Self::AllTruncated => "every completion is cut off",
            Self::Clipped { .. } => "gradients are clipped in most steps",
            Self::DivergenceGrows { .. } => "the KL divergence runs away",
            Self::SamplerApart { .. } => "sampler and trainer disagree",
        }
    }
}

impl std::fmt::Display for Diagnosis {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: ", self.head())?;
        match self {
            Self::EmptyMasks => formatter.write_str(
                "the masks of this step are empty; look at the completions of the data and at max_length",
            ),
            Self::NotFinite { count, metric } => write!(
                formatter,
                "{metric} is {count:.0} at this step; the model holds impossible what the data or its own samples hold, so lower the learning rate, and look for tokens that it never saw or weights that overflowed"
            ),
            Self::Skipped => formatter.write_str(
                "its loss or its gradient was not finite, or it led to a spike; its rows are in bad-steps, and the weights are those of before",
            ),
            Self::NoVariance { share } => write!(
                formatter,
                "in {:.0} % of the groups all answers are worth the same, and nothing is learnt from those; raise num_generations or the temperature, choose questions that are answered rightly now and then, or set dynamic_sampling",
                100.0 * share
            ),
            Self::NoAdvantage => formatter.write_str(
                "all answers to each question are worth the same, so this step teaches nothing",
            ),
            Self::AllTruncated => formatter.write_str(
                "none ends by itself; raise sampling.max_new_tokens, or see whether the model ever learnt to end its answers",
            ),
            Self::Clipped { share, median } => write!(
                formatter,
                "{:.0} % of the last steps, median norm {median:.3}; lower the learning rate, or raise max_grad_norm if the loss falls all the same",
                100.0 * share
            ),
            Self::DivergenceGrows { now, before } => write!(
                formatter,
                "{now:.3} nats, {before:.3} before; lower the learning rate or raise beta"
            ),
            Self::SamplerApart { mean, staleness: Some(staleness) } => write!(
                formatter,
                "log-probabilities of the same tokens differ by {mean:.4} nats in the mean, with a server whose weights are {staleness:.0} steps old; load the adapter more often, or serve the model in the type that trains"
            ),
            Self::SamplerApart { mean, staleness: None } => write!(
                formatter,
                "log-probabilities of the same tokens under the same weights differ by {mean:.4} nats in the mean; they should agree to rounding, so mind the temperature, the template and the types of weights"
            ),
        }
    }
}

/// What looks wrong at the last of these steps, which are those of one stage in their order.
#[must_use]
pub fn diagnose(records: &[StepRecord], limits: Limits) -> Vec<Diagnosis> {
    let recent = &records[records.len().saturating_sub(WINDOW)..];
    let Some(last) = recent.last() else { return Vec::new() };
    let findings = [
        empty_masks(last),
        not_finite(last),
        skipped(last),
        no_variance(recent),
        no_advantage(last),
        all_truncated(recent),
        clipped(recent, limits.max_grad_norm),
        divergence_grows(records),
        sampler_apart(last),
    ];
    findings.into_iter().flatten().collect()
}

/// The findings at the last step that were not said within the steps before it, in words.
pub(crate) fn news(records: &[StepRecord], limits: Limits) -> Vec<String> {
    let Some((_, before)) = records.split_last() else { return Vec::new() };
    let lately = &before[before.len().saturating_sub(SILENCE)..];
    let was_said = |head: &str| {
        lately.iter().flat_map(|record| &record.diagnosis).any(|text| text.starts_with(head))
    };
    let found = diagnose(records, limits).into_iter();
    found.filter(|one| !was_said(one.head())).map(|one| one.to_string()).collect()
}

fn empty_masks(last: &StepRecord) -> Option<Diagnosis> {
    (last.metric("num_scored_tokens") == Some(0.0)).then_some(Diagnosis::EmptyMasks)
}

/// The metrics that count what a loss leaves out.
const NOT_FINITE: [&str; 4] =
    ["skipped_tokens", "tokens/not_finite", "completions/not_finite", "values/not_finite"];

fn not_finite(last: &StepRecord) -> Option<Diagnosis> {
    NOT_FINITE.into_iter().find_map(|metric| {
        let count = last.metric(metric).filter(|count| *count > 0.0)?;
        Some(Diagnosis::NotFinite { count, metric })
    })
}

fn skipped(last: &StepRecord) -> Option<Diagnosis> {
    (last.metric(SKIPPED) == Some(1.0)).then_some(Diagnosis::Skipped)
}

fn no_variance(recent: &[StepRecord]) -> Option<Diagnosis> {
    let share = mean_of(recent, "frac_reward_zero_std")?;
    (share >= 0.8).then_some(Diagnosis::NoVariance { share })
}

fn no_advantage(last: &StepRecord) -> Option<Diagnosis> {
    let is_flat = last.metric("frac_reward_zero_std") == Some(1.0);
    (is_flat && last.loss == 0.0).then_some(Diagnosis::NoAdvantage)
}

fn all_truncated(recent: &[StepRecord]) -> Option<Diagnosis> {
    let share = mean_of(recent, "completions/clipped_ratio")?;
    (share >= 0.999).then_some(Diagnosis::AllTruncated)
}

fn clipped(recent: &[StepRecord], limit: f64) -> Option<Diagnosis> {
    if limit == 0.0 || recent.len() < WINDOW {
        return None;
    }
    let mut norms: Vec<f64> = recent.iter().map(|record| record.grad_norm).collect();
    norms.sort_by(f64::total_cmp);
    let share = norms.iter().filter(|norm| **norm > limit).count() as f64 / norms.len() as f64;
    let median = norms[norms.len() / 2];
    (share >= 0.8).then_some(Diagnosis::Clipped { share, median })
}

/// The last steps against as many before them: three times as far, and far.
fn divergence_grows(records: &[StepRecord]) -> Option<Diagnosis> {
    let (earlier, lately) = records.split_at(records.len().saturating_sub(LEAST));
    let earlier = &earlier[earlier.len().saturating_sub(WINDOW)..];
    let name = ["objective/kl", "kl"].into_iter().find(|name| mean_of(lately, name).is_some())?;
    let (now, before) = (mean_of(lately, name)?, mean_of(earlier, name)?);
    (now > 1.0 && now > 3.0 * before.max(0.0)).then_some(Diagnosis::DivergenceGrows { now, before })
}

/// In single precision the two are 1e-5 apart; in bfloat16 some 1e-2.
fn sampler_apart(last: &StepRecord) -> Option<Diagnosis> {
    let mean = last.metric("sampling/sampling_logp_difference/mean")?;
    let staleness = last.metric("sampling/staleness");
    (mean > 0.02).then_some(Diagnosis::SamplerApart { mean, staleness })
}

/// The mean of a metric over the records that have it, where there are enough.
fn mean_of(records: &[StepRecord], name: &str) -> Option<f64> {
    let values = records.iter().filter_map(|record| record.metric(name));
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    (values.len() >= LEAST).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_grad_norm: 1.0 };

    /// Steps whose metric takes these values.
    fn steps(name: &str, values: &[f64]) -> Vec<StepRecord> {
        let record = |(index, value): (usize, &f64)| StepRecord {
            loss: 0.25,
            grad_norm: 0.5,
            metrics: vec![(name.to_owned(), *value)],
            ..StepRecord::new("grpo", index as u64 + 1)
        };
        values.iter().enumerate().map(record).collect()
    }

    fn found(name: &str, values: &[f64]) -> Vec<Diagnosis> {
        diagnose(&steps(name, values), LIMITS)
    }

    #[test]
    fn nothing_is_said_of_a_training_that_goes_well() {
        assert_eq!(diagnose(&[], LIMITS), []);
        for (name, values) in [
            ("frac_reward_zero_std", [0.5; 30]),
            ("completions/clipped_ratio", [0.9; 30]),
            ("kl", [0.3; 30]),
            ("sampling/sampling_logp_difference/mean", [1e-5; 30]),
            ("num_scored_tokens", [100.0; 30]),
        ] {
            assert_eq!(found(name, &values), [], "{name}");
        }
    }

    #[test]
    fn groups_whose_answers_are_worth_the_same_are_noticed_after_five_samplings() {
        assert_eq!(found("frac_reward_zero_std", &[0.9; 4]), []);
        let findings = found("frac_reward_zero_std", &[1.0, 1.0, 0.75, 1.0, 0.75]);
        assert_eq!(findings, [Diagnosis::NoVariance { share: 0.9 }]);
        assert!(findings[0].to_string().starts_with("groups without variance: in 90 % of the"));
    }

    #[test]
    fn a_loss_of_zero_is_explained_by_its_advantages() {
        let mut records = steps("frac_reward_zero_std", &[1.0]);
        assert_eq!(diagnose(&records, LIMITS), [], "the divergence gives it a loss");
        records[0].loss = 0.0;
        assert_eq!(diagnose(&records, LIMITS), [Diagnosis::NoAdvantage]);
    }

    #[test]
    fn completions_that_never_end_are_noticed() {
        assert_eq!(found("completions/clipped_ratio", &[1.0; 5]), [Diagnosis::AllTruncated]);
        assert_eq!(found("completions/clipped_ratio", &[1.0, 1.0, 0.5, 1.0, 1.0]), []);
    }

    #[test]
    fn clipping_is_noticed_where_it_is_the_rule() {
        let mut records = steps("entropy", &[1.0; 20]);
        for record in &mut records[..16] {
            record.grad_norm = 2.0;
        }
        let expected = Diagnosis::Clipped { share: 0.8, median: 2.0 };
        assert_eq!(diagnose(&records, LIMITS), [expected]);
        assert_eq!(diagnose(&records, Limits { max_grad_norm: 0.0 }), [], "nothing is clipped");
        assert_eq!(diagnose(&records[1..], LIMITS), [], "too few steps to say");
        records[0].grad_norm = 0.5;
        assert_eq!(diagnose(&records, LIMITS), []);
    }

    #[test]
    fn empty_masks_are_noticed_at_once() {
        assert_eq!(found("num_scored_tokens", &[3.0, 0.0]), [Diagnosis::EmptyMasks]);
        assert_eq!(found("num_scored_tokens", &[0.0, 3.0]), []);
    }

    #[test]
    fn tokens_that_are_left_out_of_the_loss_are_noticed_at_once() {
        for metric in NOT_FINITE {
            assert_eq!(found(metric, &[2.0, 0.0]), [], "{metric}");
            let findings = found(metric, &[0.0, 2.0]);
            assert_eq!(findings, [Diagnosis::NotFinite { count: 2.0, metric }]);
            let text = findings[0].to_string();
            assert!(text.contains(&format!(": {metric} is 2 at this step;")), "{text}");
        }
        assert_eq!(found(SKIPPED, &[1.0]), [Diagnosis::Skipped]);
    }

    #[test]
    fn a_divergence_that_triples_beyond_one_nat_runs_away() {
        let values = [[0.5; 20].as_slice(), &[2.0; 5]].concat();
        let expected = [Diagnosis::DivergenceGrows { now: 2.0, before: 0.5 }];
        assert_eq!(found("kl", &values), expected);
        assert_eq!(found("objective/kl", &values), expected);
        let small: Vec<f64> = values.iter().map(|value| value / 4.0).collect();
        assert_eq!(found("kl", &small), [], "a quarter of it is no reason to worry");
    }

    #[test]
    fn probabilities_that_differ_between_sampler_and_trainer_are_noticed() {
        let name = "sampling/sampling_logp_difference/mean";
        assert_eq!(found(name, &[0.3]), [Diagnosis::SamplerApart { mean: 0.3, staleness: None }]);
        let mut served = steps(name, &[0.3]);
        served[0].metrics.push(("sampling/staleness".to_owned(), 2.0));
        let [found] = diagnose(&served, LIMITS)[..] else { panic!("one finding") };
        assert!(found.to_string().contains("a server whose weights are 2 steps old"), "{found}");
    }

    #[test]
    fn the_same_is_not_said_again_until_long_after() {
        let mut records = steps("completions/clipped_ratio", &[1.0; 230]);
        let mut said = Vec::new();
        for index in 0..records.len() {
            let texts = news(&records[..=index], LIMITS);
            said.extend(texts.iter().map(|_| index + 1));
            records[index].diagnosis = texts;
        }
        assert_eq!(said, [5, 206]);
    }
}
