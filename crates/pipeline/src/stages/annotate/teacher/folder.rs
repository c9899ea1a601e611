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

/// The model, and how it writes.
struct Writer<'a> {
    context: &'a Context<'a>,
    encoder: Encoder,
    decoder: Decoder,
    sampling: Rollout,
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

    /// One reply for each prompt; none where a signal came before.
    pub(super) fn replies(
        &self,
        context: &Context<'_>,
        prompts: &[String],
        sampling: &Sampling,
        cache: &mut Cache,
    ) -> Result<Vec<Option<Reply>>, PipelineError> {
        let identity = self.identity()?;
        let keys: Vec<String> = prompts.iter().map(|one| key(&identity, one, sampling)).collect();
        let writer = Writer::open(context, self, sampling)?;
        let (places, refused) = writer.answerable(prompts, &keys)?;
        let mut bar = context.console.bar(places.len(), "answers of the teacher");
        // Every prompt has its place among all, so that a run that goes on draws what an uninterrupted one draws.
        for (number, batch) in places.chunks(self.batch.get()).enumerate() {
            if context.stop.signal().is_some() {
                break;
            }
            if batch.iter().any(|(place, _)| cache.get(&keys[*place]).is_none()) {
                for (place, answer) in writer.write(batch, number * self.batch.get(), &mut bar)? {
                    cache.keep(keys[place].clone(), answer)?;
                }
            }
            bar.set((number * self.batch.get() + batch.len()).min(places.len()));
        }
        let reply = |key: &String| match cache.get(key) {
            Some(answer) => Some(Reply::Answered(answer.clone())),
            None => refused.get(key).cloned().map(Reply::Refused),
        };
        Ok(keys.iter().map(reply).collect())
    }
}

/// The place of a prompt and its ids.
type Encoded = (usize, Vec<u32>);

impl<'a> Writer<'a> {
    fn open(
        context: &'a Context<'_>,
        teacher: &FolderTeacher,
        sampling: &Sampling,
    ) -> Result<Self, PipelineError> {
        let &Sampling { temperature, top_p, top_k, max_tokens } = sampling;
        Ok(Self {
            context,
            encoder: Encoder::open(&teacher.path)?,
            decoder: load(&teacher.path, context.device)?.decoder,
            sampling: Rollout {
                temperature,
                top_p,
                top_k: top_k.unwrap_or(0) as usize,
                max_new_tokens: max_tokens as usize,
                ..Rollout::default()
            },
        })
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
            match check_prompt(&ids, self.decoder.config(), &self.sampling) {
                Ok(()) => places.push((place, ids)),
                Err(error) => {
                    refused.insert(key.clone(), error.to_string());
                }
            }
        }
        Ok((places, refused))
    }

    fn write(
        &self,
        batch: &[Encoded],
        first_prompt: usize,
        bar: &mut Bar,
    ) -> Result<Vec<(usize, Answer)>, PipelineError> {
        let prompts: Vec<Vec<u32>> = batch.iter().map(|(_, ids)| ids.clone()).collect();
        let seed = self.context.seed.derive("teacher");
        let is_over = || self.context.stop.signal().is_some();
        let request = Request {
            eos_ids: self.encoder.eos_ids(),
            cancel: Some(Cancel(&is_over)),
            first_prompt: first_prompt as u64,
            ..Request::new(&prompts, seed)
        };
        let completions = generate(&self.decoder, &self.sampling, &request, &mut |progress| {
            bar.set(first_prompt + progress.num_completed);
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
