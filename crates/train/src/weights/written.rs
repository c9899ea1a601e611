//! The file of what is trained, written one tensor at a time.

use std::collections::BTreeSet;
use std::io::{self, Write};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Tensor};
use serde_json::json;

use super::{TYPES, not_finite};
use crate::checkpoint::NotEncoded;

/// Writes the trained parameters of `model` as a safetensors file, one tensor at a time, if they are worth keeping.
pub(crate) fn write_model<M: Module>(model: &M, file: &mut dyn Write) -> io::Result<()> {
    let mut listed = Visit::new(Listed::default());
    model.visit(&mut listed);
    let header = listed.what.header()?;
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    let mut written = Visit::new(Written { file, result: Ok(()) });
    model.visit(&mut written);
    written.what.result
}

/// What is done with each trained parameter, in the order of the visit, a tied one once.
trait Each {
    fn tensor<const D: usize>(&mut self, name: String, tensor: Tensor<D>);
}

struct Visit<E> {
    path: Vec<String>,
    seen: BTreeSet<ParamId>,
    what: E,
}

impl<E: Each> Visit<E> {
    fn new(what: E) -> Self {
        Self { path: Vec::new(), seen: BTreeSet::new(), what }
    }
}

/// Names, types and shapes, which a safetensors file begins with.
#[derive(Default)]
struct Listed {
    tensors: Vec<(String, DType, Vec<usize>)>,
}

impl Each for Listed {
    fn tensor<const D: usize>(&mut self, name: String, tensor: Tensor<D>) {
        self.tensors.push((name, tensor.dtype(), tensor.dims().to_vec()));
    }
}

impl Listed {
    /// The header of the file, padded to a multiple of eight bytes as the format asks.
    fn header(&self) -> io::Result<Vec<u8>> {
        let mut entries = serde_json::Map::new();
        let mut offset = 0;
        for (name, dtype, shape) in &self.tensors {
            let known = TYPES.iter().find(|(ours, _)| ours == dtype);
            let (_, theirs) =
                known.ok_or_else(|| NotEncoded::error(&format!("no type for {dtype:?}")))?;
            let end = offset + shape.iter().product::<usize>() * dtype.size();
            let entry = json!({"dtype": theirs, "shape": shape, "data_offsets": [offset, end]});
            entries.insert(name.clone(), entry);
            offset = end;
        }
        let mut header = serde_json::to_vec(&entries).map_err(|error| NotEncoded::error(&error))?;
        header.resize(header.len().next_multiple_of(8), b' ');
        Ok(header)
    }
}

/// The numbers of each tensor, which follow the header.
struct Written<'a> {
    file: &'a mut dyn Write,
    result: io::Result<()>,
}

impl Each for Written<'_> {
    fn tensor<const D: usize>(&mut self, name: String, tensor: Tensor<D>) {
        if self.result.is_err() {
            return;
        }
        let data = tensor.into_data();
        self.result = match not_finite(&name, &data) {
            Some(problem) => Err(NotEncoded::error(&problem)),
            None => self.file.write_all(data.as_bytes()),
        };
    }
}

impl<E: Each> ModuleVisitor for Visit<E> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() && self.seen.insert(param.id) {
            self.what.tensor(self.path.join("."), param.transform_for_save().val());
        }
    }
}
