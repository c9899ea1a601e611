//! Metrics and labels of the published workflows that predict lengths of thinking and numbers of steps.

use std::num::NonZeroU32;

use forethought_dataset::{think_class, told_steps};
use forethought_evaluate::{Outcome, Proportion, class_metrics, within};
use forethought_reward::first_number;
use serde::Deserialize;
use serde_json::Value;

use crate::Replay;
use crate::check::{Checks, Tolerance};
use crate::goldens::{Goldens, Missed};

/// Shares are quotients of the same whole numbers on both sides.
const SHARE: Tolerance = Tolerance::Absolute(1e-12);
/// Labels are whole numbers.
const EXACT: Tolerance = Tolerance::Absolute(0.0);
/// The width of the classes of the workflow.
const WIDTH: NonZeroU32 = NonZeroU32::new(25).expect("25 is not 0");

/// The parts of the file that are compared; a part that is missing has no cases.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(rename = "think.calculate_metrics", default)]
    think: Vec<ThinkCase>,
    #[serde(rename = "step.calculate_metrics", default)]
    step: Vec<StepCase>,
    #[serde(rename = "create_step.step_count_then_int", default)]
    told: Vec<ToldCase>,
    #[serde(rename = "think_class_name")]
    classes: Option<Classes>,
    /// Parts that this program answers otherwise, on purpose, or that nobody knows.
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct ThinkCase {
    preds: Vec<f64>,
    labels: Vec<f64>,
    limit: f64,
    strict: f64,
    tolerance: f64,
}

#[derive(Debug, Deserialize)]
struct StepCase {
    preds: Vec<Value>,
    labels: Vec<u32>,
    strict: f64,
    tolerance_1: f64,
}

#[derive(Debug, Deserialize)]
struct ToldCase {
    answer: String,
    /// 0 where there is none.
    step_count: u32,
}

#[derive(Debug, Deserialize)]
struct Classes {
    examples: Vec<ClassCase>,
}

#[derive(Debug, Deserialize)]
struct ClassCase {
    tokens: u32,
    class: u32,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    for (number, case) in (1..).zip(&file.think) {
        replay.case(&format!("think metrics {number}"), |checks| {
            think(checks, case);
            Ok(())
        });
    }
    for (number, case) in (1..).zip(&file.step) {
        replay.case(&format!("step metrics {number}"), |checks| {
            step(checks, case);
            Ok(())
        });
    }
    for (number, case) in (1..).zip(&file.told) {
        replay.case(&format!("told steps {number}"), |checks| {
            let told = told_steps(&case.answer).unwrap_or(0);
            checks.number("steps", told.into(), case.step_count.into(), EXACT);
            Ok(())
        });
    }
    for case in file.classes.iter().flat_map(|classes| &classes.examples) {
        replay.case(&format!("class of {} tokens", case.tokens), |checks| {
            let class = think_class(case.tokens, WIDTH);
            checks.number("class", class.into(), case.class.into(), EXACT);
            Ok(())
        });
    }
    for name in file.others.keys() {
        replay.not_run(name, "answered otherwise on purpose, see docs/algorithms, or unknown");
    }
    Ok(())
}

fn think(checks: &mut Checks, case: &ThinkCase) {
    let pairs = || case.preds.iter().copied().map(Some).zip(case.labels.iter().copied());
    checks.number("strict", within(pairs(), case.limit).value(), case.strict, SHARE);
    checks.number("tolerance", within(pairs(), case.limit + 1.0).value(), case.tolerance, SHARE);
}

fn step(checks: &mut Checks, case: &StepCase) {
    let outcomes = case.preds.iter().map(said).zip(&case.labels);
    let outcomes: Vec<Outcome> =
        outcomes.map(|(predicted, &class)| Outcome { class, amount: class, predicted }).collect();
    let metrics = class_metrics(&outcomes, 1);
    // The workflow says 0 where no answer is left; such a share does not exist here.
    let share = |share: Proportion| if share.n() == 0 { 0.0 } else { share.value() };
    checks.number("strict", share(metrics.strict_of_parsed), case.strict, SHARE);
    checks.number("within 1", share(metrics.within_1_of_parsed), case.tolerance_1, SHARE);
}

/// A prediction as the workflow reads it: `float(text)`, or else the first number of the text.
fn said(prediction: &Value) -> Option<f64> {
    match prediction {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let whole = text.trim().parse().ok();
            whole.or_else(|| first_number(text).map(|number| number.value))
        }
        _ => None,
    }
}
