//! Reward models: pairs as scores of whole sequences.

use std::sync::Arc;

use forethought_model::{Decoder, ScoreModel, pack};
use forethought_objective::ScoreLoss;
use forethought_reward_model::RewardModelConfig;
use forethought_tokenize::Encoder;

use super::OfflineMethod;
use super::examples::{EncodedPair, Examples, Reading, read_pairs};
use crate::PipelineError;
use crate::learner::{Learner, Loss, Score, Task};
use crate::memory::Logits;
use crate::stages::Context;
use crate::tuning::Tuning;

impl OfflineMethod for RewardModelConfig {
    fn data(&self) -> &'static [&'static str] {
        &["pairs"]
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn logits(&self) -> Logits {
        Logits::None
    }

    fn examples(&self, reading: &Reading<'_>) -> Result<Box<dyn Examples>, PipelineError> {
        let loss = self.init().map_err(|error| reading.failed(error))?;
        Ok(Box::new(Scored { pairs: read_pairs(reading)?, loss: Arc::new(loss) }))
    }

    /// The decoder with a fresh score head in place of its next-token head.
    fn learner(
        &self,
        decoder: Decoder,
        tuning: Tuning<'_>,
        encoder: &Encoder,
        context: &Context<'_>,
    ) -> Result<Learner, PipelineError> {
        let scorer = ScoreModel::from_decoder(decoder, context.seed);
        let scorer = match encoder.pad_id() {
            Some(id) => scorer.with_pad_token_id(id),
            None => scorer,
        };
        Ok(Learner::scorer_alone(tuning.scorer(scorer, context, context.seed)?))
    }
}

/// Pairs whose scores are compared.
struct Scored {
    pairs: Vec<EncodedPair>,
    loss: Arc<dyn ScoreLoss + Send + Sync>,
}

impl Examples for Scored {
    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn step(&mut self, micro_batches: &[&[usize]]) -> Vec<Task> {
        let num_step_pairs = micro_batches.iter().map(|batch| batch.len()).sum();
        let task = |batch: &&[usize]| {
            let pairs = || batch.iter().map(|index| &self.pairs[*index]);
            let chosen = pairs().map(|pair| pair.chosen.ids.as_slice());
            let sequences: Vec<&[u32]> =
                chosen.chain(pairs().map(|pair| pair.rejected.ids.as_slice())).collect();
            Task::Score(Score {
                loss: Loss(self.loss.clone()),
                packed: pack(&sequences),
                num_step_pairs,
                margins: pairs().map(EncodedPair::margin).collect(),
            })
        };
        micro_batches.iter().map(task).collect()
    }

    fn sequences(&self, index: usize) -> Vec<&[u32]> {
        self.pairs[index].sides().map(|(ids, _)| ids).into()
    }
}
