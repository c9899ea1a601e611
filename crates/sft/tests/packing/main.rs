//! Plans of rows against TRL's, and what holds of every plan.

use std::num::NonZeroUsize;

use forethought_sft::{PackingStrategy, Piece, plan_rows};
use proptest::prelude::*;
use serde::Deserialize;

const ALL: [PackingStrategy; 3] =
    [PackingStrategy::Bfd, PackingStrategy::BfdSplit, PackingStrategy::Wrapped];

/// What TRL laid out; `make.py` beside it says how.
#[derive(Deserialize)]
struct Case {
    lengths: Vec<usize>,
    capacity: NonZeroUsize,
    strategy: PackingStrategy,
    rows: Vec<Vec<[usize; 3]>>,
}

fn capacity(tokens: usize) -> NonZeroUsize {
    NonZeroUsize::new(tokens).expect("at least one token")
}

#[test]
fn rows_are_those_of_trl() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("trl-1.16.0.json")).expect("the golden file parses");
    assert_eq!(cases.len(), 18);
    for case in cases {
        let rows = plan_rows(&case.lengths, case.capacity, case.strategy);
        let flat = |piece: &Piece| [piece.sequence, piece.tokens.start, piece.tokens.end];
        let rows: Vec<Vec<[usize; 3]>> =
            rows.iter().map(|row| merged(row.iter().map(flat))).collect();
        assert_eq!(rows, case.rows, "{:?} of {:?}", case.strategy, case.lengths);
    }
}

/// Neighbouring pieces of one sequence cannot be told from one piece in what TRL writes.
fn merged(pieces: impl Iterator<Item = [usize; 3]>) -> Vec<[usize; 3]> {
    let mut merged: Vec<[usize; 3]> = Vec::new();
    for [sequence, start, end] in pieces {
        match merged.last_mut() {
            Some(last) if last[0] == sequence && last[2] == start => last[2] = end,
            _ => merged.push([sequence, start, end]),
        }
    }
    merged
}

#[test]
fn sequences_without_tokens_need_no_row() {
    for strategy in ALL {
        assert!(plan_rows(&[0, 0], capacity(4), strategy).is_empty());
        assert_eq!(
            plan_rows(&[0, 2], capacity(4), strategy),
            [[Piece { sequence: 1, tokens: 0..2 }]]
        );
    }
}

proptest! {
    /// Every token of every sequence stands in exactly one row, except that `bfd` cuts off what no row can hold.
    #[test]
    fn every_token_stands_once_and_no_row_is_too_long(
        lengths in prop::collection::vec(0usize..40, 0..30),
        row_capacity in 1usize..30,
    ) {
        for strategy in ALL {
            let rows = plan_rows(&lengths, capacity(row_capacity), strategy);
            let mut seen: Vec<Vec<usize>> = vec![Vec::new(); lengths.len()];
            for row in &rows {
                let num_tokens: usize = row.iter().map(|piece| piece.tokens.len()).sum();
                prop_assert!(0 < num_tokens && num_tokens <= row_capacity);
                for piece in row {
                    seen[piece.sequence].extend(piece.tokens.clone());
                }
            }
            for (mut seen, length) in seen.into_iter().zip(&lengths) {
                seen.sort_unstable();
                let is_cut = strategy == PackingStrategy::Bfd;
                let kept = if is_cut { (*length).min(row_capacity) } else { *length };
                prop_assert_eq!(seen, (0..kept).collect::<Vec<_>>());
            }
        }
    }

    /// Wrapped rows are full but for the last one, so no plan needs fewer.
    #[test]
    fn wrapping_needs_the_fewest_rows_and_best_fit_at_most_twice_as_many(
        lengths in prop::collection::vec(1usize..40, 1..30),
    ) {
        let num_tokens: usize = lengths.iter().sum();
        let num_rows = |strategy| plan_rows(&lengths, capacity(20), strategy).len();
        prop_assert_eq!(num_rows(PackingStrategy::Wrapped), num_tokens.div_ceil(20));
        prop_assert!(num_rows(PackingStrategy::BfdSplit) <= 2 * num_tokens.div_ceil(20));
    }
}
