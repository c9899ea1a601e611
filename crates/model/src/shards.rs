//! Weights written to safetensors files, one tensor at a time, in shards of a chosen size.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{IoContext, ModelError};
use crate::folder::{INDEX_FILE, WEIGHTS_FILE};
use crate::staged::{Staged, write_file};
use crate::weight_type::WeightType;
use crate::weights::HostTensor;

/// Names and shapes, in the order in which the values will come.
pub(crate) type Shapes = Vec<(String, Vec<usize>)>;

/// One file to write.
#[derive(Debug, PartialEq, Eq)]
struct Shard {
    file: String,
    tensors: Shapes,
}

/// Writes tensors that come one by one.
#[derive(Debug)]
pub(crate) struct ShardWriter<'a> {
    dir: &'a Path,
    dtype: WeightType,
    /// Shards that are not begun yet, the next one last.
    shards: Vec<Shard>,
    /// The current file and the number of tensors that it still waits for.
    current: Option<(Staged, usize)>,
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
    total_size: u64,
}

impl<'a> ShardWriter<'a> {
    /// A writer of tensors of these shapes; a shard holds at most `max_bytes`, or one tensor that is larger.
    pub(crate) fn new(dir: &'a Path, shapes: &Shapes, dtype: WeightType, max_bytes: u64) -> Self {
        let mut shards = plan(shapes, dtype, max_bytes);
        let entries = shards.iter().flat_map(|shard| {
            shard.tensors.iter().map(|(name, _)| (name.clone(), shard.file.clone()))
        });
        let weight_map = entries.collect();
        let total_size = shapes.iter().map(|(_, shape)| num_bytes(shape, dtype)).sum();
        shards.reverse();
        Self { dir, dtype, shards, current: None, weight_map, total_size }
    }

    /// Writes the next tensor.
    pub(crate) fn push(&mut self, name: &str, tensor: &HostTensor) -> Result<(), ModelError> {
        let bytes = self.dtype.encode(&tensor.values);
        self.refuse_overflow(name, &tensor.values)?;
        let (mut file, left) = match self.current.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        file.write(&bytes)?;
        if left == 1 {
            return file.finish();
        }
        self.current = Some((file, left - 1));
        Ok(())
    }

    /// Only 16-bit floats have a range that weights leave.
    fn refuse_overflow(&self, tensor: &str, values: &[f32]) -> Result<(), ModelError> {
        let largest = half::f16::MAX.to_f32();
        let is_lost = |value: &f32| value.is_finite() && largest < value.abs();
        match values.iter().position(is_lost) {
            Some(index) if self.dtype == WeightType::F16 => Err(ModelError::DoesNotFit {
                tensor: tensor.to_owned(),
                index,
                value: values[index].to_string(),
                dtype: self.dtype.name(),
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self) -> Result<(Staged, usize), ModelError> {
        let Some(shard) = self.shards.pop() else { panic!("more tensors than were announced") };
        let mut file = Staged::create(&self.dir.join(&shard.file))?;
        file.write(&header(&shard.tensors, self.dtype))?;
        Ok((file, shard.tensors.len()))
    }

    /// Writes the index, if there are several files, and removes the weights that the folder held before.
    pub(crate) fn finish(self) -> Result<(), ModelError> {
        assert!(
            self.current.is_none() && self.shards.is_empty(),
            "tensors were announced and not written"
        );
        let mut files: Vec<&str> = self.weight_map.values().map(String::as_str).collect();
        if files != vec![WEIGHTS_FILE; files.len()] {
            let metadata = json!({ "total_size": self.total_size });
            let index = json!({ "metadata": metadata, "weight_map": self.weight_map });
            write_file(&self.dir.join(INDEX_FILE), format!("{index:#}\n").as_bytes())?;
            files.push(INDEX_FILE);
        }
        remove_others(self.dir, &files)
    }
}

/// Removes the weights of an earlier model: together with these they would be two.
fn remove_others(dir: &Path, files: &[&str]) -> Result<(), ModelError> {
    for entry in std::fs::read_dir(dir).at(dir)? {
        let entry = entry.at(dir)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_weights = name == WEIGHTS_FILE || name == INDEX_FILE || is_shard(&name);
        if is_weights && !files.contains(&name.as_ref()) {
            std::fs::remove_file(entry.path()).at(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether a file is named as [`plan`] names one of several.
fn is_shard(name: &str) -> bool {
    let numbers = name.strip_prefix("model-").and_then(|rest| rest.strip_suffix(".safetensors"));
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers
        .and_then(|numbers| numbers.split_once("-of-"))
        .is_some_and(|(index, count)| is_number(index) && is_number(count))
}

fn num_bytes(shape: &[usize], dtype: WeightType) -> u64 {
    shape.iter().product::<usize>() as u64 * dtype.width() as u64
}

/// Divides tensors among files, in order; a file is closed when the next tensor would make it too large.
fn plan(shapes: &Shapes, dtype: WeightType, max_bytes: u64) -> Vec<Shard> {
    let (mut parts, mut size) = (vec![Vec::new()], 0);
    for (name, shape) in shapes {
        let bytes = num_bytes(shape, dtype);
        if 0 < size && max_bytes < size + bytes {
            parts.push(Vec::new());
            size = 0;
        }
        size += bytes;
        if let Some(part) = parts.last_mut() {
            part.push((name.clone(), shape.clone()));
        }
    }
    let count = parts.len();
    let file = |index: usize| match count {
        1 => WEIGHTS_FILE.to_owned(),
        _ => format!("model-{:05}-of-{count:05}.safetensors", index + 1),
    };
    let named = parts.into_iter().enumerate();
    named.map(|(index, tensors)| Shard { file: file(index), tensors }).collect()
}

/// Length and header of a file with these tensors one after the other, as long as keeps them aligned.
fn header(tensors: &Shapes, dtype: WeightType) -> Vec<u8> {
    let mut entries = Map::new();
    entries.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut start = 0;
    for (name, shape) in tensors {
        let end = start + num_bytes(shape, dtype);
        let entry = json!({ "dtype": dtype.dtype(), "shape": shape, "data_offsets": [start, end] });
        entries.insert(name.clone(), entry);
        start = end;
    }
    let mut text = Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Shapes {
        let shape = |name: &str, length| (name.to_owned(), vec![length]);
        vec![shape("a", 10), shape("b", 30), shape("c", 4), shape("d", 5)]
    }

    #[test]
    fn a_shard_is_closed_before_it_gets_too_large() {
        let names = |max_bytes| -> Vec<String> {
            let shards = plan(&shapes(), WeightType::Bf16, max_bytes);
            let join = |shard: &Shard| {
                let names: Vec<&str> =
                    shard.tensors.iter().map(|(name, _)| name.as_str()).collect();
                format!("{}: {}", shard.file, names.join(" "))
            };
            shards.iter().map(join).collect()
        };
        assert_eq!(names(98), ["model.safetensors: a b c d"]);
        assert_eq!(
            names(20),
            [
                "model-00001-of-00003.safetensors: a",
                "model-00002-of-00003.safetensors: b",
                "model-00003-of-00003.safetensors: c d",
            ]
        );
        assert_eq!(names(0).len(), 4);
    }

    #[test]
    fn only_files_named_like_shards_are_taken_for_shards() {
        assert!(is_shard("model-00001-of-00003.safetensors"));
        for other in ["model-1-of-3.safetensors", "model-00001-of-00003.bin", "model-a.safetensors"]
        {
            assert!(!is_shard(other), "{other}");
        }
    }
}
