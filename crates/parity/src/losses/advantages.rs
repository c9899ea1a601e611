//! Advantages of GRPO and RLOO, from rewards alone.

use forethought_grpo::GrpoConfig;
use forethought_rloo::{Judged, RlooConfig};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::completions::{Logged, columns, config};
use super::grpo::check_grpo_advantages;
use super::rloo::check_rloo_advantages;
use crate::Replay;
use crate::check::Checks;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct Golden {
    #[serde(default)]
    grpo: Vec<Value>,
    #[serde(default)]
    rloo: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Case {
    rewards_per_func: Vec<Vec<Option<f32>>>,
    num_generations: usize,
    advantages: Vec<f32>,
    #[serde(default)]
    metrics: Logged,
    /// The settings of the trainer.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Golden = goldens.json(replay.file)?;
    for (method, cases) in [("grpo", &golden.grpo), ("rloo", &golden.rloo)] {
        for (index, case) in cases.iter().enumerate() {
            let matrix = case.get("matrix").and_then(Value::as_str).unwrap_or_default();
            replay.case(&format!("{method} {index} {matrix}"), |checks| {
                compare(checks, method, Case::deserialize(case)?)
            });
        }
    }
    Ok(())
}

fn compare(checks: &mut Checks, method: &str, case: Case) -> Result<(), Missed> {
    let Case { rewards_per_func, num_generations, advantages, metrics, mut settings } = case;
    settings.remove("matrix"); // the name of the rewards
    let columns = columns(&rewards_per_func);
    let columns: Vec<&[Option<f32>]> = columns.iter().map(Vec::as_slice).collect();
    if method == "grpo" {
        let config: GrpoConfig = config(settings)?;
        let expected = (advantages.as_slice(), &metrics);
        return check_grpo_advantages(checks, &config, &columns, num_generations, expected);
    }
    let config = RlooConfig { beta: 0.0, ..config(settings)? };
    let judged = Judged {
        rewards: &columns,
        group_size: num_generations,
        divergences: &[],
        is_truncated: &[],
    };
    check_rloo_advantages(checks, &config, judged, &advantages, &metrics)
}
