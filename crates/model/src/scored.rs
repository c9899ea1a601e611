//! Packed rows of sequences of which some tokens are scored.

use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_kernels::TokenScores;
use forethought_seed::Seed;

use crate::decoder::Decoder;
use crate::packing::{PackedTokens, pack};

/// A packed row of tokens, and which of its rows predict which scored tokens.
#[derive(Clone, Debug)]
pub struct ScoredRow {
    tokens: PackedTokens,
    /// For each scored token, the packed row whose hidden state predicts it.
    rows: Vec<i32>,
    /// The scored tokens, sequence after sequence.
    targets: Vec<i32>,
    /// The number of scored tokens of each sequence.
    lengths: Vec<usize>,
}

impl ScoredRow {
    /// Packs sequences whose tokens from `first_scored` on are scored: prompts with their completions.
    ///
    /// # Panics
    ///
    /// If the first token of a sequence is to be scored: nothing stands before it to predict it.
    #[must_use]
    pub fn new(sequences: &[(&[u32], usize)]) -> Self {
        let firsts = sequences.iter().map(|(_, first_scored)| *first_scored);
        assert!(firsts.min() != Some(0), "the first token of a sequence cannot be scored");
        Self::build(sequences, |first_scored, index| *first_scored <= index)
    }

    /// Packs sequences whose tokens are scored where the mask says so. The first token of a sequence never is: nothing
    /// stands before it to predict it.
    ///
    /// # Panics
    ///
    /// If a mask has another length than its sequence.
    #[must_use]
    pub fn masked(sequences: &[(&[u32], &[bool])]) -> Self {
        for (ids, mask) in sequences {
            assert_eq!(ids.len(), mask.len(), "tokens of a sequence and of its mask");
        }
        Self::build(sequences, |mask, index| mask[index])
    }

    fn build<M>(sequences: &[(&[u32], M)], is_scored: impl Fn(&M, usize) -> bool) -> Self {
        let ids: Vec<&[u32]> = sequences.iter().map(|(ids, _)| *ids).collect();
        let packed = pack(&ids);
        let mut row =
            Self { tokens: packed.tokens, rows: vec![], targets: vec![], lengths: vec![] };
        for ((ids, mask), places) in sequences.iter().zip(&packed.rows) {
            let before = row.targets.len();
            for index in (1..ids.len()).filter(|&index| is_scored(mask, index)) {
                row.rows.push(index_of(places[index - 1]));
                row.targets.push(ids[index].cast_signed());
            }
            row.lengths.push(row.targets.len() - before);
        }
        row
    }

    /// The number of tokens that the decoder reads.
    #[must_use]
    pub fn num_tokens(&self) -> usize {
        self.tokens.ids.len()
    }

    /// The number of scored tokens.
    #[must_use]
    pub fn num_scored(&self) -> usize {
        self.targets.len()
    }

    /// The number of scored tokens of each sequence, in the order in which the sequences were given.
    #[must_use]
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Log-probabilities and entropies of the scored tokens, `[token]`, sequence after sequence. With a seed the decoder
    /// trains: its adapters drop inputs as drawn from it.
    #[must_use]
    pub fn scores(
        &self,
        decoder: &Decoder,
        temperature: f64,
        dropout: Option<Seed>,
    ) -> TokenScores {
        let hidden = self.hidden(decoder, dropout); // [token, hidden]
        let targets = self.targets(&hidden.device()); // [token]
        decoder.score(hidden, targets, temperature)
    }

    /// The hidden states that predict the scored tokens, `[token, hidden]`, sequence after sequence: for what a loss asks
    /// beside [`Self::scores`], so that the decoder runs once.
    #[must_use]
    pub fn hidden(&self, decoder: &Decoder, dropout: Option<Seed>) -> Tensor<2> {
        let rows = || self.rows.iter().map(|row| row.unsigned_abs() as usize);
        let mut kept: Vec<usize> = rows().collect();
        kept.sort_unstable();
        kept.dedup();
        let hidden = decoder.forward_rows(&self.tokens, &kept, dropout); // [kept, hidden]
        // A row that predicts several tokens, such as the last one of a shared prompt, is kept once.
        let places = rows().map(|row| index_of(kept.partition_point(|kept| *kept < row)));
        let places: Vec<i32> = places.collect();
        let places = int_tensor(&places, &hidden.device()); // [token]
        hidden.select(0, places)
    }

    /// The scored tokens, `[token]`, sequence after sequence.
    #[must_use]
    pub fn targets(&self, device: &Device) -> Tensor<1, Int> {
        int_tensor(&self.targets, device)
    }
}

fn int_tensor(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// Packed rows are far shorter than 2³¹ tokens.
fn index_of(place: usize) -> i32 {
    i32::try_from(place).expect("a packed row has fewer than 2^31 tokens")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DecoderConfig;

    /// Both start with 5 6; then one answers 7 8, the other asks 9 and answers 7.
    const SEQUENCES: [(&[u32], usize); 2] = [(&[5, 6, 9, 7], 3), (&[5, 6, 7, 8], 2)];

    #[test]
    fn each_scored_token_is_predicted_by_the_row_before_it_in_its_own_sequence() {
        let row = ScoredRow::new(&SEQUENCES);
        // The packed row is sorted, with the common beginning once: 5 6 | 7 8 | 9 7.
        assert_eq!(row.tokens.ids, [5, 6, 7, 8, 9, 7]);
        assert_eq!(row.tokens.positions, [0, 1, 2, 3, 2, 3]);
        // 7 after 9 (row 4); then 7 after the shared 6 (row 1), and 8 after that 7 (row 2).
        assert_eq!(row.rows, [4, 1, 2]);
        assert_eq!(row.targets, [7, 7, 8]);
        assert_eq!(row.lengths, [1, 2]);
        assert_eq!((row.num_tokens(), row.num_scored()), (6, 3));
    }

    #[test]
    fn a_mask_scores_what_it_marks_except_the_first_token() {
        let row = ScoredRow::masked(&[
            (&[5, 6, 9, 7], &[true, true, false, true]),
            (&[5, 6, 7, 8], &[false; 4]),
        ]);
        assert_eq!(row.rows, [0, 4]);
        assert_eq!(row.targets, [6, 7]);
        assert_eq!(row.lengths, [2, 0]);
    }

    #[test]
    fn a_packed_row_has_the_scores_of_its_sequences_one_by_one() {
        let config = DecoderConfig {
            vocab_size: 12,
            hidden_size: 8,
            intermediate_size: 16,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            initializer_range: 0.5,
            ..DecoderConfig::default()
        };
        let decoder = Decoder::init(&config, Seed::new(4), &Device::flex());
        let log_probs = |sequences: &[(&[u32], usize)]| -> Vec<f32> {
            let scores = ScoredRow::new(sequences).scores(&decoder, 0.7, None);
            scores.log_probs.into_data().iter::<f32>().collect()
        };
        let packed = log_probs(&SEQUENCES);
        let alone = [log_probs(&SEQUENCES[..1]), log_probs(&SEQUENCES[1..])].concat();
        assert_eq!(packed.len(), 3);
        for (packed, alone) in packed.iter().zip(&alone) {
            assert!((packed - alone).abs() < 1e-5, "{packed} and {alone}");
        }
        assert!((packed[0] - packed[1]).abs() > 1e-3, "7 after 9 is not 7 after 6");
    }

    #[test]
    #[should_panic(expected = "the first token of a sequence cannot be scored")]
    fn the_first_token_has_nothing_that_predicts_it() {
        let _ = ScoredRow::new(&[(&[5, 6], 0)]);
    }
}
