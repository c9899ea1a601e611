//! Learning from own completions: one stage for every method that samples, is rewarded, and makes steps of it.

mod adapters;
mod critic;
mod engine;
mod generation;
mod grpo;
mod judge;
mod lengths;
mod load;
mod logged;
mod method;
mod opening;
mod ppo;
mod question;
mod rloo;
mod rollout;
mod served;
mod settings;
mod source;
mod taught;
mod trl015;

use std::path::Path;

use burn::module::Module as _;
use forethought_model::{DecoderConfig, ScoreModel, load_score_model};
use forethought_rollout::Sampling;
use forethought_tokenize::Encoder;

pub use engine::{LocalRollout, Never, ReloadEvery, RolloutSource, ServerRollout};
pub(super) use judge::{Answer, Judge, Judgement};
pub(super) use method::OnlineMethod;
use method::{Method, Plan};
pub(super) use question::{Question, QuestionLimit, limited_questions};
pub use settings::{GrpoStage, OnlineStage, PpoStage, RewardModelSource, RlooStage};
pub(super) use taught::look_at_taught;

use super::links::POLICIES;
use super::model::{MODEL_FOLDER, architecture, model_folder};
use super::{Context, Done};
use crate::PipelineError;
use crate::learner::Learner;
use crate::memory::{Load, Logits, Lowerable, Reference, Sizes};
use crate::order::{Order, Rest};
use crate::purpose::Purpose;
use crate::training::{self, Training};
use opening::Needs;
use rollout::Sampler;
use source::OnlineSource;

/// Each takes the stage's own loss as the method that it is.
impl<L> OnlineStage<L> {
    /// Writes the folder `model`, `history.jsonl` and `ledger.json`.
    pub(super) fn run(
        &self,
        method: &dyn OnlineMethod,
        context: &Context<'_>,
    ) -> Result<Done, PipelineError> {
        let failed = |message: String| PipelineError::stage(context.name, message);
        training::prepare(context)?;
        let start = context.before.pick(self.from.as_deref(), &POLICIES);
        let folder = model_folder(context, start)?;
        let encoder = Encoder::open(&folder)?;
        let questions = self.questions(context, &encoder)?;
        let running =
            method.running(self.weights(method), self.rollout.sampled_by()).map_err(failed)?;
        let architecture = architecture(context, &folder)?;
        self.sizes(architecture.clone(), running.as_ref()).require_room(context)?;
        let decoder = self.tuning().load(&folder, context)?;
        let reference = running.needs_reference().then(|| decoder.valid());
        let critic = running.has_critic().then(|| self.critic(context, &folder)).transpose()?;
        let plan = self.plan(method).map_err(failed)?;
        let num_questions = questions.len();
        self.require_a_sampling(plan, context, num_questions)?;
        let vocab_size = decoder.config().vocab_size;
        let sampler = self.sampler(method, context, (&folder, vocab_size), questions)?;
        let source = OnlineSource {
            stage: context.name.to_owned(),
            sampler,
            method: running,
            // A check makes as many steps of the questions of its sample as there can be.
            plan: Plan {
                slices: plan.slices.min(self.asked(plan, context, num_questions)),
                ..plan
            },
            reference,
            num_epochs: self.num_train_epochs,
            prompts_per_micro_batch: self.prompts_per_micro_batch,
            temperature: self.sampling.temperature,
            log_completions_steps: self.log_completions_steps,
            max_unjudged_share: self.max_unjudged_share,
            completions: (!context.purpose.is_check()).then(|| context.folder.completions()),
            generation: None,
        };
        look_over(&source, context, start)?;
        let mut sizes = self.sizes(architecture, source.method.as_ref());
        let (per_prompt, new_tokens) = (self.num_generations(method), self.sampling.max_new_tokens);
        let (load, sampling) =
            source.load(self.prompts_per_step * plan.slices, per_prompt, new_tokens);
        (sizes.load, sizes.sampling) = (load, self.rollout.is_local().then_some(sampling));
        let policy = self.tuning().policy(decoder, context)?;
        let training = Training { config: &self.training, encoder: &encoder, sizes };
        training.run(context, Learner::new(policy, critic), source)
    }

    /// How many of `found` questions one sampling asks.
    fn asked(&self, plan: Plan, context: &Context<'_>, found: usize) -> usize {
        context.purpose.questions(self.prompts_per_step * plan.slices, found)
    }

    /// Refuses questions that do not fill one sampling of several steps. A check that has only some of them cannot know.
    fn require_a_sampling(
        &self,
        plan: Plan,
        context: &Context<'_>,
        found: usize,
    ) -> Result<(), PipelineError> {
        let (slices, wanted) = (plan.slices, plan.slices * self.prompts_per_step);
        if slices == 1 || wanted <= found || context.purpose.sees_a_sample() {
            return Ok(());
        }
        let message = format!(
            "{found} questions do not fill one sampling of {slices} steps, which asks {wanted}; lower prompts_per_step or the steps"
        );
        Err(PipelineError::stage(context.name, message))
    }

