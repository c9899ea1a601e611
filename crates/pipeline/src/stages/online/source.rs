//! The micro-batches of an online method: sampled when what was sampled before is used up, then trained on step by step.

use std::path::PathBuf;

use forethought_model::{Decoder, ScoredRow};
use forethought_objective::{GenerationTotals, PolicyCompletion, StepTotals};
use forethought_rollout::Completion;
use forethought_train::{BatchError, BatchRow, BatchSource, Cursor, Reported, StepBatches};
use rand::seq::SliceRandom as _;

use super::critic::Values;
use super::generation::{Generation, Sample};
use super::lengths::of_lengths;
use super::method::{Credit, Judged, Method, Passes, Plan};
use super::rollout::{Rollout, Sampler};
use crate::learner::{Critic, Entropy, Input, Learner, Loss, Policy, Task};
use crate::training::dropout_seed;

/// Samples with the live weights, lets the method judge, and hands out what the steps train on.
pub(crate) struct OnlineSource {
    /// The name of the stage.
    pub(crate) stage: String,
    pub(crate) sampler: Sampler,
    pub(crate) method: Box<dyn Method>,
    pub(crate) plan: Plan,
    /// The frozen start, where the method asks for it.
    pub(crate) reference: Option<Decoder>,
    pub(crate) num_epochs: usize,
    pub(crate) prompts_per_micro_batch: usize,
    /// What the logits are divided by.
    pub(crate) temperature: f64,
    pub(crate) log_completions_steps: u64,
    /// The largest share of the answers of one sampling that a reward may leave unjudged.
    pub(crate) max_unjudged_share: f64,
    /// The folder of sampled answers; none where nothing is left behind.
    pub(crate) completions: Option<PathBuf>,
    /// What was sampled last.
    pub(crate) generation: Option<Generation>,
}

/// Where in the plan an optimiser step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    generation: u64,
    pass: usize,
    slice: usize,
}

impl Place {
    fn of(step: u64, plan: Plan) -> Self {
        let within = usize::try_from(step % plan.num_steps()).unwrap_or_default();
        let (pass, slice) = (within / plan.slices, within % plan.slices);
        Self { generation: step / plan.num_steps(), pass, slice }
    }

    fn starts_generation(self) -> bool {
        self.pass == 0 && self.slice == 0
    }
}

impl BatchSource<Learner> for OnlineSource {
    fn num_steps(&self) -> u64 {
        (self.sampler.order.steps_per_epoch() * self.num_epochs) as u64 * self.plan.num_steps()
    }

    fn batches(&mut self, step: u64, learner: &Learner) -> Result<StepBatches<Input>, BatchError> {
        let place = Place::of(step, self.plan);
        let mut metrics = Vec::new();
        if place.starts_generation() {
            metrics = self.sample(step, place.generation, learner)?;
        }
        let generation = self.generation.as_ref().filter(|one| one.index == place.generation);
        let generation = generation.ok_or("the answers that this step trains on are lost")?;
        let groups = self.groups(generation, place);
        let inputs = self.inputs(step, generation, &groups);
        let num_tokens = inputs.iter().map(|input| input.task.num_tokens()).sum();
        let num_scored: usize = inputs.iter().map(|input| input.task.num_scored()).sum();
        let steps_per_epoch = self.sampler.order.steps_per_epoch() as u64 * self.plan.num_steps();
        metrics.push(("epoch".to_owned(), (step + 1) as f64 / steps_per_epoch as f64));
        metrics.push(("num_scored_tokens".to_owned(), num_scored as f64));
        let questions = groups.iter().map(|group| generation.of_groups(&[*group])[0].question);
        let description = format!("training questions {:?}", questions.collect::<Vec<_>>());
        let server = self.sampler.server.as_mut();
        let notices = server.map(|one| std::mem::take(&mut one.notices)).unwrap_or_default();
        Ok(StepBatches { inputs, num_tokens, description, metrics, notices })
    }

    fn cursor(&self, step: u64) -> Option<Cursor> {
        Some(self.sampler.order.cursor(step / self.plan.num_steps()))
    }

