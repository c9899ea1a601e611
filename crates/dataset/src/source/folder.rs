//! Folders of data files: what `datasets` saved, or files that lie together, and their splits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::format::Format;
use crate::error::DatasetError;

/// What `Dataset.save_to_disk` writes beside its Arrow files.
const STATE: &str = "state.json";
/// What `DatasetDict.save_to_disk` writes above the folders of its splits.
const SPLITS: &str = "dataset_dict.json";
/// JSON files beside data that hold none.
const NO_DATA: [&str; 4] = [STATE, SPLITS, "dataset_info.json", "dataset_infos.json"];
/// Folders below the named one that are looked into: `data/train/part.parquet` is two down.
const DEPTH: usize = 3;
/// The words that name a split in the names of files and folders: `SPLIT_KEYWORDS` of `datasets`.
const WORDS: [(&str, &[&str]); 3] = [
    ("train", &["train", "training"]),
    ("validation", &["validation", "valid", "dev", "val"]),
    ("test", &["test", "testing", "eval", "evaluation"]),
];

#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "_data_files")]
    data_files: Vec<SavedFile>,
    #[serde(default, rename = "_split")]
    split: Option<String>,
}

#[derive(Deserialize)]
struct SavedFile {
    filename: String,
}

#[derive(Deserialize)]
struct SavedSplits {
    splits: Vec<String>,
}

/// The data files of a folder, of one split where there are several.
pub(super) fn files(folder: &Path, split: Option<&str>) -> Result<Vec<PathBuf>, DatasetError> {
    if folder.join(SPLITS).is_file() {
        let saved: SavedSplits = read(&folder.join(SPLITS))?;
        let chosen = choose(&folder.display().to_string(), split, &saved.splits)?;
        return saved_files(&folder.join(chosen), None);
    }
    if folder.join(STATE).is_file() {
        return saved_files(folder, split);
    }
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut found)?;
    if found.is_empty() {
        return Err(DatasetError::Folder(folder.to_owned()));
    }
    of_split(&folder.display().to_string(), found, folder, split)
}

/// The Arrow files in the order that `state.json` gives.
fn saved_files(folder: &Path, split: Option<&str>) -> Result<Vec<PathBuf>, DatasetError> {
    let state = folder.join(STATE);
    let saved: Saved = read(&state)?;
    if let Some(split) = split {
        // As in `datasets`: what says nothing of its split is for training.
        let own = saved.split.unwrap_or_else(|| "train".to_owned());
        choose(&folder.display().to_string(), Some(split), &[own])?;
    }
    let names = saved.data_files.into_iter().map(|file| file.filename);
    names.map(|name| saved_file(folder, &state, &name)).collect()
}

/// A name leads to a file of this folder and nowhere else.
fn saved_file(folder: &Path, state: &Path, name: &str) -> Result<PathBuf, DatasetError> {
    let fault = |message: String| DatasetError::FolderIndex { path: state.to_owned(), message };
    if Path::new(name).file_name().is_none_or(|file| file != name) {
        return Err(fault(format!("`{name}` is no name of a file in this folder")));
    }
    let path = folder.join(name);
    let is_there = path.is_file();
    is_there.then_some(path).ok_or_else(|| fault(format!("it names `{name}`, which is not there")))
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, DatasetError> {
    let text = std::fs::read_to_string(path).map_err(|source| DatasetError::read(path, source))?;
    serde_json::from_str(&text).map_err(|error| DatasetError::FolderIndex {
        path: path.to_owned(),
        message: format!("not what `datasets` writes: {error}"),
    })
}

/// Data files below a folder, in the order of their paths.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    let failed = |source| DatasetError::read(folder, source);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry.map_err(failed)?.path()))
        .collect::<Result<_, DatasetError>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || NO_DATA.contains(&&*name) {
            continue;
        }
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, found)?;
        } else if path.is_file() && Format::told_by(&path).is_some() {
            found.push(path);
        }
    }
    Ok(())
}

/// The files of the split that is asked for, or all of them if they are of one. Names are read from `root` on.
pub(crate) fn of_split(
    shown: &str,
    files: Vec<PathBuf>,
    root: &Path,
    split: Option<&str>,
) -> Result<Vec<PathBuf>, DatasetError> {
    let of = |file: &Path| split_of(file.strip_prefix(root).unwrap_or(file));
    let named: BTreeSet<String> = files.iter().filter_map(|file| of(file)).collect();
    if named.is_empty() {
        // As in `datasets`: files whose names say nothing are for training.
        return choose(shown, split, &["train".to_owned()]).map(|_| files);
    }
    let mut found: Vec<String> = named.into_iter().collect();
    if split.is_none()
        && let Some(file) = files.iter().find(|file| of(file).is_none())
    {
        found.push(format!("{}, whose name tells no split", file.display()));
    }
    let chosen = choose(shown, split, &found)?;
    Ok(files.into_iter().filter(|file| of(file).as_deref() == Some(chosen)).collect())
}

fn choose<'a>(
    shown: &str,
    wanted: Option<&str>,
    found: &'a [String],
) -> Result<&'a str, DatasetError> {
    let chosen = match (wanted, found) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(wanted), _) => found.iter().find(|split| *split == wanted),
    };
    chosen.map(String::as_str).ok_or_else(|| DatasetError::Splits {
        path: shown.to_owned(),
        wanted: wanted.map(str::to_owned),
        found: found.to_vec(),
    })
}

/// The split that a path names: as the beginning of `NAME-00000-of-00005`, or as a word of a folder or of the file.
pub(crate) fn split_of(path: &Path) -> Option<String> {
    let parts: Vec<String> =
        path.iter().map(|part| part.to_string_lossy().to_ascii_lowercase()).collect();
    let (file, folders) = parts.split_last()?;
    let shard = sharded(file);
    let word = || folders.iter().chain([file]).find_map(|part| word_of(part));
    shard.or_else(word)
}

/// `train` of `train-00000-of-00005.parquet`; `data-…` names no split.
fn sharded(file: &str) -> Option<String> {
    let is_count = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let stem = file.split('.').next()?;
    let (rest, total) = stem.rsplit_once("-of-")?;
    let (name, index) = rest.rsplit_once('-')?;
    (is_count(index) && is_count(total) && name != "data").then(|| name.to_owned())
}

fn word_of(part: &str) -> Option<String> {
    let mut words = part.split(|letter: char| !letter.is_ascii_alphabetic());
    words.find_map(|word| {
        let (split, _) = WORDS.iter().find(|(_, words)| words.contains(&word))?;
        Some((*split).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Option<String> {
        split_of(Path::new(path))
    }

    #[test]
    fn names_tell_splits_as_datasets_reads_them() {
        // As `datasets` 5.2 does with `get_data_patterns` and its `SPLIT_KEYWORDS`.
        assert_eq!(split("data/train-00000-of-00002.parquet").as_deref(), Some("train"));
        assert_eq!(split("data/extra_hard-00000-of-00002.parquet").as_deref(), Some("extra_hard"));
        assert_eq!(split("my_train_file.csv").as_deref(), Some("train"));
        assert_eq!(split("dev/part.jsonl").as_deref(), Some("validation"));
        assert_eq!(split("eval.jsonl.gz").as_deref(), Some("test"));
        assert_eq!(split("part-train2.csv").as_deref(), Some("train"));
        assert_eq!(split("trainer.csv"), None);
        assert_eq!(split("contest.csv"), None);
        assert_eq!(split("data-00000-of-00001.arrow"), None);
    }
}
