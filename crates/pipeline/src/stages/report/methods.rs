//! Methods side by side, and how reward models do on unseen pairs.

use forethought_evaluate::{Entry, EntryKind, MethodRow, PairResult, Report, ScoredPair};

use super::title;
use crate::PipelineError;
use crate::artifact::{ArtifactManifest, read_json, read_lines};
use crate::stages::Context;
use crate::stages::predict::{MEASURED, Measured};
use crate::stages::score::{SCORES, ScoredRecord};

/// A row for each model whose answers were measured.
pub(super) fn methods(
    context: &Context<'_>,
    report: &Report,
) -> Result<Vec<MethodRow>, PipelineError> {
    let path = context.input("predict", MEASURED);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let measured: Vec<Measured> = read_json(&path)?;
    let models: Vec<&Entry> = report.entries_of(EntryKind::Model).collect();
    let mut rows = Vec::new();
    for (one, entry) in measured.into_iter().zip(models) {
        let manifest = ArtifactManifest::read(&context.folder.artifact(&one.stage))?;
        rows.push(MethodRow {
            name: title(context, &one.stage),
            from: context
                .before
                .start(&one.stage)
                .map(|start| title(context, start))
                .unwrap_or_default(),
            strict: entry.metrics.strict,
            within_1: entry.metrics.within_1,
            rewards: one.rewards,
            divergence: one.divergence,
            seconds: Some(manifest.seconds),
        });
    }
    Ok(rows)
}

/// What the score stages found.
pub(super) fn scored_pairs(context: &Context<'_>) -> Result<Vec<PairResult>, PipelineError> {
    let mut results = Vec::new();
    for stage in context.before.of(&["score"]) {
        let records: Vec<ScoredRecord> = read_lines(&context.input(stage, SCORES))?;
        let pairs: Vec<ScoredPair> = records.iter().map(ScoredRecord::scored).collect();
        results.push(PairResult::of(stage, &pairs));
    }
    Ok(results)
}