    fn rows(&mut self, step: u64) -> Result<Vec<BatchRow>, BatchError> {
        let Some(generation) = &self.generation else { return Ok(Vec::new()) };
        let groups = self.groups(generation, Place::of(step, self.plan));
        let mut rows = Vec::new();
        for sample in generation.of_groups(&groups) {
            let prompt = &self.sampler.questions[sample.question].prompt;
            let whole = [prompt.as_slice(), &sample.ids].concat();
            let text = self.sampler.encoder.decode_with_specials(&whole)?;
            let (number, advantages) = (sample.question + 1, &sample.advantages);
            let id = format!("training question {number}, advantages {advantages:?}");
            rows.push(BatchRow { id, text });
        }
        Ok(rows)
    }

    fn finished(&mut self, step: u64, reported: &[Reported]) -> Vec<(String, f64)> {
        let is_last = Place::of(step + 1, self.plan).starts_generation();
        self.method.finished(reported, if is_last { Passes::Over } else { Passes::Going })
    }

    /// The answers are worth keeping only while steps are left that train on them: what has no use is sampled anew.
    fn state(&self) -> Option<String> {
        let kept = self.generation.as_ref().filter(|_| self.plan.num_steps() > 1);
        let method = self.method.state();
        let adapter = self.sampler.server.as_ref().and_then(|server| server.state());
        match (kept, &method, adapter) {
            (None, None, None) => None,
            (_, _, None) => serde_json::to_string(&(method, kept)).ok(),
            (_, _, Some(adapter)) => serde_json::to_string(&(method, kept, adapter)).ok(),
        }
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        let (method, generation) = match &mut self.sampler.server {
            None => serde_json::from_str(state)?,
            Some(server) => {
                let (method, generation, adapter) = serde_json::from_str(state)
                    .or_else(|_| serde_json::from_str(state).map(|(one, two)| (one, two, None)))?;
                server.restore(adapter);
                (method, generation)
            }
        };
        let method: Option<String> = method;
        self.generation = generation;
        method.map_or(Ok(()), |state| self.method.restore(&state))
    }
}

impl OnlineSource {
    /// Samples, lets the method judge, and returns the numbers known before the step.
    fn sample(
        &mut self,
        step: u64,
        index: u64,
        learner: &Learner,
    ) -> Result<Vec<(String, f64)>, BatchError> {
        let rollout = self.sampler.sample(step, index, learner.policy())?;
        let mut samples = samples(&rollout);
        let columns = self.sampler.judge.columns(&rollout.judgement);
        let totals = self.sampler.judge.totals(&columns);
        let judged = self.sampler.judge.check_unjudged(&rollout.judgement, self.max_unjudged_share);
        if let Err(error) = judged {
            // Whoever has to find out why wants to see what was not judged.
            let path = self.write_completions(step, &rollout, &totals, &samples)?;
            let place = path.map(|path| format!("; the answers are in {}", path.display()));
            return Err(format!("{error}{}", place.unwrap_or_default()).into());
        }
        self.look_back(&mut samples, learner);
        let mut of_server = self.server_metrics(&samples)?;
        let group_size = self.sampler.num_generations;
        let eos_ids = self.sampler.encoder.eos_ids();
        let judged =
            Judged { samples: &samples, columns: &columns, totals: &totals, group_size, eos_ids };
        let credit = self.method.judge(judged)?;
        let has_token_advantages = credit.token_advantages.is_some();
        hand_out(&mut samples, &credit);
        if (index + 1).is_multiple_of(self.log_completions_steps) {
            self.write_completions(step, &rollout, &totals, &samples)?;
        }
        self.generation = Some(Generation { index, samples, group_size, has_token_advantages });
        let mut metrics = self.metrics(&rollout, credit);
        metrics.append(&mut of_server);
        Ok(metrics)
    }

    /// How old and how far from training the answers of a server are, where one samples.
    fn server_metrics(&self, samples: &[Sample]) -> Result<Vec<(String, f64)>, BatchError> {
        let Some(server) = &self.sampler.server else { return Ok(Vec::new()) };
        let (mean, largest) = server.differences(samples)?;
        let sampled = samples.iter().flat_map(|one| &one.sampling_log_probs);
        let num_unknown = sampled.filter(|one| one.is_nan()).count();
        let mut metrics = vec![
            ("sampling/staleness".to_owned(), server.staleness as f64),
            ("sampling/tokens_without_logp".to_owned(), num_unknown as f64),
        ];
        if !self.method.corrects_sampler() {
            metrics.push(("sampling/sampling_logp_difference/mean".to_owned(), mean));
            metrics.push(("sampling/sampling_logp_difference/max".to_owned(), largest));
        }
        Ok(metrics)
    }

