//! Parquet files through the decoders of polars, with every fault of the file as an error that names it.

mod fields;

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use polars::io::mmap::ReaderBytes;
use polars::prelude::PolarsResult;
use polars_arrow::array::{Array, new_null_array};
use polars_arrow::datatypes::Field;
use polars_parquet::read::{
    BasicDecompressor, FileMetadata, Filter, PageReader, RowGroupMetadata, column_iter_to_arrays,
    read_metadata,
};
use rayon::prelude::*;

use crate::error::DatasetError;
use crate::rows::{Batch, ClassNames, Column, FEATURES, class_names};

/// What a parquet file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";
/// Magic, footer length, magic: nothing shorter can be a parquet file.
const SHORTEST: u64 = 12;
/// Bytes that are read at once, at most, as the footer says; rows that are longer are read one by one.
const PIECE_BYTES: usize = 32 << 20;

/// A parquet file whose footer has been read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    path: PathBuf,
    metadata: FileMetadata,
    fields: Vec<Field>,
    columns: Vec<String>,
}

impl ParquetFile {
    /// Checks the frame of the file, without a decoder.
    pub(crate) fn check(path: &Path) -> Result<(), DatasetError> {
        check_magic(path)
    }

    /// Checks the frame of the file and reads what its columns are.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        check_magic(path)?;
        let mut file = open(path)?;
        let metadata = guarded(path, || read_metadata(&mut file))?;
        let fields = guarded(path, || fields::fields(&metadata))?;
        let columns = fields.iter().map(|field| field.name.to_string()).collect();
        Ok(Self { path: path.to_owned(), metadata, fields, columns })
    }

    /// The columns, in the order of the file.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What `datasets` says of its classes.
    pub(crate) fn class_names(&self) -> ClassNames {
        let mut pairs = self.metadata.key_value_metadata().iter().flatten();
        let features = pairs.find(|pair| pair.key == FEATURES).and_then(|pair| pair.value.as_ref());
        features.map_or_else(ClassNames::new, |text| class_names(text))
    }

    /// What the values of a column are.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }

    /// The rows of each row group.
    #[cfg(test)]
    pub(crate) fn groups(&self) -> Vec<usize> {
        self.metadata.row_groups.iter().map(RowGroupMetadata::num_rows).collect()
    }

    /// An error naming the columns that are not there.
    pub(crate) fn require(&self, names: &[&str]) -> Result<(), DatasetError> {
        crate::error::require_columns(&self.path, names, &self.columns)
    }

    /// Reads these columns of the first rows, a row group at a time, or part of a large one, so that no large file is ever in
    /// memory as a whole.
    pub(crate) fn batches(
        &self,
        names: &[&str],
        num_rows: usize,
    ) -> impl Iterator<Item = Result<Batch, DatasetError>> {
        let fields = self.fields.iter().filter(|field| names.contains(&field.name.as_str()));
        let fields: Vec<&Field> = fields.collect();
        let mut bytes = None;
        self.parts(num_rows).into_iter().map(move |(group, rows)| {
            let bytes = match &mut bytes {
                Some(bytes) => bytes,
                none => none.insert(self.map()?),
            };
            guarded(&self.path, || batch(bytes, group, &fields, rows))
        })
    }

    /// So many of the first rows: those of each group that are read at once.
    fn parts(&self, num_rows: usize) -> Vec<(&RowGroupMetadata, Range<usize>)> {
        let (mut parts, mut left) = (Vec::new(), num_rows);
        for group in &self.metadata.row_groups {
            for rows in divided(group.num_rows(), group.total_byte_size()) {
                let rows = rows.start..rows.end.min(rows.start.saturating_add(left));
                if rows.is_empty() {
                    return parts;
                }
                left -= rows.len();
                parts.push((group, rows));
            }
        }
        parts
    }

    /// The bytes of the file, of which the system reads those that are looked at.
    fn map(&self) -> Result<ReaderBytes<'static>, DatasetError> {
        let mut file = open(&self.path)?;
        guarded(&self.path, || match ReaderBytes::from(&mut file) {
            ReaderBytes::Owned(bytes) => Ok(ReaderBytes::Owned(bytes)),
            ReaderBytes::Borrowed(_) => Err("it cannot be mapped into memory"),
        })
    }
}

/// The rows of a group in parts that are read at once: other programs write a whole file as one group.
fn divided(num_rows: usize, num_bytes: usize) -> Vec<Range<usize>> {
    let num_parts = num_bytes.div_ceil(PIECE_BYTES).clamp(1, num_rows.max(1));
    let length = num_rows.div_ceil(num_parts).max(1);
    (0..num_rows).step_by(length).map(|start| start..num_rows.min(start + length)).collect()
}

/// These rows of a group; the columns are decoded side by side.
fn batch(
    bytes: &ReaderBytes<'static>,
    group: &RowGroupMetadata,
    fields: &[&Field],
    rows: Range<usize>,
) -> Result<Batch, String> {
    let column = |field: &&Field| {
        let name = field.name.to_string();
        let arrays = arrays(bytes, group, field, rows.clone());
        let arrays = arrays.map_err(|error| format!("column `{name}`: {error}"))?;
        Ok(Column { name, of: field.dtype.clone(), arrays })
    };
    // Of several faults it is the first column's, whichever thread is done first.
    let columns: Vec<Result<Column, String>> = fields.par_iter().map(column).collect();
    Ok(Batch { num_rows: rows.len(), columns: columns.into_iter().collect::<Result<_, _>>()? })
}

fn arrays(
    bytes: &ReaderBytes<'static>,
    group: &RowGroupMetadata,
    field: &Field,
    rows: Range<usize>,
) -> PolarsResult<Vec<Box<dyn Array>>> {
    let stored = field.with_dtype(field.dtype.to_storage_recursive());
    let (Some(chunks), ReaderBytes::Owned(bytes)) =
        (group.columns_under_root_iter(&field.name), bytes)
    else {
        return Ok(vec![new_null_array(stored.dtype, rows.len())]);
    };
    let mut pages = Vec::new();
    let mut types = Vec::new();
    for chunk in chunks {
        let Range { start, end } = chunk.byte_range();
        let [start, end] = [start, end].map(|place| usize::try_from(place).unwrap_or(usize::MAX));
        let reader = Cursor::new(bytes.clone().sliced(start..end));
        pages.push(BasicDecompressor::new(
            PageReader::new(reader, chunk, Vec::new(), usize::MAX),
            Vec::new(),
        ));
        types.push(&chunk.descriptor().descriptor.primitive_type);
    }
    let filter = Filter::new_ranged(rows.start, rows.end);
    let (arrays, _) = column_iter_to_arrays(pages, types, stored, Some(filter))?;
    Ok(arrays)
}

fn fault(path: &Path, message: String) -> DatasetError {
    DatasetError::Parquet { path: path.to_owned(), message }
}

/// Runs polars on a file; its errors and panics become ours.
pub(crate) fn guarded<T, E: std::fmt::Display>(
    path: &Path,
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, DatasetError> {
    crate::guard::guarded(run).map_err(|message| fault(path, message))
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
    fn large_row_groups_are_read_in_parts_and_no_row_is_lost() {
        assert!(divided(0, 0).is_empty());
        assert!(divided(0, usize::MAX).is_empty());
        assert_eq!(divided(5, 10).first(), Some(&(0..5)));
        assert_eq!(divided(10, 3 * PIECE_BYTES), [0..4, 4..8, 8..10]);
        assert_eq!(divided(2, usize::MAX), [0..1, 1..2]);
        assert_eq!(divided(7, PIECE_BYTES + 1), [0..4, 4..7]);
    }
}
