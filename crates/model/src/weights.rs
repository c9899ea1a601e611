//! Tensors of safetensors files, as 32-bit floats on the host.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use safetensors::{Dtype, View};
use serde::Deserialize;

use crate::error::{IoContext, ModelError, TensorProblem};
use crate::header::{Entry, UniqueKeys, read_header};
use crate::reading::{is_inside, open, read_text, refuse_pickle};
use crate::weight_type::WeightType;

/// A tensor on the host, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostTensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl HostTensor {
    pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        // Parameters are 32-bit floats; iterating converts, should a caller have cast them.
        let values = tensor.into_data().iter::<f32>().collect();
        Self { shape, values }
    }
}

/// Width of a square of floats that fits the nearest cache.
const TILE: usize = 32;

/// The other order of a matrix; anything else is returned as it is.
pub(crate) fn transpose(tensor: &HostTensor) -> HostTensor {
    let &[rows, columns] = tensor.shape.as_slice() else { return tensor.clone() };
    let mut values = vec![0.0; tensor.values.len()];
    // A plain double loop would miss the nearest cache once per element.
    for row_start in (0..rows).step_by(TILE) {
        for column_start in (0..columns).step_by(TILE) {
            for row in row_start..rows.min(row_start + TILE) {
                for column in column_start..columns.min(column_start + TILE) {
                    values[column * rows + row] = tensor.values[row * columns + column];
                }
            }
        }
    }
    HostTensor { shape: vec![columns, rows], values }
}

/// The tensors that the files of a folder hold, and what was wrong with them. Headers are read at once, values when
/// they are asked for, so that no more than one tensor is held beside the model.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    places: BTreeMap<String, Place>,
    /// Names of tensors that have the shape that is expected of them.
    fitting: BTreeSet<String>,
    problems: Vec<TensorProblem>,
}

#[derive(Debug)]
struct Place {
    /// As the folder names the file.
    file: String,
    path: PathBuf,
    entry: Entry,
}

impl Collected {
    /// Reads the header of one file.
    pub(crate) fn read_file(&mut self, dir: &Path, file: &str) -> Result<(), ModelError> {
        let path = dir.join(file);
        refuse_pickle(&path)?;
        let entries = read_header(&mut open(&path)?)
            .map_err(|message| ModelError::Safetensors { path: path.clone(), message })?;
        for (name, entry) in entries {
            self.insert(name, Place { file: file.to_owned(), path: path.clone(), entry });
        }
        Ok(())
    }

    fn insert(&mut self, name: String, place: Place) {
        if let Some(first) = self.places.get(&name) {
            let (first, second) = (first.file.clone(), place.file);
            return self.problems.push(TensorProblem::Duplicate { name, first, second });
        }
        if place.entry.weight_type().is_none() {
            let found = place.entry.dtype.clone();
            self.problems.push(TensorProblem::Type { name: name.clone(), found });
        }
        self.places.insert(name, place);
    }

