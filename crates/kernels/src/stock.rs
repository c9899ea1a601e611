//! The same operations in stock Burn: what runs on every backend but Flex, and the reference of the tests.

use burn::tensor::activation::{log_softmax, silu, softmax};
use burn::tensor::{Int, Tensor};

use crate::{AttentionPlan, HeadShape, TokenScores};

/// Rows of logits that exist at one time in [`linear_log_prob`].
const CHUNK_ROWS: usize = 1024;

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
    let mask = mask.expand([num_heads, queries, keys]);
    let weights = softmax(scores.mask_fill(mask, f32::NEG_INFINITY), 2); // [head, query, key]
    weights
        .reshape([num_kv_heads, group * queries, keys])
        .matmul(v) // [kv_head, group * query, head_dim]
        .reshape([num_heads, queries, head_dim])
        .permute([1, 0, 2])
        .reshape([queries, num_heads * head_dim])
}

/// See [`rms_norm`](crate::rms_norm).
#[must_use]
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let mean_square = (x.clone() * x.clone()).mean_dim(1); // [token, 1]
    x / mean_square.add_scalar(epsilon).sqrt() * weight.unsqueeze()
}

/// See [`swiglu`](crate::swiglu).
#[must_use]
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    silu(gate) * up
}

/// See [`rope`](crate::rope).
#[must_use]
pub fn rope(x: Tensor<2>, cos: Tensor<2>, sin: Tensor<2>, head_dim: usize) -> Tensor<2> {
    let [tokens, width] = x.dims();
    let half = head_dim / 2;
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
        let logits = hidden.matmul(head.clone()).div_scalar(temperature); // [chunk, vocab]
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
