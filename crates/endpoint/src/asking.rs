//! Many requests: a few at a time, each tried until it is answered, refused, or hopeless.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use forethought_seed::Seed;

use crate::client::Endpoint;
use crate::fault::Fault;
use crate::patience::{Gate, LOOK, pause};

/// What is reported of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News<A> {
    /// The request of this place was answered.
    Answered(usize, A),
    /// The request of this place is refused.
    Refused(usize, String),
    /// What the request of this place asks for is not there; no further request is sent.
    Missing(usize, String),
    /// A request is tried again.
    Retried,
    /// A fault that does not pass; no further request is sent.
    Failed(String),
}

/// Requests that are under way.
///
/// Threads of their own send them. Whoever stops listening need not wait for them: they end with the request that they are
/// at, whose time is limited.
#[derive(Debug)]
pub struct Asking<A> {
    news: Receiver<News<A>>,
    is_over: Arc<AtomicBool>,
}

/// Who asked no longer wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no longer wanted")]
pub struct Stopped;

/// What the threads share.
struct Work<F> {
    endpoint: Arc<Endpoint>,
    once: F,
    places: Vec<usize>,
    next: AtomicUsize,
    is_over: Arc<AtomicBool>,
    gate: Gate,
    seed: Seed,
}

impl Endpoint {
    /// Sends one request for each place, as many at once as the settings allow. `once` makes one try; the seed draws the
    /// pauses between tries.
    pub fn ask<A, F>(self: &Arc<Self>, places: Vec<usize>, seed: Seed, once: F) -> Asking<A>
    where
        A: Send + 'static,
        F: Fn(&Self, usize) -> Result<A, Fault> + Send + Sync + 'static,
    {
        let num_workers = self.config().concurrency.get().min(places.len());
        let is_over = Arc::new(AtomicBool::new(false));
        let work = Arc::new(Work {
            endpoint: Arc::clone(self),
            once,
            places,
            next: AtomicUsize::new(0),
            is_over: Arc::clone(&is_over),
            gate: Gate::open(),
            seed,
        });
        let (sender, news) = channel();
        for _ in 0..num_workers {
            let (work, sender) = (Arc::clone(&work), sender.clone());
            std::thread::spawn(move || work.run(&sender));
        }
        Asking { news, is_over }
    }
}

impl<A> Asking<A> {
    /// The next report; none when every request has ended. Where `stop` says so, no further request is sent, and those
    /// under way are waited for.
    pub fn next(&self, stop: &dyn Fn() -> bool) -> Option<News<A>> {
        loop {
            if stop() {
                self.end();
            }
            match self.news.recv_timeout(LOOK) {
                Ok(news) => return Some(news),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The next report, as [`next`](Self::next) gives it, unless `stop` says so: then nothing is waited for.
    ///
    /// # Errors
    ///
    /// If `stop` says so.
    pub fn news(&self, stop: &dyn Fn() -> bool) -> Result<Option<News<A>>, Stopped> {
        loop {
            if stop() {
                return Err(Stopped);
            }
            match self.news.recv_timeout(LOOK) {
                Ok(news) => return Ok(Some(news)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    /// Sends no further request.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl<A> Drop for Asking<A> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<F> Work<F> {
    /// Takes places until there are none.
    fn run<A>(&self, sender: &Sender<News<A>>)
    where
        F: Fn(&Endpoint, usize) -> Result<A, Fault>,
    {
        let is_over = || self.is_over.load(Ordering::Relaxed);
        while !is_over() {
            let Some(&place) = self.places.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let Some(news) = self.insist(place, sender, &is_over) else { return };
            if matches!(news, News::Failed(_) | News::Missing(..)) {
                self.is_over.store(true, Ordering::Relaxed);
            }
            // Nobody listens any more: there is no use in going on.
            if sender.send(news).is_err() {
                return;
            }
        }
    }

    /// Tries one request until something final is known; none where the work is over before.
    fn insist<A>(
        &self,
        place: usize,
        sender: &Sender<News<A>>,
        is_over: &dyn Fn() -> bool,
    ) -> Option<News<A>>
    where
        F: Fn(&Endpoint, usize) -> Result<A, Fault>,
    {
        let config = self.endpoint.config();
        let waits = [config.first_wait_seconds, config.longest_wait_seconds];
        let mut wait = Duration::ZERO;
        for attempt in 0..=config.retries {
            if !self.gate.wait(wait, is_over) {
                return None;
            }
            let (what, after) = match (self.once)(&self.endpoint, place) {
                Ok(answer) => return Some(News::Answered(place, answer)),
                Err(Fault::Refused(message)) => return Some(News::Refused(place, message)),
                Err(Fault::Missing(message)) => return Some(News::Missing(place, message)),
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
            wait = pause(waits, attempt, self.seed, place);
            sender.send(News::Retried).ok()?;
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
