//! Report: the models beside three baselines on the same split.

mod curves;
mod methods;
mod solved;

use std::collections::BTreeMap;

use forethought_dataset::{Ledger, Spread};
use forethought_evaluate::{
    ClassCount, Dropped, Entry, Fact, Labelled, LedgerStage, LogProbDifference, NeighboursConfig,
    Outcome, Report, RunFacts, Sample, StageDuration, baselines, choose_samples,
};
use forethought_schema::{LabelledQuestion, Prediction};
use forethought_train::{StepRecord, write_file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::{Inputs, POLICIES};
use super::{Context, Done, SPREAD};
use crate::PipelineError;
use crate::artifact::{ArtifactManifest, LinePicker, read_json, read_lines, write_json};
use crate::config::Problem;
use crate::examples::kept_lines;
use crate::report::{REPORT_HTML, REPORT_JSON, page};
use curves::{History, charts, histories};
use methods::{methods, scored_pairs};
use solved::solved;

/// Settings of the report stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportStage {
    /// Training questions that decide for the nearest-neighbours baseline, at least 1. Default 5 (scikit-learn).
    #[serde(default = "default_neighbours")]
    pub neighbours: usize,
    /// Predictions shown of each kind: right, near, wrong, unparseable. Default 6.
    #[serde(default = "default_samples")]
    pub samples: usize,
}

fn default_neighbours() -> usize {
    5
}
fn default_samples() -> usize {
    6
}

impl ReportStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let message = "must be at least 1, got 0".to_owned();
        (self.neighbours == 0).then(|| ("neighbours".to_owned(), message)).into_iter().collect()
    }

    /// Everything before it that has something to show; predictions or scores must be there.
    pub(super) fn inputs(inputs: Inputs<'_>) -> Result<Inputs<'_>, Problem> {
        let inputs = inputs.all(&["ingest", "label", "balance", "annotate", "clean", "problems"]);
        let inputs = inputs.all(&["pairs", "predict", "score", "solve"]);
        let inputs = inputs.all(&POLICIES).all(&["reward"]);
        if inputs.has(&["predict"]) {
            return inputs.need(&["ingest"])?.split()?.need(&["predict"]);
        }
        inputs.pick("", None, &["predict", "score", "solve"])
    }

    /// Writes `report.json`; and `report.html` and `report.json` in the run folder, where a person looks.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let mut report = Report::new(context.config.name.clone(), context.config.target());
        if !context.before.of(&["predict"]).is_empty() {
            self.add_predictions(context, &mut report)?;
            report.methods = methods(context, &report)?;
            report.data = classes(context)?;
        }
        report.pairs = scored_pairs(context)?;
        report.solved = solved(context, self.samples)?;
        report.ledger = ledgers(context)?;
        let histories = histories(context)?;
        report.charts = charts(&histories);
        report.configuration = crate::redact(&crate::yaml(context.config)?);
        report.facts = facts(context, &histories)?;
        write_json(&context.staging.join(REPORT_JSON), &report)?;
        write_json(&context.folder.root().join(REPORT_JSON), &report)?;
        let path = context.folder.root().join(REPORT_HTML);
        write_file(&path, page(&report)?.as_bytes()).map_err(PipelineError::io(&path))?;
        Ok(Done::Finished)
    }

    /// The baselines, and every model that answered.
    fn add_predictions(
        &self,
        context: &Context<'_>,
        report: &mut Report,
    ) -> Result<(), PipelineError> {
        let width = report.target.class_width;
        report.entries = self.baselines(context, width)?;
        for (name, title) in predicted_models(context)? {
            let predictions: Vec<Prediction> = read_lines(&context.input("predict", &name))?;
            let samples: Vec<Sample> = predictions.iter().map(sample).collect();
            let outcomes: Vec<Outcome> = samples.iter().map(|sample| sample.outcome).collect();
            report.entries.push(Entry::model(title, &outcomes, width));
            report.samples = choose_samples(&samples, self.samples);
        }
        Ok(())
    }

    fn baselines(&self, context: &Context<'_>, width: u32) -> Result<Vec<Entry>, PipelineError> {
        let train: Vec<LabelledQuestion> = read_lines(&context.split("train.jsonl"))?;
        let validation = asked(context)?;
        let train: Vec<Labelled<'_>> = train
            .iter()
            .map(|one| Labelled { question: &one.question, class: one.class })
            .collect();
        let questions: Vec<&str> = validation.iter().map(|one| one.question.as_str()).collect();
        let truths: Vec<(u32, u32)> =
            validation.iter().map(|one| (one.class, one.amount)).collect();
        let config = NeighboursConfig { k: self.neighbours, ..NeighboursConfig::default() };
        let mut bar = context.console.bar(questions.len(), "nearest neighbours");
        let fitted = baselines(&train, &questions, &config, |done| bar.set(done))
            .map_err(|error| PipelineError::stage("report", error))?;
        Ok(fitted
            .iter()
            .map(|one| Entry::baseline(one.name, &one.outcomes(&truths), width))
            .collect())
    }
}

/// The validation questions that the models were asked: baselines answer no others.
fn asked(context: &Context<'_>) -> Result<Vec<LabelledQuestion>, PipelineError> {
    let ledger: Ledger = read_json(&context.input("predict", "ledger.json"))?;
    let mut lines = LinePicker::open(&context.split("validation.jsonl"))?;
    kept_lines(&ledger).into_iter().map(|line| lines.value(line - 1)).collect()
}

