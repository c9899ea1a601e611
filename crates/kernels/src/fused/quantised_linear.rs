//! A product with a quantised matrix that dequantises a tile of rows at a time, forward and backward.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{dims, tensor, values};
use crate::Quantisation;
use crate::matrix::{Matrix, MatrixMut, Threads, Write, multiply};
use crate::quantised::{BLOCK, Layout, NF4, Parts, SUPER_BLOCK, dynamic_map};

/// Dequantised numbers that exist at one time: 1 MiB, which a second-level cache holds.
const TILE_ELEMENTS: usize = 1 << 18;

/// Products with quantised matrices, as operations that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait QuantisedLinear: Backend {
    /// `x` `[token, in]` times the transpose of the matrix: `[token, out]`. Only `x` gets a gradient.
    fn quantised_linear(
        x: FloatTensor<Self>,
        codes: IntTensor<Self>,
        block_codes: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: Layout,
    ) -> FloatTensor<Self>;
}

/// See [`quantised_linear`](crate::quantised_linear).
pub(crate) fn quantised_linear(x: Tensor<2>, parts: Parts) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as QuantisedLinear>::quantised_linear(
        x.into_dispatch(),
        parts.codes.into_dispatch(),
        parts.block_codes.into_dispatch(),
        parts.scales.into_dispatch(),
        parts.layout,
    ))
}

impl QuantisedLinear for Flex {
    fn quantised_linear(
        x: FlexTensor,
        codes: FlexTensor,
        block_codes: FlexTensor,
        scales: FlexTensor,
        layout: Layout,
    ) -> FlexTensor {
        Frozen { codes, block_codes, scales, layout }.forward(&x.to_contiguous())
    }
}

impl<C: CheckpointStrategy> QuantisedLinear for Autodiff<Flex, C> {
    fn quantised_linear(
        x: FloatTensor<Self>,
        codes: FlexTensor,
        block_codes: FlexTensor,
        scales: FloatTensor<Self>,
        layout: Layout,
    ) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let scales = scales.into_primitive();
        let frozen = Frozen { codes, block_codes, scales, layout };
        let output = frozen.forward(&x.into_primitive().to_contiguous());
        match QuantisedLinearBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(frozen, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct QuantisedLinearBackward;

impl Backward<Flex, 1> for QuantisedLinearBackward {
    type State = Frozen;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        super::differentiate(ops, grads, |frozen, upstream| [frozen.backward(&upstream)]);
    }
}

/// A quantised matrix `[out, in]` on the CPU. Cloning it copies no numbers.
#[derive(Clone, Debug)]
struct Frozen {
    codes: FlexTensor,
    block_codes: FlexTensor,
    scales: FlexTensor,
    layout: Layout,
}

impl Frozen {
    /// `x` `[token, in]` times the transpose of the matrix.
    fn forward(&self, x: &FlexTensor) -> FlexTensor {
        let ([tokens, width], outputs) = (dims(x), self.layout.outputs);
        let mut y = vec![0.0; tokens * outputs];
        self.for_each_tile(|start, count, tile| {
            if tokens == 0 {
                return;
            }
            multiply(
                MatrixMut::new(&mut y[start..], tokens, count, outputs),
                Write::Overwrite,
                Matrix::new(values(x), tokens, width, width),
                Matrix::new(tile, count, width, width).transposed(),
                Threads::All,
            );
        });
        tensor(y, [tokens, outputs])
    }

    /// The gradient of `x`: the gradient `[token, out]` times the matrix.
    fn backward(&self, upstream: &FlexTensor) -> FlexTensor {
        let ([tokens, outputs], width) = (dims(upstream), self.layout.inputs);
        let mut d_x = vec![0.0; tokens * width];
        self.for_each_tile(|start, count, tile| {
            if tokens == 0 {
                return;
            }
            multiply(
                MatrixMut::new(&mut d_x, tokens, width, width),
                if start == 0 { Write::Overwrite } else { Write::Add },
                Matrix::new(&values(upstream)[start..], tokens, count, outputs),
                Matrix::new(tile, count, width, width),
                Threads::All,
            );
        });
        tensor(d_x, [tokens, width])
    }

    /// Calls `visit` with the first row, the number of rows and the numbers of each tile.
    fn for_each_tile(&self, mut visit: impl FnMut(usize, usize, &[f32])) {
        let Layout { outputs, inputs, .. } = self.layout;
        let rows = (TILE_ELEMENTS / inputs.max(1)).clamp(1, outputs.max(1));
        let mut tile = vec![0.0; rows * inputs];
        for start in (0..outputs).step_by(rows) {
            let count = rows.min(outputs - start);
            let tile = &mut tile[..count * inputs];
            self.dequantise(start, tile);
            visit(start, count, tile);
        }
    }

