//! Many prompts: a few at a time, each tried until it is answered, refused, or hopeless.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::atomic::Ordering;

use forethought_endpoint::News;

use crate::cache::key;
use crate::endpoint::Endpoint;
use crate::{Answer, Cache, TeacherError};

/// So many refusals without a single answer end the work: the fault is not in the prompts.
const REFUSALS_WITHOUT_ANSWER: usize = 16;

/// What came of one prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was answered, now or before.
    Answered(Answer),
    /// The endpoint refuses this prompt, and says why.
    Refused(String),
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Prompts whose answer the cache had.
    pub num_kept: usize,
    /// Prompts to ask, the same ones counted once.
    pub num_to_ask: usize,
    /// Of these, answered.
    pub num_answered: usize,
    /// Of these, refused.
    pub num_refused: usize,
    /// Tries that were made again.
    pub num_retries: usize,
}

impl AddAssign for Progress {
    /// The progress of further prompts, behind those before.
    fn add_assign(&mut self, further: Self) {
        self.num_kept += further.num_kept;
        self.num_to_ask += further.num_to_ask;
        self.num_answered += further.num_answered;
        self.num_refused += further.num_refused;
        self.num_retries += further.num_retries;
    }
}

/// What came of all prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// One reply for each prompt; none where the work was stopped before.
    pub replies: Vec<Option<Reply>>,
    /// How far it came.
    pub progress: Progress,
}

impl Endpoint {
    /// Asks every prompt that the cache has no answer to. Each answer is kept as it comes. Of many prompts, some may be asked
    /// in one call and others in the next.
    ///
    /// `stop` is asked often; when it says so, requests that are under way are waited for, and no new one is sent.
    ///
    /// # Errors
    ///
    /// If a fault does not pass, or the cache cannot be written. What was answered before is kept.
    pub fn ask(
        &self,
        prompts: &[String],
        cache: &mut Cache,
        stop: &(dyn Fn() -> bool + Sync),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Asked, TeacherError> {
        let keys: Vec<String> =
            prompts.iter().map(|prompt| key(self.model(), prompt, &self.sampling)).collect();
        let mut first_of: HashMap<&str, usize> = HashMap::new();
        let mut places = Vec::new();
        for (place, key) in keys.iter().enumerate().filter(|(_, key)| cache.get(key).is_none()) {
            first_of.entry(key).or_insert_with(|| {
                places.push(place);
                place
            });
        }
        let mut state = Progress { num_to_ask: places.len(), ..Progress::default() };
        state.num_kept = keys.iter().filter(|key| cache.get(key).is_some()).count();
        progress(state);
        let asking = self.http.ask(places, self.seed, self.once(prompts.to_vec()));
        let mut refusals = HashMap::new();
        let mut failure = None;
        // After a failure, answers that were under way still come in and are kept.
        while let Some(news) = asking.next(stop) {
            let taken = self.take(news, &keys, cache, (&mut state, &mut refusals));
            if let Err(error) = taken {
                asking.end();
                failure.get_or_insert(error);
            }
            progress(state);
        }
        failure.map_or(Ok(()), Err)?;
        let reply = |key: &String| match cache.get(key) {
            Some(answer) => Some(Reply::Answered(answer.clone())),
            None => refusals.get(first_of.get(key.as_str())?).cloned().map(Reply::Refused),
        };
        Ok(Asked { replies: keys.iter().map(reply).collect(), progress: state })
    }

    /// Takes in what is reported.
    fn take(
        &self,
        news: News<Answer>,
        keys: &[String],
        cache: &mut Cache,
        (state, refusals): (&mut Progress, &mut HashMap<usize, String>),
    ) -> Result<(), TeacherError> {
        let url = || self.url.clone();
        match news {
            News::Retried => state.num_retries += 1,
            News::Missing(_, message) | News::Failed(message) => {
                return Err(TeacherError::Endpoint { url: url(), message });
            }
            News::Answered(place, answer) => {
                cache.keep(keys[place].clone(), answer)?;
                state.num_answered += 1;
                self.has_answered.store(true, Ordering::Relaxed);
            }
            News::Refused(place, message) => {
                state.num_refused += 1;
                let count = state.num_refused;
                let has_answered = self.has_answered.load(Ordering::Relaxed);
                if !has_answered && REFUSALS_WITHOUT_ANSWER <= count {
                    return Err(TeacherError::AllRefused { url: url(), count, message });
                }
                refusals.insert(place, message);
            }
        }
        Ok(())
    }
}
