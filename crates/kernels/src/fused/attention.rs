//! Grouped-query attention over packed rows: one product per key range into a block of scores, and a backward pass
//! that recomputes the probabilities.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{chunk_rows, tensor, values};
use crate::tiles::{Tile, tiles};
use crate::{AttentionPlan, HeadShape};

mod block;

use block::{Block, Inputs};

/// Pieces of work that the backward pass aims at; fixed, so that its sums do not depend on the number of threads.
const BACKWARD_TASKS: usize = 4;

/// Attention, as an operation that Burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait Attention: Backend {
    /// `q` and output `[query, head * head_dim]`, `k` and `v` `[key, kv_head * head_dim]`.
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        plan: AttentionPlan,
        heads: HeadShape,
    ) -> FloatTensor<Self>;
}

/// See [`attention`](crate::attention).
pub(crate) fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    plan: &AttentionPlan,
    heads: HeadShape,
) -> Tensor<2> {
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Attention>::attention(q, k, v, plan.clone(), heads))
}

impl Attention for Flex {
    fn attention(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        plan: AttentionPlan,
        heads: HeadShape,
    ) -> FlexTensor {
        Problem::new(&q, &k, &v, plan, heads).output()
    }
}

impl<C: CheckpointStrategy> Attention for Autodiff<Flex, C> {
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        plan: AttentionPlan,
        heads: HeadShape,
    ) -> FloatTensor<Self> {
        let nodes = [q.node(), k.node(), v.node()];
        let (q, k, v) = (q.into_primitive(), k.into_primitive(), v.into_primitive());
        let problem = Problem::new(&q, &k, &v, plan, heads);
        let output = problem.output();
        match AttentionBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(problem, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct AttentionBackward;

impl Backward<Flex, 3> for AttentionBackward {
    type State = Problem;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        super::differentiate(ops, grads, |problem, upstream| problem.gradients(values(&upstream)));
    }
}

/// The inputs of one call, contiguous.
#[derive(Clone, Debug)]
struct Problem {
    q: FlexTensor,
    k: FlexTensor,
    v: FlexTensor,
    plan: AttentionPlan,
    heads: HeadShape,
}

/// Gradients that one task of the backward pass finds for one key-value head and some of the tiles.
struct Partial {
    queries: Vec<f32>, // [query of these tiles, head of the group, head_dim]
    keys: Vec<f32>,    // [key, head_dim]
    values: Vec<f32>,  // [key, head_dim]
}

impl Problem {
    fn new(
        q: &FlexTensor,
        k: &FlexTensor,
        v: &FlexTensor,
        plan: AttentionPlan,
        heads: HeadShape,
    ) -> Self {
        Self { q: q.to_contiguous(), k: k.to_contiguous(), v: v.to_contiguous(), plan, heads }
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs { q: values(&self.q), k: values(&self.k), v: values(&self.v), heads: self.heads }
    }

    fn output(&self) -> FlexTensor {
        let width = self.heads.num_heads * self.heads.head_dim;
        let tiles = tiles(&self.plan, self.heads.group_size());
        let inputs = self.inputs();
        let mut output = vec![0.0; self.plan.num_queries() * width];
        split_by_tile(&tiles, &mut output, width).into_par_iter().for_each_init(
            Block::default,
            |block, (tile, output)| {
                for kv_head in 0..self.heads.num_kv_heads {
                    block.attend(inputs, tile, kv_head, output);
                }
            },
        );
        tensor(output, [self.plan.num_queries(), width])
    }

    /// Gradients of q, k and v.
    fn gradients(&self, upstream: &[f32]) -> [FlexTensor; 3] {
        let HeadShape { num_heads, num_kv_heads, head_dim } = self.heads;
        let tiles = tiles(&self.plan, self.heads.group_size());
        let num_splits = BACKWARD_TASKS.div_ceil(num_kv_heads);
        let partials: Vec<Partial> = (0..num_kv_heads * num_splits)
            .into_par_iter()
            .map(|task| {
                let (kv_head, split) = (task / num_splits, task % num_splits);
                // Every `num_splits`-th tile, for later tiles of a long segment see more keys.
                self.partial(tiles.iter().skip(split).step_by(num_splits), kv_head, upstream)
            })
            .collect();
        let d_q = gather_queries(&tiles, &partials, self.heads);
        let d_k = gather_keys(&partials, num_splits, self.heads, |partial| &partial.keys);
        let d_v = gather_keys(&partials, num_splits, self.heads, |partial| &partial.values);
        let kv_width = num_kv_heads * head_dim;
        [
            tensor(d_q, [self.plan.num_queries(), num_heads * head_dim]),
            tensor(d_k, [self.plan.num_keys(), kv_width]),
            tensor(d_v, [self.plan.num_keys(), kv_width]),
        ]
    }

    fn partial<'a>(
        &self,
        tiles: impl Iterator<Item = &'a Tile>,
        kv_head: usize,
        upstream: &[f32],
    ) -> Partial {
        let key_numbers = self.plan.num_keys() * self.heads.head_dim;
        let mut partial = Partial {
            queries: Vec::new(),
            keys: vec![0.0; key_numbers],
            values: vec![0.0; key_numbers],
        };
        let mut block = Block::default();
        for tile in tiles {
            let (d_k, d_v) = (&mut partial.keys, &mut partial.values);
            let d_q = block.differentiate(self.inputs(), tile, kv_head, (upstream, d_k, d_v));
            partial.queries.extend_from_slice(d_q);
        }
        partial
    }
}

