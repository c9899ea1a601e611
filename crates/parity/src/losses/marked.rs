//! Padded batches of which some tokens are scored, and what a decoder says about those.

use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_model::{Decoder, ScoredRow, TokenScores};

use super::Padded;

impl Padded {
    /// The sequences in a packed row, of which the tokens are scored that a list beside the ids marks.
    pub(crate) fn row<T: Copy>(
        &self,
        marks: &[Vec<T>],
        is_marked: impl Fn(T) -> bool,
    ) -> ScoredRow {
        let sequences = self.sequences();
        let marked = |row: &Vec<T>| row.iter().map(|mark| is_marked(*mark)).collect();
        let masks: Vec<Vec<bool>> = self.unpadded(marks).iter().map(marked).collect();
        let parts: Vec<(&[u32], &[bool])> = sequences
            .iter()
            .zip(&masks)
            .map(|(ids, mask)| (ids.as_slice(), mask.as_slice()))
            .collect();
        ScoredRow::masked(&parts)
    }
}

/// What a decoder says about the scored tokens of a row.
pub(crate) struct Marked {
    pub(crate) scores: TokenScores,
    hidden: Tensor<2>,
    targets: Tensor<1, Int>,
}

impl Marked {
    pub(crate) fn new(decoder: &Decoder, row: &ScoredRow) -> Self {
        let hidden = row.hidden(decoder, None); // [token, hidden]
        let targets = row.targets(&hidden.device()); // [token]
        let scores = decoder.score(hidden.clone(), targets.clone(), 1.0);
        Self { scores, hidden, targets }
    }

    pub(crate) fn mean_logits(&self, decoder: &Decoder) -> Tensor<1> {
        decoder.mean_logits(self.hidden.clone())
    }

    pub(crate) fn mean_log_probs(&self, decoder: &Decoder) -> Tensor<1> {
        let log_probs = self.scores.log_probs.clone();
        decoder.mean_log_probs(self.hidden.clone(), self.targets.clone(), log_probs)
    }

    pub(crate) fn log_sum_squared_probs(&self, decoder: &Decoder) -> Tensor<1> {
        decoder.log_sum_squared_probs(self.hidden.clone())
    }
}

/// The log-probabilities under a frozen decoder as constants on another device.
pub(crate) fn constants(frozen: &Decoder, row: &ScoredRow, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = row.scores(frozen, 1.0, None).log_probs.into_data().iter().collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
