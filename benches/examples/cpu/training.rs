//! The training loop over random batches, and the time between its steps.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::module::Module as _;
use forethought_grpo::{ScaleRewards, advantages};
use forethought_model::{Decoder, ScoredRow};
use forethought_objective::PolicyCompletion;
use forethought_train::{
    BatchError, BatchSource, Origins, Progress, Resume, Run, StepBatches, StopFlag, TrainConfig,
    fit,
};

use crate::learner::{BenchLearner, Input, Objective};
use crate::work::{Work, complete, tokens};

/// Says that enough steps were timed.
const ENOUGH: &str = "all steps are timed";

/// Times optimiser steps, everything between one batch and the next included, behind one that is not counted.
pub(crate) fn time(decoder: Decoder, work: Work, steps: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let source = Source {
        work,
        num_steps: steps + 1,
        reference: (work == Work::Dpo).then(|| decoder.clone().valid()),
        starts: Arc::clone(&starts),
    };
    let folder = tempfile::tempdir()?;
    let run = Run {
        folder: folder.path(),
        stage: "bench",
        config_hash: "bench",
        origins: &Origins::default(),
        resume: Resume::Fresh,
        stop: &StopFlag::default(),
        replicas: &[],
        progress: Progress::Silent,
        shown: str::to_owned,
        tensorboard: None,
    };
    let trainer = TrainConfig { learning_rate: 1e-6, ..TrainConfig::default() }.init()?;
    // The source ends the run with an error, so that no checkpoint is written.
    match fit(BenchLearner::new(decoder)?, source, &trainer, &run) {
        Err(error) if format!("{error:?}").contains(ENOUGH) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("the run ended by itself".into()),
    }
    let starts = starts.lock().unwrap_or_else(PoisonError::into_inner);
    let times = starts.windows(2).map(|pair: &[Instant]| (pair[1] - pair[0]).as_secs_f64());
    Ok(times.skip(1).collect())
}

/// Random batches.
struct Source {
    work: Work,
    num_steps: usize,
    reference: Option<Decoder>,
    starts: Arc<Mutex<Vec<Instant>>>,
}

impl BatchSource<BenchLearner> for Source {
    fn num_steps(&self) -> u64 {
        u64::MAX
    }

    fn batches(
        &mut self,
        step: u64,
        model: &BenchLearner,
    ) -> Result<StepBatches<Input>, BatchError> {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        if self.num_steps as u64 <= step {
            return Err(ENOUGH.into());
        }
        let input = self.input(step, &model.decoder)?;
        Ok(StepBatches {
            num_tokens: input.row.num_tokens(),
            inputs: vec![input],
            description: "random tokens".to_owned(),
            metrics: Vec::new(),
            notices: Vec::new(),
        })
    }
}

impl Source {
    fn input(&self, step: u64, model: &Decoder) -> Result<Input, BatchError> {
        let vocab_size = model.config().vocab_size;
        let draw = |length: usize, row: u64| tokens(vocab_size, length, [step, row]);
        let rows = |sequences: Vec<(Vec<u32>, usize)>| {
            let parts: Vec<(&[u32], usize)> =
                sequences.iter().map(|(ids, first)| (ids.as_slice(), *first)).collect();
            ScoredRow::new(&parts)
        };
        let supervised = |row| Input { row, objective: Objective::Supervised };
        Ok(match self.work {
            Work::Sft => supervised(rows((0..4).map(|row| (draw(354, row), 350)).collect())),
            Work::SftShared => {
                let example = |row| ([draw(300, 9), draw(54, row)].concat(), 350);
                supervised(rows((0..4).map(example).collect()))
            }
            Work::Causal => supervised(rows((0..4).map(|row| (draw(256, row), 1)).collect())),
            Work::Dpo => {
                let answer = |row: u64| ([draw(350, row % 2), draw(20, row + 2)].concat(), 350);
                let row = rows((0..4).map(answer).collect());
                let reference = self.reference.as_ref().unwrap_or(model);
                let log_probs = row.scores(reference, 1.0, None).log_probs;
                let log_probs = log_probs.into_data().iter::<f32>().collect();
                Input { row, objective: Objective::Preference(log_probs) }
            }
            Work::Grpo | Work::Sample => {
                let prompt = draw(358, 0);
                let done = complete(model, std::slice::from_ref(&prompt), (8, 20), step)
                    .map_err(|error| error.to_string())?;
                let whole = done.iter().map(|one| ([&prompt[..], &one.ids].concat(), 358));
                let row = rows(whole.collect());
                let rewards: Vec<Option<f32>> =
                    done.iter().map(|one| Some((one.ids[0] % 13) as f32)).collect();
                let judge = |(advantage, tokens): (&f32, &usize)| PolicyCompletion {
                    num_tokens: *tokens,
                    advantage: *advantage,
                    is_truncated: false,
                };
                let advantages = advantages(&rewards, 8, ScaleRewards::Group)?.values;
                let completions = advantages.iter().zip(row.lengths()).map(judge).collect();
                Input { row, objective: Objective::Policy(completions) }
            }
        })
    }
}
