//! Many prompts: a few at a time, each tried until it is answered, refused, or hopeless.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::cache::key;
use crate::client::{Endpoint, Fault};
use crate::patience::{Gate, pause};
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

/// What came of all prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// One reply for each prompt; none where the work was stopped before.
    pub replies: Vec<Option<Reply>>,
    /// How far it came.
    pub progress: Progress,
}

/// What a worker reports.
enum News {
    Replied(usize, Reply),
    Retry,
    Failed(String),
}

/// Prompts to ask and who is asking.
struct Work<'a> {
    endpoint: &'a Endpoint,
    /// Places of the prompts to ask.
    places: Vec<usize>,
    prompts: &'a [String],
    next: AtomicUsize,
    is_over: AtomicBool,
    stop: &'a (dyn Fn() -> bool + Sync),
    gate: Gate,
}

impl Endpoint {
    /// Asks every prompt that the cache has no answer to. Each answer is kept as it comes.
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
            prompts.iter().map(|prompt| key(&self.config.model, prompt, &self.sampling)).collect();
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
        let work = Work {
            endpoint: self,
            places,
            prompts,
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            stop,
            gate: Gate::open(),
        };
        let refusals = work.run(&keys, cache, &mut state, progress)?;
        let reply = |key: &String| match cache.get(key) {
            Some(answer) => Some(Reply::Answered(answer.clone())),
            None => refusals.get(first_of.get(key.as_str())?).cloned().map(Reply::Refused),
        };
        Ok(Asked { replies: keys.iter().map(reply).collect(), progress: state })
    }
}

impl Work<'_> {
    /// Runs the workers and takes in what they report; the refusals by place.
    fn run(
        &self,
        keys: &[String],
        cache: &mut Cache,
        state: &mut Progress,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HashMap<usize, String>, TeacherError> {
        let num_workers = self.endpoint.config.concurrency.get().min(self.places.len());
        let (sender, news) = channel();
        std::thread::scope(|scope| {
            for _ in 0..num_workers {
                let sender = sender.clone();
                scope.spawn(move || self.work(&sender));
            }
            drop(sender);
            let mut refusals = HashMap::new();
            let mut failure = None;
            // After a failure, answers that were under way still come in and are kept.
            for news in news {
                let taken = self.take(news, keys, cache, (state, &mut refusals));
                if let Err(error) = taken {
                    self.is_over.store(true, Ordering::Relaxed);
                    failure.get_or_insert(error);
                }
                progress(*state);
            }
            failure.map_or(Ok(refusals), Err)
        })
    }

    fn take(
        &self,
        news: News,
        keys: &[String],
        cache: &mut Cache,
        (state, refusals): (&mut Progress, &mut HashMap<usize, String>),
    ) -> Result<(), TeacherError> {
        let url = || self.endpoint.url.clone();
        match news {
            News::Retry => state.num_retries += 1,
            News::Failed(message) => return Err(TeacherError::Endpoint { url: url(), message }),
            News::Replied(place, Reply::Answered(answer)) => {
                cache.keep(keys[place].clone(), answer)?;
                state.num_answered += 1;
            }
            News::Replied(place, Reply::Refused(message)) => {
                state.num_refused += 1;
                let count = state.num_refused;
                if state.num_answered == 0 && REFUSALS_WITHOUT_ANSWER <= count {
                    return Err(TeacherError::AllRefused { url: url(), count, message });
                }
                refusals.insert(place, message);
            }
        }
        Ok(())
    }

    /// Takes prompts until there are none.
    fn work(&self, sender: &Sender<News>) {
        let is_over = || self.is_over.load(Ordering::Relaxed) || (self.stop)();
        while !is_over() {
            let Some(&place) = self.places.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let Some(news) = self.insist(place, sender, &is_over) else { return };
            if matches!(news, News::Failed(_)) {
                self.is_over.store(true, Ordering::Relaxed);
            }
            // Nobody listens any more only where the whole work has ended.
            if sender.send(news).is_err() {
                return;
            }
        }
    }

    /// Tries one prompt until something final is known; none where the work is over before.
    fn insist(
        &self,
        place: usize,
        sender: &Sender<News>,
        is_over: &dyn Fn() -> bool,
    ) -> Option<News> {
        let config = &self.endpoint.config;
        let waits = [config.first_wait_seconds, config.longest_wait_seconds];
        let mut wait = Duration::ZERO;
        for attempt in 0..=config.retries {
            if !self.gate.wait(wait, is_over) {
                return None;
            }
            let (what, after) = match self.endpoint.try_once(&self.prompts[place]) {
                Ok(answer) => return Some(News::Replied(place, Reply::Answered(answer))),
                Err(Fault::Refused(message)) => {
                    return Some(News::Replied(place, Reply::Refused(message)));
                }
                Err(Fault::Final(message)) => return Some(News::Failed(message)),
                Err(Fault::Passing { what, after }) => (what, after),
            };
            let asked = after.map_or(0.0, |after| after.as_secs_f64());
            if config.longest_wait_seconds < asked {
                return Some(News::Failed(too_long(&what, asked, config.longest_wait_seconds)));
            }
            if attempt == config.retries {
                return Some(News::Failed(given_up(&what, attempt + 1)));
            }
            if let Some(after) = after {
                self.gate.close_for(after);
            }
            wait = pause(waits, attempt, self.endpoint.seed, place);
            sender.send(News::Retry).ok()?;
        }
        None
    }
}

fn too_long(what: &str, asked: f64, longest: f64) -> String {
    format!(
        "{what}; it asks to come back after {asked:.0} s, and longest_wait_seconds is {longest}; what was answered is kept, \
         run again later"
    )
}

fn given_up(what: &str, tries: u32) -> String {
    format!("{what}; given up after {tries} tries; what was answered is kept, run again to go on")
}