fn sample(prediction: &Prediction) -> Sample {
    let &Prediction { class, amount, predicted, .. } = prediction;
    Sample {
        question: prediction.question.clone(),
        completion: prediction.completion.clone(),
        outcome: Outcome { class, amount, predicted },
    }
}

/// The prediction files in the order the models train, with the words the report calls them by.
fn predicted_models(context: &Context<'_>) -> Result<Vec<(String, String)>, PipelineError> {
    let folder = context.folder.artifact("predict");
    let models = context.before.of(&POLICIES);
    let models = models.into_iter().map(|name| (name, format!("after {}", title(context, name))));
    let models = std::iter::once(("base", "as it came".to_owned())).chain(models);
    let named = models.map(|(name, title)| (format!("{name}.jsonl"), title));
    let found: Vec<_> = named.filter(|(file, _)| folder.join(file).is_file()).collect();
    if found.is_empty() {
        let message = format!("{} holds no predictions", folder.display());
        return Err(PipelineError::stage("report", message));
    }
    Ok(found)
}

/// What a report calls a stage: its kind in capitals, or the name it has of its own.
pub(super) fn title(context: &Context<'_>, name: &str) -> String {
    let is_kind = context.config.stages.iter().any(|stage| stage.kind() == name);
    if is_kind { name.to_uppercase() } else { name.to_owned() }
}

/// How many questions of each class either side has, classes that were left out included.
fn classes(context: &Context<'_>) -> Result<Vec<ClassCount>, PipelineError> {
    let counts: Vec<forethought_dataset::ClassCount> = read_json(&context.split("classes.json"))?;
    let count = |one: &forethought_dataset::ClassCount| ClassCount {
        class: one.class,
        train: one.train,
        validation: one.validation,
    };
    Ok(counts.iter().map(count).collect())
}

/// The accounts of the stages that may lose rows.
fn ledgers(context: &Context<'_>) -> Result<Vec<LedgerStage>, PipelineError> {
    let kinds = [
        "ingest", "balance", "annotate", "clean", "problems", "pairs", "predict", "score", "solve",
    ];
    let stages = context.before.of(&kinds).into_iter();
    stages
        .map(|stage| {
            let ledger: Ledger = read_json(&context.input(stage, "ledger.json"))?;
            Ok(ledger_stage(&ledger))
        })
        .collect()
}

fn ledger_stage(ledger: &Ledger) -> LedgerStage {
    let mut dropped: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &ledger.entries {
        for (reason, rows) in &entry.dropped {
            *dropped.entry(reason).or_default() += rows.count;
        }
    }
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let reasons = dropped.into_iter();
    LedgerStage {
        stage: ledger.stage.clone(),
        read: count(ledger.read()),
        kept: count(ledger.kept()),
        dropped: reasons
            .map(|(reason, number)| Dropped {
                reason: reason.replace('_', " "),
                count: count(number),
            })
            .collect(),
    }
}

fn facts(context: &Context<'_>, histories: &[History<'_>]) -> Result<RunFacts, PipelineError> {
    let mut stages = Vec::new();
    for stage in context.config.stages.iter().map(crate::StageConfig::name) {
        let artifact = context.folder.artifact(stage);
        if artifact.is_dir() && stage != "report" {
            let manifest = ArtifactManifest::read(&artifact)?;
            let is_reused = context.reused.iter().any(|one| one == stage);
            stages.push(StageDuration {
                stage: stage.to_owned(),
                seconds: manifest.seconds,
                is_reused,
            });
        }
    }
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut lines = vec![
        fact("forethought", env!("CARGO_PKG_VERSION").to_owned()),
        fact("device", format!("{:?}", context.device)),
        fact("artifact", context.id[..12].to_owned()),
    ];
    for record in histories.iter().flat_map(|history| &history.steps) {
        let name = format!("noticed in {}, step {}", record.stage, record.step);
        lines.extend(record.diagnosis.iter().map(|text| fact(&name, text.clone())));
    }
    lines.extend(spread(context)?.map(|text| fact("steps", text)));
    let log_prob_difference = difference(histories);
    Ok(RunFacts { seed: Some(context.config.seed), lines, stages, log_prob_difference })
}

/// How the numbers of steps are spread, where there are any.
fn spread(context: &Context<'_>) -> Result<Option<String>, PipelineError> {
    if context.before.of(&["clean"]).is_empty() {
        return Ok(None);
    }
    let Spread { mean, deviation, kept: (low, high) } = read_json(&context.split(SPREAD))?;
    Ok(Some(format!("mean {mean:.2}, standard deviation {deviation:.2}; kept {low} to {high}")))
}

/// How far sampling and training were apart over all steps that sampled.
fn difference(histories: &[History<'_>]) -> Option<LogProbDifference> {
    let steps: Vec<&StepRecord> = histories.iter().flat_map(|history| &history.steps).collect();
    let of = |name: &str| -> Vec<f64> { steps.iter().filter_map(|one| one.metric(name)).collect() };
    let means = of("sampling/sampling_logp_difference/mean");
    let greatest = of("sampling/sampling_logp_difference/max");
    let max = greatest.into_iter().reduce(f64::max)?;
    Some(LogProbDifference { mean: means.iter().sum::<f64>() / means.len() as f64, max })
}
