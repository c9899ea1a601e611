//! What makes the errors behind the first one of a stage visible: the same stage with less asked of its data.

use std::fs;
use std::path::Path;

use forethought_dataset::{Ledger, Source};
use serde_json::Value;

use crate::artifact::{RunFolder, read_json};
use crate::config::StageConfig;
use crate::stages::{IngestStage, MODEL_FOLDER, POLICIES};

/// Settings that refuse a row, and the values with which they pass it over.
const MILDER: [(&str, &str); 2] = [("on_bad_row", "skip"), ("on_overflow", "truncate")];

/// More rows than this are counted and not listed.
const LISTED: usize = 20;

/// The stage with those settings relaxed that refuse rows, if it has any.
pub(super) fn milder(stage: &StageConfig) -> Option<StageConfig> {
    let mut value = serde_json::to_value(stage).ok()?;
    let settings = value.as_object_mut()?.values_mut().next()?;
    let mut is_changed = false;
    for (key, mild) in MILDER {
        let Some(found) = settings.get_mut(key) else { continue };
        is_changed |= found != mild;
        *found = Value::from(mild);
    }
    is_changed.then(|| serde_json::from_value(value).ok()).flatten()
}

/// The stage with each of its files alone, where it has several.
pub(super) fn parts(stage: &StageConfig) -> Vec<StageConfig> {
    match stage {
        StageConfig::Ingest(ingest) if ingest.sources.len() > 1 => {
            let alone = |source: &Source| {
                let sources = vec![source.clone()];
                StageConfig::Ingest(IngestStage { sources, ..ingest.clone() })
            };
            ingest.sources.iter().map(alone).collect()
        }
        _ => Vec::new(),
    }
}

/// The stage with the files of some of its parts, as mild as can be.
pub(super) fn joined(stage: &StageConfig, parts: &[StageConfig]) -> Option<StageConfig> {
    let StageConfig::Ingest(ingest) = stage else { return None };
    let sources = parts.iter().filter_map(|part| match part {
        StageConfig::Ingest(part) => part.sources.first().cloned(),
        _ => None,
    });
    let joined = StageConfig::Ingest(IngestStage { sources: sources.collect(), ..ingest.clone() });
    (!parts.is_empty()).then(|| milder(&joined).unwrap_or(joined))
}

/// The rows of an artifact's ledger that could not be read, each with its place.
pub(super) fn bad_rows(artifact: &Path) -> Vec<String> {
    let Ok(ledger) = read_json::<Ledger>(&artifact.join("ledger.json")) else { return Vec::new() };
    let errors = ledger.entries.iter().flat_map(|entry| &entry.row_errors);
    let mut rows: Vec<String> = errors.map(ToString::to_string).collect();
    if rows.len() > LISTED {
        let more = rows.len() - LISTED;
        rows.truncate(LISTED);
        rows.push(format!("and {more} rows more"));
    }
    rows
}

/// Puts the model that training starts from in the place of a policy; false where there is none, or the stage trains none.
pub(super) fn stand_in(folder: &RunFolder, stage: &StageConfig) -> bool {
    let (from, to) = (folder.artifact("model").join(MODEL_FOLDER), folder.artifact(stage.name()));
    POLICIES.contains(&stage.kind()) && copied(&from, &to.join(MODEL_FOLDER)).is_ok()
}

fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(yaml: &str) -> StageConfig {
        let value: Value = serde_yaml::from_str(yaml).expect("YAML");
        serde_json::from_value(value).expect("a stage")
    }

    #[test]
    fn files_are_read_one_by_one_and_rows_are_passed_over_in_the_end() {
        let several =
            stage("ingest: {sources: [{path: a.jsonl}, {path: b.jsonl}], on_bad_row: error}");
        let alone = ["a", "b"].map(|name| {
            stage(&format!("ingest: {{sources: [{{path: {name}.jsonl}}], on_bad_row: error}}"))
        });
        assert_eq!(parts(&several), alone);
        assert!(parts(&alone[0]).is_empty());
        let mild = stage("ingest: {sources: [{path: a.jsonl}, {path: b.jsonl}], on_bad_row: skip}");
        assert_eq!(milder(&several), Some(mild.clone()));
        assert_eq!(joined(&several, &alone), Some(mild));
        assert_eq!(
            joined(&several, &alone[1..]),
            Some(stage("ingest: {sources: [{path: b.jsonl}]}"))
        );
        assert_eq!(joined(&several, &[]), None);
    }

    #[test]
    fn long_examples_are_cut_where_they_were_refused() {
        let cut = stage("sft: {max_length: 9, on_overflow: truncate}");
        assert_eq!(milder(&stage("sft: {max_length: 9}")), Some(cut.clone()));
        assert_eq!(milder(&cut), None);
    }
}
