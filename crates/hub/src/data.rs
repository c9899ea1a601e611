//! The data files of a data set.

use std::path::PathBuf;

use glob::{MatchOptions, Pattern};

use crate::repository::LISTING;
use crate::{Hub, HubError, HubName, Kind, Repository};

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

/// A data set at one commit: the names of its files, and the files that are asked for.
#[derive(Debug)]
pub struct DataSet<'a> {
    repository: Repository<'a>,
    files: Vec<String>,
}

impl Hub {
    /// A data set, of which nothing but the list of its files is fetched. Offline it is the list of the last time.
    ///
    /// # Errors
    ///
    /// If there is no such data set, or its list cannot be had.
    pub fn data_set<'a>(&'a self, name: &'a HubName) -> Result<DataSet<'a>, HubError> {
        let repository = self.open(name, Kind::Dataset, LISTING)?;
        let files = repository.list()?;
        Ok(DataSet { repository, files })
    }

    /// The files of a data set that match a pattern, or all that hold rows; those that are not in the cache are fetched.
    /// `done` is told of each file once it is there.
    ///
    /// # Errors
    ///
    /// As [`Hub::data_set`] and [`DataSet::fetch`]; and if no file matches.
    pub fn fetch_data(
        &self,
        name: &HubName,
        pattern: Option<&str>,
        done: &mut dyn FnMut(&FetchedFile),
    ) -> Result<Vec<FetchedFile>, HubError> {
        let data = self.data_set(name)?;
        let chosen = pattern.map_or_else(|| data.files_of_rows(), |one| data.files_of(one))?;
        data.fetch(&chosen, done)
    }
}

impl DataSet<'_> {
    /// The names of the files that hold rows, in their order.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn files_of_rows(&self) -> Result<Vec<&str>, HubError> {
        self.some("of rows", self.names().filter(|file| is_data(file)).collect())
    }

    /// The names of the files that match a pattern, in which `*` stands for no `/`.
    ///
    /// # Errors
    ///
    /// If there is none, or the pattern is none.
    pub fn files_of(&self, pattern: &str) -> Result<Vec<&str>, HubError> {
        let Ok(parsed) = Pattern::new(pattern) else { return self.some(pattern, Vec::new()) };
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let matching = self.names().filter(|file| parsed.matches_with(file, options));
        self.some(pattern, matching.collect())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    fn some<'f>(&self, what: &str, found: Vec<&'f str>) -> Result<Vec<&'f str>, HubError> {
        if !found.is_empty() {
            return Ok(found);
        }
        let (name, files) = (self.repository.name.clone(), self.files.clone());
        Err(HubError::NoMatch { name, pattern: what.to_owned(), files })
    }

    /// These files, in the cache; those that are not there are fetched. `done` is told of each file once it is there.
    ///
    /// # Errors
    ///
    /// If a file cannot be fetched, or offline is not in the cache: then all that are missing are named.
    pub fn fetch(
        &self,
        names: &[&str],
        done: &mut dyn FnMut(&FetchedFile),
    ) -> Result<Vec<FetchedFile>, HubError> {
        let repository = &self.repository;
        if repository.hub.is_offline() {
            let missing = names.iter().copied().filter(|file| !repository.has(file));
            let missing: Vec<&str> = missing.collect();
            if !missing.is_empty() {
                return Err(repository.missing(&missing.join(", ")));
            }
        }
        let mut fetched = Vec::new();
        for file in names {
            let was_cached = repository.has(file);
            let path = repository.file(file)?;
            let one = FetchedFile { name: (*file).to_owned(), path, was_cached };
            done(&one);
            fetched.push(one);
        }
        Ok(fetched)
    }
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
    fn files_that_hold_rows_are_told_by_their_names() {
        let files = ["main/test.parquet", "a.jsonl.gz", "b.JSON", "x.csv.zst"];
        assert!(files.into_iter().all(is_data));
        let others = ["README.md", "dataset_infos.json", "x/state.json", ".hidden.json", "a.gz"];
        assert!(!others.into_iter().any(is_data));
    }
}
