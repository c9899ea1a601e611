//! Rows into files, and the index of LLaMA-Factory beside them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use forethought_preference::{DatasetEntry, DatasetInfo, Layout};
use serde_json::{Map, Value};

use crate::commands::{Failure, print};

/// The name of LLaMA-Factory's index.
const INDEX: &str = "dataset_info.json";

type Row = Map<String, Value>;

/// Writes the rows as the extension says.
pub(super) fn write(path: &Path, rows: &[Row]) -> Result<(), Failure> {
    if path == Path::new("-") {
        return print(&lines(rows)?);
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("jsonl" | "ndjson") => replace(path, lines(rows)?.as_bytes()),
        Some("json") => replace(path, json(path, rows)?.as_bytes()),
        Some("parquet") => {
            forethought_dataset::write_rows(path, rows).map_err(super::super::failed)
        }
        _ => {
            let message =
                format!("--output {}: expected .jsonl, .json or .parquet", path.display());
            Err(Failure::Usage(message))
        }
    }
}

fn lines(rows: &[Row]) -> Result<String, Failure> {
    let mut text = String::new();
    for row in rows {
        text.push_str(
            &serde_json::to_string(row).map_err(|error| unwritable(Path::new("-"), error))?,
        );
        text.push('\n');
    }
    Ok(text)
}

fn json(path: &Path, value: &(impl serde::Serialize + ?Sized)) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: serde_json::Error) -> Failure {
    Failure::Io(path.to_owned(), error.into())
}

/// Writes beside the place and renames: at the place there is the old file or the whole new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = std::fs::File::create(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| Failure::Io(path.to_owned(), error))
}

/// Adds the data set to the index beside its file, or replaces it there; the line that says so.
pub(super) fn index(
    output: &Path,
    name: Option<&str>,
    layout: &Layout,
    rows: &[Row],
) -> Result<String, Failure> {
    let path = output.with_file_name(INDEX);
    let mut info = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str::<DatasetInfo>(&text)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => DatasetInfo::new(),
        Err(error) => return Err(Failure::Io(path, error)),
    };
    let used: BTreeSet<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    let text =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let name = name.map_or_else(|| text(output.file_stem()), str::to_owned);
    let entry = DatasetEntry::of(layout, text(output.file_name()), |column| used.contains(column));
    info.insert(name.clone(), entry);
    replace(&path, json(&path, &info)?.as_bytes())?;
    Ok(format!("{}: entry `{name}`", path.display()))
}
