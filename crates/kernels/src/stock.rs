//! The same operations in stock Burn: what runs on every backend but Flex, and the reference of the tests.
//!
//! Of half-precision inputs, sums, roots, exponentials and everything about probabilities are computed in single
//! precision, and rounded where `PyTorch`'s models round.

use burn::tensor::activation::{log_softmax, silu, softmax};
use burn::tensor::{DType, Device, FloatDType, Int, Tensor};

use crate::quantised::{BLOCK, NF4, Parts, SUPER_BLOCK, dynamic_map};
use crate::{AdamWStep, AttentionPlan, HeadShape, Quantisation, QuantisedMatrix, TokenScores};

/// Rows of a quantised matrix that are dequantised at one time in [`quantised_linear`].
const TILE_ROWS: usize = 256;

/// Rows of logits that exist at one time in [`linear_log_prob`].
const CHUNK_ROWS: usize = 1024;

/// What a tensor is stored in.
fn precision<const D: usize>(x: &Tensor<D>) -> FloatDType {
    x.dtype().into()
}

/// See [`attention`](crate::attention).
#[must_use]
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    plan: &AttentionPlan,
    heads: HeadShape,
) -> Tensor<2> {
    let HeadShape { num_heads, num_kv_heads, head_dim } = heads;
    let (queries, keys, group) = (plan.num_queries(), plan.num_keys(), heads.group_size());
    if queries == 0 {
        return q;
    }
    let precision = precision(&q);
    let mask = plan.mask(&q.device()).unsqueeze::<3>(); // [1, query, key]
    let q = q.reshape([queries, num_kv_heads, group, head_dim]).permute([1, 2, 0, 3]).reshape([
        num_kv_heads,
        group * queries,
        head_dim,
    ]);
    let k = k.reshape([keys, num_kv_heads, head_dim]).permute([1, 2, 0]); // [kv_head, head_dim, key]
    let v = v.reshape([keys, num_kv_heads, head_dim]).permute([1, 0, 2]); // [kv_head, key, head_dim]
    let scale = 1.0 / (head_dim as f64).sqrt();
    let scores = q.matmul(k).mul_scalar(scale).reshape([num_heads, queries, keys]);
    let scores = scores.cast(FloatDType::F32);
    let mask = mask.expand([num_heads, queries, keys]);
    let weights = softmax(scores.mask_fill(mask, f32::NEG_INFINITY), 2); // [head, query, key]
    weights
        .cast(precision)
        .reshape([num_kv_heads, group * queries, keys])
        .matmul(v) // [kv_head, group * query, head_dim]
        .reshape([num_heads, queries, head_dim])
        .permute([1, 0, 2])
        .reshape([queries, num_heads * head_dim])
}

/// See [`linear`](crate::linear).
#[must_use]
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    x.matmul(weight)
}

/// See [`rms_norm`](crate::rms_norm).
#[must_use]
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let precision = precision(&x);
    let x = x.cast(FloatDType::F32); // [token, hidden]
    let mean_square = (x.clone() * x.clone()).mean_dim(1); // [token, 1]
    (x / mean_square.add_scalar(epsilon).sqrt()).cast(precision) * weight.unsqueeze()
}

/// See [`swiglu`](crate::swiglu).
#[must_use]
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    let precision = precision(&gate);
    silu(gate.cast(FloatDType::F32)).cast(precision) * up
}

/// See [`rope`](crate::rope).
#[must_use]
pub fn rope(x: Tensor<2>, cos: Tensor<2>, sin: Tensor<2>, head_dim: usize) -> Tensor<2> {
    let [tokens, width] = x.dims();
    let half = head_dim / 2;
    let [cos, sin] = [cos, sin].map(|angle| angle.cast(precision(&x)));
    let cos = cos.detach().unsqueeze_dim::<3>(1); // [token, 1, half]
    let sin = sin.detach().unsqueeze_dim::<3>(1); // [token, 1, half]
    let x = x.reshape([tokens, width / head_dim, head_dim]);
    let first = x.clone().narrow(2, 0, half); // [token, head, half]
    let second = x.narrow(2, half, half); // [token, head, half]
    let rotated_first = first.clone() * cos.clone() - second.clone() * sin.clone();
    let rotated_second = second * cos + first * sin;
    Tensor::cat(vec![rotated_first, rotated_second], 2).reshape([tokens, width])
}

/// See [`linear_log_prob`](crate::linear_log_prob).
#[must_use]
pub fn linear_log_prob(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: Tensor<1, Int>,
    temperature: f64,
) -> TokenScores {
    if hidden.dims()[0] == 0 {
        let none = Tensor::zeros([0], &hidden.device());
        return TokenScores { log_probs: none.clone(), entropy: none.clone(), is_argmax: none };
    }
    let head = head.transpose(); // [hidden, vocab]
    let chunks = hidden.split(CHUNK_ROWS, 0).into_iter().zip(targets.split(CHUNK_ROWS, 0));
    let (mut log_probs, mut entropy, mut is_argmax) = (vec![], vec![], vec![]);
    for (hidden, targets) in chunks {
        let logits = hidden.matmul(head.clone()).cast(FloatDType::F32); // [chunk, vocab]
        let logits = logits.div_scalar(temperature);
        let all = log_softmax(logits, 1); // [chunk, vocab]
        let chosen = all.clone().gather(1, targets.unsqueeze_dim(1)); // [chunk, 1]
        log_probs.push(chosen.clone().squeeze_dim(1));
        let all = all.detach();
        is_argmax.push(chosen.detach().equal(all.clone().max_dim(1)).float().squeeze_dim(1));
        entropy.push((all.clone().exp() * all).sum_dim(1).neg().squeeze_dim(1));
    }
    TokenScores {
        log_probs: Tensor::cat(log_probs, 0),
        entropy: Tensor::cat(entropy, 0),
        is_argmax: Tensor::cat(is_argmax, 0),
    }
}

