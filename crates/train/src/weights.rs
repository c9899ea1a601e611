//! Between modules and the bytes of a checkpoint: what is trained, as safetensors under the names of the module.

mod written;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, DType, Int, Tensor, TensorData};
use safetensors::Dtype;
use safetensors::tensor::{SafeTensorError, SafeTensors, TensorView};

pub(crate) use written::write_model;

/// Numbers the parameters of `model` in the order in which it is visited.
///
/// Burn draws parameter ids at random, and records name the optimiser's state by them. With these ids the checkpoints of
/// two equal runs are equal files.
pub(crate) fn number_parameters<M: Module>(model: M) -> M {
    model.map(&mut Numbering::default())
}

#[derive(Default)]
struct Numbering {
    /// A parameter reached twice (a tied embedding) keeps one id.
    ids: BTreeMap<ParamId, ParamId>,
}

impl Numbering {
    fn of(&mut self, id: ParamId) -> ParamId {
        let next = ParamId::from(self.ids.len() as u64);
        *self.ids.entry(id).or_insert(next)
    }
}

impl ModuleMapper for Numbering {
    fn map_float<const D: usize>(&mut self, mut param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.id = self.of(param.id);
        param
    }

    fn map_int<const D: usize>(
        &mut self,
        mut param: Param<Tensor<D, Int>>,
    ) -> Param<Tensor<D, Int>> {
        param.id = self.of(param.id);
        param
    }

    fn map_bool<const D: usize>(
        &mut self,
        mut param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        param.id = self.of(param.id);
        param
    }
}

/// The parameters of a model that are trained.
#[derive(Debug, Default)]
pub(crate) struct Trainable {
    /// Dotted name of each, by its id.
    pub(crate) names: BTreeMap<ParamId, String>,
    /// Bytes of all of them.
    pub(crate) num_bytes: u64,
    path: Vec<String>,
}

impl Trainable {
    pub(crate) fn of<M: Module>(model: &M) -> Self {
        let mut trainable = Self::default();
        model.visit(&mut trainable);
        trainable
    }
}

impl ModuleVisitor for Trainable {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() || self.names.contains_key(&param.id) {
            return;
        }
        let tensor = param.val();
        self.num_bytes += (tensor.shape().num_elements() * tensor.dtype().size()) as u64;
        self.names.insert(param.id, self.path.join("."));
    }
}

/// The types of trained parameters.
const TYPES: [(DType, Dtype); 4] = [
    (DType::F32, Dtype::F32),
    (DType::F64, Dtype::F64),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
];

/// What is wrong with a tensor that holds something else than numbers.
pub(crate) fn not_finite(name: &str, data: &TensorData) -> Option<String> {
    let bad = match data.as_slice::<f32>() {
        Ok(values) => values.iter().find(|one| !one.is_finite()).map(|one| f64::from(*one)),
        Err(_) => data.iter::<f64>().find(|one| !one.is_finite()),
    };
    bad.map(|value| format!("the tensor {name} holds {value}"))
}

/// Puts the weights of a checkpoint into `model`, whose other parameters stay. The error lists all that does not fit.
pub(crate) fn load_model<M: Module>(model: M, bytes: &[u8]) -> Result<M, String> {
    let unreadable = |error: SafeTensorError| error.to_string();
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let mut loading = Loading {
        left: file.tensors().into_iter().collect(),
        loaded: BTreeMap::new(),
        path: vec![],
        problems: vec![],
    };
    let model = model.map(&mut loading);
    let Loading { left, mut problems, .. } = loading;
    problems.extend(left.keys().map(|name| format!("the model does not train the tensor {name}")));
    if problems.is_empty() { Ok(model) } else { Err(problems.join("; ")) }
}

struct Loading<'a> {
    left: BTreeMap<String, TensorView<'a>>,
    /// What was loaded, for parameters that are reached twice.
    loaded: BTreeMap<ParamId, TensorView<'a>>,
    path: Vec<String>,
    problems: Vec<String>,
}

impl Loading<'_> {
    /// The values of the parameter at the current path.
    fn values<const D: usize>(&mut self, param: &Param<Tensor<D>>) -> Option<TensorData> {
        let name = self.path.join(".");
        let view = match self.loaded.get(&param.id) {
            Some(view) => view.clone(),
            None => self.left.remove(&name)?,
        };
        self.loaded.insert(param.id, view.clone());
        let found = TYPES.iter().find(|(_, theirs)| *theirs == view.dtype())?;
        let expected = param.lazy_shape();
        if view.shape() != expected.dims::<D>() {
            let message =
                format!("the tensor {name} has shape {:?}, not {expected:?}", view.shape());
            self.problems.push(message);
            return None;
        }
        let data = TensorData::from_bytes_vec(view.data().to_vec(), view.shape(), found.0);
        self.problems.extend(not_finite(&name, &data));
        Some(data)
    }
}