    /// Fills `tile` with whole rows from `start` on.
    fn dequantise(&self, start: usize, tile: &mut [f32]) {
        let inputs = self.layout.inputs;
        let scales = values(&self.scales);
        let rows = tile.par_chunks_mut(inputs.max(1)).enumerate();
        match self.layout.quantisation {
            Quantisation::Int8 => {
                let codes: &[i8] = self.codes.as_slice().unwrap_or_else(|| wrong_type(&self.codes));
                rows.for_each(|(row, out)| {
                    let row = start + row;
                    scale_whole(&codes[row * inputs..][..inputs], scales[row], out);
                });
            }
            Quantisation::Nf4 => {
                let (codes, block_codes) = (bytes(&self.codes), bytes(&self.block_codes));
                rows.for_each(|(row, out)| {
                    look_up(codes, block_codes, scales, (start + row) * inputs, out);
                });
            }
        }
    }
}

/// The codes of a matrix in NF4.
fn bytes(codes: &FlexTensor) -> &[u8] {
    codes.as_slice().unwrap_or_else(|| wrong_type(codes))
}

fn wrong_type(codes: &FlexTensor) -> ! {
    unreachable!("a quantised matrix stores other codes than {:?}", codes.dtype())
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn scale_whole(codes: &[i8], scale: f32, out: &mut [f32]) {
    for (out, code) in out.iter_mut().zip(codes) {
        *out = f32::from(*code) * scale;
    }
}

/// Both numbers of each byte.
static PAIRS: [[f32; 2]; 256] = pairs();

const fn pairs() -> [[f32; 2]; 256] {
    let mut pairs = [[0.0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [NF4[byte >> 4], NF4[byte & 15]];
        byte += 1;
    }
    pairs
}

/// Fills `out` with the numbers from position `first` of the list of all rows on.
fn look_up(codes: &[u8], block_codes: &[u8], scales: &[f32], first: usize, out: &mut [f32]) {
    let (offset, super_scales) =
        scales.split_last().map_or((0.0, scales), |(last, all)| (*last, all));
    let map = dynamic_map();
    let mut rest = out;
    let mut position = first;
    while !rest.is_empty() {
        let block = position / BLOCK;
        let scale =
            map[usize::from(block_codes[block])] * super_scales[block / SUPER_BLOCK] + offset;
        let length = (BLOCK - position % BLOCK).min(rest.len());
        let (now, later) = rest.split_at_mut(length);
        look_up_block(codes, scale, position, now);
        rest = later;
        position += length;
    }
}

/// Fills `out` with numbers of one block.
fn look_up_block(codes: &[u8], scale: f32, position: usize, out: &mut [f32]) {
    // Where rows have an odd length, one of them begins in the middle of a byte.
    let (head, even) = out.split_at_mut(position % 2);
    if let [value] = head {
        *value = PAIRS[usize::from(codes[position / 2])][1] * scale;
    }
    let bytes = &codes[position.div_ceil(2)..];
    let (whole, tail) = even.as_chunks_mut::<2>();
    for (pair, byte) in whole.iter_mut().zip(bytes) {
        let values = PAIRS[usize::from(*byte)];
        *pair = [values[0] * scale, values[1] * scale];
    }
    if let [value] = tail {
        *value = PAIRS[usize::from(bytes[whole.len()])][0] * scale;
    }
}

/// Some rows, `[count, in]`.
pub(crate) fn dequantise(parts: Parts, start: usize, count: usize) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Dequantise>::dequantise(
        parts.codes.without_autodiff().into_dispatch(),
        parts.block_codes.without_autodiff().into_dispatch(),
        parts.scales.without_autodiff().into_dispatch(),
        parts.layout,
        (start, count),
    ))
}

/// Rows of quantised matrices, as an operation that Burn dispatches.
#[backend_extension(Flex)]
trait Dequantise: Backend {
    /// The rows from the first of `rows` on, as many as its second says: `[count, in]`.
    fn dequantise(
        codes: IntTensor<Self>,
        block_codes: IntTensor<Self>,
        scales: FloatTensor<Self>,
        layout: Layout,
        rows: (usize, usize),
    ) -> FloatTensor<Self>;
}

impl Dequantise for Flex {
    fn dequantise(
        codes: FlexTensor,
        block_codes: FlexTensor,
        scales: FlexTensor,
        layout: Layout,
        (start, count): (usize, usize),
    ) -> FlexTensor {
        let mut rows = vec![0.0; count * layout.inputs];
        Frozen { codes, block_codes, scales, layout }.dequantise(start, &mut rows);
        tensor(rows, [count, layout.inputs])
    }
}
