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

/// The files of a path on the hub, in the cache; nothing where the path is none.
///
/// A name alone means one split of one configuration, as it does to `datasets`; a pattern means the files that it names.
/// Nothing else is fetched.
pub(super) fn files(path: &str, source: &Source) -> Result<Option<Vec<PathBuf>>, DatasetError> {
    let is_scheme = path.starts_with("hf://");
    let is_local = Path::new(path).exists()
        || FILES.iter().any(|ending| path.ends_with(ending))
        || path.contains(['*', '?', '[']);
    if is_local && !is_scheme {
        return Ok(None);
    }
    let Some(hub_path) = HubPath::parse(path).map_err(failed)? else { return Ok(None) };
    let is_named = hub_path.pattern.is_some() && source.dataset.is_none() && source.split.is_none();
    let fetched =
        fetch(&hub_path, |names| if is_named { Ok(names) } else { choose(path, names, source) });
    fetched.map(Some)
}

fn failed(error: HubError) -> DatasetError {
    DatasetError::Hub(Box::new(error))
}

/// The files of the configuration and the split that are asked for, or of the only ones.
fn choose<'f>(
    path: &str,
    names: Vec<&'f str>,
    source: &Source,
) -> Result<Vec<&'f str>, DatasetError> {
    let folders: BTreeSet<&str> = names.iter().copied().filter_map(configuration).collect();
    let wanted = match (source.dataset.as_deref(), folders.len()) {
        // What the hub calls the only one.
        (None, 0 | 1) | (Some("default"), 0) => None,
        (Some(wanted), _) if folders.contains(wanted) => Some(wanted),
        (wanted, _) => {
            return Err(DatasetError::Configurations {
                path: path.to_owned(),
                wanted: wanted.map(str::to_owned),
                found: folders.into_iter().map(str::to_owned).collect(),
            });
        }
    };
    let is_wanted = |name: &&str| wanted.is_none_or(|one| configuration(name) == Some(one));
    let chosen: Vec<&str> = names.into_iter().filter(is_wanted).collect();
    let paths = chosen.iter().map(PathBuf::from).collect();
    let of_split = of_split(path, paths, Path::new(""), source.split.as_deref())?;
    Ok(chosen.into_iter().filter(|name| of_split.contains(&PathBuf::from(name))).collect())
}

/// The folder of a file in which others than those of a split or of all data lie.
fn configuration(name: &str) -> Option<&str> {
    let (folder, _) = name.split_once('/')?;
    let is_split = crate::source::split_of(Path::new(folder)).is_some();
    (folder != "data" && !is_split).then_some(folder)
}

/// The files that are chosen of those with this name, or of all that hold rows.
#[cfg(feature = "hub")]
fn fetch(
    path: &HubPath,
    choose: impl FnOnce(Vec<&str>) -> Result<Vec<&str>, DatasetError>,
) -> Result<Vec<PathBuf>, DatasetError> {
    let hub = forethought_hub::Hub::from_env().map_err(failed)?;
    let data = hub.data_set(&path.name).map_err(failed)?;
    let names = match &path.pattern {
        Some(pattern) => data.files_of(pattern),
        None => data.files_of_rows(),
    };
    let chosen = choose(names.map_err(failed)?)?;
    let fetched = data.fetch(&chosen, &mut |_| {}).map_err(failed)?;
    Ok(fetched.into_iter().map(|file| file.path).collect())
}

#[cfg(not(feature = "hub"))]
fn fetch(
    path: &HubPath,
    _: impl FnOnce(Vec<&str>) -> Result<Vec<&str>, DatasetError>,
) -> Result<Vec<PathBuf>, DatasetError> {
    Err(failed(HubError::WithoutHub(path.name.repository().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        names: &[&str],
        dataset: Option<&str>,
        split: Option<&str>,
    ) -> Result<String, String> {
        let source = Source {
            dataset: dataset.map(str::to_owned),
            split: split.map(str::to_owned),
            ..Source::new("o/n")
        };
        let files = choose("o/n", names.to_vec(), &source).map_err(|error| error.to_string())?;
        Ok(files.join(" "))
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
            Ok("main/train-00000-of-00001.parquet".to_owned())
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
        assert_eq!(
            error,
            "o/n: there is no configuration `mian` (did you mean `main`?); it has: main, socratic"
        );
        let error = chosen(&gsm8k, Some("main"), Some("trian")).expect_err("no such one");
        assert_eq!(
            error,
            "o/n: there is no split `trian` (did you mean `train`?); it has: test, train"
        );
    }

    #[test]
    fn folders_of_data_and_of_splits_are_no_configurations() {
        let data = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"];
        assert_eq!(chosen(&data, None, None).map(|files| files.split(' ').count()), Ok(2));
        let splits = ["train/a.jsonl", "test/a.jsonl"];
        assert_eq!(chosen(&splits, None, Some("test")), Ok("test/a.jsonl".to_owned()));
        assert_eq!(chosen(&["rows.jsonl"], None, None), Ok("rows.jsonl".to_owned()));
        assert_eq!(chosen(&["rows.jsonl"], Some("default"), None), Ok("rows.jsonl".to_owned()));
        assert_eq!(
            chosen(&["rows.jsonl"], Some("main"), None),
            Err("o/n: there is no configuration `main`; it has no configurations; leave out `dataset`".to_owned())
        );
    }
}
