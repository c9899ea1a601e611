//! A teacher in a model folder, sampled here.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use forethought_model::{Decoder, load};
use forethought_rollout::{
    Cancel, Completion, Request, Sampling as Rollout, check_prompt, generate,
};
use forethought_teacher::{Answer, Cache, Reply, Sampling, key};
use forethought_tokenize::{Encoder, Prompt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::super::Context;
use super::super::super::model::files_of;
use crate::PipelineError;
use crate::artifact::file_facts;
use crate::console::Bar;
use crate::examples::conversation;

/// A model folder and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderTeacher {
    /// The folder.
    pub path: PathBuf,
    /// Prompts that are answered at once, at least 1; their answers are kept together. Default 8.
    #[serde(default = "default_batch")]
    pub batch: NonZeroUsize,
}

fn default_batch() -> NonZeroUsize {
    const { NonZeroUsize::new(8).expect("8 is not 0") }
}

/// The model, how it writes, and what it has written so far.
pub(super) struct Writer<'a> {
    context: &'a Context<'a>,
    encoder: Encoder,
    decoder: Decoder,
    /// How it draws, as it is kept with the answers, and as it is computed.
    sampling: Sampling,
    rollout: Rollout,
    /// What its answers are kept under.
    identity: String,
    batch: usize,
    cache: Cache,
    bar: Bar,
    /// Prompts so far that it has room for.
    num_before: usize,
}

impl FolderTeacher {
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        files_of(&self.path)
    }

    /// What its answers are kept under: the digest of its files, wherever they lie.
    fn identity(&self) -> Result<String, PipelineError> {
        let mut facts = Vec::new();
        for path in self.files()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            facts.push((name, file_facts(&path)?.sha256));
        }
        Ok(key("folder", "", &facts))
    }

    /// Loads the model.
    pub(super) fn open<'a>(
        &self,
        context: &'a Context<'_>,
        sampling: Sampling,
        (cache, bar): (Cache, Bar),
    ) -> Result<Writer<'a>, PipelineError> {
        let Sampling { temperature, top_p, top_k, max_tokens } = sampling;
        Ok(Writer {
            context,
            encoder: Encoder::open(&self.path)?,
            decoder: load(&self.path, context.device)?.decoder,
            sampling,
            rollout: Rollout {
                temperature,
                top_p,
                top_k: top_k.unwrap_or(0) as usize,
                max_new_tokens: max_tokens as usize,
                ..Rollout::default()
            },
            identity: self.identity()?,
            batch: self.batch.get(),
            cache,
            bar,
            num_before: 0,
        })
    }
}

/// The place of a prompt and its ids.
type Encoded = (usize, Vec<u32>);

impl Writer<'_> {
    /// One reply for each prompt; none where a signal came before.
    pub(super) fn replies(
        &mut self,
        prompts: &[String],
    ) -> Result<Vec<Option<Reply>>, PipelineError> {
        let key_of = |prompt: &String| key(&self.identity, prompt, &self.sampling);
        let keys: Vec<String> = prompts.iter().map(key_of).collect();
        let (places, refused) = self.answerable(prompts, &keys)?;
        // Every prompt has its number among all, so that a run that goes on draws what an uninterrupted one draws.
        for batch in places.chunks(self.batch) {
            if self.context.stop.signal().is_some() {
                break;
            }
            if batch.iter().any(|(place, _)| self.cache.get(&keys[*place]).is_none()) {
                for (place, answer) in self.write(batch)? {
                    self.cache.keep(keys[place].clone(), answer)?;
                }
            }
            self.num_before += batch.len();
            self.bar.set(self.num_before);
        }
        let reply = |key: &String| match self.cache.get(key) {
            Some(answer) => Some(Reply::Answered(answer.clone())),
            None => refused.get(key).cloned().map(Reply::Refused),
        };
        Ok(keys.iter().map(reply).collect())
    }

    /// The prompts that the model has room for, the same ones once; and why it has none for others, by key.
    fn answerable(
        &self,
        prompts: &[String],
        keys: &[String],
    ) -> Result<(Vec<Encoded>, HashMap<String, String>), PipelineError> {
        let (mut places, mut refused) = (Vec::new(), HashMap::new());
        let mut seen = std::collections::HashSet::new();
        for (place, (prompt, key)) in prompts.iter().zip(keys).enumerate() {
            if !seen.insert(key) {
                continue;
            }
            let ids = self.encoder.encode_prompt(Prompt::Chat(&conversation(prompt)))?;
            match check_prompt(&ids, self.decoder.config(), &self.rollout) {
                Ok(()) => places.push((place, ids)),
                Err(error) => {
                    refused.insert(key.clone(), error.to_string());
                }
            }
        }
        Ok((places, refused))
    }

    fn write(&mut self, batch: &[Encoded]) -> Result<Vec<(usize, Answer)>, PipelineError> {
        let prompts: Vec<Vec<u32>> = batch.iter().map(|(_, ids)| ids.clone()).collect();
        let seed = self.context.seed.derive("teacher");
        let is_over = || self.context.stop.signal().is_some();
        let request = Request {
            eos_ids: self.encoder.eos_ids(),
            cancel: Some(Cancel(&is_over)),
            first_prompt: self.num_before as u64,
            ..Request::new(&prompts, seed)
        };
        let (bar, num_before) = (&mut self.bar, self.num_before);
        let completions = generate(&self.decoder, &self.rollout, &request, &mut |progress| {
            bar.set(num_before + progress.num_completed);
        })?;
        completions.iter().map(|one| self.answer(batch, one)).collect()
    }

    fn answer(
        &self,
        batch: &[Encoded],
        completion: &Completion,
    ) -> Result<(usize, Answer), PipelineError> {
        let (place, prompt) = &batch[completion.prompt_index];
        let finish_reason = if completion.is_finished { "stop" } else { "length" };
        let answer = Answer {
            text: self.encoder.decode(&completion.ids)?,
            finish_reason: Some(finish_reason.to_owned()),
            tokens: Some((prompt.len() + completion.ids.len()) as u64),
        };
        Ok((*place, answer))
    }
}
