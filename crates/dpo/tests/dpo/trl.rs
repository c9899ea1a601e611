//! Losses, metrics and gradients that TRL computed from the same log-probabilities.

use forethought_dpo::DpoConfig;
use forethought_objective::{PairLengths, PreferenceLoss};
use serde::Deserialize;

use crate::support::{Sample, assert_close, gradient, init, tensor};

/// What TRL computed; `make.py` beside it says how.
#[derive(Deserialize)]
struct Golden {
    chosen: Vec<usize>,
    rejected: Vec<usize>,
    log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    entropy: Vec<f32>,
    mean_logits: Vec<f32>,
    is_argmax: Vec<f32>,
    log_sum_squared_probs: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: DpoConfig,
    loss: f32,
    metrics: serde_json::Map<String, serde_json::Value>,
    gradient: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.16.0.json")).expect("the golden file parses")
}

pub(crate) fn sample() -> Sample {
    let golden = golden();
    let lengths = golden.chosen.into_iter().zip(golden.rejected);
    Sample {
        pairs: lengths.map(|(chosen, rejected)| PairLengths { chosen, rejected }).collect(),
        log_probs: golden.log_probs,
        reference_log_probs: golden.reference_log_probs,
    }
}

#[test]
fn losses_metrics_and_gradients_are_those_of_trl() {
    let (golden, sample) = (golden(), sample());
    assert_eq!(golden.cases.len(), 31);
    for case in &golden.cases {
        let what = format!("{:?}", case.config);
        let forward = |log_probs| {
            let batch = sample
                .batch(log_probs, &[&sample])
                .with_entropy(tensor(&golden.entropy))
                .with_mean_logits(tensor(&golden.mean_logits))
                .with_is_argmax(tensor(&golden.is_argmax))
                .with_log_sum_squared_probs(tensor(&golden.log_sum_squared_probs));
            init(&case.config).forward(batch)
        };
        let output = forward(tensor(&sample.log_probs));
        assert_close(output.loss.into_scalar(), case.loss, 1e-5, &what);
        for (name, value) in output.metrics {
            let Some(expected) = case.metrics.get(name) else {
                assert_eq!(name, "skipped_pairs", "{what}");
                continue;
            };
            #[allow(clippy::cast_possible_truncation, reason = "it was written as an f32")]
            let expected = expected.as_f64().expect("a number") as f32;
            assert_close(value.into_scalar(), expected, 1e-5, &format!("{what} {name}"));
        }
        let actual = gradient(&sample.log_probs, forward);
        for (actual, expected) in actual.iter().zip(&case.gradient) {
            assert_close(*actual, *expected, 1e-4, &what);
        }
    }
}

#[test]
fn every_metric_of_trl_is_there() {
    let (golden, sample) = (golden(), sample());
    let batch = sample
        .batch(tensor(&sample.log_probs), &[&sample])
        .with_entropy(tensor(&golden.entropy))
        .with_mean_logits(tensor(&golden.mean_logits))
        .with_is_argmax(tensor(&golden.is_argmax));
    let output = init(&DpoConfig::default()).forward(batch);
    let names: Vec<&str> = output.metrics.iter().map(|(name, _)| *name).collect();
    let expected: Vec<&str> = golden.cases[0].metrics.keys().map(String::as_str).collect();
    assert_eq!(names, [expected, vec!["skipped_pairs"]].concat());
}

/// What the code before TRL 1 computed.
#[derive(Deserialize)]
struct Older {
    lengths: Vec<usize>,
    log_probs: Vec<f32>,
    reference_log_probs: Vec<f32>,
    cases: Vec<OlderCase>,
}

#[derive(Deserialize)]
struct OlderCase {
    config: DpoConfig,
    loss: f32,
}

#[test]
fn older_losses_are_those_of_trl_0_25() {
    let older: Older =
        serde_json::from_str(include_str!("trl-0.25.1.json")).expect("the golden file parses");
    assert_eq!(older.cases.len(), 20);
    // Only the sums of completions are known; how their tokens share them does not matter.
    let shares = |sums: &[f32]| -> Vec<f32> {
        let share = |(sum, length): (&f32, &usize)| vec![sum / *length as f32; *length];
        sums.iter().zip(&older.lengths).flat_map(share).collect()
    };
    let (chosen, rejected) = older.lengths.split_at(older.lengths.len() / 2);
    let lengths = chosen.iter().zip(rejected);
    let sample = Sample {
        pairs: lengths.map(|(&chosen, &rejected)| PairLengths { chosen, rejected }).collect(),
        log_probs: shares(&older.log_probs),
        reference_log_probs: shares(&older.reference_log_probs),
    };
    for case in &older.cases {
        let loss = sample.forward(&case.config).loss.into_scalar();
        assert_close(loss, case.loss, 1e-5, &format!("{:?}", case.config));
    }
}
