//! The parameters of a decoder by name: what shape each has in a file, how to fill them, how to read them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use crate::decoder::Decoder;
use crate::weights::{HostTensor, transpose};

/// Whether a file holds the transpose of the parameter: linear weights are `[in, out]` here and `[out, in]` there.
pub(crate) fn is_transposed(name: &str) -> bool {
    name.ends_with("_proj.weight")
}

/// The shape that every parameter has in a file.
pub(crate) fn file_shapes(decoder: &Decoder) -> BTreeMap<String, Vec<usize>> {
    let mut visitor = Shapes::default();
    decoder.visit(&mut visitor);
    visitor.shapes
}

/// The decoder with the values that `values` gives for each name and shape (in the order of this crate's layout).
pub(crate) fn fill(
    decoder: Decoder,
    device: &Device,
    values: impl FnMut(&str, &[usize]) -> Vec<f32>,
) -> Decoder {
    decoder.map(&mut Fill { path: Path::default(), device: device.clone(), values })
}

/// All parameters as they stand in a file.
pub(crate) fn file_tensors(decoder: &Decoder) -> BTreeMap<String, HostTensor> {
    let mut visitor = Tensors::default();
    decoder.visit(&mut visitor);
    visitor.tensors
}

/// The names from the root of the module tree to where a traversal is.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Shapes {
    path: Path,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let mut shape = param.lazy_shape().as_slice().to_vec();
        if is_transposed(&name) {
            shape.reverse();
        }
        self.shapes.insert(name, shape);
    }
}

struct Fill<F> {
    path: Path,
    device: Device,
    values: F,
}

impl<F: FnMut(&str, &[usize]) -> Vec<f32>> ModuleMapper for Fill<F> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        let values = (self.values)(&self.path.name(), shape.as_slice());
        Param::from_data(TensorData::new(values, shape), &self.device)
    }
}

#[derive(Default)]
struct Tensors {
    path: Path,
    tensors: BTreeMap<String, HostTensor>,
}

impl ModuleVisitor for Tensors {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let tensor = HostTensor::read(param.val());
        let tensor = if is_transposed(&name) { transpose(&tensor) } else { tensor };
        self.tensors.insert(name, tensor);
    }
}