    /// What other models, and this one, say of the answers before the first step: reference, old policy, critic.
    fn look_back(&self, samples: &mut [Sample], learner: &Learner) {
        // What a server told is always compared with what training computes, as in TRL.
        let is_served = self.sampler.server.is_some();
        let needs_old = is_served || self.plan.num_steps() > 1 || self.method.judges_divergence();
        let has_critic = self.method.has_critic();
        let per_micro_batch = self.prompts_per_micro_batch * self.sampler.num_generations;
        for batch in samples.chunks_mut(per_micro_batch) {
            let all: Vec<&Sample> = batch.iter().collect();
            let row = self.row(&all);
            let old = needs_old.then(|| self.log_probs(&row, learner.policy()));
            let reference = self.reference.as_ref().map(|one| self.log_probs(&row, one));
            let num_values = |num_tokens| self.method.num_values(num_tokens);
            let values = has_critic.then(|| {
                Values::new(&all, &self.sampler.questions, num_values).predict(learner.scorer())
            });
            let tokens = |one: &Sample| one.ids.len();
            split(batch, old, tokens, |one, list| one.old_log_probs = list);
            split(batch, reference, tokens, |one, list| one.reference_log_probs = list);
            split(batch, values, |one| num_values(one.ids.len()), |one, list| one.values = list);
        }
    }

    /// The questions of an optimiser step: all in their order, or a part of them in an order drawn for each pass.
    fn groups(&self, generation: &Generation, place: Place) -> Vec<usize> {
        let mut order: Vec<usize> = (0..generation.num_groups()).collect();
        if self.plan.slices == 1 {
            return order;
        }
        let counters = [place.generation, place.pass as u64];
        order.shuffle(&mut self.sampler.seed.stream("mini-batches", &counters));
        let bound = |slice: usize| slice * order.len() / self.plan.slices;
        order[bound(place.slice)..bound(place.slice + 1)].to_vec()
    }

    fn inputs(&self, step: u64, generation: &Generation, groups: &[usize]) -> Vec<Input> {
        let batches: Vec<Vec<&Sample>> = groups
            .chunks(self.prompts_per_micro_batch)
            .map(|groups| generation.of_groups(groups))
            .collect();
        let completions: Vec<Vec<PolicyCompletion>> = batches
            .iter()
            .map(|batch| batch.iter().map(|one| one.completion()).collect())
            .collect();
        let micro_batches: Vec<&[PolicyCompletion]> =
            completions.iter().map(Vec::as_slice).collect();
        let totals =
            self.method.totals(&micro_batches).of_generation(self.of_generation(generation));
        let num_step_values = batches.iter().flatten().map(|one| one.returns.len()).sum();
        let input = |(index, batch): (usize, &Vec<&Sample>)| {
            let mut task = self.policy(batch, generation, totals);
            task.critic = self.critic(batch, num_step_values);
            let dropout = dropout_seed(self.sampler.seed, step, index);
            Input { task: Task::Policy(Box::new(task)), dropout }
        };
        batches.iter().enumerate().map(input).collect()
    }

    /// The sizes of all that was sampled at once.
    fn of_generation(&self, generation: &Generation) -> GenerationTotals {
        let all: Vec<PolicyCompletion> =
            generation.samples.iter().map(Sample::completion).collect();
        let per_step = generation.num_groups().div_ceil(self.plan.slices);
        let num_micro_batches = per_step.div_ceil(self.prompts_per_micro_batch) * self.plan.slices;
        let num_tokens = self.method.totals(&[&all]).num_tokens;
        GenerationTotals { num_micro_batches, num_tokens }
    }

    fn policy(&self, batch: &[&Sample], generation: &Generation, totals: StepTotals) -> Policy {
        let list = |of: fn(&Sample) -> &[f32]| -> Vec<f32> {
            batch.iter().flat_map(|one| of(one).iter().copied()).collect()
        };
        let optional = |of: fn(&Sample) -> &[f32]| Some(list(of)).filter(|list| !list.is_empty());
        Policy {
            row: self.row(batch),
            temperature: self.temperature,
            loss: Loss(self.method.policy_loss()),
            completions: batch.iter().map(|one| one.completion()).collect(),
            totals,
            sampling_log_probs: list(|one| &one.sampling_log_probs),
            is_served: self.sampler.server.is_some(),
            old_log_probs: optional(|one| &one.old_log_probs),
            reference_log_probs: optional(|one| &one.reference_log_probs),
            token_advantages: generation.has_token_advantages.then(|| list(|one| &one.advantages)),
            entropy: if self.method.rewards_entropy() {
                Entropy::Rewarded
            } else {
                Entropy::Metric
            },
            critic: None,
        }
    }

