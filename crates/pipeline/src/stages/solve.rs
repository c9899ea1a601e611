//! Solve: what every policy makes of the validation problems, several times each, under the rewards of the training.

mod tries;

use std::path::{Path, PathBuf};

use forethought_evaluate::{Change, Solving, Tries};
use forethought_model::load;
use forethought_reward::RewardConfig;
use forethought_rollout::{Cancel, Completion, Request, Sampling, StopCheck, generate};
use forethought_tokenize::{Encoder, Overflow, StopStrings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use tries::Attempt;

use super::links::{EXAMPLES, Inputs, POLICIES};
use super::model::{MODEL_FOLDER, architecture, base_folder};
use super::online::{
    Answer, Judge, Judgement, Question, QuestionLimit, limited_questions, look_at_taught,
};
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{write_json, write_lines};
use crate::config::{Problem, StageConfig};
use crate::examples::drop_long;
use crate::memory::{Asked, Budget, Evaluated, Load, Lowerable, SampledAtOnce, Seen};
use crate::rewards::{check_rewards, reward_files, reward_set};
use crate::training::problem;
use tries::Grades;

/// Settings of the solve stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SolveStage {
    /// What an answer is worth by rule. Default: the rewards of the nearest stage before it that learns from rewards.
    #[serde(default)]
    pub rewards: Option<Vec<RewardConfig>>,
    /// The reward that says whether an answer is right: its verdict `correct` counts. Default `accuracy`.
    #[serde(default = "default_correct")]
    pub correct: String,
    /// Answers to each problem, at least 1. Default 8.
    #[serde(default = "default_samples")]
    pub num_samples: usize,
    /// The `k` of pass@k, each from 1 to `num_samples`. Default 1, 2, 4 and 8, as far as there are so many samples.
    #[serde(default = "default_pass_at")]
    pub pass_at: Vec<usize>,
    /// How answers are drawn. Default: temperature 1, at most 256 tokens.
    #[serde(default = "default_sampling")]
    pub sampling: Sampling,
    /// Validation problems that are asked, the first of them, at least 1. Default 512.
    #[serde(default = "default_problems")]
    pub max_problems: usize,
    /// The longest problem, in tokens with its instruction, at least 1. Default: that of the nearest stage before it that
    /// learns from rewards, so that nothing is asked that could not be learnt; without one 1,024.
    #[serde(default)]
    pub max_prompt_length: Option<usize>,
    /// What happens to longer ones: `error`, `drop`, or `truncate`, which keeps their last tokens, where the answer
    /// begins. Default `drop`; the ledger counts them.
    #[serde(default = "drop_long")]
    pub on_overflow: Overflow,
}

fn default_correct() -> String {
    "accuracy".to_owned()
}
fn default_samples() -> usize {
    8
}
fn default_pass_at() -> Vec<usize> {
    vec![1, 2, 4, 8]
}
fn default_sampling() -> Sampling {
    Sampling { max_new_tokens: 256, ..Sampling::default() }
}
fn default_problems() -> usize {
    512
}

/// The file of the results in the artifact.
pub(crate) const SOLVED: &str = "solved.json";

/// A policy that answers, and what it made of the problems.
struct Policy<'a> {
    name: &'a str,
    tries: Vec<Tries>,
}

impl SolveStage {
    /// What the model that training starts from is called.
    pub(crate) const BASE: &str = "base";

    /// How answers are drawn, in words.
    pub(crate) fn sampling_words(&self) -> String {
        let Sampling { temperature, top_p, top_k, max_new_tokens, .. } = &self.sampling;
        let top_p = if *top_p < 1.0 { format!(", top-p {top_p}") } else { String::new() };
        let top_k = if *top_k > 0 { format!(", top-k {top_k}") } else { String::new() };
        format!("temperature {temperature}{top_p}{top_k}, at most {max_new_tokens} tokens")
    }

