//! What an artifact depends on, piece by piece: its settings, those of the stages behind it, their files and models.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use forethought_train::Origins;
use serde_json::Value;

use crate::artifact::{ArtifactManifest, Ingredients};
use crate::secret::{redact, redact_settings};
use crate::stages::MODEL_FOLDER;

/// The pieces of the last of `planned`, whose others stand before it; `finished` are the artifacts that are there.
pub(crate) fn origins(planned: &[Ingredients<'_>], finished: &[ArtifactManifest]) -> Origins {
    let mut origins = Origins::default();
    let Some(own) = planned.last() else { return origins };
    origins.config.insert("seed".to_owned(), own.seed.to_string());
    origins.config.insert("version".to_owned(), own.code.clone());
    let needed = needed(planned);
    for one in planned.iter().filter(|one| needed.contains(one.stage)) {
        let mut config = one.config.clone();
        redact_settings(&mut config);
        // A stage is an object with its kind as the only key.
        let settings = config.as_object().and_then(|kind| kind.values().next());
        flatten(one.stage, settings.unwrap_or(&Value::Null), &mut |key, value| {
            origins.config.insert(key, redact(&value));
        });
        for (path, hash) in &one.files {
            let pieces = match one.config.get("model") {
                Some(_) => of_model(&mut origins, path),
                None => &mut origins.data,
            };
            pieces.insert(redact(path), hash.clone());
        }
    }
    for manifest in finished.iter().filter(|one| needed.contains(one.stage.as_str())) {
        for (file, facts) in &manifest.files {
            if file.starts_with(MODEL_FOLDER) && file.contains('/') {
                let key = format!("{}/{file}", manifest.stage);
                of_model(&mut origins, file).insert(redact(&key), facts.sha256.clone());
            }
        }
    }
    origins
}

/// The stages that the last one is made of, itself included.
fn needed<'a>(planned: &'a [Ingredients<'_>]) -> BTreeSet<&'a str> {
    let mut needed: BTreeSet<&str> = planned.last().map(|one| one.stage).into_iter().collect();
    // Each stage reads only what stands before it.
    for one in planned.iter().rev() {
        if needed.contains(one.stage) {
            needed.extend(one.inputs.keys().map(String::as_str));
        }
    }
    needed
}

/// Where the hash of a file of a model folder belongs.
fn of_model<'a>(origins: &'a mut Origins, path: &str) -> &'a mut BTreeMap<String, String> {
    if is_tokenizer(path) { &mut origins.tokenizer } else { &mut origins.base_model }
}

/// Whether a file of a model folder belongs to its tokenizer.
fn is_tokenizer(path: &str) -> bool {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    let starts =
        ["tokenizer", "vocab", "merges", "special_tokens", "added_tokens", "chat_template"];
    starts.iter().any(|start| name.starts_with(start))
}

/// Every value below a setting, with its dotted key.
fn flatten(key: &str, value: &Value, take: &mut dyn FnMut(String, String)) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                flatten(&format!("{key}.{name}"), value, take);
            }
        }
        Value::String(text) => take(key.to_owned(), text.clone()),
        value => take(key.to_owned(), value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::artifact::FileFacts;

    fn ingredients(stage: &'static str, config: Value, inputs: &[&str]) -> Ingredients<'static> {
        let inputs = inputs.iter().map(|input| ((*input).to_owned(), "id".to_owned())).collect();
        let code = "0.1.0/2".to_owned();
        Ingredients { stage, code, seed: 7, config, inputs, files: BTreeMap::new() }
    }

    #[test]
    fn settings_files_and_models_of_all_stages_behind_are_there_and_no_others() {
        let mut ingest = ingredients("ingest", json!({"ingest": {"unfinished": "drop"}}), &[]);
        ingest.files.insert("rows.jsonl".to_owned(), "01".to_owned());
        let mut model = ingredients("model", json!({"model": {"folder": "base"}}), &[]);
        model.files.insert("base/tokenizer.json".to_owned(), "02".to_owned());
        model.files.insert("base/model.safetensors".to_owned(), "03".to_owned());
        let warm = json!({"sft": {"training": {"learning_rate": 0.5}}});
        let planned = [
            ingest,
            model,
            ingredients("warm", warm, &["ingest", "model"]),
            ingredients("beside", json!({"sft": {"max_length": 9}}), &["ingest"]),
            ingredients("grpo", json!({"grpo": {"name": null}}), &["warm"]),
        ];
        let files = [("model/model.safetensors", "04"), ("history.jsonl", "05")];
        let files = files.map(|(name, sha256)| {
            (name.to_owned(), FileFacts { bytes: 1, sha256: sha256.to_owned() })
        });
        let warm = ArtifactManifest {
            stage: "warm".to_owned(),
            id: "id".to_owned(),
            inputs: BTreeMap::new(),
            sources: BTreeMap::new(),
            seconds: 1.0,
            files: files.into(),
        };
        let Origins { config, data, tokenizer, base_model } = origins(&planned, &[warm]);
        let text = |map: BTreeMap<String, String>| {
            map.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        let expected = [
            "grpo.name=null",
            "ingest.unfinished=drop",
            "model.folder=base",
            "seed=7",
            "version=0.1.0/2",
            "warm.training.learning_rate=0.5",
        ];
        assert_eq!(text(config), expected);
        assert_eq!(text(data), ["rows.jsonl=01"]);
        assert_eq!(text(tokenizer), ["base/tokenizer.json=02"]);
        let weights = ["base/model.safetensors=03", "warm/model/model.safetensors=04"];
        assert_eq!(text(base_model), weights);
    }
}
