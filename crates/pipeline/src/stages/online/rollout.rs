//! Sampling, here with the live weights or by a server, and judging what comes.

use forethought_grpo::{DynamicSampling, Refill, RefillCounts};
use forethought_model::Decoder;
use forethought_rollout::{
    Cancel, Completion, Request, RolloutError, Sampling, StopCheck, check_prompt, generate,
};
use forethought_seed::Seed;
use forethought_tokenize::{Encoder, StopStrings};
use forethought_train::{Abandoned, BatchError, StopFlag};
use rand::seq::SliceRandom as _;

use super::judge::{Answer, Judge, Judgement};
use super::question::Question;
use super::served::{Asked, Served};
use crate::order::Order;

/// Asks the questions.
pub(crate) struct Sampler {
    pub(crate) questions: Vec<Question>,
    pub(crate) order: Order,
    pub(crate) sampling: Sampling,
    /// Answers to each question.
    pub(crate) num_generations: usize,
    /// Who samples; none where the live weights do.
    pub(crate) server: Option<Box<Served>>,
    pub(crate) judge: Judge,
    /// Whether questions whose answers are all worth the same are replaced.
    pub(crate) refill: Option<DynamicSampling>,
    pub(crate) encoder: Encoder,
    pub(crate) seed: Seed,
    /// Asked while answers are sampled.
    pub(crate) stop_flag: StopFlag,
}

/// The answers of one sampling with what they are worth.
#[derive(Debug, Default)]
pub(crate) struct Rollout {
    /// The questions asked, one for each group of answers.
    pub(crate) chosen: Vec<usize>,
    /// Question after question, `num_generations` each.
    pub(crate) completions: Vec<Completion>,
    pub(crate) texts: Vec<String>,
    pub(crate) judgement: Judgement,
    /// What became of the questions where some were replaced.
    pub(crate) refill: Option<RefillCounts>,
}

impl Sampler {
    /// The answers of the sampling before optimiser step `step`, by its number.
    pub(crate) fn sample(
        &mut self,
        step: u64,
        index: u64,
        policy: &Decoder,
    ) -> Result<Rollout, BatchError> {
        if let Some(server) = &mut self.server {
            server.begin(step, index, policy)?;
        }
        let chosen = self.order.examples(usize::try_from(index)?).to_vec();
        let first = self.ask(index, 0, &chosen, policy)?;
        match self.refill {
            None => Ok(first),
            Some(config) => self.refilled(index, first, config, policy),
        }
    }

    /// Asks questions; those of one sampling count on from `first_prompt`.
    fn ask(
        &mut self,
        index: u64,
        first_prompt: usize,
        chosen: &[usize],
        policy: &Decoder,
    ) -> Result<Rollout, BatchError> {
        let prompts: Vec<Vec<u32>> =
            chosen.iter().map(|one| self.questions[*one].prompt.clone()).collect();
        let completions = self.complete(index, first_prompt, &prompts, policy)?;
        let mut texts = Vec::with_capacity(completions.len());
        for completion in &completions {
            texts.push(self.encoder.decode(&completion.ids)?);
        }
        let answers = completions.iter().zip(&texts).map(|(completion, text)| Answer {
            question: &self.questions[chosen[completion.prompt_index]],
            ids: &completion.ids,
            text,
            group: completion.prompt_index,
        });
        let judgement = self.judge.judge(&answers.collect::<Vec<_>>());
        if self.stop_flag.is_raised() {
            // Some of it may not have been waited for. The step has not begun, and is made again by the resumed run.
            return Err(Abandoned.into());
        }
        Ok(Rollout { chosen: chosen.to_vec(), completions, texts, judgement, refill: None })
    }

    /// Has prompts completed, `num_generations` times each.
    fn complete(
        &mut self,
        index: u64,
        first_prompt: usize,
        prompts: &[Vec<u32>],
        policy: &Decoder,
    ) -> Result<Vec<Completion>, BatchError> {
        let stop_strings = StopStrings::new(&self.encoder, &self.sampling.stop_strings);
        let stop = |ids: &[u32]| stop_strings.ends(ids).map_err(|error| error.to_string());
        let samples_per_prompt = self.num_generations;
        if let Some(server) = &mut self.server {
            for (index, prompt) in prompts.iter().enumerate() {
                check_prompt(prompt, policy.config(), &self.sampling)
                    .map_err(|source| RolloutError::Prompt { index, source })?;
            }
            return server.complete(&Asked {
                prompts,
                samples_per_prompt,
                index,
                first_prompt,
                has_ended: &stop,
                stop_flag: &self.stop_flag,
            });
        }
        let is_over = || self.stop_flag.signal().is_some();
        let request = Request {
            samples_per_prompt,
            eos_ids: self.encoder.eos_ids(),
            step: index,
            first_prompt: first_prompt as u64,
            stop: Some(StopCheck(&stop)),
            cancel: Some(Cancel(&is_over)),
            ..Request::new(prompts, self.seed)
        };
        generate(policy, &self.sampling, &request, &mut |_| {}).map_err(|error| match error {
            RolloutError::Cancelled => Abandoned.into(),
            error => BatchError::from(error),
        })
    }

    /// Replaces questions that teach nothing by others, until the batch is full or the rounds are over.
    fn refilled(
        &mut self,
        index: u64,
        first: Rollout,
        config: DynamicSampling,
        policy: &Decoder,
    ) -> Result<Rollout, BatchError> {
        let mut refill = Refill::new(config, first.chosen.len());
        let mut others: Vec<usize> =
            (0..self.questions.len()).filter(|one| !first.chosen.contains(one)).collect();
        others.shuffle(&mut self.seed.stream("refill", &[index]));
        let (mut batch, mut round, mut num_asked) = (Rollout::default(), first, 0);
        loop {
            num_asked += round.chosen.len();
            let totals = self.judge.totals(&self.judge.columns(&round.judgement));
            let totals: Vec<Option<f64>> = totals.iter().map(|one| one.map(f64::from)).collect();
            for group in refill.judge(&totals, self.num_generations) {
                batch.take(&mut round, group, self.num_generations);
            }
            let num_missing = refill.num_missing().min(others.len());
            if num_missing == 0 {
                break;
            }
            let chosen: Vec<usize> = others.drain(..num_missing).collect();
            round = self.ask(index, num_asked, &chosen, policy)?;
        }
        batch.refill = Some(refill.counts());
        Ok(batch)
    }
}

impl Rollout {
    /// Moves one question with its answers over from another.
    fn take(&mut self, other: &mut Self, group: usize, group_size: usize) {
        let prompt_index = self.chosen.len();
        self.chosen.push(other.chosen[group]);
        for place in group * group_size..(group + 1) * group_size {
            let completion = other.completions[place].clone();
            self.completions.push(Completion { prompt_index, ..completion });
            self.texts.push(std::mem::take(&mut other.texts[place]));
            self.judgement.scores.extend(other.judgement.scores.get(place).cloned());
            self.judgement.model_scores.extend(other.judgement.model_scores.get(place));
        }
    }
}
