//! Parquet files through polars, with every fault of the file as an error that names it.

use std::any::Any;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, ParquetReader, PolarsResult, SerReader};

use crate::error::DatasetError;

/// What a parquet file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";
/// Magic, footer length, magic: nothing shorter can be a parquet file.
const SHORTEST: u64 = 12;

/// A parquet file whose footer has been read.
pub(crate) struct ParquetFile {
    path: PathBuf,
    columns: Vec<String>,
}

impl ParquetFile {
    /// Checks the frame of the file and reads the names of its columns.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        check_magic(path)?;
        let file = open(path)?;
        let columns = guarded(path, || {
            let schema = ParquetReader::new(file).schema()?;
            Ok(schema.iter_names().map(ToString::to_string).collect())
        })?;
        Ok(Self { path: path.to_owned(), columns })
    }

    /// The names of the columns, in the order of the file.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// An error naming the columns that are not there.
    pub(crate) fn require(&self, names: &[&str]) -> Result<(), DatasetError> {
        crate::error::require_columns(&self.path, names, &self.columns)
    }

    /// Reads these columns.
    pub(crate) fn read(&self, names: &[&str]) -> Result<DataFrame, DatasetError> {
        let file = open(&self.path)?;
        let names = names.iter().map(ToString::to_string).collect();
        guarded(&self.path, || {
            ParquetReader::new(file).with_columns(Some(names)).set_rechunk(true).finish()
        })
    }
}

/// Runs polars on a file and turns its errors into ours.
///
/// polars panics on some corrupt files, where its decoders index into pages whose sizes the file itself states. Such a
/// panic is the file's fault, so it is caught here, at the only door, and reported as an error that names the file.
pub(crate) fn guarded<T>(
    path: &Path,
    run: impl FnOnce() -> PolarsResult<T>,
) -> Result<T, DatasetError> {
    let message = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic_message(panic.as_ref()),
    };
    Err(DatasetError::Parquet { path: path.to_owned(), message })
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("corrupt: the decoder failed with `{}`", text.unwrap_or("no message"))
}

fn open(path: &Path) -> Result<File, DatasetError> {
    File::open(path).map_err(|source| DatasetError::read(path, source))
}

/// Names the two commonest faults, another format and a download that stopped, before any decoder sees the file.
fn check_magic(path: &Path) -> Result<(), DatasetError> {
    let (length, start, end) = ends(path).map_err(|source| DatasetError::read(path, source))?;
    let message = if length < SHORTEST {
        format!("{length} bytes are too few for a parquet file")
    } else if start != *MAGIC {
        format!("not a parquet file: it begins with `{}`, not `PAR1`", start.escape_ascii())
    } else if end != *MAGIC {
        format!("truncated: it ends with `{}`, not `PAR1`", end.escape_ascii())
    } else {
        return Ok(());
    };
    Err(DatasetError::Parquet { path: path.to_owned(), message })
}

/// The length of a file, its first and its last four bytes; zeros for a file too short to have them.
fn ends(path: &Path) -> std::io::Result<(u64, [u8; 4], [u8; 4])> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut start, mut end) = ([0; 4], [0; 4]);
    if length >= SHORTEST {
        file.read_exact(&mut start)?;
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut end)?;
    }
    Ok((length, start, end))
}
