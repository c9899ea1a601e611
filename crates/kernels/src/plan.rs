//! Which keys each query of a packed row sees.

use std::iter::once;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Bool, Device, Tensor, TensorData};

/// Numbers of heads and their width; a key-value head serves `num_heads / num_kv_heads` query heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadShape {
    /// Query heads.
    pub num_heads: usize,
    /// Key-value heads; divides `num_heads`.
    pub num_kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
}

impl HeadShape {
    /// Query heads that share one key-value head.
    #[must_use]
    pub fn group_size(&self) -> usize {
        self.num_heads / self.num_kv_heads
    }
}

/// One run of queries: it sees every key of `context`, and of the keys starting at `own` the first `i + 1` for its
/// `i`-th query (causal).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Rows of the query tensor.
    pub queries: Range<usize>,
    /// Rows of the key tensor that every query of the run sees.
    pub context: Vec<Range<usize>>,
    /// Row of the key tensor that holds the key of the run's first query.
    pub own: usize,
}

impl Segment {
    /// Rows of the key tensor that hold the keys of the run itself.
    #[must_use]
    pub fn own_keys(&self) -> Range<usize> {
        self.own..self.own + self.queries.len()
    }

    /// Number of keys that the last query of the run sees.
    #[must_use]
    pub fn num_keys(&self) -> usize {
        self.context.iter().map(ExactSizeIterator::len).sum::<usize>() + self.queries.len()
    }

    /// The ranges of keys the run sees, its own last.
    fn key_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.context.iter().cloned().chain([self.own_keys()])
    }

    fn assert_keys(&self, num_keys: usize) {
        let mut ranges: Vec<_> = self.key_ranges().collect();
        ranges.sort_by_key(|range| range.start);
        for range in &ranges {
            assert!(range.end <= num_keys, "keys {range:?} of {num_keys} keys");
        }
        for pair in ranges.windows(2) {
            let [first, second] = pair else { continue };
            assert!(first.end <= second.start, "keys {first:?} and {second:?} overlap");
        }
    }
}

/// The segments of one attention call, checked: they cover the queries in order and see keys that exist, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionPlan {
    num_queries: usize,
    num_keys: usize,
    /// Shared, for every layer's backward pass keeps the plan.
    segments: Arc<[Segment]>,
}

impl AttentionPlan {
    /// Checks and keeps the segments. Segments without queries and context ranges without keys are left out.
    ///
    /// # Panics
    ///
    /// If the segments do not cover `0..num_queries` in order, if a key range ends behind `num_keys`, or if two key
    /// ranges of one segment overlap.
    #[must_use]
    pub fn new(num_queries: usize, num_keys: usize, segments: Vec<Segment>) -> Self {
        let mut segments = segments;
        segments.retain(|segment| !segment.queries.is_empty());
        let mut covered = 0;
        for segment in &mut segments {
            segment.context.retain(|range| !range.is_empty());
            assert_eq!(
                segment.queries.start, covered,
                "segments do not cover the queries in order"
            );
            covered = segment.queries.end;
            segment.assert_keys(num_keys);
        }
        assert_eq!(covered, num_queries, "segments do not cover the queries");
        Self { num_queries, num_keys, segments: segments.into() }
    }

    /// The plan of one causal sequence over its own keys.
    #[must_use]
    pub fn causal(length: usize) -> Self {
        Self::new(length, length, vec![Segment { queries: 0..length, context: vec![], own: 0 }])
    }

    /// The plan of some of the queries over the same keys; each sees what it saw.
    ///
    /// # Panics
    ///
    /// If the rows do not increase, or one is not a query.
    #[must_use]
    pub fn narrowed(&self, rows: &[usize]) -> Self {
        let is_increasing = rows.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(is_increasing, "rows of a narrowed plan do not increase");
        let mut segments = Vec::new();
        let mut left = rows;
        for segment in self.segments() {
            let count = left.partition_point(|row| *row < segment.queries.end);
            let (of_segment, rest) = left.split_at(count);
            for run in of_segment.chunk_by(|row, next| row + 1 == *next) {
                let start = segments.last().map_or(0, |segment: &Segment| segment.queries.end);
                let own = segment.own + run[0] - segment.queries.start;
                let context =
                    segment.context.iter().cloned().chain(once(segment.own..own)).collect();
                segments.push(Segment { queries: start..start + run.len(), context, own });
            }
            left = rest;
        }
        assert!(left.is_empty(), "rows {left:?} are not among {} queries", self.num_queries);
        Self::new(rows.len(), self.num_keys, segments)
    }

    /// Number of rows of the query tensor.
    #[must_use]
    pub fn num_queries(&self) -> usize {
        self.num_queries
    }