impl ModuleMapper for Loading<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.is_require_grad() {
            return param;
        }
        let num_problems = self.problems.len();
        let Some(data) = self.values(&param) else {
            if self.problems.len() == num_problems {
                self.problems.push(format!("the tensor {} is missing", self.path.join(".")));
            }
            return param;
        };
        let id = param.id;
        let dtype = data.dtype();
        let tensor = Tensor::from_data(data, (&param.lazy_device(), dtype));
        param.transform_for_load(tensor, id)
    }
}

/// The first parameter of a model, trained or not, that holds something else than numbers.
pub(crate) fn first_not_finite<M: Module>(model: &M) -> Option<String> {
    let mut look = Look::default();
    model.visit(&mut look);
    look.found
}

#[derive(Default)]
struct Look {
    path: Vec<String>,
    found: Option<String>,
}

impl ModuleVisitor for Look {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.found.is_some() {
            return;
        }
        let tensor = param.val();
        if matches!(tensor.dtype(), DType::QFloat(_)) {
            return;
        }
        if !tensor.is_finite().all().into_scalar::<bool>() {
            self.found = Some(self.path.join("."));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Pair {
        first: Linear,
        second: Linear,
    }

    fn linear(weight: [f32; 2], device: &Device) -> Linear {
        let mut linear = LinearConfig::new(1, 2).with_bias(false).init(device);
        linear.weight = Param::from_data([weight], device);
        linear
    }

    fn pair(first: [f32; 2], second: [f32; 2]) -> Pair {
        let device = Device::flex().autodiff();
        let linear = |weight| linear(weight, &device);
        number_parameters(Pair { first: linear(first), second: linear(second) })
    }

    fn values(linear: &Linear) -> Vec<f32> {
        linear.weight.val().into_data().iter::<f32>().collect()
    }

    fn model_bytes(model: &Pair) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        write_model(model, &mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    #[test]
    fn weights_come_back_trainable_and_as_they_were() {
        let bytes =
            model_bytes(&pair([1.0, f32::MIN_POSITIVE / 8.0], [-0.0, 1e30])).expect("bytes");
        let model = load_model(pair([9.0; 2], [9.0; 2]), &bytes).expect("the same tensors");
        assert_eq!(values(&model.first), [1.0, f32::MIN_POSITIVE / 8.0]);
        assert_eq!(values(&model.second)[0].to_bits(), (-0.0_f32).to_bits());
        assert_eq!(Trainable::of(&model).names.len(), 2);
        assert_eq!(Trainable::of(&model).num_bytes, 16);
    }

    #[test]
    fn frozen_weights_are_not_in_the_file_and_stay() {
        let freeze = |mut model: Pair| {
            model.first = model.first.no_grad();
            model
        };
        let bytes = model_bytes(&freeze(pair([1.0; 2], [2.0; 2]))).expect("bytes");
        let model = load_model(freeze(pair([5.0; 2], [9.0; 2])), &bytes).expect("one tensor");
        assert_eq!((values(&model.first), values(&model.second)), (vec![5.0; 2], vec![2.0; 2]));
        let error = load_model(pair([5.0; 2], [9.0; 2]), &bytes).expect_err("two are trained");
        assert_eq!(error, "the tensor first.weight is missing");
    }

    #[test]
    fn what_is_no_number_is_neither_written_nor_read() {
        let bad = pair([1.0, 2.0], [3.0, f32::NAN]);
        let expected = "the tensor second.weight holds NaN";
        assert_eq!(model_bytes(&bad).expect_err("a NaN"), expected);
        assert_eq!(first_not_finite(&bad).as_deref(), Some("second.weight"));
        assert_eq!(first_not_finite(&pair([1.0; 2], [f32::MAX; 2])), None);

        let good = model_bytes(&pair([1.0, 2.0], [3.0, 4.0])).expect("bytes");
        let four = 4.0_f32.to_le_bytes();
        let place = good.windows(4).rposition(|bytes| bytes == four).expect("it is there");
        let mut spoilt = good.clone();
        spoilt[place..place + 4].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
        let error = load_model(pair([0.0; 2], [0.0; 2]), &spoilt).expect_err("an infinity");
        assert_eq!(error, "the tensor second.weight holds -inf");
    }

    #[test]
    fn every_tensor_that_does_not_fit_is_listed() {
        #[derive(Module, Debug)]
        struct Other {
            first: Linear,
            third: Linear,
        }
        let device = Device::flex().autodiff();
        let first = LinearConfig::new(3, 2).with_bias(false).init(&device);
        let other = Other { first, third: linear([1.0; 2], &device) };
        let bytes = model_bytes(&pair([1.0; 2], [2.0; 2])).expect("bytes");
        let error = load_model(other, &bytes).expect_err("another model");
        let expected = [
            "the tensor first.weight has shape [1, 2], not ",
            "the tensor third.weight is missing; ",
            "the model does not train the tensor second.weight",
        ];
        assert!(expected.iter().all(|part| error.contains(part)), "{error}");
    }
}
