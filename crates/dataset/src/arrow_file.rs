//! Arrow IPC files and streams, a batch at a time, with every fault of the file as an error that names it.

mod structure;
mod unpacked;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::PolarsResult;
use polars_arrow::array::Array;
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field, Metadata};
use polars_arrow::io::ipc::read::{
    FileReader, StreamReader, StreamState, read_file_metadata, read_stream_metadata,
};
use polars_arrow::record_batch::RecordBatchT;
use structure::Packing;
use tempfile::SpooledTempFile;

use crate::error::DatasetError;
use crate::guard::guarded;
use crate::rows::{Batch, ClassNames, Column, FEATURES, class_names};

/// What an Arrow file begins and ends with; a stream begins with its first message.
const MAGIC: &[u8; 6] = b"ARROW1";

/// How batches are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// With a footer that says where each batch is.
    File,
    /// One message after the other, as `datasets` writes them.
    Stream,
}

/// An Arrow file or stream whose structure has been checked and whose schema has been read.
#[derive(Debug)]
pub(crate) struct ArrowFile {
    path: PathBuf,
    layout: Layout,
    packing: Packing,
    columns: Vec<String>,
    class_names: ClassNames,
}

impl ArrowFile {
    /// Checks that everything the file says to hold lies within it, without decoding any of it.
    pub(crate) fn check(path: &Path) -> Result<(), DatasetError> {
        checked(path).map(|_| ())
    }

    /// Checks it and reads its schema.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        let (layout, packing) = checked(path)?;
        let file = open(path)?;
        // Schemas are not compressed.
        let batches = guarded(|| Batches::new(layout, file, None));
        let batches =
            batches.map_err(|message| DatasetError::Arrow { path: path.to_owned(), message })?;
        let columns = batches.schema.iter_names().map(ToString::to_string).collect();
        let class_names = batches.class_names;
        Ok(Self { path: path.to_owned(), layout, packing, columns, class_names })
    }

    /// What `datasets` says of its classes.
    pub(crate) fn class_names(&self) -> ClassNames {
        self.class_names.clone()
    }

    /// The columns, in the order of the file.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Reads these columns, a batch at a time.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or its schema not be read.
    pub(crate) fn batches(
        &self,
        names: &[&str],
    ) -> Result<impl Iterator<Item = Result<Batch, DatasetError>>, DatasetError> {
        let wanted = self.columns.iter().enumerate();
        let wanted = wanted.filter(|(_, column)| names.contains(&column.as_str()));
        let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
        let file = open(&self.path)?;
        let batches = match self.packing {
            Packing::Plain => guarded(|| Batches::new(self.layout, file, Some(wanted.clone()))),
            Packing::Packed => self
                .unpacked(file)
                .and_then(|stream| guarded(|| Batches::of_stream(stream, Some(wanted.clone())))),
        };
        let mut batches = batches.map_err(|message| self.fault(message))?;
        let next = move || guarded(|| batches.next(&wanted)).transpose();
        Ok(std::iter::from_fn(next).map(|batch| batch.map_err(|message| self.fault(message))))
    }

    /// The stream without compression; a file has one behind its magic.
    fn unpacked(&self, mut file: File) -> Result<SpooledTempFile, String> {
        let start = if self.layout == Layout::File { structure::HEAD } else { 0 };
        file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
        guarded(|| unpacked::unpacked(BufReader::new(file)))
    }

    fn fault(&self, message: String) -> DatasetError {
        DatasetError::Arrow { path: self.path.clone(), message }
    }
}

type Arrays = RecordBatchT<Box<dyn Array>>;

/// The batches of a file.
struct Batches {
    schema: ArrowSchema,
    class_names: ClassNames,
    reader: Box<dyn Iterator<Item = PolarsResult<Arrays>>>,
}

impl Batches {
    fn new(layout: Layout, file: File, projection: Option<Vec<usize>>) -> PolarsResult<Self> {
        let mut file = BufReader::new(file);
        Ok(match layout {
            Layout::File => {
                let mut metadata = read_file_metadata(&mut file)?;
                let schema = metadata.schema.as_ref().clone();
                metadata.schema = Arc::new(stored(&schema));
                let class_names = classes(metadata.custom_schema_metadata.as_deref());
                let reader = FileReader::new(file, metadata, projection, None);
                Self { schema, class_names, reader: Box::new(reader) }
            }
            Layout::Stream => return Self::of_stream(file, projection),
        })
    }

