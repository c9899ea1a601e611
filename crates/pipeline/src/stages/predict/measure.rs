//! What sampled answers of each model are worth, and how far the model has left the one it is compared with.

use burn::tensor::Device;
use forethought_evaluate::{MeanInterval, MeanReward};
use forethought_model::{Decoder, ScoreModel, ScoredRow, load, load_score_model};
use forethought_reward::{RewardConfig, RewardSet};
use forethought_rollout::{Cancel, Completion, Request, Sampling, generate};
use forethought_tokenize::Encoder;
use forethought_train::StopFlag;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::links::{Inputs, POLICIES};
use super::super::model::model_folder;
use super::super::online::{Answer, Judge, Question, RewardModelSource, look_at_taught};
use super::super::{Context, MODEL_FOLDER};
use crate::PipelineError;
use crate::artifact::write_json;
use crate::config::Problem;
use crate::rewards::{check_rewards, reward_set};

/// What is measured of each model, on answers sampled at temperature 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Rewards by rule; the field `label` is the true class. Default none.
    #[serde(default)]
    pub rewards: Vec<RewardConfig>,
    /// A reward model, whose scores stand beside the rewards by rule. Default none.
    #[serde(default)]
    pub reward_model: Option<RewardModelSource>,
    /// The stage whose model the divergence is measured from. Default: the first that trains a policy.
    #[serde(default)]
    pub reference: Option<String>,
    /// Validation questions that are asked, at least 1. Default 512.
    #[serde(default = "default_questions")]
    pub max_questions: usize,
    /// The longest answer, in tokens, at least 1. Default 20.
    #[serde(default = "default_tokens")]
    pub max_new_tokens: usize,
}

fn default_questions() -> usize {
    512
}
fn default_tokens() -> usize {
    20
}

/// The file of what was measured, in the artifact of a predict stage.
pub(crate) const MEASURED: &str = "measured.json";
/// Answers that are scored at once.
const BATCH: usize = 32;

/// What was measured of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// The stage that trained it.
    pub(crate) stage: String,
    pub(crate) rewards: Vec<MeanReward>,
    /// None of the reference itself.
    pub(crate) divergence: Option<MeanInterval>,
}

impl Measure {
    pub(super) fn inputs<'a>(&'a self, mut inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        if let Some(source) = &self.reward_model {
            let key = "measure.reward_model.from";
            inputs = inputs.pick(key, source.from.as_deref(), &["reward"])?;
        }
        match self.reference.as_deref() {
            None => Ok(inputs),
            reference => inputs.pick("measure.reference", reference, &POLICIES),
        }
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        if !self.rewards.is_empty()
            && let Err(message) = check_rewards(&self.rewards)
        {
            return Some(("measure.rewards".to_owned(), message));
        }
        let counts =
            [("max_questions", self.max_questions), ("max_new_tokens", self.max_new_tokens)];
        let zero = counts.iter().find(|(_, count)| *count == 0)?;
        Some((format!("measure.{}", zero.0), "must be at least 1, got 0".to_owned()))
    }

    /// Models that are held at once: the one that is measured, the one it is compared with, and perhaps a reward model.
    pub(super) fn num_models(&self) -> u64 {
        2 + u64::from(self.reward_model.is_some())
    }

    /// Writes `measured.json`.
    pub(super) fn run(
        &self,
        context: &Context<'_>,
        questions: &[Question],
    ) -> Result<(), PipelineError> {
        let stages = context.before.of(&POLICIES);
        let reference = self.reference.as_deref().or(stages.first().copied());
        let failed = |message: String| PipelineError::stage(context.name, message);
        let judge = Judge {
            functions: self.functions(context.device, context.stop).map_err(failed)?,
            reward_model: self.reward_model(context)?,
            weights: Vec::new(),
        };
        judge.check_columns(questions).map_err(failed)?;
        let start = stages.last().copied();
        let encoder = Encoder::open(&model_folder(context, start)?)?;
        look_at_taught(&judge, context, &encoder, start)?;
        let reference_model = load(&model_folder(context, reference)?, context.device)?.decoder;
        let questions =
            &questions[..questions.len().min(context.purpose.at_most(self.max_questions))];
        let mut measured = Vec::new();
        for stage in stages {
            let folder = model_folder(context, Some(stage))?;
            let encoder = Encoder::open(&folder)?;
            let policy = load(&folder, context.device)?.decoder;
            let completions = self.sample(&policy, &encoder, context, questions)?;
            let is_reference = Some(stage) == reference;
            let divergence = (!is_reference)
                .then(|| divergence([&policy, &reference_model], &completions, questions));
            context.check_stop()?;
            let rewards = rewards(&judge, &encoder, &completions, questions)?;
            // What was not waited for has no reward.
            context.check_stop()?;
            let divergence = divergence.flatten();
            measured.push(Measured { stage: stage.to_owned(), rewards, divergence });
        }
        write_json(&context.staging.join(MEASURED), &measured)
    }

    fn functions(&self, device: &Device, stop: &StopFlag) -> Result<Option<RewardSet>, String> {
        (!self.rewards.is_empty()).then(|| reward_set(&self.rewards, device, stop)).transpose()
    }

    fn reward_model(&self, context: &Context<'_>) -> Result<Option<ScoreModel>, PipelineError> {
        let Some(source) = &self.reward_model else { return Ok(None) };
        let folder = context.input(source.stage(context.before), MODEL_FOLDER);
        Ok(Some(load_score_model(&folder, context.device)?))
    }

    /// One answer to each question; all models draw from the same streams.
    fn sample(
        &self,
        policy: &Decoder,
        encoder: &Encoder,
        context: &Context<'_>,
        questions: &[Question],
    ) -> Result<Vec<Completion>, PipelineError> {
        let prompts: Vec<Vec<u32>> = questions.iter().map(|one| one.prompt.clone()).collect();
        let max_new_tokens = context.purpose.new_tokens(self.max_new_tokens);
        let sampling = Sampling { max_new_tokens, ..Sampling::default() };
        let seed = context.seed.derive("measure");
        let is_over = || context.stop.signal().is_some();
        let request = Request {
            eos_ids: encoder.eos_ids(),
            cancel: Some(Cancel(&is_over)),
            ..Request::new(&prompts, seed)
        };
        let mut bar = context.console.bar(prompts.len(), "sampled answers");
        Ok(generate(policy, &sampling, &request, &mut |progress| {
            bar.set(progress.num_completed);
        })?)
    }
}

