//! TRL's packed rows: which sequences stand together.

use std::num::NonZeroUsize;

use forethought_sft::{PackingStrategy, plan_rows};
use forethought_tokenize::Encoder;
use serde::Deserialize;
use serde_json::Value;

use crate::check::Checks;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct Case {
    max_length: NonZeroUsize,
    rows: Vec<Row>,
    packed: Vec<Packed>,
}

#[derive(Debug, Deserialize)]
struct Row {
    text: String,
}

/// Rows of pieces say how long each is; wrapped rows have no pieces.
#[derive(Debug, Deserialize)]
struct Packed {
    input_ids: Vec<u32>,
    seq_lengths: Option<Vec<usize>>,
}

pub(crate) fn compare(
    checks: &mut Checks,
    goldens: &Goldens,
    model: &str,
    case: &Value,
) -> Result<(), Missed> {
    let case = Case::deserialize(case)?;
    let encoder = goldens.encoder(model)?;
    let texts = case.rows.iter().map(|row| ended(&encoder, &row.text));
    let sequences: Vec<Vec<u32>> = texts.collect::<Result<_, _>>()?;
    let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
    let is_wrapped = case.packed.iter().all(|row| row.seq_lengths.is_none());
    let strategy = if is_wrapped { PackingStrategy::Wrapped } else { PackingStrategy::Bfd };
    let rows = plan_rows(&lengths, case.max_length, strategy);
    checks.equal("number of rows", &rows.len(), &case.packed.len());
    for (pieces, expected) in rows.iter().zip(&case.packed) {
        let ids: Vec<u32> = pieces
            .iter()
            .flat_map(|piece| &sequences[piece.sequence][piece.tokens.clone()])
            .copied()
            .collect();
        checks.equal("ids of a row", &ids, &expected.input_ids);
        if let Some(expected) = &expected.seq_lengths {
            let lengths: Vec<usize> = pieces.iter().map(|piece| piece.tokens.len()).collect();
            checks.equal("lengths of pieces", &lengths, expected);
        }
    }
    Ok(())
}

/// A text with the end of a sequence behind it, as TRL prepares texts.
fn ended(encoder: &Encoder, text: &str) -> Result<Vec<u32>, Missed> {
    let mut ids = encoder.encode(text)?;
    ids.extend(encoder.eos_ids().first());
    Ok(ids)
}
