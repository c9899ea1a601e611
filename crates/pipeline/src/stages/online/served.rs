//! Completions of a server, each of them kept before it is used.
//!
//! A server gives other completions for the same question and the same seed: it answers several at once, and rounds
//! accordingly. So a step is the same in a run that is resumed or replayed only if its completions are written down.

use std::path::PathBuf;

use forethought_endpoint::{Kept, key};
use forethought_model::Decoder;
use forethought_remote_rollout::{Answer, Question, RemoteError, RolloutServer, settle};
use forethought_rollout::Completion;
use forethought_seed::Seed;
use forethought_train::{Abandoned, BatchError, StopFlag};
use rand::RngExt as _;
use serde_json::json;

use super::adapters::{Adapters, Current};
use super::generation::Sample;

/// What may be done for a completion that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// The server is asked.
    Allowed,
    /// Nothing: a step that is only computed again gets what it had.
    Never,
}

/// A server that samples for one stage.
#[derive(Debug)]
pub(crate) struct Served {
    pub(super) server: RolloutServer,
    /// The states of the adapter; none where the server samples from the start of the stage all along.
    pub(super) adapters: Option<Adapters>,
    /// Where completions are kept, a file for each sampling.
    pub(super) folder: PathBuf,
    pub(super) asking: Asking,
    pub(super) seed: Seed,
    /// What the user should know before the next step.
    pub(super) notices: Vec<String>,
    /// The largest mean difference between the log-probabilities of the server and of training.
    pub(super) max_log_prob_difference: f64,
    /// Steps between the weights that the server samples with and those that are trained.
    pub(super) staleness: u64,
    /// Whether the server was seen to tell the log-probabilities that it draws with.
    pub(super) is_checked: bool,
    /// The completions of the current sampling.
    pub(super) kept: Option<Kept<Answer>>,
}

/// What is asked at once.
pub(super) struct Asked<'a> {
    pub(super) prompts: &'a [Vec<u32>],
    pub(super) samples_per_prompt: usize,
    /// The number of the sampling.
    pub(super) index: u64,
    /// What the first prompt counts as in it.
    pub(super) first_prompt: usize,
    /// Whether a text has ended the completion with its last token.
    pub(super) has_ended: &'a dyn Fn(&[u32]) -> Result<bool, String>,
    pub(super) stop_flag: &'a StopFlag,
}

/// Questions and what their answers are kept under.
struct Wanted<'a> {
    keys: &'a [String],
    questions: &'a [Question],
    stop_flag: &'a StopFlag,
}

impl Served {
    /// Prepares a sampling: the adapter of the server is replaced if it is too old.
    pub(super) fn begin(
        &mut self,
        step: u64,
        index: u64,
        policy: &Decoder,
    ) -> Result<(), BatchError> {
        if let Some(adapters) = &mut self.adapters
            && adapters.refresh(step, policy)?
        {
            self.notices.push(
                "the adapter that the server sampled with is gone; it goes on with the present one, which an uninterrupted \
                 run would have loaded later"
                    .to_owned(),
            );
        }
        self.staleness = step - self.adapters.as_ref().map_or(0, Adapters::step);
        let path = self.folder.join(format!("{index:06}.jsonl"));
        self.kept = Some(match self.asking {
            Asking::Allowed => Kept::open(&path)?,
            Asking::Never => Kept::look_up(&path)?,
        });
        Ok(())
    }

    /// The completions of prompts: those that are kept, and for the others the server is asked.
    pub(super) fn complete(&mut self, asked: &Asked<'_>) -> Result<Vec<Completion>, BatchError> {
        let mut kept = self.kept.take().ok_or("a sampling begins before it asks")?;
        let questions = self.questions(asked);
        let model = self.model();
        let keys: Vec<String> = questions.iter().map(|one| self.key(&model, one)).collect();
        let wanted = Wanted { keys: &keys, questions: &questions, stop_flag: asked.stop_flag };
        let completed = self.fill(&mut kept, &wanted);
        let answers: Option<Vec<Answer>> = keys.iter().map(|key| kept.get(key).cloned()).collect();
        self.kept = Some(kept);
        completed?;
        let answers = answers.ok_or("a completion was not kept")?;
        let ended = answers.into_iter().enumerate().map(|(place, answer)| {
            let drawing = self.server.drawing();
            let settled = settle(answer, &drawing.eos_ids, drawing.max_new_tokens, asked.has_ended);
            let (answer, is_finished) = settled
                .map_err(|message| format!("the completion of question {place}: {message}"))?;
            Ok(Completion {
                prompt_index: place / asked.samples_per_prompt,
                sample_index: place % asked.samples_per_prompt,
                ids: answer.ids,
                // Where nothing was told the token weighs 1, as in TRL.
                log_probs: answer.log_probs.iter().map(|one| one.unwrap_or(f32::NAN)).collect(),
                is_finished,
            })
        });
        ended.collect()
    }