    fn of_stream(
        mut stream: impl Read + Seek + 'static,
        projection: Option<Vec<usize>>,
    ) -> PolarsResult<Self> {
        let mut metadata = read_stream_metadata(&mut stream)?;
        let schema = metadata.schema.clone();
        metadata.schema = stored(&schema);
        let class_names = classes(metadata.custom_schema_metadata.as_ref());
        let reader = StreamReader::new(stream, metadata, projection);
        // A stream that waits for more is one without its end, which the structure has not.
        let reader = reader.map_while(|state| match state {
            Ok(StreamState::Some(batch)) => Some(Ok(batch)),
            Ok(StreamState::Waiting) => None,
            Err(error) => Some(Err(error)),
        });
        Ok(Self { schema, class_names, reader: Box::new(reader) })
    }

    /// The next batch; its columns are those at `wanted` in the schema.
    fn next(&mut self, wanted: &[usize]) -> PolarsResult<Option<Batch>> {
        let Some(batch) = self.reader.next().transpose()? else { return Ok(None) };
        let num_rows = batch.len();
        let fields = wanted.iter().filter_map(|index| self.schema.get_at_index(*index));
        let columns = fields.zip(batch.into_arrays()).map(|((name, field), array)| Column {
            name: name.to_string(),
            of: field.dtype.clone(),
            arrays: vec![array],
        });
        Ok(Some(Batch { num_rows, columns: columns.collect() }))
    }
}

/// The names of classes in what is written beside a schema.
fn classes(metadata: Option<&Metadata>) -> ClassNames {
    let features = metadata.and_then(|metadata| metadata.get(FEATURES));
    features.map_or_else(ClassNames::new, |text| class_names(text))
}

/// A schema with what the reader does not know as something that is stored alike.
fn stored(schema: &ArrowSchema) -> ArrowSchema {
    let field = |field: &Field| field.with_dtype(stored_as(&field.dtype));
    schema.iter().map(|(name, of)| (name.clone(), field(of))).collect()
}

/// The reader knows no decimals of 256 bits, but their 32 bytes.
fn stored_as(of: &ArrowDataType) -> ArrowDataType {
    use ArrowDataType as D;
    let boxed = |field: &Field| Box::new(field.with_dtype(stored_as(&field.dtype)));
    match of {
        D::Decimal256(..) => D::FixedSizeBinary(32),
        D::List(item) => D::List(boxed(item)),
        D::LargeList(item) => D::LargeList(boxed(item)),
        D::FixedSizeList(item, width) => D::FixedSizeList(boxed(item), *width),
        D::Map(entry, is_sorted) => D::Map(boxed(entry), *is_sorted),
        D::Struct(fields) => D::Struct(fields.iter().map(|field| *boxed(field)).collect()),
        D::Dictionary(key, values, is_ordered) => {
            D::Dictionary(*key, Box::new(stored_as(values)), *is_ordered)
        }
        other => other.clone(),
    }
}

/// The layout of a file whose structure holds, and whether it is compressed.
fn checked(path: &Path) -> Result<(Layout, Packing), DatasetError> {
    let mut file = open(path)?;
    let layout = layout(&mut file).map_err(|source| DatasetError::read(path, source))?;
    let check = match layout {
        Layout::File => structure::check_file(&mut file),
        Layout::Stream => structure::check_stream(&mut file),
    };
    let packing =
        check.map_err(|message| DatasetError::Arrow { path: path.to_owned(), message })?;
    Ok((layout, packing))
}

fn open(path: &Path) -> Result<File, DatasetError> {
    File::open(path).map_err(|source| DatasetError::read(path, source))
}

fn layout(file: &mut File) -> std::io::Result<Layout> {
    let mut start = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(if start == MAGIC { Layout::File } else { Layout::Stream })
}
