//! Scores of sequences, as a reward model gives them.

use forethought_model::{load_score_model, pack};
use serde::Deserialize;

use super::values;
use crate::check::{Checks, LOGITS};
use crate::goldens::{Goldens, Missed};

/// One score for each sequence, alone and in padded batches.
#[derive(Debug, Deserialize)]
pub(super) struct Expected {
    #[serde(rename = "reward_unpadded")]
    alone: Option<Vec<f32>>,
    #[serde(rename = "reward_right_padded")]
    right_padded: Option<Vec<f32>>,
    #[serde(rename = "reward_left_padded")]
    left_padded: Option<Vec<f32>>,
}

impl Expected {
    pub(super) fn are_there(&self) -> bool {
        self.alone.is_some()
    }

    pub(super) fn compare(
        &self,
        checks: &mut Checks,
        goldens: &Goldens,
        model: &str,
        sequences: &[Vec<u32>],
    ) -> Result<(), Missed> {
        let model = load_score_model(&goldens.path(&format!("models/{model}")), goldens.device())?;
        let alone: Vec<f32> = sequences
            .iter()
            .flat_map(|ids| values(model.score_sequences(&pack(&[ids]), None)))
            .collect();
        let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
        let together = values(model.score_sequences(&pack(&sequences), None));
        let cases = [
            ("alone", &alone, &self.alone),
            ("right padded", &together, &self.right_padded),
            ("left padded", &together, &self.left_padded),
        ];
        for (what, found, expected) in cases {
            if let Some(expected) = expected {
                checks.numbers(what, found, expected, LOGITS);
            }
        }
        Ok(())
    }
}