    /// Who asks the questions, and judges the answers.
    fn sampler(
        &self,
        method: &dyn OnlineMethod,
        context: &Context<'_>,
        (folder, vocab_size): (&Path, usize),
        questions: Vec<Question>,
    ) -> Result<Sampler, PipelineError> {
        let failed = |message: String| PipelineError::stage(context.name, message);
        let plan = self.plan(method).map_err(failed)?;
        let encoder = Encoder::open(folder)?;
        let prompts_per_generation = self.asked(plan, context, questions.len());
        let rest = if plan.slices == 1 { Rest::Keep } else { Rest::Drop };
        let order = Order::new(context.seed, questions.len(), prompts_per_generation);
        let sampling = Sampling {
            max_new_tokens: context.purpose.new_tokens(self.sampling.max_new_tokens),
            ..self.sampling.clone()
        };
        let (num_steps, training) = (plan.num_steps(), &self.training);
        let needs =
            Needs { sampling: &sampling, encoder: &encoder, vocab_size, num_steps, training };
        let server = self.rollout.open(context, needs)?;
        let judge = Judge {
            functions: self.functions(context.device, context.stop).map_err(failed)?,
            reward_model: self.reward_model(context)?,
            weights: self.weights(method),
        };
        Ok(Sampler {
            order: order.with_rest(rest),
            questions,
            sampling,
            server,
            num_generations: self.num_generations(method),
            judge,
            refill: method.refill(),
            encoder,
            seed: context.seed,
            stop_flag: context.stop.clone(),
        })
    }

    /// What the memory of the stage follows from, without its questions.
    fn sizes(&self, architecture: DecoderConfig, method: &dyn Method) -> Sizes<'_> {
        Sizes {
            architecture,
            tuning: self.tuning(),
            load: Load::default(),
            micro_batches: self.prompts_per_step.div_ceil(self.prompts_per_micro_batch),
            reference: if method.needs_reference() { Reference::Copy } else { Reference::None },
            has_critic: method.has_critic(),
            logits: if method.rewards_entropy() { Logits::All } else { Logits::Chunk },
            sampling: None,
            lowerable: Lowerable {
                at_once: Some(("prompts_per_micro_batch", self.prompts_per_micro_batch)),
                length: ("sampling.max_new_tokens", self.sampling.max_new_tokens),
                lora: self.lora.as_ref(),
            },
        }
    }

    /// The training questions that are short enough; the others are counted.
    fn questions(
        &self,
        context: &Context<'_>,
        encoder: &Encoder,
    ) -> Result<Vec<Question>, PipelineError> {
        let limit = QuestionLimit {
            split: "train",
            max_prompt_length: self.max_prompt_length,
            on_overflow: self.on_overflow,
            max_questions: usize::MAX,
        };
        limited_questions(context, encoder, limit)
    }

    /// The reward model, on the plain device.
    fn reward_model(&self, context: &Context<'_>) -> Result<Option<ScoreModel>, PipelineError> {
        let Some(source) = &self.reward_model else { return Ok(None) };
        let folder = context.input(source.stage(context.before), MODEL_FOLDER);
        Ok(Some(load_score_model(&folder, context.device)?))
    }

    /// The critic at the start: the reward model where there is one, for it knows what is worth what, else the policy with a
    /// fresh head.
    fn critic(&self, context: &Context<'_>, start: &Path) -> Result<ScoreModel, PipelineError> {
        let device = context.device.clone().autodiff();
        let critic = match &self.reward_model {
            Some(source) => load_score_model(
                &context.input(source.stage(context.before), MODEL_FOLDER),
                &device,
            )?,
            None => ScoreModel::from_decoder(self.tuning().load(start, context)?, context.seed),
        };
        self.tuning().scorer(critic, context, context.seed.derive("critic"))
    }
}

/// Refuses questions that cannot be judged or are too few; a check judges the true answers too, and what was taught before.
fn look_over(
    source: &OnlineSource,
    context: &Context<'_>,
    start: Option<&str>,
) -> Result<(), PipelineError> {
    let Sampler { judge, questions, encoder, .. } = &source.sampler;
    let failed = |message: String| PipelineError::stage(context.name, message);
    judge.check_columns(questions).map_err(failed)?;
    if let Purpose::Check(findings) = context.purpose {
        for message in judge.gold_problems(questions) {
            findings.problem(context.name, message);
        }
    }
    look_at_taught(judge, context, encoder, start)
}
