//! Learning rates of transformers' schedulers, step by step.

use std::collections::BTreeMap;

use forethought_train::{SchedulerKwargs, SchedulerType, TrainConfig};
use serde::Deserialize;
use serde_json::Value;

use crate::Replay;
use crate::check::{Checks, Tolerance};
use crate::goldens::{Goldens, Missed};

/// Rates are double-precision numbers on both sides.
const RATE: Tolerance = Tolerance::Relative { share: 1e-9, floor: 1e-15 };

#[derive(Debug, Deserialize)]
struct Case {
    base_lr: f64,
    warmup: u64,
    total: u64,
    kwargs: Value,
    lr: Vec<f64>,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let cases: BTreeMap<String, Value> = goldens.json(replay.file)?;
    for (name, case) in cases.iter().filter(|(_, case)| case.get("lr").is_some()) {
        replay.case(name, |checks| compare(checks, name, Case::deserialize(case)?));
    }
    Ok(())
}

/// The name of a case is that of its scheduler.
fn compare(checks: &mut Checks, name: &str, case: Case) -> Result<(), Missed> {
    let Ok(scheduler) = SchedulerType::deserialize(Value::from(name)) else {
        return Err(Missed::NotRun(format!("the scheduler `{name}` is not offered")));
    };
    let config = TrainConfig {
        learning_rate: case.base_lr,
        warmup_steps: case.warmup,
        lr_scheduler_type: scheduler,
        lr_scheduler_kwargs: SchedulerKwargs::deserialize(case.kwargs)?,
        ..TrainConfig::default()
    };
    let schedule = config.init()?.schedule(case.total);
    for (step, expected) in (0..).zip(case.lr) {
        checks.number(&format!("rate of step {step}"), schedule.at(step), expected, RATE);
    }
    Ok(())
}
