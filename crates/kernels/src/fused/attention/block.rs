//! One tile of one key-value head: its scores, its probabilities and their gradients.

use multiversion::multiversion;

use crate::HeadShape;
use crate::lanes::{exp, max, sums};
use crate::matrix::{Matrix, MatrixMut, Threads, Write, multiply};
use crate::tiles::{Columns, Part, Tile};

/// Packed queries `[query, head * head_dim]`, keys and values `[key, kv_head * head_dim]`.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) q: &'a [f32],
    pub(super) k: &'a [f32],
    pub(super) v: &'a [f32],
    pub(super) heads: HeadShape,
}

/// Memory for one tile, reused from tile to tile. A row is one query of one head: the heads that share the key-value
/// head stand together, query by query.
#[derive(Default)]
pub(super) struct Block {
    queries: Vec<f32>,         // [row, head_dim], scaled by 1 / sqrt(head_dim)
    probabilities: Vec<f32>,   // [row, column]
    d_probabilities: Vec<f32>, // [row, column], then the gradients of the scores
    rows: Vec<f32>,            // [row, head_dim]: output, or gradients of the queries
    upstream: Vec<f32>,        // [row, head_dim]
}

impl Inputs<'_> {
    /// Keys or values of one range of keys and one key-value head.
    fn key_rows<'a>(&self, all: &'a [f32], part: &Part, kv_head: usize) -> Matrix<'a> {
        let HeadShape { num_kv_heads, head_dim, .. } = self.heads;
        let stride = num_kv_heads * head_dim;
        let start = part.keys.start * stride + kv_head * head_dim;
        Matrix::new(&all[start..], part.keys.len(), head_dim, stride)
    }

    /// The heads that share `kv_head`, query by query, out of the tile's rows of `all`, `[query, head * head_dim]`.
    fn group_rows<'a>(
        &self,
        all: &'a [f32],
        tile: &Tile,
        kv_head: usize,
    ) -> impl Iterator<Item = &'a f32> + use<'a> {
        let width = self.heads.num_heads * self.heads.head_dim;
        let group_width = self.heads.group_size() * self.heads.head_dim;
        let rows = &all[tile.queries.start * width..tile.queries.end * width];
        rows.chunks_exact(width).flat_map(move |row| &row[kv_head * group_width..][..group_width])
    }

    fn scale(&self) -> f32 {
        1.0 / (self.heads.head_dim as f32).sqrt()
    }
}

impl Block {
    /// Writes the outputs of the heads that share `kv_head` into the tile's rows, `[query, head * head_dim]`.
    pub(super) fn attend(
        &mut self,
        inputs: Inputs<'_>,
        tile: &Tile,
        kv_head: usize,
        output: &mut [f32],
    ) {
        self.fill_probabilities(inputs, tile, kv_head);
        let HeadShape { num_heads, head_dim, .. } = inputs.heads;
        let group = inputs.heads.group_size();
        zero(&mut self.rows, tile.queries.len() * group * head_dim);
        for part in &tile.parts {
            multiply(
                rows_mut(&mut self.rows, part, group, head_dim),
                Write::Add,
                columns(&self.probabilities, tile, part, group),
                inputs.key_rows(inputs.v, part, kv_head),
                Threads::One,
            );
        }
        let group_width = group * head_dim;
        let rows = self.rows.chunks_exact(group_width);
        for (output, row) in output.chunks_exact_mut(num_heads * head_dim).zip(rows) {
            output[kv_head * group_width..][..group_width].copy_from_slice(row);
        }
    }

    /// Adds to the gradients of the keys and values of `kv_head`, both `[key, head_dim]`, and returns those of the
    /// tile's queries, `[query, head of the group, head_dim]`. `upstream` is `[query, head * head_dim]` of all queries.
    pub(super) fn differentiate(
        &mut self,
        inputs: Inputs<'_>,
        tile: &Tile,
        kv_head: usize,
        (upstream, d_k, d_v): (&[f32], &mut [f32], &mut [f32]),
    ) -> &[f32] {
        let (head_dim, group) = (inputs.heads.head_dim, inputs.heads.group_size());
        self.fill_probabilities(inputs, tile, kv_head);
        self.upstream.clear();
        self.upstream.extend(inputs.group_rows(upstream, tile, kv_head));
        self.fill_d_scores(inputs, tile, kv_head);
        zero(&mut self.rows, tile.queries.len() * group * head_dim);
        for part in &tile.parts {
            let keys = part.keys.start * head_dim..part.keys.end * head_dim;
            let key_rows =
                |gradients| MatrixMut::new(gradients, part.keys.len(), head_dim, head_dim);
            let d_scores = columns(&self.d_probabilities, tile, part, group);
            multiply(
                key_rows(&mut d_v[keys.clone()]),
                Write::Add,
                columns(&self.probabilities, tile, part, group).transposed(),
                rows(&self.upstream, part, group, head_dim),
                Threads::One,
            );
            multiply(
                key_rows(&mut d_k[keys]),
                Write::Add,
                d_scores.transposed(),
                rows(&self.queries, part, group, head_dim),
                Threads::One,
            );
            multiply(
                rows_mut(&mut self.rows, part, group, head_dim),
                Write::Add,
                d_scores,
                inputs.key_rows(inputs.k, part, kv_head),
                Threads::One,
            );
        }
        let scale = inputs.scale();
        for value in &mut self.rows {
            *value *= scale;
        }
        &self.rows
    }

