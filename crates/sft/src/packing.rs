//! Which sequences stand together in one row of at most so many tokens: plans over lengths, without any tokens.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How sequences are laid into rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackingStrategy {
    /// Best fit decreasing: the longest sequence first, each into the row it fills best; what is longer than a row is cut off;
    /// Ding et al. 2024, <https://arxiv.org/abs/2404.10830>.
    #[default]
    Bfd,
    /// The same, and what is cut off stands as a piece of its own.
    BfdSplit,
    /// One behind the other, cut wherever a row is full.
    Wrapped,
}

/// A part of a sequence in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the sequence.
    pub sequence: usize,
    /// Which of its tokens.
    pub tokens: Range<usize>,
}

/// Lays sequences of these lengths into rows of at most `capacity` tokens, as `pack_dataset` of TRL 1.16. Sequences without
/// tokens are left out.
///
/// A piece is a sequence of its own to attention: its positions start at 0 and it sees nothing of its neighbours. Of TRL's
/// rows under `wrapped` that is not true: there a row is one sequence.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use forethought_sft::{PackingStrategy, plan_rows};
///
/// let rows = plan_rows(&[5, 2, 3, 1], NonZeroUsize::new(4).unwrap(), PackingStrategy::Bfd);
/// let sequences = |row: usize| rows[row].iter().map(|piece| piece.sequence).collect::<Vec<_>>();
/// assert_eq!([sequences(0), sequences(1), sequences(2)], [vec![0], vec![2, 3], vec![1]]);
/// ```
#[must_use]
pub fn plan_rows(
    lengths: &[usize],
    capacity: NonZeroUsize,
    strategy: PackingStrategy,
) -> Vec<Vec<Piece>> {
    let whole = |(sequence, &length): (usize, &usize)| Piece { sequence, tokens: 0..length };
    let pieces = lengths.iter().enumerate().map(whole).filter(|piece| !piece.tokens.is_empty());
    match strategy {
        PackingStrategy::Bfd => {
            let cut = |Piece { sequence, tokens }| Piece {
                sequence,
                tokens: 0..tokens.end.min(capacity.get()),
            };
            best_fit_decreasing(pieces.map(cut).collect(), capacity.get())
        }
        PackingStrategy::BfdSplit => {
            let split = pieces.flat_map(|piece| parts(piece, capacity.get()));
            best_fit_decreasing(split.collect(), capacity.get())
        }
        PackingStrategy::Wrapped => wrapped(pieces, capacity.get()),
    }
}

/// A sequence in parts of at most `capacity` tokens.
fn parts(piece: Piece, capacity: usize) -> impl Iterator<Item = Piece> {
    let Piece { sequence, tokens } = piece;
    let end = tokens.end;
    tokens
        .step_by(capacity)
        .map(move |start| Piece { sequence, tokens: start..(start + capacity).min(end) })
}

/// Each piece, longest first, goes into the row with the least space that takes it; among rows of equal space into the one
/// that has waited longest; into a new one where none takes it. Pieces of equal length keep their order.
fn best_fit_decreasing(mut pieces: Vec<Piece>, capacity: usize) -> Vec<Vec<Piece>> {
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.tokens.len()));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    let mut rows_by_space: BTreeMap<usize, VecDeque<usize>> = BTreeMap::new();
    for piece in pieces {
        let length = piece.tokens.len();
        let best = rows_by_space.range_mut(length..).find(|(_, rows)| !rows.is_empty());
        let (space, row) = if let Some((space, rows)) = best {
            (*space, rows.pop_front().expect("a row has this space"))
        } else {
            rows.push(Vec::new());
            (capacity, rows.len() - 1)
        };
        rows[row].push(piece);
        rows_by_space.entry(space - length).or_default().push_back(row);
    }
    rows
}

fn wrapped(pieces: impl Iterator<Item = Piece>, capacity: usize) -> Vec<Vec<Piece>> {
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    let mut space = 0;
    for Piece { sequence, tokens } in pieces {
        let mut start = tokens.start;
        while start < tokens.end {
            if space == 0 {
                rows.push(Vec::new());
                space = capacity;
            }
            let end = tokens.end.min(start + space);
            rows.last_mut().expect("a row was begun").push(Piece { sequence, tokens: start..end });
            space -= end - start;
            start = end;
        }
    }
    rows
}
