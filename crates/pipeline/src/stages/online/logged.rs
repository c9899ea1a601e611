//! Sampled answers for a person to read.

use std::path::PathBuf;

use forethought_dataset::Table;
use forethought_train::{BatchError, Replacement};

use super::generation::Sample;
use super::judge::Judge;
use super::rollout::Rollout;
use super::source::OnlineSource;

impl OnlineSource {
    /// One parquet file a logged sampling: what was asked, what came, what it was worth and why; and where it is, unless
    /// nothing is left behind.
    pub(super) fn write_completions(
        &self,
        step: u64,
        rollout: &Rollout,
        totals: &[Option<f32>],
        samples: &[Sample],
    ) -> Result<Option<PathBuf>, BatchError> {
        let Some(folder) = &self.completions else { return Ok(None) };
        std::fs::create_dir_all(folder)?;
        let mut prompts = Vec::new();
        for index in &rollout.chosen {
            let prompt = &self.sampler.questions[*index].prompt;
            prompts.push(self.sampler.encoder.decode_with_specials(prompt)?);
        }
        let completions = &rollout.completions;
        let asked = completions.iter().map(|one| prompts[one.prompt_index].clone());
        let reasons = (0..completions.len()).map(|one| Judge::reasons(&rollout.judgement, one));
        // Where tokens have advantages of their own, the first stands for all.
        let advantages = samples.iter().map(|one| one.advantages.first().copied().map(f64::from));
        let table = Table::new()
            .text("prompt", asked)
            .text("completion", rollout.texts.iter().cloned())
            .float("reward", totals.iter().map(|one| one.map(f64::from)))
            .text("reason", reasons)
            .float("advantage", advantages);
        let table = self.sampler.judge.add_scores(table, &rollout.judgement);
        let path = folder.join(format!("{}-{:06}.parquet", self.stage, step + 1));
        let file = Replacement::of(&path);
        table.write_parquet(file.path())?;
        file.settle()?;
        Ok(Some(path))
    }
}
