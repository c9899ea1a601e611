//! What a critic predicts along the answers.

use burn::tensor::{Tensor, TensorData};
use forethought_model::{Packed, ScoreModel, pack};

use super::generation::Sample;
use super::question::Question;

/// Answers behind their questions, and the places whose values are asked for.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) packed: Packed,
    /// `[value]`, the row whose hidden state is valued, sample after sample.
    pub(crate) rows: Vec<i64>,
}

impl Values {
    /// The values of each answer from before its first token on, as many as `num_values` says of its length.
    pub(crate) fn new(
        samples: &[&Sample],
        questions: &[Question],
        num_values: impl Fn(usize) -> usize,
    ) -> Self {
        let whole = samples
            .iter()
            .map(|one| [questions[one.question].prompt.as_slice(), &one.ids].concat());
        let whole: Vec<Vec<u32>> = whole.collect();
        let sequences: Vec<&[u32]> = whole.iter().map(Vec::as_slice).collect();
        let packed = pack(&sequences);
        let mut rows = Vec::new();
        for (sample, places) in samples.iter().zip(&packed.rows) {
            let before_first = questions[sample.question].prompt.len() - 1;
            let places = &places[before_first..before_first + num_values(sample.ids.len())];
            rows.extend(places.iter().map(|place| index_of(*place)));
        }
        Self { packed, rows }
    }

    /// What the critic predicts now, `[value]`.
    pub(crate) fn predict(&self, critic: &ScoreModel) -> Vec<f32> {
        let values = critic.values(&self.packed.tokens, None); // [token]
        let rows = TensorData::new(self.rows.clone(), [self.rows.len()]);
        let rows = Tensor::from_data(rows, &values.device());
        values.select(0, rows).into_data().iter::<f32>().collect()
    }
}

/// Packed rows are far shorter than 2^63 tokens.
fn index_of(place: usize) -> i64 {
    i64::try_from(place).expect("a packed row has fewer than 2^63 tokens")
}
