//! The tables of the published workflow for thinking lengths, with the number rules of its programs.

use std::collections::BTreeMap;

use forethought_reward::{
    Edge, Field, Fields, Numbers, RewardConfigError, RewardFn, Sample, Tier, TieredConfig,
    TieredReward,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{beginning, compare};
use crate::Replay;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct File {
    tables: BTreeMap<String, Vec<Case>>,
}

#[derive(Debug, Deserialize)]
struct Case {
    completion: String,
    label: Value,
    reward: f64,
}

/// Every table, a case each.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    for (name, cases) in &file.tables {
        let Some(table) = table(name) else {
            replay.not_run(name, "no table is known by this name");
            continue;
        };
        replay.case(name, |checks| {
            let reward = table?;
            for case in cases {
                let label = Field::from(case.label.clone());
                let fields = Fields::from([("label".to_owned(), label)]);
                let score = reward.score(&[Sample::new(&case.completion, &fields)]).remove(0);
                let what = format!("{} for {}", beginning(&case.completion), case.label);
                compare(checks, &what, &score, &json!(case.reward));
            }
            Ok(())
        });
    }
    Ok(())
}

/// The function of a table; none where its name is unknown.
fn table(name: &str) -> Option<Result<TieredReward, RewardConfigError>> {
    let (preset, numbers) = match name {
        "GRPO.experiment1" => ("12/6/3", Numbers::SourceGrpo),
        "GRPO.experiment2" => ("10/8/6/4/2", Numbers::SourceGrpo),
        "GRPO.experiment3" => ("5/4/3/2/1", Numbers::SourceGrpo),
        "RLOO_unsloth.experiment1" => ("12/6/3", Numbers::SourceRloo),
        "RLOO_unsloth.experiment2" => ("16/12/8/4", Numbers::SourceRloo),
        "RLOO_unsloth.experiment3" => ("5/4/3/2/1", Numbers::SourceRloo),
        "GRPO_unsloth" => ("12/6/3", Numbers::SourceUnsloth),
        _ => return None,
    };
    let build = || {
        let mut config = TieredConfig { numbers, ..TieredConfig::preset(preset)? };
        if preset == "16/12/8/4" {
            let open = |tier: &mut Tier| tier.edge = Edge::Excluded;
            config.tiers.iter_mut().take(2).for_each(open);
        }
        config.init()
    };
    Some(build())
}
