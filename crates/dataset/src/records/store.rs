//! Examples in the order they were read, of which only the places are in memory.

use std::env;
use std::fmt;
use std::sync::Arc;

use super::ExampleRow;
use crate::error::DatasetError;
use crate::spool::Spool;

/// Examples with the rows they were read from. Many of them lie in a temporary file and are read when they are asked for.
pub struct ExampleRows {
    places: Vec<(Arc<str>, u64)>,
    examples: Spool,
}

impl ExampleRows {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), examples: Spool::new() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The file and the row of an example.
    ///
    /// # Panics
    ///
    /// If there are fewer examples.
    #[must_use]
    pub fn place(&self, index: usize) -> (&Arc<str>, u64) {
        let (file, row) = &self.places[index];
        (file, *row)
    }

    /// Adds an example as it is written in JSON.
    pub(crate) fn push(
        &mut self,
        file: &Arc<str>,
        row: u64,
        json: &[u8],
    ) -> Result<(), DatasetError> {
        self.places.push((file.clone(), row));
        self.examples.push(json).map_err(|source| DatasetError::write(&env::temp_dir(), source))
    }

    /// An example, by its place in the order they were read.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be read or written.
    ///
    /// # Panics
    ///
    /// If there are fewer examples.
    pub fn get(&mut self, index: usize) -> Result<ExampleRow, DatasetError> {
        let json = self.examples.get(index);
        let example = json.and_then(|json| Ok(serde_json::from_slice(&json)?));
        let example = example.map_err(|source| DatasetError::read(&env::temp_dir(), source))?;
        let (file, row) = &self.places[index];
        Ok(ExampleRow { file: file.clone(), row: *row, example })
    }

    /// Hands over every example in the order they were read.
    ///
    /// # Errors
    ///
    /// As [`ExampleRows::get`], and the first error of `take`.
    pub fn for_each<E: From<DatasetError>>(
        &mut self,
        mut take: impl FnMut(ExampleRow) -> Result<(), E>,
    ) -> Result<(), E> {
        (0..self.len()).try_for_each(|index| take(self.get(index)?))
    }
}

impl fmt::Debug for ExampleRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ExampleRows").field("len", &self.len()).finish_non_exhaustive()
    }
}