    /// The shape that a file gives to a tensor.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.places.get(name).map(|place| place.entry.shape.as_slice())
    }

    /// Takes a tensor out, so that it is not one too many.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<HostTensor>, ModelError> {
        let tensor = self.read(name)?;
        self.places.remove(name);
        Ok(tensor)
    }

    /// Notes a problem.
    pub(crate) fn note(&mut self, problem: TensorProblem) {
        self.problems.push(problem);
    }

    /// Notes every tensor that is in another file than the index says.
    pub(crate) fn check_places(&mut self, weight_map: &BTreeMap<String, String>) {
        for (name, Place { file: found, .. }) in &self.places {
            let Some(expected) = weight_map.get(name).filter(|expected| *expected != found) else {
                continue;
            };
            self.problems.push(TensorProblem::Misplaced {
                name: name.clone(),
                expected: expected.clone(),
                found: found.clone(),
            });
        }
    }

    /// Notes every difference between the tensors that are there and those that are expected.
    pub(crate) fn check_shapes(&mut self, expected: &BTreeMap<String, Vec<usize>>) {
        for (name, shape) in expected {
            let Some(Place { entry, .. }) = self.places.get(name) else {
                let (name, shape) = (name.clone(), shape.clone());
                self.problems.push(TensorProblem::Missing { name, shape });
                continue;
            };
            if entry.shape == *shape {
                self.fitting.insert(name.clone());
            } else if entry.weight_type().is_some() {
                let (name, expected, found) = (name.clone(), shape.clone(), entry.shape.clone());
                self.problems.push(TensorProblem::Shape { name, expected, found });
            }
        }
        for (name, Place { entry, .. }) in &self.places {
            // A tensor of a wrong type is reported as such.
            if !expected.contains_key(name) && entry.weight_type().is_some() {
                let (name, shape) = (name.clone(), entry.shape.clone());
                self.problems.push(TensorProblem::Unexpected { name, shape });
            }
        }
    }

    /// The values of a tensor, if it is there with a type that is supported. One that is not finite is noted.
    pub(crate) fn read(&mut self, name: &str) -> Result<Option<HostTensor>, ModelError> {
        let Some(Place { path, entry, .. }) = self.places.get(name) else { return Ok(None) };
        let Some(weights) = entry.weight_type() else { return Ok(None) };
        let values = read_values(&mut open(path)?, entry, weights).at(path)?;
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let (name, value) = (name.to_owned(), values[index].to_string());
            self.problems.push(TensorProblem::NotFinite { name, index, value });
        }
        Ok(Some(HostTensor { shape: entry.shape.clone(), values }))
    }

    /// The tensors that were expected, if nothing was wrong.
    pub(crate) fn finish(mut self, dir: &Path) -> Result<BTreeMap<String, HostTensor>, ModelError> {
        self.check(dir)?;
        let mut tensors = BTreeMap::new();
        for name in self.fitting.clone() {
            if let Some(tensor) = self.read(&name)? {
                tensors.insert(name, tensor);
            }
        }
        self.check(dir)?;
        Ok(tensors)
    }

    /// All problems in one error, if there are any: also those that only the values show.
    pub(crate) fn check(&mut self, dir: &Path) -> Result<(), ModelError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        for name in self.fitting.clone() {
            self.read(&name)?;
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by_cached_key(ToString::to_string);
        problems.dedup();
        Err(ModelError::Tensors { dir: dir.to_owned(), problems })
    }
}

/// Bytes that are decoded at once.
const CHUNK: u64 = 1 << 20;

fn read_values(file: &mut File, entry: &Entry, weights: WeightType) -> std::io::Result<Vec<f32>> {
    file.seek(SeekFrom::Start(entry.start))?;
    let (mut values, mut bytes) = (Vec::new(), Vec::new());
    let mut left = entry.end - entry.start;
    while 0 < left {
        bytes.clear();
        let length = file.take(left.min(CHUNK)).read_to_end(&mut bytes)? as u64;
        if length < left.min(CHUNK) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        values.extend(weights.decode(&bytes));
        left -= length;
    }
    Ok(values)
}

/// The `weight_map` of an index of shards.
#[derive(Debug)]
pub(crate) struct ShardIndex {
    pub(crate) weight_map: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawIndex {
    weight_map: UniqueKeys<String>,
}

/// The file of each tensor, as an index says it.
pub(crate) fn read_weight_map(path: &Path) -> Result<BTreeMap<String, String>, ModelError> {
    let index: RawIndex = serde_json::from_str(&read_text(path)?)
        .map_err(|source| ModelError::Json { path: path.to_owned(), source })?;
    Ok(index.weight_map.0.into_iter().collect())
}

impl ShardIndex {
    /// Reads the index and refuses files outside its folder.
    pub(crate) fn read(dir: &Path, file: &str) -> Result<Self, ModelError> {
        let path = dir.join(file);
        let weight_map = read_weight_map(&path)?;
        let mut seen = BTreeSet::new();
        for (tensor, file) in &weight_map {
            if seen.insert(file) && !is_inside(dir, file)? {
                let (tensor, file) = (tensor.clone(), file.clone());
                return Err(ModelError::OutsideFolder { path, tensor, file });
            }
        }
        Ok(Self { weight_map })
    }

    /// The shards, each once.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }
}

/// The bytes of a safetensors file with these tensors; `format` is what transformers asks for.
pub(crate) fn encode(tensors: &BTreeMap<String, HostTensor>) -> Result<Vec<u8>, String> {
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(tensors, Some(metadata)).map_err(|error| error.to_string())
}

impl View for &HostTensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(WeightType::F32.encode(&self.values))
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_crosses_tile_borders() {
        let values: Vec<f32> = (0..35u16 * 70).map(f32::from).collect();
        let tensor = HostTensor { shape: vec![35, 70], values };
        let turned = transpose(&tensor);
        assert_eq!(turned.shape, [70, 35]);
        assert!((turned.values[69 * 35 + 34] - tensor.values[34 * 70 + 69]).abs() < f32::EPSILON);
        assert_eq!(transpose(&turned), tensor);
    }
}
