//! Ratios of python-Levenshtein, alone and of what follows the reasoning.

use forethought_reward::{AgainstSolution, LevenshteinConfig, Space, ratio};
use serde::Deserialize;
use serde_json::Value;

use super::{beginning, compare};
use crate::Replay;
use crate::check::REWARD;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    cases: Vec<Case>,
    #[serde(default)]
    raw_ratio: Vec<Pair>,
}

#[derive(Debug, Deserialize)]
struct Case {
    completion: String,
    solution: String,
    reward: Value,
    reward_stripped: Value,
}

#[derive(Debug, Deserialize)]
struct Pair {
    a: String,
    b: String,
    ratio: f64,
}

/// Every case and every pair.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    let keep = LevenshteinConfig::default();
    let trim = LevenshteinConfig { space: Space::Trim, ..keep.clone() };
    let (keep, trim) = (keep.init()?, trim.init()?);
    for (index, case) in file.cases.iter().enumerate() {
        replay.case(&format!("case {index}: {}", beginning(&case.completion)), |checks| {
            let [kept, trimmed] =
                [&keep, &trim].map(|reward| reward.judge(&case.completion, &case.solution));
            compare(checks, "reward", &kept, &case.reward);
            compare(checks, "reward without space", &trimmed, &case.reward_stripped);
            Ok(())
        });
    }
    for (index, pair) in file.raw_ratio.iter().enumerate() {
        let name = format!("ratio {index}: {} {}", beginning(&pair.a), beginning(&pair.b));
        replay.case(&name, |checks| {
            checks.number("ratio", ratio(&pair.a, &pair.b), pair.ratio, REWARD);
            Ok(())
        });
    }
    Ok(())
}
