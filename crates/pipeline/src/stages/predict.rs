//! Predict: what each trained model says about the validation questions.

use std::path::Path;

use forethought_reward::first_number;
use forethought_rollout::{Completion, Request, Sampling, StopCheck, generate};
use forethought_schema::{LabelledQuestion, Prediction, PromptCompletion};
use forethought_tokenize::{Encoder, StopStrings};
use serde::{Deserialize, Serialize};

use super::links::POLICIES;
use super::model::{MODEL_FOLDER, base_folder};
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_lines};
use crate::config::Problem;
use crate::examples::encode_prompts;
use crate::training::problem;

/// Settings of the predict stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictStage {
    /// How answers are drawn. Default: temperature 0.2, top-p 0.7, at most 20 tokens, as in the source pipeline.
    #[serde(default = "default_sampling")]
    pub sampling: Sampling,
}

fn default_sampling() -> Sampling {
    Sampling { temperature: 0.2, top_p: 0.7, max_new_tokens: 20, ..Sampling::default() }
}

impl PredictStage {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let error = self.sampling.validate().err();
        error.map(|error| problem("sampling", &error.to_string())).into_iter().collect()
    }

    /// Writes `MODEL.jsonl` for each trained model, or `base.jsonl` where no stage trains one.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let trained = context.before.of(&POLICIES);
        for name in &trained {
            self.predict(context, name, &context.input(name, MODEL_FOLDER))?;
        }
        if trained.is_empty() {
            self.predict(context, "base", &base_folder(context)?)?;
        }
        Ok(Done::Finished)
    }

    fn predict(
        &self,
        context: &Context<'_>,
        name: &str,
        folder: &Path,
    ) -> Result<(), PipelineError> {
        let questions: Vec<LabelledQuestion> =
            read_lines(&context.input("balance", "validation.jsonl"))?;
        let examples: Vec<PromptCompletion> =
            read_lines(&context.input("convert", "validation.jsonl"))?;
        let encoder = Encoder::open(folder)?;
        let decoder = forethought_model::load(folder, context.device)?.decoder;
        let prompts = encode_prompts(&encoder, &examples)?;
        let stop_strings = StopStrings::new(&encoder, &self.sampling.stop_strings);
        let stop = |ids: &[u32]| stop_strings.ends(ids).map_err(|error| error.to_string());
        let request = Request {
            prompts: &prompts,
            eos_ids: encoder.eos_ids(),
            stop: Some(StopCheck(&stop)),
            ..Request::new(&prompts, context.seed.derive(name))
        };
        let mut bar = context.console.bar(prompts.len(), &format!("answers of {name}"));
        let completions = generate(&decoder, &self.sampling, &request, &mut |progress| {
            bar.set(progress.num_completed);
        })?;
        let answered = questions.into_iter().zip(completions);
        let predictions: Result<Vec<Prediction>, PipelineError> = answered
            .map(|(question, completion)| prediction(&encoder, question, &completion))
            .collect();
        write_lines(&context.staging.join(format!("{name}.jsonl")), &predictions?)
    }
}

fn prediction(
    encoder: &Encoder,
    question: LabelledQuestion,
    completion: &Completion,
) -> Result<Prediction, PipelineError> {
    let text = encoder.decode(&completion.ids)?;
    let predicted = first_number(&text).map(|number| number.value);
    let LabelledQuestion { question, thinking_tokens, class, .. } = question;
    Ok(Prediction { question, thinking_tokens, class, completion: text, predicted })
}
