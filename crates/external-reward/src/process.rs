//! Another process, asked through its standard streams.

use std::time::{Duration, Instant};

use forethought_reward::ProcessConfig;

use crate::message::Answer;
use crate::reward::{Asked, GIVEN_UP, GivenUp, PATIENCE};
use crate::running::{Event, Running};
use crate::{Bound, ExternalError, seconds};

/// A process that is started when it is asked, and again after it failed.
#[derive(Debug)]
pub struct Process {
    config: ProcessConfig,
    timeout: Duration,
    startup: Startup,
    running: Option<Running>,
}

/// What a start is granted on top of the time for an answer.
#[derive(Debug)]
struct Startup {
    /// As configured: what is granted while it is not known how long a start takes, once a call.
    most: Duration,
    is_spent: bool,
    /// The longest time from a start to the first answer that there was.
    seen: Option<Duration>,
}

/// A start is granted so many times what one took before: a machine may be busier now.
const SLOWER: u32 = 2;

impl Startup {
    /// What the next start is granted. A process that once answered shows how long its start takes; of one that never did,
    /// nothing says that it would if it were waited for again and again.
    fn grant(&mut self) -> Duration {
        match self.seen {
            Some(seen) => (seen * SLOWER).min(self.most),
            None if self.is_spent => Duration::ZERO,
            None => {
                self.is_spent = true;
                self.most
            }
        }
    }

    fn see(&mut self, took: Duration) {
        self.seen = self.seen.max(Some(took));
    }
}

impl Process {
    /// A process that is not started yet.
    ///
    /// # Errors
    ///
    /// If no program is named or a time is out of range.
    pub fn new(config: &ProcessConfig) -> Result<Self, ExternalError> {
        if config.command.first().is_none_or(String::is_empty) {
            return Err(ExternalError::NoCommand);
        }
        let most = seconds("process.startup", config.startup, Bound::ZeroOrMore)?;
        Ok(Self {
            timeout: seconds("process.timeout", config.timeout, Bound::AboveZero)?,
            startup: Startup { most, is_spent: false, seen: None },
            config: config.clone(),
            running: None,
        })
    }

    /// The running process, how long it may take for the next answer, and whether it was started just now.
    fn started(&mut self) -> Result<(&mut Running, Duration, Fresh), String> {
        if self.running.as_mut().is_some_and(Running::has_ended) {
            self.running = None;
        }
        let (running, granted, fresh) = match self.running.take() {
            Some(running) => (running, Duration::ZERO, Fresh::No),
            None => (Running::start(&self.config)?, self.startup.grant(), Fresh::Yes),
        };
        Ok((self.running.insert(running), self.timeout + granted, fresh))
    }
}

/// Whether a process has been asked nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fresh {
    Yes,
    No,
}

impl Asked for Process {
    const NAME: &'static str = "process";

    fn begin(&mut self) {
        self.startup.is_spent = false;
    }

    fn ask(&mut self, id: u64, question: &[u8], given_up: &GivenUp) -> Result<Vec<u8>, String> {
        let start = Instant::now();
        let (running, limit, fresh) = self.started()?;
        let answer = answer(running, (id, question), limit, given_up);
        if fresh == Fresh::Yes && answer.is_ok() {
            self.startup.see(start.elapsed());
        }
        if let Err(Fault::Lost(_)) = answer {
            // Whatever it still answers belongs to this question: a new one knows nothing of it.
            let last_words = self.running.take().map(Running::kill).unwrap_or_default();
            return answer.map_err(|fault| format!("{}{last_words}", fault.reason()));
        }
        answer.map_err(Fault::reason)
    }
}

/// What went wrong with an answer.
enum Fault {
    /// The process goes on.
    Answer(String),
    /// The process is of no more use.
    Lost(String),
}

impl Fault {
    fn reason(self) -> String {
        match self {
            Self::Answer(reason) | Self::Lost(reason) => reason,
        }
    }
}

/// The answer to this question. Answers to earlier ones, which came too late or twice, are passed over.
fn answer(
    running: &mut Running,
    (id, question): (u64, &[u8]),
    limit: Duration,
    given_up: &GivenUp,
) -> Result<Vec<u8>, Fault> {
    let start = Instant::now();
    running.send(question.to_vec());
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let line = match running.wait(left.min(PATIENCE)) {
            Event::Line(line) => line,
            Event::TooLong(limit) => {
                return Err(Fault::Lost(format!("its answer is longer than {limit} bytes")));
            }
            Event::Nothing if given_up.now() => return Err(Fault::Lost(GIVEN_UP.to_owned())),
            Event::Nothing if start.elapsed() < limit => continue,
            Event::Nothing => {
                let seconds = limit.as_secs_f64();
                return Err(Fault::Lost(format!(
                    "it did not answer within {seconds} s and was killed"
                )));
            }
            Event::End => {
                return Err(Fault::Lost(format!("it ended without an answer{}", running.status())));
            }
        };
        match Answer::read(&line).map_err(Fault::Answer)?.id() {
            Some(found) if found < id => {}
            Some(found) if found == id => return Ok(line),
            found => {
                let found = found.map_or_else(|| "no id".to_owned(), |found| format!("id {found}"));
                return Err(Fault::Lost(format!("it answered with {found} instead of id {id}")));
            }
        }
    }
}
