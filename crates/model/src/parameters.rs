//! The parameters of a decoder by name: what shape each has in a file, how to fill them, how to read them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, FloatDType, Tensor, TensorData};

use crate::decoder::Decoder;
use crate::weights::{HostTensor, transpose};

/// Whether a parameter is a part of a quantised weight, which no file has.
pub(crate) fn is_quantised(name: &str) -> bool {
    name.contains(".quantised.")
}

/// Whether a file holds the transpose of the parameter: linear weights are `[in, out]` here and `[out, in]` there.
pub(crate) fn is_transposed(name: &str) -> bool {
    name.ends_with("_proj.weight")
}

/// The shape that every parameter has in a file, in the order of the modules.
pub(crate) fn file_shapes(decoder: &Decoder) -> Vec<(String, Vec<usize>)> {
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

/// The decoder with all parameters but those of adapters in another precision.
pub(crate) fn cast(decoder: Decoder, precision: FloatDType) -> Decoder {
    decoder.map(&mut Cast { path: Path::default(), precision })
}

/// Calls `sink` with the name of every parameter and a function that reads it as it stands in a file, in the order of
/// [`file_shapes`].
pub(crate) fn visit_file_tensors(
    decoder: &Decoder,
    sink: impl FnMut(&str, &dyn Fn() -> HostTensor),
) {
    decoder.visit(&mut Tensors { path: Path::default(), sink });
}

/// The parameters whose names are wanted, as they stand in a file.
pub(crate) fn some_file_tensors(
    decoder: &Decoder,
    wants: impl Fn(&str) -> bool,
) -> BTreeMap<String, HostTensor> {
    let mut tensors = BTreeMap::new();
    visit_file_tensors(decoder, |name, read| {
        if wants(name) {
            tensors.insert(name.to_owned(), read());
        }
    });
    tensors
}

/// The decoder with those parameters replaced that `tensors` holds, as they stand in a file.
pub(crate) fn replace(
    decoder: Decoder,
    device: &Device,
    tensors: &BTreeMap<String, HostTensor>,
) -> Decoder {
    decoder.map(&mut Replace { path: Path::default(), device: device.clone(), tensors })
}

/// The decoder in which the parameters whose names are wanted are trained, and no others.
pub(crate) fn train_only(decoder: Decoder, wants: impl Fn(&str) -> bool) -> Decoder {
    decoder.map(&mut TrainOnly { path: Path::default(), wants })
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

    fn contains(&self, module: &str) -> bool {
        self.0.iter().any(|name| name == module)
    }
}

struct Cast {
    path: Path,
    precision: FloatDType,
}

impl ModuleMapper for Cast {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.contains("adapter") {
            return param;
        }
        param.map(|tensor| {
            let is_trained = tensor.is_require_grad();
            tensor.cast(self.precision).detach().set_require_grad(is_trained)
        })
    }
}

#[derive(Default)]
struct Shapes {
    path: Path,
    shapes: Vec<(String, Vec<usize>)>,
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
        if is_quantised(&name) {
            return;
        }
        let mut shape = param.lazy_shape().as_slice().to_vec();
        if is_transposed(&name) {
            shape.reverse();
        }
        self.shapes.push((name, shape));
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
        let (name, shape) = (self.path.name(), param.lazy_shape());
        if is_quantised(&name) {
            return param;
        }
        let values = (self.values)(&name, shape.as_slice());
        Param::from_data(TensorData::new(values, shape), &self.device)
    }
}

struct Replace<'a> {
    path: Path,
    device: Device,
    tensors: &'a BTreeMap<String, HostTensor>,
}

impl ModuleMapper for Replace<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(tensor) = self.tensors.get(&name) else { return param };
        let tensor = if is_transposed(&name) { transpose(tensor) } else { tensor.clone() };
        Param::from_data(TensorData::new(tensor.values, tensor.shape), &self.device)
    }
}

struct TrainOnly<W> {
    path: Path,
    wants: W,
}

impl<W: Fn(&str) -> bool> ModuleMapper for TrainOnly<W> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        param.set_require_grad(!is_quantised(&name) && (self.wants)(&name))
    }
}

struct Tensors<S> {
    path: Path,
    sink: S,
}

impl<S: FnMut(&str, &dyn Fn() -> HostTensor)> ModuleVisitor for Tensors<S> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if is_quantised(&name) {
            return;
        }
        (self.sink)(&name, &|| {
            let tensor = HostTensor::read(param.val());
            if is_transposed(&name) { transpose(&tensor) } else { tensor }
        });
    }
}
