//! The micro-batches of GRPO: questions, sampled answers, their rewards and advantages.

use std::path::PathBuf;
use std::sync::Arc;

use forethought_dataset::Table;
use forethought_grpo::{Advantages, GrpoLoss, advantages};
use forethought_model::{Decoder, ScoredRow};
use forethought_objective::PolicyCompletion;
use forethought_reward::{Field, Fields, RewardSet, Sample, SetScore, Verdict};
use forethought_rollout::{Completion, Request, StopCheck, generate};
use forethought_seed::Seed;
use forethought_tokenize::{Encoder, StopStrings};
use forethought_train::{BatchError, BatchSource, StepBatches};

use super::GrpoStage;
use crate::learner::{Input, Learner, Loss, Policy, Task};
use crate::order::Order;
use crate::training::dropout_seed;

/// A training question.
pub(super) struct Question {
    /// The ids of its prompt.
    pub(super) prompt: Vec<u32>,
    /// The class its answer should name.
    pub(super) class: u32,
}

/// Samples with the live weights and scores what comes.
pub(super) struct GrpoSource {
    pub(super) stage: GrpoStage,
    pub(super) questions: Vec<Question>,
    pub(super) order: Order,
    pub(super) loss: GrpoLoss,
    pub(super) rewards: RewardSet,
    /// The frozen start, where the loss has a KL term.
    pub(super) reference: Option<Decoder>,
    pub(super) encoder: Encoder,
    pub(super) seed: Seed,
    /// The folder of sampled answers.
    pub(super) completions: PathBuf,
}

/// The answers of one step with what they are worth.
struct Rollout {
    /// The questions asked.
    chosen: Vec<usize>,
    /// Question after question, `num_generations` each.
    completions: Vec<Completion>,
    texts: Vec<String>,
    scores: Vec<SetScore>,
    advantages: Advantages,
}

impl BatchSource<Learner> for GrpoSource {
    fn num_steps(&self) -> u64 {
        (self.order.steps_per_epoch() * self.stage.num_train_epochs) as u64
    }

    fn batches(&mut self, step: u64, model: &Learner) -> Result<StepBatches<Input>, BatchError> {
        let rollout = self.rollout(step, &model.decoder)?;
        if (step + 1).is_multiple_of(self.stage.log_completions_steps) {
            self.write_completions(step, &rollout)?;
        }
        let inputs = self.inputs(step, &rollout);
        let num_tokens = inputs.iter().map(|input| input.row.num_tokens()).sum();
        let description = format!("training questions {:?}", rollout.chosen);
        Ok(StepBatches { inputs, num_tokens, description, metrics: self.metrics(&rollout) })
    }
}

impl GrpoSource {
    fn rollout(&mut self, step: u64, decoder: &Decoder) -> Result<Rollout, BatchError> {
        let chosen = self.order.examples(usize::try_from(step)?).to_vec();
        let prompts: Vec<Vec<u32>> =
            chosen.iter().map(|index| self.questions[*index].prompt.clone()).collect();
        let stop_strings = StopStrings::new(&self.encoder, &self.stage.sampling.stop_strings);
        let stop = |ids: &[u32]| stop_strings.ends(ids).map_err(|error| error.to_string());
        let request = Request {
            samples_per_prompt: self.stage.num_generations,
            eos_ids: self.encoder.eos_ids(),
            step,
            stop: Some(StopCheck(&stop)),
            ..Request::new(&prompts, self.seed)
        };
        let completions = generate(decoder, &self.stage.sampling, &request, &mut |_| {})?;
        let mut texts = Vec::with_capacity(completions.len());
        for completion in &completions {
            texts.push(self.encoder.decode(&completion.ids)?);
        }
        let classes = completions.iter().map(|one| self.questions[chosen[one.prompt_index]].class);
        let scored = texts.iter().zip(classes).map(|(text, class)| self.score(text, class));
        let scores: Vec<SetScore> = scored.collect();
        let rewards: Vec<Option<f32>> = scores.iter().map(reward).collect();
        let advantages =
            advantages(&rewards, self.stage.num_generations, self.stage.loss.scale_rewards)?;
        Ok(Rollout { chosen, completions, texts, scores, advantages })
    }

    fn score(&self, completion: &str, class: u32) -> SetScore {
        let fields = Fields::from([("label".to_owned(), Field::from(class))]);
        self.rewards.score(Sample { completion, fields: &fields })
    }