    fn critic(&self, batch: &[&Sample], num_step_values: usize) -> Option<Critic> {
        let loss = Loss(self.method.value_loss()?);
        let num_values = |num_tokens| self.method.num_values(num_tokens);
        let Values { packed, rows } = Values::new(batch, &self.sampler.questions, num_values);
        let old_values = batch.iter().flat_map(|one| one.values.clone()).collect();
        let returns = batch.iter().flat_map(|one| one.returns.clone()).collect();
        Some(Critic { loss, tokens: packed.tokens, rows, old_values, returns, num_step_values })
    }

    /// Answers packed behind their questions.
    fn row(&self, batch: &[&Sample]) -> ScoredRow {
        let whole = batch.iter().map(|one| {
            let prompt = &self.sampler.questions[one.question].prompt;
            ([prompt.as_slice(), &one.ids].concat(), prompt.len())
        });
        let whole: Vec<(Vec<u32>, usize)> = whole.collect();
        let parts: Vec<(&[u32], usize)> =
            whole.iter().map(|(ids, first)| (ids.as_slice(), *first)).collect();
        ScoredRow::new(&parts)
    }

    fn log_probs(&self, row: &ScoredRow, decoder: &Decoder) -> Vec<f32> {
        let scores = row.scores(decoder, self.temperature, None);
        scores.log_probs.into_data().iter::<f32>().collect()
    }

    /// What is known before the update, under TRL's names.
    fn metrics(&self, rollout: &Rollout, credit: Credit) -> Vec<(String, f64)> {
        let mut metrics = credit.metrics;
        metrics.extend(of_lengths(&rollout.completions));
        metrics.extend(self.sampler.judge.metrics(&rollout.judgement));
        if let Some(counts) = rollout.refill {
            let refill = [
                ("rounds", counts.num_rounds),
                ("sampled", counts.num_sampled),
                ("equal", counts.num_equal),
                ("unjudged", counts.num_unjudged),
                ("filled", counts.num_filled),
            ];
            metrics.extend(refill.map(|(name, number)| (format!("refill/{name}"), number as f64)));
        }
        metrics
    }
}

fn samples(rollout: &Rollout) -> Vec<Sample> {
    let sample = |one: &Completion| Sample {
        question: rollout.chosen[one.prompt_index],
        ids: one.ids.clone(),
        is_finished: one.is_finished,
        sampling_log_probs: one.log_probs.clone(),
        ..Sample::default()
    };
    rollout.completions.iter().map(sample).collect()
}

/// Gives each sample its part of a list.
fn split(
    samples: &mut [Sample],
    list: Option<Vec<f32>>,
    length: impl Fn(&Sample) -> usize,
    mut take: impl FnMut(&mut Sample, Vec<f32>),
) {
    let Some(list) = list else { return };
    let mut rest = list.as_slice();
    for sample in samples {
        let (own, after) = rest.split_at(length(sample));
        take(sample, own.to_vec());
        rest = after;
    }
}

/// Gives each sample its advantages and returns.
fn hand_out(samples: &mut [Sample], credit: &Credit) {
    for (sample, advantage) in samples.iter_mut().zip(&credit.advantages) {
        sample.advantages = vec![*advantage];
    }
    let tokens = |one: &Sample| one.ids.len();
    split(samples, credit.token_advantages.clone(), tokens, |one, list| one.advantages = list);
    let values = |one: &Sample| one.values.len();
    split(samples, credit.returns.clone(), values, |one, list| one.returns = list);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slice_of_every_pass_comes_once_before_the_next_sampling() {
        let plan = Plan { slices: 2, passes: 3 };
        let places: Vec<Place> = (0..7).map(|step| Place::of(step, plan)).collect();
        let of = |index: usize| (places[index].generation, places[index].pass, places[index].slice);
        assert_eq!(
            (0..6).map(of).collect::<Vec<_>>(),
            [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 2, 1)]
        );
        assert_eq!(of(6), (1, 0, 0));
        assert_eq!(places.iter().filter(|one| one.starts_generation()).count(), 2);
    }
}
