//! Everything that is wrong with a pipeline file: what is wrong at one place hides nothing elsewhere.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::yaml::{ConfigError, Document, key_path};
use super::{PipelineConfig, StageConfig};

/// More than this many mistakes in one stage are not looked for.
const MOST: usize = 50;

/// What can be made of a pipeline file, whatever is wrong with it.
#[derive(Debug)]
pub(crate) struct Examined {
    /// The pipeline of all stages that can be read. What was refused in them is taken out, so that defaults stand there.
    pub(crate) config: PipelineConfig,
    /// All that is wrong with the file.
    pub(crate) errors: Vec<ConfigError>,
    /// The stages in which something was refused.
    pub(crate) repaired: Vec<String>,
}

impl PipelineConfig {
    /// Reads as much of a file as can be read, and says all that is wrong with it.
    pub(crate) fn examine(document: &Document) -> Examined {
        let mut errors = Vec::new();
        let nothing = || Self { name: "check".to_owned(), seed: 0, stages: Vec::new() };
        let Some(Value::Array(listed)) = document.value().get("stages") else {
            // Missing, or no list: what the parser says of it is right.
            errors.extend(document.to_config::<Self>().err());
            return Examined { config: nothing(), errors, repaired: Vec::new() };
        };
        let mut head = document.value().clone();
        head["stages"] = Value::Array(Vec::new());
        let head = read::<Self>(document, head, "", &mut errors);
        let stages: Vec<Option<Repaired>> = listed
            .iter()
            .enumerate()
            .map(|(index, value)| repaired(document, (index, value), &mut errors))
            .collect();
        let order = if stages.iter().all(Option::is_some) { Order::Known } else { Order::Unknown };
        let mut config = head.map_or_else(nothing, |read| read.config);
        let mut names = Vec::new();
        for stage in stages.into_iter().flatten() {
            names.extend(stage.is_changed.then(|| stage.config.name().to_owned()));
            config.stages.push(stage.config);
        }
        if order == Order::Known {
            errors.extend(out_of_place(document, &config));
        }
        if listed.is_empty() {
            errors.push(document.error("stages", "a pipeline has at least one stage".into()));
        }
        Examined { config, errors, repaired: names }
    }
}

/// Whether the list of stages is that of the file: which stage reads which cannot be said while some are unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Known,
    Unknown,
}

/// A stage as far as it can be read.
struct Repaired {
    config: StageConfig,
    /// Whether something was refused.
    is_changed: bool,
}

/// Reads a stage, and takes out whatever is refused or out of range.
fn repaired(
    document: &Document,
    (index, value): (usize, &Value),
    errors: &mut Vec<ConfigError>,
) -> Option<Repaired> {
    let base = format!("stages.{index}");
    let Read { mut config, mut value, mut is_changed } =
        read::<StageConfig>(document, value.clone(), &base, errors)?;
    let problems = config.problems();
    for (below, message) in &problems {
        let key = format!("{}.{below}", config.kind());
        let place = format!("{base}.{key}");
        errors.push(document.error(place.trim_end_matches('.'), message.clone()));
        is_changed |= remove(&mut value, &super::yaml::key_path(&key));
    }
    if !problems.is_empty() {
        config = serde_json::from_value(value).ok()?;
    }
    // What is out of range because of several settings together is still there, and the stage would say so again.
    config.problems().is_empty().then_some(Repaired { config, is_changed })
}

/// Stages that cannot stand where they do.
fn out_of_place(document: &Document, config: &PipelineConfig) -> Vec<ConfigError> {
    let misplaced = |(index, stage): (usize, &StageConfig)| {
        let (below, message) = config.misplaced(index)?;
        let key = format!("stages.{index}.{}.{below}", stage.kind());
        Some(document.error(key.trim_end_matches('.'), message))
    };
    config.stages.iter().enumerate().filter_map(misplaced).collect()
}

/// What could be read of a part of the document.
struct Read<T> {
    config: T,
    /// The part without what was refused.
    value: Value,
    /// Whether something was.
    is_changed: bool,
}

/// Reads a part of the document. Whatever is refused is noted and taken out, until the rest can be read.
fn read<T: DeserializeOwned>(
    document: &Document,
    mut value: Value,
    base: &str,
    errors: &mut Vec<ConfigError>,
) -> Option<Read<T>> {
    let mut taken: Vec<String> = Vec::new();
    for _ in 0..MOST {
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(config) => return Some(Read { config, value, is_changed: !taken.is_empty() }),
            Err(error) => error,
        };
        let below = key_path(&error.path().to_string());
        let message = error.into_inner().to_string();
        // A key that was refused for its value is missing afterwards.
        let is_echo = message.starts_with("missing field")
            && taken.iter().any(|one| one.rsplit_once('.').map_or("", |(above, _)| above) == below);
        if !is_echo {
            let key = [base, below.as_str()].into_iter().filter(|part| !part.is_empty());
            let key = key.collect::<Vec<_>>().join(".");
            errors.push(document.error(&key, super::suggest::with_nearest_name(&message)));
        }
        if is_echo || !remove(&mut value, &below) {
            return None;
        }
        taken.push(below);
    }
    None
}

/// Takes the value at a path out of its map. One in a list stays: those after it would have other paths.
fn remove(value: &mut Value, path: &str) -> bool {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = value;
    for part in above.split('.').filter(|part| !part.is_empty()) {
        let next = match place {
            Value::Object(map) => map.get_mut(part),
            Value::Array(list) => part.parse().ok().and_then(|index: usize| list.get_mut(index)),
            _ => None,
        };
        let Some(next) = next else { return false };
        place = next;
    }
    place
        .as_object_mut()
        .is_some_and(|map: &mut Map<String, Value>| map.shift_remove(last).is_some())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let document = Document::parse(Path::new("a.yaml"), text, &[]).expect("YAML");
        PipelineConfig::examine(&document).errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_of_a_file_is_listed_with_its_line() {
        let text = "\
nmae: x
name: y
stages:
  - ingest:
      sources: [{path: a.jsonl, fromat: json}]
  - lable: {}
  - sft:
      max_lenght: 3
      num_train_epochs: many
      training: {learning_rat: 1, save_steps: 2}
";
        let found = problems(text);
        let lines: Vec<&str> = found.iter().map(|one| &one[..9]).collect();
        assert_eq!(
            lines,
            ["a.yaml:1:", "a.yaml:5:", "a.yaml:6:", "a.yaml:8:", "a.yaml:9:", "a.yaml:10"]
        );
        assert!(found[2].contains("did you mean `label`?"), "{}", found[2]);
        assert!(found[5].contains("did you mean `learning_rate`?"), "{}", found[5]);
    }

    #[test]
    fn values_out_of_range_and_stages_out_of_place_are_listed_together() {
        let text = "\
name: y
stages:
  - sft:
      num_train_epochs: 0
      training: {weight_decay: -1}
  - label: {}
";
        let found = problems(text).join("\n");
        for part in
            ["num_train_epochs", "weight_decay must be", "needs the stage `model`", "`label` needs"]
        {
            assert!(found.contains(part), "{part} is not in {found}");
        }
    }
}
