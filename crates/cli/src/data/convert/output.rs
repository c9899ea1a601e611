//! Rows into files, and the index of LLaMA-Factory beside them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use forethought_dataset::{Ledger, RowsAsParquet};
use forethought_pipeline::Console;
use forethought_preference::{DatasetEntry, DatasetInfo, Layout};
use serde::ser::{Serialize, SerializeSeq as _, Serializer as _};
use serde_json::{Map, Value};

use crate::commands::{Failure, make_folder};

/// The name of LLaMA-Factory's index.
const INDEX: &str = "dataset_info.json";

/// A row that is written.
pub(super) type Row = Map<String, Value>;

/// What is done with each row.
pub(super) type Sink<'s> = dyn FnMut(&Row) -> Result<(), Failure> + 's;

/// Writes the rows that are made, one after the other, as the extension says.
///
/// They are written beside the place, which is renamed at the end: at the place there is the old file or the whole new one.
pub(super) fn write<T>(
    path: &Path,
    make: impl FnOnce(&mut Sink<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if path == Path::new("-") {
        return lines(path, Reader(Some(io::stdout().lock())), make);
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("jsonl" | "ndjson") => {
            replaced(path, |partial| lines(path, create(partial, path)?, make))
        }
        Some("json") => replaced(path, |partial| array(path, create(partial, path)?, make)),
        Some("parquet") => replaced(path, |partial| {
            let mut parquet = RowsAsParquet::new();
            let made = make(&mut |row| Ok(parquet.push(row)?))?;
            let places = parquet.json_places();
            parquet.write(partial)?;
            if !places.is_empty() {
                Console::Stderr.line(written_as_json(path, &places));
            }
            Ok(made)
        }),
        _ => {
            let message =
                format!("--output {}: expected .jsonl, .json or .parquet", path.display());
            Err(Failure::Usage(message))
        }
    }
}

/// What the columns of the file do not show of the rows, and what can be done where that is not meant.
fn written_as_json(path: &Path, places: &[String]) -> String {
    let is_prose =
        |place: &String| ["prompt", "completion", "chosen", "rejected"].contains(&place.as_str());
    let hint = if places.iter().any(is_prose) {
        "; they hold texts and turns: --prompts conversational or --prompts standard gives them one form"
    } else {
        ""
    };
    let (path, places) = (path.display(), places.join(", "));
    format!(
        "{path}: values of differing types or keys are JSON, as `datasets` has it, in: {places}{hint}"
    )
}

/// A file beside the place that is meant, which errors name.
fn create(partial: &Path, path: &Path) -> Result<File, Failure> {
    File::create(partial).map_err(|error| Failure::Io(path.to_owned(), error))
}

fn lines<T>(
    path: &Path,
    file: impl io::Write,
    make: impl FnOnce(&mut Sink<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut file = BufWriter::new(file);
    let failed = |error| Failure::Io(path.to_owned(), error);
    let made = make(&mut |row| {
        serde_json::to_writer(&mut file, row).map_err(|error| failed(error.into()))?;
        file.write_all(b"\n").map_err(failed)
    })?;
    file.flush().map_err(failed)?;
    Ok(made)
}

/// Somebody who may stop reading, such as `head`: what is written then is lost, and no error.
struct Reader<W>(Option<W>);

impl<W: io::Write> io::Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.0 else { return Ok(bytes.len()) };
        match file.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.0 = None;
                Ok(bytes.len())
            }
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), io::Write::flush)
    }
}

/// One indented JSON array.
fn array<T>(
    path: &Path,
    file: File,
    make: impl FnOnce(&mut Sink<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut file = BufWriter::new(file);
    let failed = |error: serde_json::Error| Failure::Io(path.to_owned(), error.into());
    let mut serializer = serde_json::Serializer::pretty(&mut file);
    let mut array = serializer.serialize_seq(None).map_err(failed)?;
    let made = make(&mut |row| array.serialize_element(row).map_err(failed))?;
    array.end().map_err(failed)?;
    file.flush().map_err(|error| Failure::Io(path.to_owned(), error))?;
    Ok(made)
}

fn json(path: &Path, value: &(impl Serialize + ?Sized)) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::Io(path.to_owned(), error.into()))
}

/// Writes beside the place and renames; what failed is removed.
fn replaced<T>(path: &Path, write: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    make_folder(path)?;
    let settle = || File::open(&partial)?.sync_all().and_then(|()| fs::rename(&partial, path));
    let written = write(&partial).and_then(|made| {
        settle().map_err(|error| Failure::Io(path.to_owned(), error))?;
        Ok(made)
    });
    if written.is_err() {
        // The error that matters is the one above.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Writes the account of every row as the extension says.
pub(super) fn ledger(path: &Path, ledger: &Ledger) -> Result<(), Failure> {
    if path.extension().is_some_and(|one| one == "parquet") {
        return replaced(path, |partial| Ok(ledger.to_rows().write_parquet(partial)?));
    }
    let text = json(path, ledger)?;
    replaced(path, |partial| {
        fs::write(partial, &text).map_err(|error| Failure::Io(path.to_owned(), error))
    })
}

/// The index of LLaMA-Factory beside an output. It is read before rows are, so that what is wrong with it is said first.
pub(super) struct Index {
    path: PathBuf,
    info: DatasetInfo,
    /// What the data set is called in it.
    name: String,
    /// Its file.
    file: String,
}

impl Index {
    pub(super) fn beside(output: &Path, name: Option<&str>) -> Result<Self, Failure> {
        let path = output.with_file_name(INDEX);
        let info = match fs::read_to_string(&path) {
            Ok(text) => DatasetInfo::parse(&text)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => DatasetInfo::default(),
            Err(error) => return Err(Failure::Io(path, error)),
        };
        let text = |part: Option<&std::ffi::OsStr>| {
            part.unwrap_or_default().to_string_lossy().into_owned()
        };
        let name = name.map_or_else(|| text(output.file_stem()), str::to_owned);
        Ok(Self { path, info, name, file: text(output.file_name()) })
    }

    /// Refuses to replace the entry of another file.
    pub(super) fn require_free(&self) -> Result<(), Failure> {
        let (path, name) = (self.path.display(), &self.name);
        let is_there = self.info.names().any(|known| known == name);
        let there = self.info.file_of(name);
        if !is_there || there == Some(&self.file) {
            return Ok(());
        }
        let of = there.map_or_else(String::new, |file| format!(" for {file}"));
        let message = format!(
            "{path}: there is an entry `{name}` already{of}; choose another with --name, or give --overwrite to \
             replace it"
        );
        Err(Failure::Usage(message))
    }

    /// Adds the data set, or replaces it; the line that says so. Its columns are those that are used.
    pub(super) fn write(
        mut self,
        layout: &Layout,
        used: &BTreeSet<String>,
    ) -> Result<String, Failure> {
        let entry = DatasetEntry::of(layout, self.file, |column| used.contains(column));
        let (path, name) = (self.path, self.name);
        let failed = |error| Failure::Usage(format!("{}: {error}", path.display()));
        self.info.insert(&name, &entry).map_err(failed)?;
        let text = json(&path, &self.info)?;
        replaced(&path, |partial| {
            fs::write(partial, &text).map_err(|error| Failure::Io(path.clone(), error))
        })?;
        Ok(format!("{}: entry `{name}`", path.display()))
    }
}