    /// The name of the model that the server samples with.
    fn model(&self) -> String {
        let own = || self.server.model().to_owned();
        self.adapters.as_ref().map_or_else(own, Adapters::name)
    }

    fn questions(&self, asked: &Asked<'_>) -> Vec<Question> {
        let seed = |prompt: usize, sample: usize| {
            let counters = [asked.index, (asked.first_prompt + prompt) as u64, sample as u64];
            // Servers read a seed of 32 bits; the highest is kept free, for some of them read a signed one.
            self.seed.stream("server", &counters).random::<u32>() >> 1
        };
        let prompts = asked.prompts.iter().enumerate();
        let questions = prompts.flat_map(|(index, prompt)| {
            (0..asked.samples_per_prompt).map(move |sample| (index, prompt, sample))
        });
        questions
            .map(|(index, prompt, sample)| Question {
                prompt: prompt.clone(),
                seed: seed(index, sample),
            })
            .collect()
    }

    /// What a completion is kept under: all that it depends on, as far as it can be known from here.
    fn key(&self, model: &str, question: &Question) -> String {
        let (api, drawing) = (self.server.api().name(), self.server.drawing());
        key(&json!([api, self.server.model(), model, drawing, question.prompt, question.seed]))
    }

    /// Has the completions sampled that are not kept, and keeps each as it comes.
    fn fill(&mut self, kept: &mut Kept<Answer>, wanted: &Wanted<'_>) -> Result<(), BatchError> {
        let mut is_reloaded = false;
        loop {
            let missing = |place: &usize| kept.get(&wanted.keys[*place]).is_none();
            let places: Vec<usize> = (0..wanted.keys.len()).filter(missing).collect();
            if places.is_empty() {
                return Ok(());
            }
            if self.asking == Asking::Never {
                let (count, path) = (places.len(), kept.path().display());
                let message = format!(
                    "{count} completions of this step are not in {path}; the server is not asked, for it would answer otherwise"
                );
                return Err(message.into());
            }
            match self.ask_missing(kept, wanted, &places) {
                Ok(()) => kept.sync()?,
                // A server that was started anew has lost the adapters that were loaded into it.
                Err(RemoteError::NoModel { .. }) if self.adapters.is_some() && !is_reloaded => {
                    self.adapters.iter_mut().for_each(|adapters| adapters.loaded = None);
                    is_reloaded = true;
                }
                Err(RemoteError::Cancelled) => return Err(Abandoned.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn ask_missing(
        &mut self,
        kept: &mut Kept<Answer>,
        wanted: &Wanted<'_>,
        places: &[usize],
    ) -> Result<(), RemoteError> {
        let stop = || wanted.stop_flag.signal().is_some();
        if let Some(adapters) = &mut self.adapters {
            adapters.load(&self.server, &stop)?;
        }
        let model = self.model();
        if !self.is_checked {
            let prompt = &wanted.questions[places[0]].prompt;
            self.server.check_log_probs(&model, prompt, &stop)?;
            self.is_checked = true;
        }
        let chosen = places.iter().map(|place| wanted.questions[*place].clone()).collect();
        let mut keep = |index: usize, answer: &Answer| {
            let key = wanted.keys[places[index]].clone();
            kept.keep(key, answer.clone()).map_err(|error| error.to_string())
        };
        self.server.ask(&model, chosen, &stop, &mut keep).map(|_| ())
    }

    /// How far the log-probabilities of the server are from those of training: mean and largest distance over the tokens
    /// of which it told them. An error where they are farther apart than those of one model can be.
    pub(super) fn differences(&self, samples: &[Sample]) -> Result<(f64, f64), BatchError> {
        let pairs =
            samples.iter().flat_map(|one| one.old_log_probs.iter().zip(&one.sampling_log_probs));
        let pairs = pairs.filter(|(_, sampled)| !sampled.is_nan());
        let distances = pairs.map(|(old, sampled)| f64::from((old - sampled).abs()));
        let distances: Vec<f64> = distances.collect();
        let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
        let largest = distances.iter().copied().fold(0.0, f64::max);
        // A mean that is no number is no small one.
        if mean <= self.max_log_prob_difference {
            return Ok((mean, largest));
        }
        let (most, staleness) = (self.max_log_prob_difference, self.staleness);
        let message = format!(
            "the log-probabilities of the server are {mean:.3} nats a token from those of training (rollout.max_log_prob_difference \
             is {most}); does it serve the model that this stage starts from? What it samples with is {staleness} steps old: \
             load adapters more often, or allow more"
        );
        Err(message.into())
    }

    /// What later samplings depend on: the state of the adapter in the server.
    pub(super) fn state(&self) -> Option<&Current> {
        self.adapters.as_ref()?.current.as_ref()
    }

    /// Takes back what [`Served::state`] gave.
    pub(super) fn restore(&mut self, current: Option<Current>) {
        if let Some(adapters) = &mut self.adapters {
            adapters.current = current;
        }
    }
}
