//! Parquet files through polars, with every fault of the file as an error that names it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, ParquetReader, PolarsResult, SerReader};

use crate::error::DatasetError;
use crate::rows::Next;

/// What a parquet file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";
/// Magic, footer length, magic: nothing shorter can be a parquet file.
const SHORTEST: u64 = 12;
/// Rows that are read at once, at least.
const PIECE: usize = 16_384;
/// Bytes that are read at once, at most, as the footer says; rows that are longer are read one by one.
const PIECE_BYTES: usize = 32 << 20;

/// A parquet file whose footer has been read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    path: PathBuf,
    columns: Vec<String>,
    groups: Vec<Group>,
}

/// What the footer says of a row group.
#[derive(Clone, Copy, Debug)]
struct Group {
    rows: usize,
    /// Its bytes, once they are decompressed.
    bytes: usize,
}

impl ParquetFile {
    /// Checks the frame of the file, without a decoder.
    pub(crate) fn check(path: &Path) -> Result<(), DatasetError> {
        check_magic(path)
    }

    /// Checks the frame of the file and reads the names of its columns.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        check_magic(path)?;
        let file = open(path)?;
        let (columns, groups) = guarded(path, || {
            let mut reader = ParquetReader::new(file);
            let schema = reader.schema()?;
            let columns = schema.iter_values().map(|field| field.name.to_string()).collect();
            let mut groups = Vec::new();
            for group in &reader.get_metadata()?.row_groups {
                groups.push(Group { rows: group.num_rows(), bytes: group.total_byte_size() });
            }
            Ok((columns, groups))
        })?;
        Ok(Self { path: path.to_owned(), columns, groups })
    }

    /// The columns, in the order of the file.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows of each row group.
    #[cfg(test)]
    pub(crate) fn groups(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.rows).collect()
    }

    /// An error naming the columns that are not there.
    pub(crate) fn require(&self, names: &[&str]) -> Result<(), DatasetError> {
        crate::error::require_columns(&self.path, names, &self.columns)
    }

    /// Reads these columns.
    pub(crate) fn read(&self, names: &[&str]) -> Result<DataFrame, DatasetError> {
        self.read_slice(names, 0, usize::MAX)
    }

    /// Reads these columns of the first rows.
    pub(crate) fn head(&self, names: &[&str], num_rows: usize) -> Result<DataFrame, DatasetError> {
        self.read_slice(names, 0, num_rows)
    }

    /// Reads these columns a few row groups at a time, or part of a large one, so that no large file is ever in memory as a
    /// whole, until it is enough.
    pub(crate) fn for_each_group(
        &self,
        names: &[&str],
        mut visit: impl FnMut(DataFrame) -> Result<Next, DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut offset = 0;
        for length in pieces(&self.groups) {
            if visit(self.read_slice(names, offset, length)?)? == Next::Stop {
                break;
            }
            offset += length;
        }
        Ok(())
    }

    fn read_slice(
        &self,
        names: &[&str],
        offset: usize,
        length: usize,
    ) -> Result<DataFrame, DatasetError> {
        let file = open(&self.path)?;
        let names = names.iter().map(ToString::to_string).collect();
        guarded(&self.path, || {
            let reader = ParquetReader::new(file).with_columns(Some(names)).set_rechunk(true);
            reader.with_slice(Some((offset, length))).finish()
        })
    }
}

/// How many rows to read at once. Small row groups are joined, because each piece reads the footer again; large ones are
/// divided, because other programs write a whole file as one.
fn pieces(groups: &[Group]) -> Vec<usize> {
    let mut pieces: Vec<Group> = Vec::new();
    for group in groups {
        match pieces.last_mut() {
            Some(piece)
                if piece.rows < PIECE && piece.bytes.saturating_add(group.bytes) <= PIECE_BYTES =>
            {
                piece.rows = piece.rows.saturating_add(group.rows);
                piece.bytes += group.bytes;
            }
            _ => pieces.push(*group),
        }
    }
    let mut lengths = Vec::new();
    for Group { rows, bytes } in pieces {
        let parts = bytes.div_ceil(PIECE_BYTES).clamp(1, rows.max(1));
        let length = rows.div_ceil(parts);
        let mut left = rows;
        while left > 0 {
            lengths.push(length.min(left));
            left -= length.min(left);
        }
    }
    lengths
}

/// Runs polars on a file; its errors and panics become ours.
pub(crate) fn guarded<T>(
    path: &Path,
    run: impl FnOnce() -> PolarsResult<T>,
) -> Result<T, DatasetError> {
    crate::guard::guarded(run)
        .map_err(|message| DatasetError::Parquet { path: path.to_owned(), message })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_row_groups_are_read_together_large_ones_in_parts_and_no_row_is_lost() {
        let of = |groups: &[(usize, usize)]| {
            let groups: Vec<Group> =
                groups.iter().map(|(rows, bytes)| Group { rows: *rows, bytes: *bytes }).collect();
            pieces(&groups)
        };
        assert_eq!(of(&[]), [0_usize; 0]);
        assert_eq!(of(&[(5, 10), (7, 10)]), [12]);
        assert_eq!(of(&[(PIECE, 9), (3, 9), (PIECE, 9), (4, 9)]), [PIECE, PIECE + 3, 4]);
        assert_eq!(of(&[(5, PIECE_BYTES), (7, 1)]), [5, 7]);
        assert_eq!(of(&[(10, 3 * PIECE_BYTES), (2, usize::MAX)]), [4, 4, 2, 1, 1]);
        assert_eq!(of(&[(0, 0), (0, usize::MAX)]), [0_usize; 0]);
    }
}