/// The mean of each reward.
fn rewards(
    judge: &Judge,
    encoder: &Encoder,
    completions: &[Completion],
    questions: &[Question],
) -> Result<Vec<MeanReward>, PipelineError> {
    let mut texts = Vec::with_capacity(completions.len());
    for completion in completions {
        texts.push(encoder.decode(&completion.ids)?);
    }
    let answers = completions.iter().zip(&texts).map(|(one, text)| Answer {
        question: &questions[one.prompt_index],
        ids: &one.ids,
        text,
        group: one.prompt_index,
    });
    let judgement = judge.judge(&answers.collect::<Vec<_>>());
    let columns = judge.columns(&judgement);
    let mean = |(name, column): (String, &Vec<Option<f32>>)| {
        let known: Vec<f64> = column.iter().flatten().map(|one| f64::from(*one)).collect();
        Some(MeanReward { name, mean: MeanInterval::of(&known)? })
    };
    Ok(judge.names().into_iter().zip(&columns).filter_map(mean).collect())
}

/// The mean of `log pi - log pi_ref` of whole answers.
fn divergence(
    [policy, reference]: [&Decoder; 2],
    completions: &[Completion],
    questions: &[Question],
) -> Option<MeanInterval> {
    let mut differences = Vec::with_capacity(completions.len());
    for batch in completions.chunks(BATCH) {
        let whole = batch.iter().map(|one| {
            let prompt = &questions[one.prompt_index].prompt;
            ([prompt.as_slice(), &one.ids].concat(), prompt.len())
        });
        let whole: Vec<(Vec<u32>, usize)> = whole.collect();
        let parts: Vec<(&[u32], usize)> =
            whole.iter().map(|(ids, first)| (ids.as_slice(), *first)).collect();
        let row = ScoredRow::new(&parts);
        let [own, other] = [policy, reference].map(|decoder| sums(&row, decoder));
        differences.extend(own.iter().zip(&other).map(|(own, other)| own - other));
    }
    MeanInterval::of(&differences)
}

/// Log-probabilities of whole answers.
fn sums(row: &ScoredRow, decoder: &Decoder) -> Vec<f64> {
    let scores = row.scores(decoder, 1.0, None);
    let tokens: Vec<f64> = scores.log_probs.into_data().iter::<f32>().map(f64::from).collect();
    let mut rest = tokens.as_slice();
    let sum = |length: &usize| {
        let (own, after) = rest.split_at(*length);
        rest = after;
        own.iter().sum()
    };
    row.lengths().iter().map(sum).collect()
}
