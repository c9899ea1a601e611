//! What the rewards that TRL ships gave.

use forethought_reward::{
    AccuracyConfig, ReasoningAccuracyConfig, RewardFn, Semantics, ThinkFormat,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::open_r1::Overlong;
use super::{Judged, beginning, compare, scores};
use crate::Replay;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    samples: Vec<Judged>,
    #[serde(default)]
    think_format: Vec<Formatted>,
    #[serde(default)]
    soft_overlong: Vec<Overlong>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Formatted {
    text: String,
    reward: f64,
}

/// Every section of a file.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    let accuracy = AccuracyConfig { semantics: Semantics::Trl, ..AccuracyConfig::default() };
    let functions: [(&str, Box<dyn RewardFn>); 3] = [
        ("accuracy", Box::new(accuracy.init())),
        ("reasoning_accuracy", Box::new(ReasoningAccuracyConfig::default().init())),
        ("think_format", Box::new(ThinkFormat)),
    ];
    let found =
        functions.map(|(name, function)| (name, scores(function.as_ref(), &file.samples, 1)));
    for (index, one) in file.samples.iter().enumerate() {
        replay.case(&format!("sample {index}: {}", beginning(&one.completion)), |checks| {
            for (name, scores) in &found {
                if let Some(expected) = one.rewards.get(*name) {
                    compare(checks, name, &scores[index], expected);
                }
            }
            Ok(())
        });
    }
    for (index, golden) in file.think_format.iter().enumerate() {
        replay.case(&format!("think_format {index}: {}", beginning(&golden.text)), |checks| {
            compare(checks, "reward", &ThinkFormat.judge(&golden.text), &json!(golden.reward));
            Ok(())
        });
    }
    for (index, golden) in file.soft_overlong.iter().enumerate() {
        golden.replay(index, replay);
    }
    for name in file.rest.keys().filter(|name| !["versions", "note"].contains(&name.as_str())) {
        replay.not_run(name, "no section is known by this name");
    }
    Ok(())
}