/// See [`quantised_linear`](crate::quantised_linear).
///
/// Without gradients no more than a tile is dequantised at a time. With gradients Burn's matrix product keeps its operands
/// for the backward pass, and so the tiles.
#[must_use]
pub fn quantised_linear(x: &Tensor<2>, matrix: &QuantisedMatrix) -> Tensor<2> {
    let [rows, _] = matrix.dims();
    let products = (0..rows).step_by(TILE_ROWS).map(|start| {
        let tile = dequantise_rows(matrix, start, TILE_ROWS.min(rows - start)); // [tile, in]
        x.clone().matmul(tile.transpose()) // [token, tile]
    });
    Tensor::cat(products.collect(), 1)
}

/// See [`dequantise_rows`](crate::dequantise_rows).
#[must_use]
pub fn dequantise_rows(matrix: &QuantisedMatrix, start: usize, count: usize) -> Tensor<2> {
    let parts = matrix.parts();
    let inputs = parts.layout.inputs;
    match parts.layout.quantisation {
        Quantisation::Int8 => {
            let codes = parts.codes.narrow(0, start * inputs, count * inputs).float();
            let scales = parts.scales.without_autodiff().narrow(0, start, count);
            codes.reshape([count, inputs]) * scales.unsqueeze_dim(1)
        }
        Quantisation::Nf4 => {
            let values = look_up(&parts, start * inputs, (start + count) * inputs); // [count * in]
            values.reshape([count, inputs])
        }
    }
}

/// The numbers from `first` to before `last` of the list of all rows.
fn look_up(parts: &Parts, first: usize, last: usize) -> Tensor<1> {
    let device = parts.scales.device().without_autodiff();
    let (first_block, end_block) = (first / BLOCK, last.div_ceil(BLOCK));
    let [num_bytes] = parts.codes.dims();
    let first_byte = first_block * BLOCK / 2;
    let bytes = num_bytes.min(end_block * BLOCK / 2) - first_byte;
    let bytes = parts.codes.clone().narrow(0, first_byte, bytes).cast(DType::I32);
    let high = bytes.clone().bitwise_right_shift_scalar(4);
    let low = bytes.bitwise_and_scalar(15);
    let codes: Tensor<2, Int> = Tensor::stack(vec![high, low], 1); // [byte, 2]
    let codes: Tensor<1, Int> = codes.flatten(0, 1);
    let [length] = codes.dims();
    let values = Tensor::<1>::from_data(NF4, &device).select(0, codes);
    let scales = block_scales(parts, first_block, end_block, &device); // [block]
    let [blocks] = scales.dims();
    let scales = scales.unsqueeze_dim::<2>(1).expand([blocks, BLOCK]).reshape([blocks * BLOCK]);
    let values = values * scales.narrow(0, 0, length);
    values.narrow(0, first - first_block * BLOCK, last - first)
}

/// The scales of some blocks, from their codes.
fn block_scales(parts: &Parts, first: usize, end: usize, device: &Device) -> Tensor<1> {
    let codes = parts.block_codes.clone().narrow(0, first, end - first).cast(DType::I32);
    let scales = Tensor::<1>::from_data(dynamic_map(), device).select(0, codes);
    let stored = parts.scales.clone().without_autodiff();
    let [length] = stored.dims();
    let blocks = Tensor::<1, Int>::arange(to_i64(first)..to_i64(end), device);
    let super_scales = stored.clone().select(0, blocks.div_scalar(to_i64(SUPER_BLOCK)));
    scales * super_scales + stored.narrow(0, length - 1, 1)
}

fn to_i64(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// See [`adamw`](crate::adamw).
#[must_use]
pub fn adamw<const D: usize>(
    weights: Tensor<D>,
    gradient: Tensor<D>,
    [first, second]: [Tensor<D>; 2],
    step: AdamWStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let towards_gradient = (gradient.clone() - first.clone()).mul_scalar(1.0 - step.beta1);
    let first = first + towards_gradient;
    let second = second.mul_scalar(step.beta2) + gradient.square().mul_scalar(1.0 - step.beta2);
    let root = second.clone().sqrt().div_scalar(step.root_correction);
    let update = (first.clone() / root.add_scalar(step.epsilon)).mul_scalar(step.step_size);
    (weights.mul_scalar(step.decay) - update, [first, second])
}

/// See [`sum_of_squares`](crate::sum_of_squares).
///
/// The last dimension first: a backend may sum millions of numbers at once in an order that its threads decide, but not
/// those of one row.
#[must_use]
pub fn sum_of_squares<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    let squares = values.square();
    if D > 1 { squares.sum_dim(D - 1).sum() } else { squares.sum() }
}
