//! Examples over the limit: nothing is cut or left out in silence.

use forethought_tokenize::{Boundary, Encoded, Fitted, Overflow, TooLong, fit};
use proptest::prelude::*;

/// Three tokens of a prompt and two of a completion.
fn example() -> Encoded {
    Encoded {
        ids: vec![10, 11, 12, 20, 21],
        completion_mask: vec![false, false, false, true, true],
        boundary: Boundary::Clean,
    }
}

#[test]
fn what_fits_stays_whole() {
    for overflow in [Overflow::Error, Overflow::Drop, Overflow::Truncate] {
        assert_eq!(fit(example(), 5, overflow), Ok(Fitted::Whole(example())));
    }
}

#[test]
fn what_does_not_fit_is_an_error_or_dropped_or_cut() {
    let error = fit(example(), 4, Overflow::Error).unwrap_err();
    assert_eq!(error, TooLong { tokens: 5, max_length: 4 });
    assert_eq!(error.to_string(), "an example has 5 tokens, allowed are 4");
    assert_eq!(fit(example(), 4, Overflow::Drop), Ok(Fitted::Dropped { tokens: 5 }));
    let Ok(Fitted::Truncated { encoded, cut }) = fit(example(), 4, Overflow::Truncate) else {
        panic!("one token of the completion is left")
    };
    assert_eq!((encoded.ids, cut), (vec![10, 11, 12, 20], 1));
    assert_eq!(encoded.completion_mask, [false, false, false, true]);
}

#[test]
fn an_example_that_would_teach_nothing_is_dropped() {
    assert_eq!(fit(example(), 3, Overflow::Truncate), Ok(Fitted::Dropped { tokens: 5 }));
}

proptest! {
    #[test]
    fn every_token_is_kept_or_counted(max_length in 0_usize..8) {
        match fit(example(), max_length, Overflow::Truncate).expect("truncation is no error") {
            Fitted::Whole(encoded) => prop_assert_eq!(encoded.ids.len(), 5),
            Fitted::Truncated { encoded, cut } => prop_assert_eq!(encoded.ids.len() + cut, 5),
            Fitted::Dropped { tokens } => prop_assert_eq!(tokens, 5),
        }
    }
}