    /// The softmax of the scores over the keys that each row sees; 0 for the later keys of its own segment.
    fn fill_probabilities(&mut self, inputs: Inputs<'_>, tile: &Tile, kv_head: usize) {
        let (head_dim, group) = (inputs.heads.head_dim, inputs.heads.group_size());
        let (q, scale) = (inputs.group_rows(inputs.q, tile, kv_head), inputs.scale());
        self.queries.clear();
        self.queries.extend(q.map(|value| value * scale));
        self.probabilities.resize(tile.queries.len() * group * tile.width, 0.0);
        for part in &tile.parts {
            multiply(
                columns_mut(&mut self.probabilities, tile, part, group),
                Write::Overwrite,
                rows(&self.queries, part, group, head_dim),
                inputs.key_rows(inputs.k, part, kv_head).transposed(),
                Threads::One,
            );
        }
        let rows = self.probabilities.chunks_exact_mut(tile.width * group);
        for (rows, columns) in rows.zip(&tile.columns) {
            softmax(rows, tile.width, *columns);
        }
    }

    /// The gradients of the scores, from the probabilities and `self.upstream`.
    fn fill_d_scores(&mut self, inputs: Inputs<'_>, tile: &Tile, kv_head: usize) {
        let (head_dim, group) = (inputs.heads.head_dim, inputs.heads.group_size());
        self.d_probabilities.resize(tile.queries.len() * group * tile.width, 0.0);
        for part in &tile.parts {
            multiply(
                columns_mut(&mut self.d_probabilities, tile, part, group),
                Write::Overwrite,
                rows(&self.upstream, part, group, head_dim),
                inputs.key_rows(inputs.v, part, kv_head).transposed(),
                Threads::One,
            );
        }
        let group_width = tile.width * group;
        let gradients = self.d_probabilities.chunks_exact_mut(group_width);
        let rows = gradients.zip(self.probabilities.chunks_exact(group_width));
        for ((gradients, probabilities), columns) in rows.zip(&tile.columns) {
            differentiate_softmax(probabilities, gradients, tile.width, columns.filled);
        }
    }
}

fn zero(values: &mut Vec<f32>, length: usize) {
    values.clear();
    values.resize(length, 0.0);
}

/// The rows of a part's queries in a `[row, head_dim]` slice.
fn rows<'a>(values: &'a [f32], part: &Part, group: usize, head_dim: usize) -> Matrix<'a> {
    let start = part.queries.start * group * head_dim;
    Matrix::new(&values[start..], part.queries.len() * group, head_dim, head_dim)
}

/// As [`rows`], to write to.
fn rows_mut<'a>(
    values: &'a mut [f32],
    part: &Part,
    group: usize,
    head_dim: usize,
) -> MatrixMut<'a> {
    let start = part.queries.start * group * head_dim;
    MatrixMut::new(&mut values[start..], part.queries.len() * group, head_dim, head_dim)
}

/// The rows and columns of a part in a `[row, column]` slice.
fn columns<'a>(values: &'a [f32], tile: &Tile, part: &Part, group: usize) -> Matrix<'a> {
    let start = part.queries.start * group * tile.width + part.column;
    Matrix::new(&values[start..], part.queries.len() * group, part.keys.len(), tile.width)
}

/// As [`columns`], to write to.
fn columns_mut<'a>(values: &'a mut [f32], tile: &Tile, part: &Part, group: usize) -> MatrixMut<'a> {
    let start = part.queries.start * group * tile.width + part.column;
    MatrixMut::new(&mut values[start..], part.queries.len() * group, part.keys.len(), tile.width)
}

/// Softmax over the first `columns.seen` numbers of each row; those up to `columns.filled` become 0.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn softmax(rows: &mut [f32], width: usize, columns: Columns) {
    for row in rows.chunks_exact_mut(width) {
        let (seen, hidden) = row[..columns.filled].split_at_mut(columns.seen);
        let highest = max(seen);
        for value in seen.iter_mut() {
            *value = exp(*value - highest);
        }
        let [total] = sums([seen], |[value]| [value]);
        let inverse = 1.0 / total;
        for value in seen.iter_mut() {
            *value *= inverse;
        }
        hidden.fill(0.0);
    }
}

/// Turns gradients of probabilities into gradients of scores: `p * (d - sum(p * d))`, row by row.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn differentiate_softmax(
    probabilities: &[f32],
    gradients: &mut [f32],
    width: usize,
    filled: usize,
) {
    let rows = probabilities.chunks_exact(width).zip(gradients.chunks_exact_mut(width));
    for (probabilities, gradients) in rows {
        let (probabilities, gradients) = (&probabilities[..filled], &mut gradients[..filled]);
        let [mean] = sums([probabilities, gradients], |[p, gradient]| [p * gradient]);
        for (gradient, probability) in gradients.iter_mut().zip(probabilities) {
            *gradient = probability * (*gradient - mean);
        }
    }
}
