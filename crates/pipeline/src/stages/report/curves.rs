//! Which numbers of a training are worth a curve.

use forethought_evaluate::{Chart, Series};
use forethought_train::StepRecord;

use crate::PipelineError;
use crate::artifact::read_lines;
use crate::stages::Context;
use crate::stages::links::POLICIES;
use crate::training::HISTORY;

/// What else than the loss is worth a curve where a training has it: metric, title, unit.
const CURVES: [(&str, &str, &str); 12] = [
    ("loss", "loss", "loss"),
    ("reward", "mean reward", "reward"),
    ("rewards/accuracies", "pairs ranked rightly", "share of pairs"),
    ("rewards/margins", "margin of rewards", "reward"),
    ("logps/chosen", "log-probability of the chosen answer", "nats"),
    ("accuracy", "pairs ranked rightly", "share of pairs"),
    ("margin", "margin of scores", "score"),
    ("objective/kl", "KL to the reference", "nats per answer"),
    ("kl", "KL to the reference", "nats"),
    ("entropy", "entropy of the answers", "nats per token"),
    ("policy/entropy_avg", "entropy of the answers", "nats per token"),
    ("frac_reward_zero_std", "groups whose rewards are all equal", "share of groups"),
];

/// The log of one training: the name of the stage, its kind, and its steps.
pub(super) struct History<'a> {
    pub(super) name: &'a str,
    kind: &'static str,
    pub(super) steps: Vec<StepRecord>,
}

/// The logs of the training stages that ran.
pub(super) fn histories<'a>(context: &Context<'a>) -> Result<Vec<History<'a>>, PipelineError> {
    let trained = context.before.0.iter();
    let trained =
        trained.filter(|stage| POLICIES.contains(&stage.kind()) || stage.kind() == "reward");
    let mut histories = Vec::new();
    for stage in trained {
        let path = context.input(stage.name(), HISTORY);
        if path.is_file() {
            let steps = read_lines(&path)?;
            histories.push(History { name: stage.name(), kind: stage.kind(), steps });
        }
    }
    Ok(histories)
}

pub(super) fn charts(histories: &[History<'_>]) -> Vec<Chart> {
    let mut charts = Vec::new();
    for history in histories {
        let own = CURVES.iter().filter_map(|curve| chart(history, *curve));
        charts.extend(own.chain(rewards(history)));
    }
    charts
}

fn chart(history: &History<'_>, (metric, title, unit): (&str, &str, &str)) -> Option<Chart> {
    // The loss of a policy gradient says nothing about its progress: its mean is 0 by construction.
    if metric == "loss" && ["grpo", "rloo"].contains(&history.kind) {
        return None;
    }
    let points = points(history, metric);
    (!points.is_empty()).then(|| Chart {
        title: format!("{}: {title}", title_of(history)),
        y_label: unit.to_owned(),
        series: vec![Series::new(metric, points)],
    })
}

/// Several rewards as curves of one diagram, so that one that rises at the cost of another shows.
fn rewards(history: &History<'_>) -> Option<Chart> {
    let is_mean = |name: &&str| name.starts_with("rewards/") && name.ends_with("/mean");
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in history.steps.iter().flat_map(|step| &step.metrics) {
        if is_mean(&name.as_str()) && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    (names.len() > 1).then(|| Chart {
        title: format!("{}: rewards side by side", title_of(history)),
        y_label: "reward".to_owned(),
        series: names.iter().map(|name| Series::new(*name, points(history, name))).collect(),
    })
}

fn points(history: &History<'_>, metric: &str) -> Vec<(u64, f64)> {
    let value = |record: &StepRecord| match metric {
        "loss" => Some(record.loss),
        _ => record.metric(metric),
    };
    history.steps.iter().filter_map(|one| Some((one.step, value(one)?))).collect()
}

fn title_of(history: &History<'_>) -> String {
    if history.name == history.kind { history.name.to_uppercase() } else { history.name.to_owned() }
}
