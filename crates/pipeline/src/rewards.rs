//! Rewards of a config, those that need a model, a process or an endpoint among them.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use forethought_external_reward::GivenUp;
use forethought_model::{ScoreModel, load_score_model, pack};
use forethought_reward::{
    ExternalConfig, Field, FunctionConfig, ModelConfig, Need, RewardConfig, RewardFn, RewardSet,
    Sample, Scope, Score, Verdict,
};
use forethought_tokenize::{Conversation, Encoder, GenerationPrompt};
use forethought_train::StopFlag;
use serde_json::{Value, json};

use crate::PipelineError;
use crate::stages::files_of;

/// Sequences that a reward model scores at a time.
const SCORED_AT_ONCE: usize = 32;

/// Builds the rewards of a config; models are loaded onto the device. Once a stop is asked for, no answer of a process or an
/// endpoint is waited for any more, and whoever judges has to leave off.
///
/// # Errors
///
/// If a setting is out of range or a model cannot be loaded.
pub fn reward_set(
    configs: &[RewardConfig],
    device: &Device,
    stop: &StopFlag,
) -> Result<RewardSet, String> {
    let given_up = || {
        let stop = stop.clone();
        GivenUp::when(move || stop.is_raised())
    };
    RewardSet::with_external(configs, &mut |config| match config {
        ExternalConfig::Model(config) => Ok(Box::new(ModelReward::load(config, device)?)),
        other => forethought_external_reward::open(other, given_up()),
    })
    .map_err(|error| error.to_string())
}

/// Checks the rewards of a config without loading or starting anything.
pub(crate) fn check_rewards(configs: &[RewardConfig]) -> Result<(), String> {
    RewardSet::with_external(configs, &mut |config| match config {
        ExternalConfig::Model(config) => Ok(Box::new(Unloaded(config.clone()))),
        other => forethought_external_reward::open(other, GivenUp::default()),
    })
    .map(|_| ())
    .map_err(|error| error.to_string())
}

/// The files outside the run folder that rewards come from: those of model folders, and those that a process is started with.
pub(crate) fn reward_files(configs: &[RewardConfig]) -> Result<Vec<PathBuf>, PipelineError> {
    let mut files = Vec::new();
    for config in configs {
        match &config.function {
            FunctionConfig::Model(config) => files.extend(files_of(&config.folder)?),
            FunctionConfig::Process(config) => {
                let arguments = config.command.iter().skip(1).map(PathBuf::from);
                files.extend(arguments.filter(|path| path.is_file()));
            }
            _ => {}
        }
    }
    Ok(files)
}

/// A reward model that is only asked for its name and needs.
struct Unloaded(ModelConfig);

impl RewardFn for Unloaded {
    fn name(&self) -> &'static str {
        "model"
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Column(&self.0.prompt)]
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        vec![Score::none(Verdict::Failed, "the reward model is not loaded"); samples.len()]
    }
}

/// The score of a reward model's folder after the last token of prompt and completion.
///
/// As in TRL, a prompt of text and its completion are put together and tokenised without special tokens, and a prompt of
/// messages is rendered with the completion as the assistant's turn, by the template of the folder.
struct ModelReward {
    /// A tensor may not be used by two threads at once.
    model: Mutex<ScoreModel>,
    encoder: Encoder,
    prompt: String,
}

impl ModelReward {
    fn load(config: &ModelConfig, device: &Device) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("the reward model {}: {error}", config.folder.display())
        };
        let model = load_score_model(&config.folder, device).map_err(|error| failed(&error))?;
        let encoder = Encoder::open(&config.folder).map_err(|error| failed(&error))?;
        Ok(Self { model: Mutex::new(model), encoder, prompt: config.prompt.clone() })
    }

    fn ids(&self, sample: &Sample<'_>) -> Result<Vec<u32>, Score> {
        let failed = |verdict, reason: String| Score::none(verdict, reason);
        let text = match sample.fields.get(&self.prompt) {
            Some(Field::Text(prompt)) => format!("{prompt}{}", sample.completion),
            Some(Field::Other(Value::Array(messages))) => self
                .rendered(messages, sample.completion)
                .map_err(|reason| failed(Verdict::LabelUnparseable, reason))?,
            _ => {
                let reason = format!("{} is neither text nor a list of messages", self.prompt);
                return Err(failed(Verdict::LabelUnparseable, reason));
            }
        };
        let ids = self.encoder.encode(&text).map_err(|error| error.to_string());
        let ids = ids.map_err(|reason| failed(Verdict::Failed, reason))?;
        if ids.is_empty() {
            return Err(failed(Verdict::Unparseable, "there is not one token to score".to_owned()));
        }
        Ok(ids)
    }

    fn rendered(&self, messages: &[Value], completion: &str) -> Result<String, String> {
        let mut messages = messages.to_vec();
        messages.push(json!({ "role": "assistant", "content": completion }));
        let conversation = Conversation::from_json(Value::from(messages));
        let conversation = conversation.generation_prompt(GenerationPrompt::Omit);
        let template = self.encoder.chat_template().map_err(|error| error.to_string())?;
        template.render(&conversation).map_err(|error| error.to_string())
    }
}

impl RewardFn for ModelReward {
    fn name(&self) -> &'static str {
        "model"
    }

    /// Sequences are scored many at a time.
    fn scope(&self) -> Scope {
        Scope::Call
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Column(&self.prompt)]
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        let read: Vec<Result<Vec<u32>, Score>> = samples.iter().map(|one| self.ids(one)).collect();
        let sequences: Vec<&[u32]> = read.iter().flatten().map(Vec::as_slice).collect();
        let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = Vec::with_capacity(sequences.len());
        for sequences in sequences.chunks(SCORED_AT_ONCE) {
            let scores = model.score_sequences(&pack(sequences), None); // [sequence]
            values.extend(scores.into_data().iter::<f32>());
        }
        let mut values = values.into_iter();
        let score = |read: Result<Vec<u32>, Score>| match read {
            Err(score) => score,
            Ok(ids) => values.next().map_or_else(
                || Score::none(Verdict::Failed, "the reward model gave no score"),
                |value| of_model(value, ids.len()),
            ),
        };
        read.into_iter().map(score).collect()
    }
}

/// The raw number of a reward model: above 0, its training calls it the better one of two.
fn of_model(value: f32, num_tokens: usize) -> Score {
    let verdict = if value > 0.0 { Verdict::Close } else { Verdict::Wrong };
    let reason = format!("{value} after the last of {num_tokens} tokens");
    Score::new(f64::from(value), verdict, reason)
}
