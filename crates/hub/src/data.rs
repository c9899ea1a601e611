//! The data files of a data set.

use std::path::PathBuf;

use glob::{MatchOptions, Pattern};

use crate::{Hub, HubError, HubName, Kind};

/// The endings of files that hold rows.
const DATA: [&str; 7] = [".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow"];
/// The endings that compression puts behind them.
const PACKED: [&str; 2] = [".gz", ".zst"];
/// Files of those endings that describe a data set.
const DESCRIPTIONS: [&str; 4] =
    ["dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json"];

/// A file of a data set, in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// Its name in the repository.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it was there before.
    pub was_cached: bool,
}

impl Hub {
    /// The files of a data set that match a pattern, or all that hold rows; those that are not in the cache are fetched.
    /// `done` is told of each file once it is there.
    ///
    /// # Errors
    ///
    /// If no file matches; if a file cannot be fetched, or offline is not in the cache: then all that are missing are named.
    pub fn fetch_data(
        &self,
        name: &HubName,
        pattern: Option<&str>,
        done: &mut dyn FnMut(&FetchedFile),
    ) -> Result<Vec<FetchedFile>, HubError> {
        let repository = self.open(name, Kind::Dataset, "list of files")?;
        let files = repository.list()?;
        let chosen = choose(name, &files, pattern)?;
        if self.is_offline() {
            let missing: Vec<&str> =
                chosen.iter().copied().filter(|file| !repository.has(file)).collect();
            if !missing.is_empty() {
                return Err(repository.missing(&missing.join(", ")));
            }
        }
        let mut fetched = Vec::new();
        for file in chosen {
            let was_cached = repository.has(file);
            let path = repository.file(file)?;
            let one = FetchedFile { name: file.to_owned(), path, was_cached };
            done(&one);
            fetched.push(one);
        }
        Ok(fetched)
    }
}

/// The files of a pattern, or those that hold rows.
fn choose<'f>(
    name: &HubName,
    files: &'f [String],
    pattern: Option<&str>,
) -> Result<Vec<&'f str>, HubError> {
    let none = |pattern: &str| HubError::NoMatch {
        name: name.clone(),
        pattern: pattern.to_owned(),
        files: files.to_vec(),
    };
    let names = files.iter().map(String::as_str);
    let (chosen, what): (Vec<&str>, &str) = match pattern {
        None => (names.filter(|file| is_data(file)).collect(), "of rows"),
        Some(pattern) => {
            let parsed = Pattern::new(pattern).map_err(|_| none(pattern))?;
            let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
            (names.filter(|file| parsed.matches_with(file, options)).collect(), pattern)
        }
    };
    if chosen.is_empty() { Err(none(what)) } else { Ok(chosen) }
}

fn is_data(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let plain = PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let has_ending = DATA.iter().any(|ending| plain.to_lowercase().ends_with(ending));
    has_ending && !name.starts_with('.') && !DESCRIPTIONS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_of_a_pattern_or_those_that_hold_rows() {
        let files = [
            "README.md",
            "dataset_infos.json",
            "main/test.parquet",
            "main/train.parquet",
            "x/a.jsonl.gz",
        ];
        let files = files.map(String::from);
        let name: HubName = "me/data".parse().expect("a name");
        let chosen = |pattern| choose(&name, &files, pattern).map_err(|error| error.to_string());
        assert_eq!(
            chosen(None),
            Ok(vec!["main/test.parquet", "main/train.parquet", "x/a.jsonl.gz"])
        );
        assert_eq!(chosen(Some("main/tr*")), Ok(vec!["main/train.parquet"]));
        assert_eq!(
            chosen(Some("*.parquet")),
            Err("me/data@main has no file *.parquet; it has: README.md, dataset_infos.json, main/test.parquet, \
                 main/train.parquet, x/a.jsonl.gz".to_owned())
        );
    }
}
