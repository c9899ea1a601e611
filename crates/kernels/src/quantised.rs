//! Frozen weights in 4 or 8 bits: the formats, and the matrix that holds one.

mod formats;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

pub use formats::NF4;
pub(crate) use formats::{BLOCK, SUPER_BLOCK, dynamic_map};

/// How the numbers of a frozen weight are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantisation {
    /// 4-bit `NormalFloat` in blocks of 64 along a row, whose scales are in 8 bits themselves: 4.127 bits a number
    /// (Dettmers et al. 2023, <https://arxiv.org/abs/2305.14314>, section 3).
    Nf4,
    /// 8-bit integers with one scale for each row: 8 bits a number and 32 a row (the vector-wise part of Dettmers et al.
    /// 2022, <https://arxiv.org/abs/2208.07339>, section 3.1).
    Int8,
}

/// A frozen matrix `[out, in]` in few bits. It is dequantised a tile at a time, where it is used.
#[derive(Module, Debug)]
pub struct QuantisedMatrix {
    /// NF4: two codes a byte, the first in the high half, over all rows as one list. Int8: one code each.
    codes: Param<Tensor<1, Int>>,
    /// NF4: one code for the scale of each block. Int8: empty.
    block_codes: Param<Tensor<1, Int>>,
    /// NF4: the scale of each 256 block scales, then their common offset. Int8: the scale of each row.
    scales: Param<Tensor<1>>,
    #[module(skip)]
    quantisation: Quantisation,
    #[module(skip)]
    outputs: usize,
    #[module(skip)]
    inputs: usize,
}

/// The parts of a quantised matrix that an operation reads.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) codes: Tensor<1, Int>,
    pub(crate) block_codes: Tensor<1, Int>,
    pub(crate) scales: Tensor<1>,
    pub(crate) layout: Layout,
}

/// What the numbers of a quantised matrix mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) quantisation: Quantisation,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
}

impl QuantisedMatrix {
    /// Quantises the rows of a matrix `[out, in]` in row-major order.
    ///
    /// # Panics
    ///
    /// If there are not `out * in` values.
    #[must_use]
    pub fn quantise(
        values: &[f32],
        [outputs, inputs]: [usize; 2],
        quantisation: Quantisation,
        device: &Device,
    ) -> Self {
        assert_eq!(values.len(), outputs * inputs, "values of a matrix of {outputs} x {inputs}");
        let (codes, block_codes, scales) = match quantisation {
            Quantisation::Nf4 => {
                let packed = formats::quantise_nf4(values);
                (bytes(packed.codes, device), bytes(packed.block_codes, device), packed.scales)
            }
            Quantisation::Int8 => {
                let (codes, scales) = formats::quantise_int8(values, inputs);
                let length = codes.len();
                let codes =
                    Tensor::from_data(TensorData::new(codes, [length]), (device, DType::I8));
                (codes, bytes(Vec::new(), device), scales)
            }
        };
        let length = scales.len();
        let scales = Tensor::<1>::from_data(TensorData::new(scales, [length]), device);
        let scales = Param::from_tensor(scales).set_require_grad(false);
        let constant = |tensor| Param::initialized(burn::module::ParamId::new(), tensor);
        Self {
            codes: constant(codes),
            block_codes: constant(block_codes),
            scales,
            quantisation,
            outputs,
            inputs,
        }
    }

    /// `[out, in]`
    #[must_use]
    pub fn dims(&self) -> [usize; 2] {
        [self.outputs, self.inputs]
    }

    /// How the numbers are stored.
    #[must_use]
    pub fn quantisation(&self) -> Quantisation {
        self.quantisation
    }

    /// Where the codes are.
    #[must_use]
    pub fn device(&self) -> Device {
        self.scales.lazy_device()
    }

    /// Bytes of all codes and scales.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        let elements = |dims: [usize; 1]| dims[0];
        elements(self.codes.val().dims())
            + elements(self.block_codes.val().dims())
            + 4 * elements(self.scales.val().dims())
    }

    /// The codes, the codes of the block scales, and the scales, as they are stored: what a test compares with another
    /// implementation.
    #[must_use]
    pub fn to_data(&self) -> [TensorData; 3] {
        let Parts { codes, block_codes, scales, .. } = self.parts();
        [codes.into_data(), block_codes.into_data(), scales.into_data()]
    }

    pub(crate) fn parts(&self) -> Parts {
        let Self { quantisation, outputs, inputs, .. } = *self;
        Parts {
            codes: self.codes.val(),
            block_codes: self.block_codes.val(),
            scales: self.scales.val(),
            layout: Layout { quantisation, outputs, inputs },
        }
    }
}

fn bytes(values: Vec<u8>, device: &Device) -> Tensor<1, Int> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), (device, DType::U8))
}