    /// Number of rows of the key tensor.
    #[must_use]
    pub fn num_keys(&self) -> usize {
        self.num_keys
    }

    /// The segments, in the order of their queries.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// `[query, key]`, true where the query may not see the key.
    #[must_use]
    pub fn mask(&self, device: &Device) -> Tensor<2, Bool> {
        let mut hidden = vec![true; self.num_queries * self.num_keys]; // [query, key]
        for segment in self.segments() {
            for (index, query) in segment.queries.clone().enumerate() {
                let row = &mut hidden[query * self.num_keys..][..self.num_keys];
                for range in &segment.context {
                    row[range.clone()].fill(false);
                }
                row[segment.own..=segment.own + index].fill(false);
            }
        }
        Tensor::from_data(TensorData::new(hidden, [self.num_queries, self.num_keys]), device)
    }

    /// Panics unless queries, keys and values have the shapes that this plan and `heads` ask for.
    pub(crate) fn assert_fits(
        &self,
        queries: [usize; 2],
        keys: [usize; 2],
        values: [usize; 2],
        heads: HeadShape,
    ) {
        let HeadShape { num_heads, num_kv_heads, head_dim } = heads;
        assert!(
            num_kv_heads != 0 && num_heads.is_multiple_of(num_kv_heads),
            "{heads:?} does not divide"
        );
        assert_eq!(queries, [self.num_queries, num_heads * head_dim], "shape of the queries");
        assert_eq!(keys, [self.num_keys, num_kv_heads * head_dim], "shape of the keys");
        assert_eq!(values, keys, "shape of the values");
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a context of one range is meant")]
mod tests {
    use super::*;

    fn segment(queries: Range<usize>, context: Vec<Range<usize>>, own: usize) -> Segment {
        Segment { queries, context, own }
    }

    #[test]
    fn the_mask_hides_later_keys_and_other_branches() {
        let segments = vec![segment(0..2, vec![], 0), segment(2..4, vec![0..1], 3)];
        let mask = AttentionPlan::new(4, 5, segments).mask(&Device::flex());
        let hidden: Vec<bool> = mask.into_data().iter::<bool>().collect();
        let seen = ["x....", "xx...", "x..x.", "x..xx"];
        let expected: Vec<bool> = seen.concat().chars().map(|key| key == '.').collect();
        assert_eq!(hidden, expected);
    }

    #[test]
    fn a_narrowed_plan_shows_each_query_what_it_saw() {
        let segments = vec![
            segment(0..3, vec![], 0),
            segment(3..7, vec![0..2], 3),
            segment(7..8, vec![0..3], 9),
        ];
        let plan = AttentionPlan::new(8, 10, segments);
        let rows = [1, 3, 5, 6, 7];
        let seen = |plan: &AttentionPlan| -> Vec<bool> {
            plan.mask(&Device::flex()).into_data().iter::<bool>().collect()
        };
        let all = seen(&plan);
        let expected: Vec<bool> =
            rows.iter().flat_map(|row| all[row * 10..][..10].to_vec()).collect();
        assert_eq!(seen(&plan.narrowed(&rows)), expected);
        assert_eq!(plan.narrowed(&[0, 1, 2, 3, 4, 5, 6, 7]), plan);
        assert_eq!(plan.narrowed(&[]).num_queries(), 0);
    }

    #[test]
    #[should_panic(expected = "rows [8] are not among 8 queries")]
    fn a_row_behind_the_queries_is_refused() {
        let _ = AttentionPlan::causal(8).narrowed(&[2, 8]);
    }

    #[test]
    fn empty_segments_and_ranges_are_left_out() {
        let plan =
            AttentionPlan::new(1, 2, vec![segment(0..0, vec![], 9), segment(0..1, vec![1..1], 0)]);
        assert_eq!(plan.segments(), [segment(0..1, vec![], 0)]);
    }

    #[test]
    #[should_panic(expected = "segments do not cover the queries in order")]
    fn a_gap_between_segments_is_refused() {
        let _ = AttentionPlan::new(3, 3, vec![segment(0..1, vec![], 0), segment(2..3, vec![], 2)]);
    }

    #[test]
    #[should_panic(expected = "keys 4..6 of 5 keys")]
    fn own_keys_behind_the_last_key_are_refused() {
        let _ = AttentionPlan::new(2, 5, vec![segment(0..2, vec![], 4)]);
    }

    #[test]
    #[should_panic(expected = "keys 0..3 and 2..4 overlap")]
    fn a_key_that_would_be_seen_twice_is_refused() {
        let _ = AttentionPlan::new(1, 5, vec![segment(0..1, vec![2..4, 0..3], 4)]);
    }
}
