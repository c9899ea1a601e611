//! Everything that is wrong with a pipeline file: what is wrong at one place hides nothing elsewhere.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::yaml::{ConfigError, Document, key_path};
use super::{PipelineConfig, StageConfig};

/// More than this many mistakes in one stage are not looked for.
const MOST: usize = 50;

impl PipelineConfig {
    /// The stages that can be read, and all that is wrong with the file.
    pub(crate) fn all_problems(document: &Document) -> (Vec<StageConfig>, Vec<ConfigError>) {
        let mut errors = Vec::new();
        let Some(root) = document.value().as_object() else {
            errors.extend(document.to_config::<Self>().err());
            return (Vec::new(), errors);
        };
        let mut head = root.clone();
        let stages = head.insert("stages".to_owned(), Value::Array(Vec::new()));
        let Some(Value::Array(listed)) = stages else {
            // Missing, or no list: what the parser says of it is right.
            errors.extend(document.to_config::<Self>().err());
            return (Vec::new(), errors);
        };
        read::<Self>(document, Value::Object(head), "", &mut errors);
        let mut stages = Vec::new();
        for (index, value) in listed.iter().enumerate() {
            let base = format!("stages.{index}");
            stages.push(read::<StageConfig>(document, value.clone(), &base, &mut errors));
        }
        let is_whole = errors.is_empty();
        let stages: Vec<StageConfig> = match stages.iter().cloned().collect::<Option<Vec<_>>>() {
            Some(stages) if is_whole => {
                errors.extend(out_of_range(document, &stages, Order::Known));
                stages
            }
            _ => {
                // Which stage reads which cannot be said while some are unreadable.
                let readable: Vec<StageConfig> = stages.into_iter().flatten().collect();
                errors.extend(out_of_range(document, &readable, Order::Unknown));
                readable
            }
        };
        if listed.is_empty() {
            errors.push(document.error("stages", "a pipeline has at least one stage".into()));
        }
        (stages, errors)
    }
}

/// Whether the list of stages is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Known,
    Unknown,
}

fn out_of_range(document: &Document, stages: &[StageConfig], order: Order) -> Vec<ConfigError> {
    let config = PipelineConfig { name: "check".to_owned(), seed: 0, stages: stages.to_vec() };
    let mut errors = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let misplaced = (order == Order::Known).then(|| config.misplaced(index)).flatten();
        for (below, message) in stage.problems().into_iter().chain(misplaced) {
            // Without an order the line is unknown, and the name of the stage has to do.
            let key = match order {
                Order::Known => format!("stages.{index}.{}.{below}", stage.kind()),
                Order::Unknown => format!("{}.{below}", stage.name()),
            };
            errors.push(document.error(key.trim_end_matches('.'), message));
        }
    }
    errors
}

/// Reads a part of the document. Whatever is refused is noted and taken out, until the rest can be read.
fn read<T: DeserializeOwned>(
    document: &Document,
    mut value: Value,
    base: &str,
    errors: &mut Vec<ConfigError>,
) -> Option<T> {
    let mut taken: Vec<String> = Vec::new();
    for _ in 0..MOST {
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(config) => return taken.is_empty().then_some(config),
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
        let (_, errors) = PipelineConfig::all_problems(&document);
        errors.iter().map(ToString::to_string).collect()
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