    fn inputs(&self, step: u64, rollout: &Rollout) -> Vec<Input> {
        let completions = &rollout.completions;
        let per_micro_batch = self.stage.prompts_per_micro_batch * self.stage.num_generations;
        let judged = policy_completions(completions, &rollout.advantages.values);
        let micro_batches: Vec<&[PolicyCompletion]> = judged.chunks(per_micro_batch).collect();
        let totals = self.loss.step_totals(&micro_batches);
        let input = |(index, batch): (usize, &[Completion])| {
            let row = self.row(batch, &rollout.chosen);
            let reference = self.reference.as_ref();
            let task = Policy {
                loss: Loss(Arc::new(self.loss.clone())),
                completions: micro_batches[index].to_vec(),
                totals,
                sampling_log_probs: batch.iter().flat_map(|one| one.log_probs.clone()).collect(),
                reference_log_probs: reference.map(|decoder| self.log_probs(&row, decoder)),
            };
            let dropout = dropout_seed(self.seed, step, index);
            let temperature = self.stage.sampling.temperature;
            Input { row, task: Task::Policy(task), temperature, dropout }
        };
        completions.chunks(per_micro_batch).enumerate().map(input).collect()
    }

    /// Answers packed behind their questions.
    fn row(&self, batch: &[Completion], chosen: &[usize]) -> ScoredRow {
        let whole = batch.iter().map(|one| {
            let prompt = &self.questions[chosen[one.prompt_index]].prompt;
            ([prompt.as_slice(), &one.ids].concat(), prompt.len())
        });
        let whole: Vec<(Vec<u32>, usize)> = whole.collect();
        let parts: Vec<(&[u32], usize)> =
            whole.iter().map(|(ids, first)| (ids.as_slice(), *first)).collect();
        ScoredRow::new(&parts)
    }

    fn log_probs(&self, row: &ScoredRow, decoder: &Decoder) -> Vec<f32> {
        let scores = row.scores(decoder, self.stage.sampling.temperature, None);
        scores.log_probs.into_data().iter::<f32>().collect()
    }

    /// What is known before the update, under TRL's names.
    fn metrics(&self, rollout: &Rollout) -> Vec<(String, f64)> {
        let completions = &rollout.completions;
        let count = completions.len() as f64;
        let share = |number: usize| number as f64 / count;
        let tokens: usize = completions.iter().map(|one| one.ids.len()).sum();
        let clipped = completions.iter().filter(|one| !one.is_finished).count();
        let mut metrics = vec![
            ("reward".to_owned(), rollout.advantages.reward_mean),
            ("reward_std".to_owned(), rollout.advantages.reward_std),
            ("frac_reward_zero_std".to_owned(), rollout.advantages.frac_reward_zero_std),
            ("completions/mean_length".to_owned(), tokens as f64 / count),
            ("completions/clipped_ratio".to_owned(), share(clipped)),
        ];
        for (name, summary) in self.rewards.summaries(&rollout.scores) {
            metrics.push((format!("rewards/{name}/mean"), summary.mean.unwrap_or(f64::NAN)));
            let unparseable = summary.of_verdict(Verdict::Unparseable);
            metrics.push((format!("rewards/{name}/unparseable"), share(unparseable)));
        }
        metrics
    }

    /// One parquet file a logged step: what was asked, what came, what it was worth and why.
    fn write_completions(&self, step: u64, rollout: &Rollout) -> Result<(), BatchError> {
        std::fs::create_dir_all(&self.completions)?;
        let mut prompts = Vec::new();
        for index in &rollout.chosen {
            prompts.push(self.encoder.decode_with_specials(&self.questions[*index].prompt)?);
        }
        let completions = &rollout.completions;
        let table = Table::new()
            .text("prompt", completions.iter().map(|one| prompts[one.prompt_index].clone()))
            .text("completion", rollout.texts.iter().cloned())
            .float("reward", rollout.scores.iter().map(|one| one.total))
            .text("reason", rollout.scores.iter().map(reasons))
            .float("advantage", rollout.advantages.values.iter().map(|one| f64::from(*one)));
        Ok(table.write_parquet(&self.completions.join(format!("grpo-{:06}.parquet", step + 1)))?)
    }
}

/// Rewards are small numbers; the loss works in single precision.
#[expect(clippy::cast_possible_truncation, reason = "rewards are small")]
fn reward(score: &SetScore) -> Option<f32> {
    score.total.map(|total| total as f32)
}

fn reasons(score: &SetScore) -> String {
    let each = score.scores.iter().map(|one| format!("{}: {}", one.name, one.score.reason));
    each.collect::<Vec<_>>().join("; ")
}

fn policy_completions(batch: &[Completion], advantages: &[f32]) -> Vec<PolicyCompletion> {
    let completion = |(one, advantage): (&Completion, &f32)| PolicyCompletion {
        num_tokens: one.ids.len(),
        advantage: *advantage,
        is_truncated: !one.is_finished,
    };
    batch.iter().zip(advantages).map(completion).collect()
}
