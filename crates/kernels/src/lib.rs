//! Decoder operations: fused on the CPU, stock operations on every other backend.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod awake;
#[cfg(target_arch = "x86_64")]
mod few_rows;
mod fused;
mod lanes;
mod matrix;
pub mod memory;
mod plan;
mod quantised;
pub mod stock;
mod tiles;
mod weights;

use burn::tensor::{FloatDType, Int, Tensor};

pub use awake::awake;
pub use plan::{AttentionPlan, HeadShape, Segment};
pub use quantised::{NF4, Quantisation, QuantisedMatrix};
pub use weights::{largest, softmax_weights};

/// What one next-token distribution per row says about its target.
#[derive(Clone, Debug)]
pub struct TokenScores {
    /// `[n]`, log-probability of the target, in nats.
    pub log_probs: Tensor<1>,
    /// `[n]`, entropy of the distribution, in nats; detached.
    pub entropy: Tensor<1>,
    /// `[n]`, 1 where no token is more probable than the target, else 0; detached.
    pub is_argmax: Tensor<1>,
}

/// The numbers of one update of AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// What the weights are multiplied by first: 1 minus learning rate times weight decay.
    pub decay: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Learning rate over `1 - beta1^t`.
    pub step_size: f64,
    /// Root of `1 - beta2^t`.
    pub root_correction: f64,
    /// Added to the corrected root of the second moment.
    pub epsilon: f64,
}

/// One update of AdamW: the new weights, and the new first and second moment.
///
/// ```text
/// m = m + (1 - beta1) (g - m)      v = beta2 v + (1 - beta2) g^2
/// weights = decay weights - step_size m / (sqrt(v) / root_correction + epsilon)
/// ```
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn adamw<const D: usize>(
    weights: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    step: AdamWStep,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let shape = weights.dims();
    let all = [&gradient, &moments[0], &moments[1]];
    assert!(
        all.iter().all(|tensor| tensor.dims() == shape),
        "shapes of weights and moments differ"
    );
    if all.into_iter().chain([&weights]).all(fused::takes_untracked) {
        fused::adamw::adamw(weights, gradient, moments, step)
    } else {
        stock::adamw(weights, gradient, moments, step)
    }
}

/// Sum of the squares of all numbers, `[1]`, in an order that the number of threads does not change.
#[must_use]
pub fn sum_of_squares<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    if fused::takes_untracked(&values) {
        fused::sum_of_squares::sum_of_squares(values)
    } else {
        stock::sum_of_squares(values)
    }
}

/// A linear layer without bias: `x @ weight`.
///
/// # Shapes
///
/// - `x`: `[token, in]`
/// - `weight`: `[in, out]`
/// - output: `[token, out]`
///
/// # Panics
///
/// If the inner dimensions differ.
#[must_use]
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    assert_eq!(x.dims()[1], weight.dims()[0], "row length of x and rows of weight differ");
    if fused::takes(&x) && fused::takes(&weight) {
        fused::linear::linear(x, weight)
    } else {
        stock::linear(x, weight)
    }
}

/// A product with the transpose of what stands in memory, as of hidden states with a head: `x @ weight^T`.
///
/// On the CPU it is fused where no gradients are tracked.
///
/// # Shapes
///
/// - `x`: `[token, in]`
/// - `weight`: `[out, in]`
/// - output: `[token, out]`
///
/// # Panics
///
/// If the inner dimensions differ.
#[must_use]
pub fn linear_transposed(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    assert_eq!(x.dims()[1], weight.dims()[1], "row lengths of x and weight differ");
    if fused::takes_untracked(&x) && fused::takes_untracked(&weight) {
        fused::linear::linear_transposed(x, weight)
    } else {
        stock::linear(x, weight.transpose())
    }
}

/// Grouped-query attention of packed queries over packed keys, scaled by `1 / sqrt(head_dim)`.
///
/// # Shapes
///
/// - `q`: `[query, head * head_dim]`
/// - `k`, `v`: `[key, kv_head * head_dim]`
/// - output: `[query, head * head_dim]`
///
/// # Panics
///
/// If a shape disagrees with `plan` or `heads`.
#[must_use]
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    plan: &AttentionPlan,
    heads: HeadShape,
) -> Tensor<2> {
    plan.assert_fits(q.dims(), k.dims(), v.dims(), heads);
    if [&q, &k, &v].into_iter().all(fused::takes) {
        fused::attention::attention(q, k, v, plan, heads)
    } else {
        stock::attention(q, k, v, plan, heads)
    }
}

/// What a product of `x` with a weight of its precision is best computed in before it is rounded to that precision: on
/// Flex single precision, which its products of half-precision numbers use anyway, so that a bias is added before the
/// only rounding; elsewhere the precision of `x`.
#[must_use]
pub fn product_precision<const D: usize>(x: &Tensor<D>) -> FloatDType {
    if fused::is_flex(x) { FloatDType::F32 } else { x.dtype().into() }
}

