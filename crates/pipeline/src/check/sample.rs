//! What makes a rehearsal short: fewer rows, shorter answers.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::PipelineError;
use crate::config::{PipelineConfig, StageConfig};

/// Rows that the stages after the data see.
const ROWS: usize = 24;
/// Longer files of JSON lines are read up to here.
const MOST_BYTES: u64 = 32 << 20;
/// Settings of evaluations, and the most they are in a rehearsal.
const SHORTENED: [(&str, u64); 2] = [("max_new_tokens", 8), ("max_questions", 4)];

/// The stage with shorter answers, and with the beginnings of very long files. Stages that plan their memory by the real
/// length shorten their sampling themselves.
pub(super) fn shortened(stage: &StageConfig, scratch: &Path) -> Result<StageConfig, PipelineError> {
    match stage {
        StageConfig::Grpo(_)
        | StageConfig::Rloo(_)
        | StageConfig::Ppo(_)
        | StageConfig::Predict(_)
        | StageConfig::Solve(_) => Ok(stage.clone()),
        StageConfig::Ingest(ingest) => {
            let mut ingest = ingest.clone();
            for source in &mut ingest.sources {
                for path in &mut source.path {
                    if let Some(short) = beginning(Path::new(path), scratch)? {
                        *path = short.to_string_lossy().into_owned();
                        source.sha256 = None;
                    }
                }
            }
            Ok(StageConfig::Ingest(ingest))
        }
        other => {
            let fail = || PipelineError::json(other.name().to_owned());
            let mut value = serde_json::to_value(other).map_err(fail())?;
            shorten(&mut value);
            serde_json::from_value(value).map_err(fail())
        }
    }
}

