//! Predict: what each trained model says about the validation questions.

mod measure;

use std::path::Path;

use forethought_reward::first_number;
use forethought_rollout::{Cancel, Completion, Request, Sampling, StopCheck, generate};
use forethought_schema::{LabelledQuestion, Prediction};
use forethought_tokenize::{Encoder, Overflow, StopStrings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use measure::Measure;
pub(crate) use measure::{MEASURED, Measured};

use super::links::{Inputs, POLICIES};
use super::model::{MODEL_FOLDER, architecture, base_folder};
use super::online::{Question, QuestionLimit, limited_questions};
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_lines};
use crate::config::Problem;
use crate::examples::drop_long;
use crate::memory::{Asked, Budget, Evaluated, Load, Lowerable, SampledAtOnce, Seen};
use crate::training::problem;

/// Settings of the predict stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictStage {
    /// How answers are drawn. Default: temperature 0.2, top-p 0.7, at most 20 tokens, as in the source pipeline.
    #[serde(default = "default_sampling")]
    pub sampling: Sampling,
    /// The longest question, in tokens with its instruction, at least 1. Default: that of the nearest stage before it that
    /// learns from rewards, so that nothing is asked that could not be learnt; without one 1,024.
    #[serde(default)]
    pub max_prompt_length: Option<usize>,
    /// What happens to longer ones: `error`, `drop`, or `truncate`, which keeps their last tokens, where the answer
    /// begins. Default `drop`; the ledger counts them, and the report compares all models and baselines on those that are
    /// left.
    #[serde(default = "drop_long")]
    pub on_overflow: Overflow,
    /// What is measured beside: rewards of sampled answers, and the divergence from a reference. Default nothing.
    #[serde(default)]
    pub measure: Option<Measure>,
}

fn default_sampling() -> Sampling {
    Sampling { temperature: 0.2, top_p: 0.7, max_new_tokens: 20, ..Sampling::default() }
}

/// A model that answers, and the name its answers go by.
#[derive(Clone, Copy, Debug)]
struct Answering<'a> {
    name: &'a str,
    folder: &'a Path,
}

impl PredictStage {
    pub(super) fn inputs<'a>(&'a self, inputs: Inputs<'a>) -> Result<Inputs<'a>, Problem> {
        let inputs = inputs.need(&["model"])?.split()?.need(&["convert"])?.all(&POLICIES);
        match &self.measure {
            Some(measure) => measure.inputs(inputs),
            None => Ok(inputs),
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let error = self.sampling.validate().err();
        let sampling = error.map(|error| problem("sampling", &error.to_string()));
        let zero = (self.max_prompt_length == Some(0))
            .then(|| ("max_prompt_length".to_owned(), "must be at least 1, got 0".to_owned()));
        let measure = self.measure.as_ref().and_then(Measure::problem);
        sampling.into_iter().chain(zero).chain(measure).collect()
    }

    /// Writes `STAGE.jsonl` for each trained model, or `base.jsonl` where no stage trains one, `measured.json`, and the
    /// ledger of the questions.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let base = base_folder(context)?;
        let questions = limited_questions(context, &Encoder::open(&base)?, self.limit(context))?;
        let labelled = truths(context, &questions)?;
        let trained = context.before.of(&POLICIES);
        let budget = self.budget(context, &base, &questions)?;
        for name in &trained {
            let folder = context.input(name, MODEL_FOLDER);
            self.predict(context, Answering { name, folder: &folder }, &labelled, &questions)?;
        }
        if trained.is_empty() {
            let answering = Answering { name: "base", folder: &base };
            self.predict(context, answering, &labelled, &questions)?;
        }
        if let Some(measure) = &self.measure {
            measure.run(context, &questions)?;
        }
        budget.end(context, Seen::default());
        Ok(Done::Finished)
    }

    /// Which questions are asked.
    fn limit(&self, context: &Context<'_>) -> QuestionLimit<'static> {
        QuestionLimit::validation(context.before, self.max_prompt_length, self.on_overflow)
    }

    /// The memory that the answers will take. What is measured beside holds the reference too, and perhaps a reward model.
    fn budget(
        &self,
        context: &Context<'_>,
        base: &Path,
        questions: &[Question],
    ) -> Result<Budget, PipelineError> {
        let new_tokens = self.sampling.max_new_tokens;
        let num_prompts = context.purpose.number_of(questions.len(), usize::MAX);
        let measure = self.measure.as_ref();
        let asked = Asked { num_prompts, per_prompt: 1, new_tokens };
        let prompts = questions.iter().map(|one| one.prompt.as_slice());
        let evaluated = Evaluated {
            architecture: architecture(context, base)?,
            models: measure.map_or(1, Measure::num_models),
            sampling: Some(SampledAtOnce::largest(prompts, asked)),
            read: Load::default(),
            lowerable: Lowerable {
                at_once: None,
                length: ("sampling.max_new_tokens", new_tokens),
                lora: None,
            },
        };
        evaluated.begin(context)
    }

    fn predict(
        &self,
        context: &Context<'_>,
        answering: Answering<'_>,
        labelled: &[LabelledQuestion],
        questions: &[Question],
    ) -> Result<(), PipelineError> {
        let encoder = Encoder::open(answering.folder)?;
        let decoder = forethought_model::load(answering.folder, context.device)?.decoder;
        let prompts: Vec<Vec<u32>> = questions.iter().map(|one| one.prompt.clone()).collect();
        let stop_strings = StopStrings::new(&encoder, &self.sampling.stop_strings);
        let stop = |ids: &[u32]| stop_strings.ends(ids).map_err(|error| error.to_string());
        let is_over = || context.stop.signal().is_some();
        let request = Request {
            eos_ids: encoder.eos_ids(),
            stop: Some(StopCheck(&stop)),
            cancel: Some(Cancel(&is_over)),
            ..Request::new(&prompts, context.seed.derive(answering.name))
        };
        let mut bar = context.console.bar(prompts.len(), &format!("answers of {}", answering.name));
        let sampling = Sampling {
            max_new_tokens: context.purpose.new_tokens(self.sampling.max_new_tokens),
            ..self.sampling.clone()
        };
        let completions = generate(&decoder, &sampling, &request, &mut |progress| {
            bar.set(progress.num_completed);
        })?;
        let answered = labelled.iter().zip(completions);
        let predictions: Result<Vec<Prediction>, PipelineError> = answered
            .map(|(question, completion)| prediction(&encoder, question, &completion))
            .collect();
        write_lines(&context.staging.join(format!("{}.jsonl", answering.name)), &predictions?)
    }
}

/// The true class of each question that is asked.
fn truths(
    context: &Context<'_>,
    questions: &[Question],
) -> Result<Vec<LabelledQuestion>, PipelineError> {
    let path = context.split("validation.jsonl");
    let labelled: Vec<LabelledQuestion> = read_lines(&path)?;
    let truth = |question: &Question| {
        labelled.get(question.number - 1).cloned().ok_or_else(|| {
            let (path, rows, number) = (path.display(), labelled.len(), question.number);
            let message =
                format!("{path} has {rows} rows, and example {number} is to be predicted");
            PipelineError::stage(context.name, message)
        })
    };
    questions.iter().map(truth).collect()
}

fn prediction(
    encoder: &Encoder,
    question: &LabelledQuestion,
    completion: &Completion,
) -> Result<Prediction, PipelineError> {
    let text = encoder.decode(&completion.ids)?;
    let predicted = first_number(&text).map(|number| number.value);
    let LabelledQuestion { question, amount, class, .. } = question.clone();
    Ok(Prediction { question, amount, class, completion: text, predicted })
}
