//! An attention plan cut into tiles: groups of queries whose scores are one block of memory.

use std::ops::Range;

use crate::{AttentionPlan, Segment};

/// Rows of scores (queries times the heads that share a key-value head) that a tile aims at.
const TILE_ROWS: usize = 64;

/// Neighbouring queries that are computed together. Queries of several segments share a tile when their segments begin
/// with the same context, so that each key of that context is read once for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Rows of the query tensor.
    pub(crate) queries: Range<usize>,
    /// The key ranges and where their scores stand.
    pub(crate) parts: Vec<Part>,
    /// For each query, the columns of scores that it sees and the columns that its parts fill: `seen <= filled`.
    pub(crate) columns: Vec<Columns>,
    /// Columns of the block of scores.
    pub(crate) width: usize,
}

/// The scores of some queries of a tile with one range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Queries, counted from the tile's first.
    pub(crate) queries: Range<usize>,
    /// Rows of the key tensor.
    pub(crate) keys: Range<usize>,
    /// Column of the first key.
    pub(crate) column: usize,
}

/// How many columns of a row of scores mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Keys that the query sees; they stand first.
    pub(crate) seen: usize,
    /// Columns that some part of the tile fills, among them later keys of the query's own segment.
    pub(crate) filled: usize,
}

/// Consecutive queries of one segment.
#[derive(Clone, Debug)]
struct Piece<'a> {
    segment: &'a Segment,
    queries: Range<usize>,
}

/// The tiles of a plan, in the order of their queries, for heads of which `group` share their keys.
pub(crate) fn tiles(plan: &AttentionPlan, group: usize) -> Vec<Tile> {
    let limit = (TILE_ROWS / group).max(1);
    let mut tiles = Vec::new();
    let mut open: Vec<Piece<'_>> = Vec::new();
    for piece in plan.segments().iter().flat_map(|segment| pieces(segment, limit)) {
        if !joins(&open, &piece, limit) {
            tiles.extend(close(&open));
            open.clear();
        }
        open.push(piece);
    }
    tiles.extend(close(&open));
    tiles
}

fn pieces(segment: &Segment, limit: usize) -> impl Iterator<Item = Piece<'_>> {
    let queries = segment.queries.clone();
    queries
        .clone()
        .step_by(limit)
        .map(move |start| Piece { segment, queries: start..queries.end.min(start + limit) })
}