/// Root mean square normalisation: `x / sqrt(mean(x^2) + epsilon) * weight`.
///
/// # Shapes
///
/// - `x`: `[token, hidden]`
/// - `weight`: `[hidden]`
/// - output: `[token, hidden]`
///
/// # Panics
///
/// If `weight` has another length than the rows of `x`.
#[must_use]
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    assert_eq!(x.dims()[1], weight.dims()[0], "row length of x and length of weight differ");
    if fused::takes(&x) && fused::takes(&weight) {
        fused::rms_norm::rms_norm(x, weight, epsilon)
    } else {
        stock::rms_norm(x, weight, epsilon)
    }
}

/// The gated activation of a decoder's feed-forward layer: `silu(gate) * up`.
///
/// # Shapes
///
/// - `gate`, `up` and output: `[token, intermediate]`
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    assert_eq!(gate.dims(), up.dims(), "shapes of gate and up differ");
    if fused::takes(&gate) && fused::takes(&up) {
        fused::swiglu::swiglu(gate, up)
    } else {
        stock::swiglu(gate, up)
    }
}

/// Rotary position embedding in its rotate-half form: the first half of each head is rotated against its second half.
///
/// # Shapes
///
/// - `x` and output: `[token, head * head_dim]`
/// - `cos`, `sin`: `[token, head_dim / 2]`; constants, they get no gradient
///
/// # Panics
///
/// If a shape disagrees with `head_dim`, or `head_dim` is odd.
#[must_use]
pub fn rope(x: Tensor<2>, cos: Tensor<2>, sin: Tensor<2>, head_dim: usize) -> Tensor<2> {
    let [tokens, width] = x.dims();
    assert!(
        head_dim.is_multiple_of(2) && width.is_multiple_of(head_dim),
        "rows of {width} are no heads of {head_dim}"
    );
    assert_eq!(cos.dims(), [tokens, head_dim / 2], "shape of cos");
    assert_eq!(sin.dims(), [tokens, head_dim / 2], "shape of sin");
    if [&x, &cos, &sin].into_iter().all(fused::takes) {
        fused::rope::rope(x, cos, sin)
    } else {
        stock::rope(x, cos, sin, head_dim)
    }
}

/// Log-probability of `targets` under `softmax(hidden @ head^T / temperature)`, without holding `[n, vocab]` at once.
///
/// # Shapes
///
/// - `hidden`: `[n, hidden]`
/// - `head`: `[vocab, hidden]`
/// - `targets`: `[n]`, each below `vocab`
///
/// # Panics
///
/// If a shape disagrees, or `temperature` is not a positive number.
#[must_use]
pub fn linear_log_prob(
    hidden: Tensor<2>,
    head: Tensor<2>,
    targets: Tensor<1, Int>,
    temperature: f64,
) -> TokenScores {
    assert_eq!(hidden.dims()[1], head.dims()[1], "row lengths of hidden and head differ");
    assert_eq!(hidden.dims()[0], targets.dims()[0], "numbers of rows and targets differ");
    assert!(
        temperature.is_finite() && 0.0 < temperature,
        "temperature must be positive, got {temperature}"
    );
    if fused::takes(&hidden) && fused::takes(&head) {
        fused::linear_log_prob::linear_log_prob(hidden, head, targets, temperature)
    } else {
        stock::linear_log_prob(hidden, head, targets, temperature)
    }
}

/// `x` times the transpose of a frozen quantised matrix, `x W`, where the matrix holds `W` as `[out, in]`. On the CPU no
/// more than a tile of it is ever dequantised, forward and backward; the matrix gets no gradient.
///
/// # Shapes
///
/// - `x`: `[token, in]`
/// - output: `[token, out]`
///
/// # Panics
///
/// If the rows of `x` and of the matrix differ in length.
#[must_use]
pub fn quantised_linear(x: Tensor<2>, matrix: &QuantisedMatrix) -> Tensor<2> {
    assert_eq!(x.dims()[1], matrix.dims()[1], "row lengths of x and of the matrix differ");
    let parts = matrix.parts();
    if fused::takes(&x) && fused::takes(&parts.scales) {
        fused::quantised_linear::quantised_linear(x, parts)
    } else {
        stock::quantised_linear(&x, matrix)
    }
}

/// `count` rows of a quantised matrix from `start` on, as constants: `[count, in]`.
///
/// # Panics
///
/// If the matrix has fewer rows.
#[must_use]
pub fn dequantise_rows(matrix: &QuantisedMatrix, start: usize, count: usize) -> Tensor<2> {
    let [rows, _] = matrix.dims();
    assert!(start + count <= rows, "rows {start}..{} of {rows}", start + count);
    let parts = matrix.parts();
    if fused::takes(&parts.scales) {
        fused::quantised_linear::dequantise(parts, start, count)
    } else {
        stock::dequantise_rows(matrix, start, count)
    }
}