    pub(super) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        if self.rewards.is_none() && !inputs.has(&["grpo", "rloo", "ppo"]) {
            let message = "needs rewards, for no stage before it has any to take over".to_owned();
            return Err(("rewards".to_owned(), message));
        }
        Ok(inputs.need(&["model"])?.pick("", None, &EXAMPLES)?.all(&POLICIES))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("num_samples", self.num_samples),
            ("max_problems", self.max_problems),
            ("max_prompt_length", self.max_prompt_length.unwrap_or(1)),
        ];
        let zero = counts.iter().filter(|(_, count)| *count == 0);
        let zero = zero.map(|(key, _)| ((*key).to_owned(), "must be at least 1, got 0".to_owned()));
        let sampling = self.sampling.validate().err();
        let sampling = sampling.map(|error| problem("sampling", &error.to_string()));
        let has_zero = self.pass_at.contains(&0);
        let pass_at = has_zero.then(|| ("pass_at".into(), "must be at least 1, got 0".into()));
        let rewards = self.rewards.as_deref().and_then(|rewards| self.reward_problem(rewards));
        zero.chain(sampling).chain(pass_at).chain(rewards).collect()
    }

    /// The files that its own rewards come from; those it takes over are known to the stage it takes them from.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        reward_files(self.rewards.as_deref().unwrap_or_default())
    }

    fn reward_problem(&self, rewards: &[RewardConfig]) -> Option<Problem> {
        if let Err(message) = check_rewards(rewards) {
            return Some(("rewards".to_owned(), message));
        }
        self.index(rewards).err().map(|message| ("correct".to_owned(), message))
    }

    /// The place of the reward that says what is right.
    fn index(&self, rewards: &[RewardConfig]) -> Result<usize, String> {
        let names: Vec<&str> = rewards.iter().map(RewardConfig::called).collect();
        names.iter().position(|name| *name == self.correct).ok_or_else(|| {
            format!(
                "there is no reward `{}` to say what is right; there are: {}",
                self.correct,
                names.join(", ")
            )
        })
    }

    /// Writes `solved.json`, the ledger of the problems, and `POLICY.jsonl` with the answers of each policy: `base`, which training started from, and
    /// the trained ones.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let failed = |message: String| PipelineError::stage(context.name, message);
        let rewards = self.rewards(context);
        let correct = self.index(&rewards).map_err(failed)?;
        let functions = reward_set(&rewards, context.device, context.stop).map_err(failed)?;
        let judge = Judge { functions: Some(functions), reward_model: None, weights: Vec::new() };
        let base = base_folder(context)?;
        let encoder = Encoder::open(&base)?;
        let questions = limited_questions(context, &encoder, self.limit(context))?;
        let questions = questions.as_slice();
        judge.check_columns(questions).map_err(failed)?;
        // Those that are taken over are looked at by the stage that they are of.
        if self.rewards.is_some() {
            look_at_taught(&judge, context, &encoder, context.before.pick(None, &POLICIES))?;
        }
        let budget = self.budget(context, &base, questions)?;
        let exam = Exam { stage: self, context, questions, judge: &judge, correct };
        let mut policies: Vec<Policy<'_>> = Vec::new();
        let mut solved = Vec::new();
        for name in std::iter::once(Self::BASE).chain(context.before.of(&POLICIES)) {
            let is_base = name == Self::BASE;
            let folder = if is_base { base.clone() } else { context.input(name, MODEL_FOLDER) };
            let policy = Policy { name, tries: exam.attempt(name, &folder)? };
            solved.extend(exam.sum_up(&policy, &policies));
            policies.push(policy);
        }
        write_json(&context.staging.join(SOLVED), &solved)?;
        budget.end(context, Seen::default());
        Ok(Done::Finished)
    }

    /// The memory that the answers will take.
    fn budget(
        &self,
        context: &Context<'_>,
        base: &Path,
        questions: &[Question],
    ) -> Result<Budget, PipelineError> {
        let new_tokens = self.sampling.max_new_tokens;
        let num_prompts = context.purpose.number_of(questions.len(), self.max_problems);
        let asked = Asked { num_prompts, per_prompt: self.num_samples, new_tokens };
        let prompts = questions.iter().map(|one| one.prompt.as_slice());
        let evaluated = Evaluated {
            architecture: architecture(context, base)?,
            models: 1,
            sampling: Some(SampledAtOnce::largest(prompts, asked)),
            read: Load::default(),
            lowerable: Lowerable {
                at_once: Some(("num_samples", self.num_samples)),
                length: ("sampling.max_new_tokens", new_tokens),
                lora: None,
            },
        };
        evaluated.begin(context)
    }

    /// Which problems are asked.
    fn limit(&self, context: &Context<'_>) -> QuestionLimit<'static> {
        let max_questions = context.purpose.at_most(self.max_problems);
        let all =
            QuestionLimit::validation(context.before, self.max_prompt_length, self.on_overflow);
        QuestionLimit { max_questions, ..all }
    }

    /// The rewards of the stage, or those of the nearest that learns from rewards.
    fn rewards(&self, context: &Context<'_>) -> Vec<RewardConfig> {
        let of_stage = |stage: &StageConfig| match stage {
            StageConfig::Grpo(stage) => Some(stage.rewards.clone()),
            StageConfig::Rloo(stage) => Some(stage.rewards.clone()),
            StageConfig::Ppo(stage) => Some(stage.rewards.clone()),
            _ => None,
        };
        let nearest = || context.before.0.iter().rev().find_map(of_stage).unwrap_or_default();
        self.rewards.clone().unwrap_or_else(nearest)
    }
}

