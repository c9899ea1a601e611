//! Tensors of safetensors files, as 32-bit floats on the host.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Component, Path};

use burn::tensor::Tensor;
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, View};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::error::{IoContext, ModelError, TensorProblem};

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

/// Tensors read from the files of a folder, and what was wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) tensors: BTreeMap<String, HostTensor>,
    pub(crate) problems: Vec<TensorProblem>,
    files: BTreeMap<String, String>,
}

impl Collected {
    /// Reads all tensors of one file.
    pub(crate) fn read_file(&mut self, dir: &Path, file: &str) -> Result<(), ModelError> {
        let path = dir.join(file);
        let bytes = std::fs::read(&path).at(&path)?;
        let invalid = |message| ModelError::Safetensors { path: path.clone(), message };
        let tensors =
            SafeTensors::deserialize(&bytes).map_err(|error| invalid(error.to_string()))?;
        refuse_repeated_names(&bytes).map_err(invalid)?;
        let mut views: Vec<_> = tensors.iter().collect();
        views.sort_by_key(|(name, _)| *name);
        for (name, view) in views {
            self.insert(name, file, &view);
        }
        Ok(())
    }

    fn insert(&mut self, name: &str, file: &str, view: &TensorView<'_>) {
        if let Some(first) = self.files.get(name) {
            let (name, first, second) = (name.to_owned(), first.clone(), file.to_owned());
            return self.problems.push(TensorProblem::Duplicate { name, first, second });
        }
        self.files.insert(name.to_owned(), file.to_owned());
        let Some(values) = decode(view) else {
            let (name, found) = (name.to_owned(), format!("{:?}", view.dtype()));
            return self.problems.push(TensorProblem::Type { name, found });
        };
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let (name, value) = (name.to_owned(), values[index].to_string());
            self.problems.push(TensorProblem::NotFinite { name, index, value });
        }
        let shape = view.shape().to_vec();
        self.tensors.insert(name.to_owned(), HostTensor { shape, values });
    }

    /// Notes every tensor that is in another file than the index says.
    pub(crate) fn check_places(&mut self, weight_map: &BTreeMap<String, String>) {
        for (name, found) in &self.files {
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

    /// Notes every difference between the tensors that were read and those that are expected.
    pub(crate) fn check_shapes(&mut self, expected: &BTreeMap<String, Vec<usize>>) {
        for (name, shape) in expected {
            let problem = match self.tensors.get(name) {
                // A tensor of a wrong type is reported as such.
                None if self.files.contains_key(name) => continue,
                None => TensorProblem::Missing { name: name.clone(), shape: shape.clone() },
                Some(tensor) if tensor.shape != *shape => TensorProblem::Shape {
                    name: name.clone(),
                    expected: shape.clone(),
                    found: tensor.shape.clone(),
                },
                Some(_) => continue,
            };
            self.problems.push(problem);
        }
        for (name, tensor) in &self.tensors {
            if !expected.contains_key(name) {
                let (name, shape) = (name.clone(), tensor.shape.clone());
                self.problems.push(TensorProblem::Unexpected { name, shape });
            }
        }
    }

    /// The tensors, if nothing was wrong.
    pub(crate) fn finish(self, dir: &Path) -> Result<BTreeMap<String, HostTensor>, ModelError> {
        let Self { tensors, mut problems, .. } = self;
        if problems.is_empty() {
            return Ok(tensors);
        }
        problems.sort_by_cached_key(ToString::to_string);
        Err(ModelError::Tensors { dir: dir.to_owned(), problems })
    }
}

/// Values of a view, or nothing if its type is not supported.
fn decode(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    let halves = || bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    match view.dtype() {
        Dtype::F32 => {
            let fours = bytes.chunks_exact(4).map(|four| [four[0], four[1], four[2], four[3]]);
            Some(fours.map(f32::from_le_bytes).collect())
        }
        Dtype::F16 => Some(halves().map(|pair| f16::from_le_bytes(pair).to_f32()).collect()),
        Dtype::BF16 => Some(halves().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect()),
        _ => None,
    }
}

/// JSON lets a name occur twice and the reader keeps the last; which of two tensors is meant is not ours to guess.
fn refuse_repeated_names(bytes: &[u8]) -> Result<(), String> {
    let (length, _) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    // Eight bytes of length come before the header.
    let header = &bytes[8..8 + length];
    serde_json::from_slice::<UniqueNames>(header).map(drop).map_err(|error| error.to_string())
}

struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueNamesVisitor)
    }
}

struct UniqueNamesVisitor;

impl<'de> Visitor<'de> for UniqueNamesVisitor {
    type Value = UniqueNames;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueNames, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if let Some(name) = names.replace(name) {
                return Err(serde::de::Error::custom(format!("tensor {name} is there twice")));
            }
        }
        Ok(UniqueNames)
    }
}

/// The `weight_map` of an index of shards.
#[derive(Debug, Deserialize)]
pub(crate) struct ShardIndex {
    pub(crate) weight_map: BTreeMap<String, String>,
}

impl ShardIndex {
    /// Reads the index and refuses files outside its folder.
    pub(crate) fn read(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).at(path)?;
        let index: Self = serde_json::from_str(&text)
            .map_err(|source| ModelError::Json { path: path.to_owned(), source })?;
        let outside = index.weight_map.iter().find(|(_, file)| !is_inside(file));
        if let Some((tensor, file)) = outside {
            let (path, tensor, file) = (path.to_owned(), tensor.clone(), file.clone());
            return Err(ModelError::OutsideFolder { path, tensor, file });
        }
        Ok(index)
    }

    /// The shards, each once.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }
}

fn is_inside(file: &str) -> bool {
    let mut components = Path::new(file).components().peekable();
    components.peek().is_some() && components.all(|part| matches!(part, Component::Normal(_)))
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
        Cow::Owned(self.values.iter().flat_map(|value| value.to_le_bytes()).collect())
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

    #[test]
    fn only_files_below_the_folder_are_inside() {
        assert!(is_inside("model-00001-of-00002.safetensors") && is_inside("part/a.safetensors"));
        for file in ["../a.safetensors", "/etc/passwd", "a/../../b", "", "./a"] {
            assert!(!is_inside(file), "{file}");
        }
    }
}
