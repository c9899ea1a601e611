//! Data sets of the Hugging Face hub.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forethought_hub::{HubError, HubPath};

use super::Source;
use crate::error::DatasetError;
use crate::source::of_split;

/// Endings of files: a path with one of them that is not there is a slip of the keyboard, and no name on the hub.
const FILES: [&str; 9] =
    [".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow", ".gz", ".zst"];

/// A file of a data set: its name there, and where it is in the cache.
type Fetched = (String, PathBuf);

/// The files of a path on the hub, in the cache; nothing where the path is none.
///
/// A name alone means one split of one configuration, as it does to `datasets`; a pattern means the files that it names.
pub(super) fn files(path: &str, source: &Source) -> Result<Option<Vec<PathBuf>>, DatasetError> {
    let is_scheme = path.starts_with("hf://");
    let is_local = Path::new(path).exists()
        || FILES.iter().any(|ending| path.ends_with(ending))
        || path.contains(['*', '?', '[']);
    if is_local && !is_scheme {
        return Ok(None);
    }
    let failed = |error| DatasetError::Hub(Box::new(error));
    let Some(hub_path) = HubPath::parse(path).map_err(failed)? else { return Ok(None) };
    let fetched = fetch(&hub_path).map_err(failed)?;
    if hub_path.pattern.is_some() && source.dataset.is_none() && source.split.is_none() {
        return Ok(Some(fetched.into_iter().map(|(_, file)| file).collect()));
    }
    choose(path, fetched, source).map(Some)
}

/// The files of the configuration and the split that are asked for, or of the only ones.
fn choose(
    path: &str,
    fetched: Vec<Fetched>,
    source: &Source,
) -> Result<Vec<PathBuf>, DatasetError> {
    let folders: BTreeSet<&str> =
        fetched.iter().filter_map(|(name, _)| configuration(name)).collect();
    let wanted = match (source.dataset.as_deref(), folders.len()) {
        (None, 0 | 1) => None,
        (Some(wanted), _) if folders.contains(wanted) => Some(wanted.to_owned()),
        (wanted, _) => {
            return Err(DatasetError::Configurations {
                path: path.to_owned(),
                wanted: wanted.map(str::to_owned),
                found: folders.into_iter().map(str::to_owned).collect(),
            });
        }
    };
    let is_wanted =
        |name: &str| wanted.as_deref().is_none_or(|one| configuration(name) == Some(one));
    let chosen: Vec<Fetched> = fetched.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    let names = chosen.iter().map(|(name, _)| PathBuf::from(name)).collect();
    let of_split = of_split(path, names, Path::new(""), source.split.as_deref())?;
    let files = chosen.into_iter().filter(|(name, _)| of_split.contains(&PathBuf::from(name)));
    Ok(files.map(|(_, file)| file).collect())
}

/// The folder of a file in which others than those of a split or of all data lie.
fn configuration(name: &str) -> Option<&str> {
    let (folder, _) = name.split_once('/')?;
    let is_split = crate::source::split_of(Path::new(folder)).is_some();
    (folder != "data" && !is_split).then_some(folder)
}

#[cfg(feature = "hub")]
fn fetch(path: &HubPath) -> Result<Vec<Fetched>, HubError> {
    let hub = forethought_hub::Hub::from_env()?;
    let fetched = hub.fetch_data(&path.name, path.pattern.as_deref(), &mut |_| {})?;
    Ok(fetched.into_iter().map(|file| (file.name, file.path)).collect())
}

#[cfg(not(feature = "hub"))]
fn fetch(path: &HubPath) -> Result<Vec<Fetched>, HubError> {
    Err(HubError::WithoutHub(path.name.repository().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        names: &[&str],
        dataset: Option<&str>,
        split: Option<&str>,
    ) -> Result<String, String> {
        let fetched = names.iter().map(|name| ((*name).to_owned(), Path::new("cache").join(name)));
        let source = Source {
            dataset: dataset.map(str::to_owned),
            split: split.map(str::to_owned),
            ..Source::new("o/n")
        };
        let files = choose("o/n", fetched.collect(), &source).map_err(|error| error.to_string())?;
        Ok(files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_name_means_one_split_of_one_configuration() {
        let gsm8k = [
            "main/test-00000-of-00001.parquet",
            "main/train-00000-of-00001.parquet",
            "socratic/test-00000-of-00001.parquet",
            "socratic/train-00000-of-00001.parquet",
        ];
        assert_eq!(
            chosen(&gsm8k, Some("main"), Some("train")),
            Ok("cache/main/train-00000-of-00001.parquet".to_owned())
        );
        assert_eq!(
            chosen(&gsm8k, None, Some("train")),
            Err("o/n: there are several configurations; choose one with `dataset`; it has: main, socratic".to_owned())
        );
        assert_eq!(
            chosen(&gsm8k, Some("main"), None),
            Err("o/n: there are several splits; choose one with `split`; it has: test, train"
                .to_owned())
        );
        let error = chosen(&gsm8k, Some("mian"), Some("train")).expect_err("no such one");
        assert!(error.starts_with("o/n: there is no configuration `mian`"), "{error}");
    }

    #[test]
    fn folders_of_data_and_of_splits_are_no_configurations() {
        let data = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"];
        assert_eq!(chosen(&data, None, None).map(|files| files.split(' ').count()), Ok(2));
        let splits = ["train/a.jsonl", "test/a.jsonl"];
        assert_eq!(chosen(&splits, None, Some("test")), Ok("cache/test/a.jsonl".to_owned()));
        assert_eq!(chosen(&["rows.jsonl"], None, None), Ok("cache/rows.jsonl".to_owned()));
    }
}
