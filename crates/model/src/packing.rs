//! Sequences packed into one row of tokens, in which what they have in common at their beginning stands once.

use std::ops::Range;

use forethought_kernels::{AttentionPlan, Segment};

/// One packed row: token ids, the position of each in its sequence, and who sees whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedTokens {
    /// `[token]`, token ids.
    pub ids: Vec<u32>,
    /// `[token]`, positions; the first token of a sequence has 0.
    pub positions: Vec<u32>,
    /// Which keys each token sees. Without a cache the keys are the tokens of this row, with one its slots.
    pub plan: AttentionPlan,
}

impl PackedTokens {
    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Packed sequences and where each of their tokens stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The row.
    pub tokens: PackedTokens,
    /// `rows[s][t]` is the index in the row of token `t` of sequence `s`.
    pub rows: Vec<Vec<usize>>,
}

impl Packed {
    /// Where the tokens of a sequence stand, as ranges of the row.
    #[must_use]
    pub fn ranges(&self, sequence: usize) -> Vec<Range<usize>> {
        runs(&self.rows[sequence])
    }
}

/// Packs sequences into one row; every common prefix stands once (a prefix tree, laid out depth-first).
///
/// The row does not depend on the order of the sequences, except that `rows` follows it. Equal sequences share all
/// their tokens. A loss that reads a shared token twice gets both gradients, so sharing changes no result.
#[must_use]
pub fn pack(sequences: &[&[u32]]) -> Packed {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&index| sequences[index]);
    let mut builder = Builder::default();
    let mut rows = vec![Vec::new(); sequences.len()];
    let mut previous: &[u32] = &[];
    // In lexicographic order the longest prefix that a sequence shares with any earlier one is the one that it shares
    // with its predecessor, so one path from the root is all there is to remember.
    for index in order {
        let sequence = sequences[index];
        builder.push(sequence, common_prefix(previous, sequence));
        rows[index].clone_from(&builder.path);
        previous = sequence;
    }
    Packed { tokens: builder.finish(), rows }
}

#[derive(Default)]
struct Builder {
    ids: Vec<u32>,
    positions: Vec<u32>,
    segments: Vec<Segment>,
    /// Where the tokens of the latest sequence stand.
    path: Vec<usize>,
}

impl Builder {
    /// Adds the tokens of `sequence` behind its first `shared`, which stand already.
    fn push(&mut self, sequence: &[u32], shared: usize) {
        let start = self.ids.len();
        self.path.truncate(shared);
        let context = runs(&self.path);
        self.ids.extend_from_slice(&sequence[shared..]);
        let end = self.ids.len();
        self.path.extend(start..end);
        self.positions.extend((shared..sequence.len()).map(position));
        self.segments.push(Segment { queries: start..end, context, own: start });
    }

    fn finish(self) -> PackedTokens {
        let length = self.ids.len();
        let plan = AttentionPlan::new(length, length, self.segments);
        PackedTokens { ids: self.ids, positions: self.positions, plan }
    }
}

/// # Panics
///
/// If a sequence is longer than 2^32 tokens.
fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| panic!("position {index} does not fit 32 bits"))
}

fn common_prefix(left: &[u32], right: &[u32]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// Increasing indices as ranges.
fn runs(indices: &[usize]) -> Vec<Range<usize>> {
    indices
        .chunk_by(|left, right| left + 1 == *right)
        .map(|run| run[0]..run[0] + run.len())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "a context is a list of ranges")]
    fn shared_beginnings_stand_once() {
        let packed = pack(&[&[1, 2, 4], &[1, 2, 3, 3], &[1, 9], &[1, 2, 3, 5]]);
        assert_eq!(packed.tokens.ids, [1, 2, 3, 3, 5, 4, 9]);
        assert_eq!(packed.tokens.positions, [0, 1, 2, 3, 3, 2, 1]);
        assert_eq!(packed.rows, [vec![0, 1, 5], vec![0, 1, 2, 3], vec![0, 6], vec![0, 1, 2, 4]]);
        let contexts: Vec<_> =
            packed.tokens.plan.segments().iter().map(|segment| segment.context.clone()).collect();
        assert_eq!(contexts, [&[][..], &[0..3], &[0..2], &[0..1]]);
    }

    #[test]
    fn a_context_that_skips_a_sibling_is_two_ranges() {
        let packed = pack(&[&[1, 2], &[1, 3, 4], &[1, 3, 5]]);
        assert_eq!(packed.tokens.ids, [1, 2, 3, 4, 5]);
        assert_eq!(packed.tokens.plan.segments()[2].context, [0..1, 2..3]);
    }

    #[test]
    fn equal_and_empty_sequences_need_no_tokens_of_their_own() {
        let packed = pack(&[&[7, 8], &[], &[7, 8], &[7]]);
        assert_eq!(packed.tokens.ids, [7, 8]);
        assert_eq!(packed.rows, [vec![0, 1], vec![], vec![0, 1], vec![0]]);
        assert!(pack(&[]).tokens.is_empty());
    }

    /// Keys that the plan shows to a token, as the sequence's own earlier tokens.
    fn visible(plan: &AttentionPlan, query: usize) -> Vec<usize> {
        let segment = plan.segments().iter().find(|segment| segment.queries.contains(&query));
        let segment = segment.expect("every token is in a segment");
        let mut keys: Vec<usize> = segment.context.iter().cloned().flatten().collect();
        keys.extend(segment.own..=segment.own + (query - segment.queries.start));
        keys
    }

    proptest! {
        #[test]
        fn every_token_sees_exactly_its_sequence_up_to_itself(
            sequences in prop::collection::vec(prop::collection::vec(0u32..3, 0..7), 0..9),
        ) {
            let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
            let Packed { tokens, rows } = pack(&sequences);
            for (sequence, row) in sequences.iter().zip(&rows) {
                prop_assert_eq!(sequence.len(), row.len());
                for (index, (&id, &at)) in sequence.iter().zip(row).enumerate() {
                    prop_assert_eq!(tokens.ids[at], id);
                    prop_assert_eq!(tokens.positions[at] as usize, index);
                    prop_assert_eq!(visible(&tokens.plan, at), &row[..=index]);
                }
            }
            let mut prefixes: Vec<&[u32]> =
                sequences.iter().flat_map(|all| (1..=all.len()).map(|end| &all[..end])).collect();
            prefixes.sort_unstable();
            prefixes.dedup();
            prop_assert_eq!(tokens.len(), prefixes.len());
        }
    }
}