/// The rows of a `[query, width]` slice that belong to each tile.
fn split_by_tile<'a, 'b>(
    tiles: &'a [Tile],
    mut rows: &'b mut [f32],
    width: usize,
) -> Vec<(&'a Tile, &'b mut [f32])> {
    let mut split = Vec::with_capacity(tiles.len());
    for tile in tiles {
        let (own, rest) = rows.split_at_mut(tile.queries.len() * width);
        split.push((tile, own));
        rows = rest;
    }
    split
}

/// `[query, head * head_dim]` from the partial results, each of which holds whole tiles of one key-value head.
fn gather_queries(tiles: &[Tile], partials: &[Partial], heads: HeadShape) -> Vec<f32> {
    let (width, group_width) =
        (heads.num_heads * heads.head_dim, heads.group_size() * heads.head_dim);
    let num_splits = partials.len() / heads.num_kv_heads;
    let mut offsets = vec![0; num_splits]; // queries of each split that are already placed
    let starts: Vec<usize> = tiles
        .iter()
        .enumerate()
        .map(|(index, tile)| {
            let offset = &mut offsets[index % num_splits];
            *offset += tile.queries.len();
            *offset - tile.queries.len()
        })
        .collect();
    let num_queries = tiles.last().map_or(0, |tile| tile.queries.end);
    let mut gathered = vec![0.0; num_queries * width];
    let split = split_by_tile(tiles, &mut gathered, width);
    split.into_par_iter().enumerate().for_each(|(index, (_, rows))| {
        for (row_index, row) in rows.chunks_exact_mut(width).enumerate() {
            let start = (starts[index] + row_index) * group_width;
            for (kv_head, group) in row.chunks_exact_mut(group_width).enumerate() {
                let partial = &partials[kv_head * num_splits + index % num_splits];
                group.copy_from_slice(&partial.queries[start..][..group_width]);
            }
        }
    });
    gathered
}

/// `[key, kv_head * head_dim]`: the sum over splits, in their order, of each key-value head.
fn gather_keys(
    partials: &[Partial],
    num_splits: usize,
    heads: HeadShape,
    part: impl Fn(&Partial) -> &[f32] + Sync,
) -> Vec<f32> {
    let head_dim = heads.head_dim;
    let width = heads.num_kv_heads * head_dim;
    let num_keys = partials.first().map_or(0, |partial| part(partial).len() / head_dim.max(1));
    let mut gathered = vec![0.0; num_keys * width];
    let rows = chunk_rows(num_keys, width);
    gathered.par_chunks_mut((rows * width).max(1)).enumerate().for_each(|(chunk, gathered)| {
        for (index, row) in gathered.chunks_exact_mut(width).enumerate() {
            let start = (chunk * rows + index) * head_dim;
            for (task, partial) in partials.iter().enumerate() {
                let sum = &mut row[task / num_splits * head_dim..][..head_dim];
                for (sum, value) in sum.iter_mut().zip(&part(partial)[start..][..head_dim]) {
                    *sum += value;
                }
            }
        }
    });
    gathered
}