fn shorten(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                let limit = SHORTENED.iter().find(|(name, _)| name == key);
                match (limit, below.as_u64()) {
                    (Some((_, most)), Some(number)) => *below = number.min(*most).into(),
                    _ => shorten(below),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// Folders of beginnings, in which a file has the path that it has outside: in one those that start at the root, in the other
/// those that start at the working directory.
const ABSOLUTE: &str = "beginning-of";
const RELATIVE: &str = "beginning-of-here";

fn place_of_beginning(path: &Path, scratch: &Path) -> PathBuf {
    match path.strip_prefix("/") {
        Ok(below) => scratch.join(ABSOLUTE).join(below),
        Err(_) => scratch.join(RELATIVE).join(path),
    }
}

/// What is said of a rehearsal, in terms of what lasts: of the file instead of the beginning of it that was read, and of the
/// run folder that a run would have.
pub(super) fn without_scratch(text: &str, scratch: &Path) -> String {
    let scratch = scratch.display();
    text.replace(&format!("{scratch}/{RELATIVE}/"), "")
        .replace(&format!("{scratch}/{ABSOLUTE}/"), "/")
        .replace(&scratch.to_string(), "RUN")
}

/// A copy of the first lines of a long file of JSON lines; none where the file is short or something else.
fn beginning(path: &Path, scratch: &Path) -> Result<Option<PathBuf>, PipelineError> {
    let is_lines = path.extension().is_some_and(|one| one == "jsonl" || one == "ndjson");
    let is_long = fs::metadata(path).is_ok_and(|metadata| metadata.len() > MOST_BYTES);
    if !is_lines || !is_long {
        return Ok(None);
    }
    let short = place_of_beginning(path, scratch);
    if let Some(folder) = short.parent() {
        fs::create_dir_all(folder).map_err(PipelineError::io(folder))?;
    }
    let mut reader = BufReader::new(fs::File::open(path).map_err(PipelineError::io(path))?);
    let mut writer = fs::File::create(&short).map_err(PipelineError::io(&short))?;
    let (mut line, mut written) = (Vec::new(), 0);
    while written < MOST_BYTES {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(PipelineError::io(path))? == 0 {
            break;
        }
        writer.write_all(&line).map_err(PipelineError::io(&short))?;
        written += line.len() as u64;
    }
    Ok(Some(short))
}

/// Whether only some rows of what this kind of stage makes are kept: classes are balanced over all rows, and every other
/// stage after them works on examples.
pub(super) fn is_thinned(kind: &str) -> bool {
    !["ingest", "model", "label"].contains(&kind)
}

/// How many rows of a stage are kept: some, and of what is trained on as many as the largest sampling of the pipeline needs at
/// once, so that too few of them are noticed. Pairs are not asked.
pub(super) fn rows(config: &PipelineConfig, kind: &str) -> Kept {
    let asked = config.stages.iter().map(StageConfig::needed_at_once).max().unwrap_or(0);
    Kept { of_training: if kind == "pairs" { ROWS } else { asked.max(ROWS) } }
}

/// How many rows of each file are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Of files that are not of the side of validation.
    of_training: usize,
}

impl Kept {
    fn of(self, name: &str) -> usize {
        if is_validation(name) { ROWS } else { self.of_training }
    }
}

fn is_validation(name: &str) -> bool {
    name.starts_with("validation")
}

/// Keeps some rows of each file of JSON lines, evenly spread. Files of as many lines keep the same rows, since some belong
/// together line by line. Returns whether rows that are trained on were left out.
pub(super) fn thin_out(folder: &Path, kept: Kept) -> Result<bool, PipelineError> {
    let mut is_sample = false;
    for entry in fs::read_dir(folder).map_err(PipelineError::io(folder))? {
        let path = entry.map_err(PipelineError::io(folder))?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(PipelineError::io(&path))?;
        let lines: Vec<&str> = text.lines().collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let wanted = kept.of(&name);
        is_sample |= wanted < lines.len() && !is_validation(&name);
        let mut thinned = String::new();
        for index in spread(lines.len(), wanted) {
            thinned.push_str(lines[index]);
            thinned.push('\n');
        }
        fs::write(&path, thinned).map_err(PipelineError::io(&path))?;
    }
    Ok(is_sample)
}

/// At most `wanted` indices below `length`, evenly spread, the first among them.
fn spread(length: usize, wanted: usize) -> impl Iterator<Item = usize> {
    let kept = length.min(wanted);
    (0..kept).map(move |index| index * length / kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_spread_over_the_whole_file_and_few_stay_all() {
        assert_eq!(spread(3, 24).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(100, 4).collect::<Vec<_>>(), [0, 25, 50, 75]);
        assert_eq!(spread(0, 4).count(), 0);
    }

    #[test]
    fn answers_are_shortened_wherever_a_stage_says_their_length() {
        let mut value = serde_json::json!({
            "predict": {"sampling": {"max_new_tokens": 20}, "measure": {"max_questions": 2, "max_new_tokens": 4}},
        });
        shorten(&mut value);
        assert_eq!(value["predict"]["sampling"]["max_new_tokens"], 8);
        assert_eq!(value["predict"]["measure"]["max_questions"], 2);
        assert_eq!(value["predict"]["measure"]["max_new_tokens"], 4);
    }

    #[test]
    fn what_lies_in_the_temporary_folder_is_named_by_what_lasts() {
        let scratch = Path::new("/scratch/X");
        for (path, said) in [("/data/a.jsonl", "/data/a.jsonl"), ("data/a.jsonl", "data/a.jsonl")] {
            let text =
                format!("{}:3: no JSON", place_of_beginning(Path::new(path), scratch).display());
            assert_eq!(without_scratch(&text, scratch), format!("{said}:3: no JSON"));
        }
        let text = "/scratch/X/artifacts/model/model: no such file";
        assert_eq!(without_scratch(text, scratch), "RUN/artifacts/model/model: no such file");
    }

    #[test]
    fn files_of_as_many_lines_keep_the_same_rows() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lines = (0..100).map(|number| number.to_string()).collect::<Vec<_>>().join("\n") + "\n";
        for name in ["train.jsonl", "train.columns.jsonl", "validation.jsonl", "c.json"] {
            fs::write(folder.path().join(name), &lines).expect("written");
        }
        let thin_out = |of_training| thin_out(folder.path(), Kept { of_training }).expect("read");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
        assert!(!thin_out(100), "validation is not trained on");
        assert_eq!(
            (read("train.jsonl"), read("validation.jsonl").lines().count()),
            (lines.clone(), ROWS)
        );
        assert!(thin_out(99));
        assert_eq!(read("train.jsonl").lines().count(), 99);
        assert_eq!(read("train.jsonl"), read("train.columns.jsonl"));
        assert_eq!(read("c.json"), lines, "no list of rows");
    }
}