/// The problems as every policy is asked them.
struct Exam<'a> {
    stage: &'a SolveStage,
    context: &'a Context<'a>,
    questions: &'a [Question],
    judge: &'a Judge,
    /// The place of the reward that says what is right.
    correct: usize,
}

impl Exam<'_> {
    /// What a policy did, and how it compares with the one it started from.
    fn sum_up(&self, policy: &Policy<'_>, before: &[Policy<'_>]) -> Option<Solving> {
        let title = |name: &str| match name {
            SolveStage::BASE => "before training".to_owned(),
            stage => format!("after {}", super::report::title(self.context, stage)),
        };
        let (names, pass_at) = (self.judge.names(), &self.stage.pass_at);
        let solving = Solving::of(title(policy.name), &policy.tries, &names, pass_at)?;
        let start = self.context.before.start(policy.name).unwrap_or(SolveStage::BASE);
        let start = before.iter().find(|one| one.name == start);
        let change = start.and_then(|one| Change::of(title(one.name), &one.tries, &policy.tries));
        Some(Solving { change, ..solving })
    }

    /// Lets a policy answer the problems, and writes down what it says.
    fn attempt(&self, name: &str, folder: &Path) -> Result<Vec<Tries>, PipelineError> {
        let encoder = Encoder::open(folder)?;
        let completions = self.sample(name, folder, &encoder)?;
        let texts = completions.iter().map(|one| encoder.decode(&one.ids));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        let answers = completions.iter().zip(&texts).map(|(one, text)| Answer {
            question: &self.questions[one.prompt_index],
            ids: &one.ids,
            text,
            group: one.prompt_index,
        });
        let judgement: Judgement = self.judge.judge(&answers.collect::<Vec<_>>());
        // What was not waited for has no score.
        self.context.check_stop()?;
        let (scores, correct) = (&judgement.scores[..], self.correct);
        let grades = Grades { completions: &completions, scores, correct };
        let path = self.context.staging.join(format!("{name}.jsonl"));
        write_lines(&path, &grades.attempts(self.questions, &texts))?;
        Ok(grades.tries(self.num_samples()))
    }

    /// Answers to each problem.
    fn num_samples(&self) -> usize {
        self.context.purpose.at_most(self.stage.num_samples)
    }

    /// All policies draw from the same streams.
    fn sample(
        &self,
        name: &str,
        folder: &Path,
        encoder: &Encoder,
    ) -> Result<Vec<Completion>, PipelineError> {
        let num_samples = self.num_samples();
        let sampling = Sampling {
            max_new_tokens: self.context.purpose.new_tokens(self.stage.sampling.max_new_tokens),
            ..self.stage.sampling.clone()
        };
        let decoder = load(folder, self.context.device)?.decoder;
        let prompts: Vec<Vec<u32>> = self.questions.iter().map(|one| one.prompt.clone()).collect();
        let stop_strings = StopStrings::new(encoder, &sampling.stop_strings);
        let stop = |ids: &[u32]| stop_strings.ends(ids).map_err(|error| error.to_string());
        let is_over = || self.context.stop.signal().is_some();
        let request = Request {
            samples_per_prompt: num_samples,
            eos_ids: encoder.eos_ids(),
            stop: Some(StopCheck(&stop)),
            cancel: Some(Cancel(&is_over)),
            ..Request::new(&prompts, self.context.seed)
        };
        let total = prompts.len() * num_samples;
        let mut bar = self.context.console.bar(total, &format!("answers of {name}"));
        Ok(generate(&decoder, &sampling, &request, &mut |progress| {
            bar.set(progress.num_completed);
        })?)
    }
}