/// Whether a piece fits behind the open ones and shares the context that they share.
fn joins(open: &[Piece<'_>], piece: &Piece<'_>, limit: usize) -> bool {
    let (Some(first), Some(last)) = (open.first(), open.last()) else { return true };
    let shared = common_ranges(first.segment, piece.segment);
    let shared_so_far =
        if open.len() == 1 { 1 } else { common_ranges(first.segment, last.segment) };
    piece.queries.end - first.queries.start <= limit && 0 < shared && shared_so_far <= shared
}

/// Number of leading context ranges that two segments have in common.
fn common_ranges(a: &Segment, b: &Segment) -> usize {
    a.context.iter().zip(&b.context).take_while(|(a, b)| a == b).count()
}

/// Number of leading context ranges that all pieces have in common.
fn shared_ranges(pieces: &[Piece<'_>]) -> usize {
    let common = |pair: &[Piece<'_>]| common_ranges(pair[0].segment, pair[1].segment);
    let whole = pieces.first().map_or(0, |piece| piece.segment.context.len());
    pieces.windows(2).map(common).fold(whole, usize::min)
}

/// The tile of the pieces, if there are any.
fn close(pieces: &[Piece<'_>]) -> Option<Tile> {
    let (first, last) = (pieces.first()?, pieces.last()?);
    let start = first.queries.start;
    let num_shared = shared_ranges(pieces);
    let (shared, _) = first.segment.context.split_at(num_shared);
    let mut parts = Vec::new();
    let shared_width = push_parts(&mut parts, 0..last.queries.end - start, shared, 0);
    let mut columns = Vec::new();
    for piece in pieces {
        let queries = piece.queries.start - start..piece.queries.end - start;
        let rest = &piece.segment.context[num_shared..];
        let context_width = push_parts(&mut parts, queries.clone(), rest, shared_width);
        let before = piece.queries.start - piece.segment.queries.start;
        let num_own = before + queries.len();
        let own = piece.segment.own..piece.segment.own + num_own;
        let filled = push_parts(&mut parts, queries, &[own], context_width);
        columns.extend(
            (before + 1..=num_own).map(|own| Columns { seen: context_width + own, filled }),
        );
    }
    let width = columns.iter().map(|columns| columns.filled).max()?;
    Some(Tile { queries: start..last.queries.end, parts, columns, width })
}

/// Appends a part for each range of keys; returns the column behind the last.
fn push_parts(
    parts: &mut Vec<Part>,
    queries: Range<usize>,
    ranges: &[Range<usize>],
    column: usize,
) -> usize {
    ranges.iter().fold(column, |column, keys| {
        parts.push(Part { queries: queries.clone(), keys: keys.clone(), column });
        column + keys.len()
    })
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a context of one range is meant")]
mod tests {
    use super::*;

    /// A prompt of 3 tokens that two completions of 2 and 1 tokens share.
    fn shared_prompt() -> AttentionPlan {
        let segment = |queries: Range<usize>, context| {
            let own = queries.start;
            Segment { queries, context, own }
        };
        let segments =
            vec![segment(0..3, vec![]), segment(3..5, vec![0..3]), segment(5..6, vec![0..3])];
        AttentionPlan::new(6, 6, segments)
    }

    #[test]
    fn completions_of_one_prompt_share_a_tile_and_read_its_keys_once() {
        let tiles = tiles(&shared_prompt(), 2);
        assert_eq!(tiles.len(), 2);
        let part = |queries, keys, column| Part { queries, keys, column };
        let expected = [part(0..3, 0..3, 0), part(0..2, 3..5, 3), part(2..3, 5..6, 3)];
        assert_eq!(tiles[1].parts, expected);
        let columns: Vec<_> = tiles[1].columns.iter().map(|c| (c.seen, c.filled)).collect();
        assert_eq!(columns, [(4, 5), (5, 5), (4, 4)]);
        assert_eq!(tiles[1].width, 5);
    }

    #[test]
    fn a_tile_shares_only_what_each_of_its_segments_sees() {
        let segment =
            |queries: Range<usize>, context| Segment { own: 30 + queries.start, queries, context };
        let deep = || vec![0..4, 4..6];
        let segments =
            vec![segment(0..1, deep()), segment(1..2, vec![0..4]), segment(2..3, deep())];
        let tiles = tiles(&AttentionPlan::new(3, 40, segments), 1);
        assert_eq!(tiles.len(), 1);
        let shared: Vec<_> = tiles[0].parts.iter().filter(|part| part.queries == (0..3)).collect();
        assert_eq!(shared, [&Part { queries: 0..3, keys: 0..4, column: 0 }]);
        assert_eq!(tiles[0].columns.iter().map(|c| c.seen).collect::<Vec<_>>(), [7, 5, 7]);
    }

    #[test]
    fn a_long_segment_is_cut_and_each_piece_sees_the_keys_up_to_its_last_query() {
        let tiles = tiles(&AttentionPlan::causal(10), 16); // 4 queries a tile
        let queries: Vec<_> = tiles.iter().map(|tile| tile.queries.clone()).collect();
        assert_eq!(queries, [0..4, 4..8, 8..10]);
        assert_eq!(tiles[2].parts, [Part { queries: 0..2, keys: 0..10, column: 0 }]);
        assert_eq!(tiles[2].columns[0], Columns { seen: 9, filled: 10 });
    }
}
