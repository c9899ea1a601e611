//! Losses of the first steps of every method, as they were: a change of the code that moves them is noticed.
//!
//! Processors round otherwise, so that no bits are stored but numbers, compared to one part in ten thousand. Where answers are
//! sampled, few steps are: a rounding may turn a token, and all that follows, over.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use forethought_tests::{Project, repository};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attempt::{Attempt, Finished};
use crate::methods::{self, METHODS};

const OFFLINE_STEPS: u32 = 20;
const ONLINE_STEPS: u32 = 5;
const TOLERANCE: f64 = 1e-4;
/// Writes the file of numbers instead of comparing with it.
const BLESS: &str = "FORETHOUGHT_BLESS";

/// The numbers of all methods.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    made_by: String,
    methods: BTreeMap<String, Curve>,
}

/// The numbers of one method, step by step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Curve {
    loss: Vec<f64>,
    grad_norm: Vec<f64>,
}

fn file() -> PathBuf {
    repository().join("tests/golden/losses.json")
}

fn curve(run: &Finished, stage: &str) -> Curve {
    let history: Vec<Value> = run.rows(&format!("{stage}/history.jsonl"));
    let list = |key: &str| history.iter().map(|step| step[key].as_f64().expect(key)).collect();
    Curve { loss: list("loss"), grad_norm: list("grad_norm") }
}

/// Every method on the project's small data.
fn curves() -> BTreeMap<String, Curve> {
    let project = Project::new();
    let sft = Attempt::new(&project, "run").set(format!("sft.training.max_steps={OFFLINE_STEPS}"));
    let mut curves = BTreeMap::from([("sft".to_owned(), curve(&sft.until("sft").finish(), "sft"))]);
    for (method, _) in METHODS {
        let is_online = ["grpo", "rloo", "ppo"].contains(&method);
        let num_steps = if is_online { ONLINE_STEPS } else { OFFLINE_STEPS };
        let project = methods::project(method, num_steps);
        let run = methods::attempt(&project, "run", method).finish();
        curves.insert(method.to_owned(), curve(&run, method));
    }
    curves
}

#[test]
fn losses_of_every_method_are_what_they_were() {
    let found = curves();
    if std::env::var_os(BLESS).is_some() {
        let made_by = format!("losses_of_every_method_are_what_they_were with {BLESS}");
        let golden = Golden { made_by, methods: found };
        let text = serde_json::to_string_pretty(&golden).expect("numbers") + "\n";
        return fs::write(file(), text).expect("written");
    }
    let text = fs::read_to_string(file()).expect("the numbers");
    let golden: Golden = serde_json::from_str(&text).expect("numbers");
    assert_eq!(golden.methods.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (method, expected) in &golden.methods {
        let found = &found[method];
        let pairs = [(&found.loss, &expected.loss), (&found.grad_norm, &expected.grad_norm)];
        for (found, expected) in pairs {
            assert_eq!(found.len(), expected.len(), "{method}");
            for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
                let distance = (found - expected).abs();
                let is_close = distance <= TOLERANCE * expected.abs().max(1e-2);
                assert!(is_close, "{method}, step {}: {found}, not {expected}", step + 1);
            }
        }
    }
}
