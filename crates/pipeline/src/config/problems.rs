//! Everything that is wrong with a pipeline file: what is wrong at one place hides nothing elsewhere.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::yaml::{ConfigError, Document, key_path};
use super::{PipelineConfig, StageConfig, secret_in_name};

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
    /// The place of each stage in the list of the file, of which some may be left out.
    pub(crate) positions: Vec<usize>,
}

impl PipelineConfig {
    /// Reads as much of a file as can be read, and says all that is wrong with it.
    pub(crate) fn examine(document: &Document) -> Examined {
        let mut errors = Vec::new();
        let nothing = || Self { name: "check".to_owned(), seed: 0, stages: Vec::new() };
        let Some(Value::Array(listed)) = document.value().get("stages") else {
            // Missing, or no list: what the parser says of it is right.
            errors.extend(document.to_config::<Self>().err());
            let (repaired, positions) = (Vec::new(), Vec::new());
            return Examined { config: nothing(), errors, repaired, positions };
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
        errors.extend(secret_in_name(&config.name).map(|message| document.error("name", message)));
        let (mut names, mut positions) = (Vec::new(), Vec::new());
        for (position, stage) in stages.into_iter().enumerate() {
            let Some(stage) = stage else { continue };
            names.extend(stage.is_changed.then(|| stage.config.name().to_owned()));
            config.stages.push(stage.config);
            positions.push(position);
        }
        if order == Order::Known {
            errors.extend(out_of_place(document, &config));
        }
        if listed.is_empty() {
            errors.push(document.error("stages", "a pipeline has at least one stage".into()));
        }
        Examined { config, errors, repaired: names, positions }
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
    let Read { mut config, mut value, taken } =
        read::<StageConfig>(document, value.clone(), &base, errors)?;
    let mut is_changed = !taken.is_empty();
    let mut said = Vec::new();
    // A setting that is out of range may hide the next one, where they are looked at together.
    for _ in 0..MOST {
        let problems = config.problems();
        if problems.is_empty() {
            return Some(Repaired { config, is_changed });
        }
        let mut is_mended = false;
        for problem in problems {
            let key = format!("{}.{}", config.kind(), problem.0);
            let key = super::yaml::key_path(key.trim_end_matches('.'));
            // What was refused before is missing now.
            let is_echo = taken.iter().any(|one| super::yaml::is_below(&key, one));
            if !is_echo && !said.contains(&problem) {
                errors.push(document.error(&format!("{base}.{key}"), problem.1.clone()));
                is_mended |= remove(&mut value, &key).is_some();
                said.push(problem);
            }
        }
        // What is out of range because of several settings together stays, and the stage would say so again.
        if !is_mended {
            return None;
        }
        is_changed = true;
        config = serde_json::from_value(value.clone()).ok()?;
    }
    None
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
    /// The paths of what was.
    taken: Vec<String>,
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
            Ok(config) => return Some(Read { config, value, taken }),
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
        // A stage is an object with its kind as the only key.
        let is_whole = !base.is_empty() && !below.contains('.');
        if is_echo || is_whole {
            return None;
        }
        taken.push(remove(&mut value, &below)?);
    }
    None
}

/// Takes the value at a path out of its map, and returns the path. For one in a list the whole list is taken: those after it would
/// have other paths.
fn remove(value: &mut Value, path: &str) -> Option<String> {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = &mut *value;
    for part in above.split('.').filter(|part| !part.is_empty()) {
        place = match place {
            Value::Object(map) => map.get_mut(part)?,
            Value::Array(list) => list.get_mut(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match place {
        Value::Object(map) => {
            Map::shift_remove(map, last)?;
            Some(path.to_owned())
        }
        Value::Array(_) if above.contains('.') => remove(value, above),
        _ => None,
    }
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
    fn a_value_of_the_wrong_kind_or_out_of_range_hides_none_behind_it() {
        let text = "\
name: y
stages:
  - grpo:
      num_generations: 1
      rewards: [{tiered: 9}]
      sampling: {top_p: 3, max_new_tokens: 0}
";
        let found = problems(text).join("\n");
        for part in ["num_generations: must be at least 2", "top_p", "max_new_tokens", "rewards"] {
            assert!(found.contains(part), "{part} is not in {found}");
        }
        assert!(!found.contains("must not be empty"), "what was refused is not missing: {found}");
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
