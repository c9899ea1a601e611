//! An endpoint, asked by POST.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use forethought_reward::HttpConfig;
use ureq::Agent;

use crate::message::{Answer, MAX_ANSWER, shown};
use crate::reward::{Asked, GIVEN_UP, GivenUp, PATIENCE};
use crate::{Bound, ExternalError, seconds};

/// An endpoint. It is reached directly, whatever proxies the environment names.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
    url: String,
    timeout: Duration,
}

impl Http {
    /// An endpoint that is not asked yet.
    ///
    /// # Errors
    ///
    /// If the address is not understood or the time is out of range.
    pub fn new(config: &HttpConfig) -> Result<Self, ExternalError> {
        if !config.url.starts_with("http://") {
            return Err(ExternalError::Url(config.url.clone()));
        }
        let timeout = seconds("http.timeout", config.timeout, Bound::AboveZero)?;
        let settings = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Ok(Self { agent: settings.into(), url: config.url.clone(), timeout })
    }

    /// Asks in a thread of its own, which ends at its time limit at the latest; none if the answer is not wanted any more.
    fn answer(&self, question: &[u8], given_up: &GivenUp) -> Option<Answered> {
        let (agent, url, question) = (self.agent.clone(), self.url.clone(), question.to_vec());
        let (done, answered) = channel();
        // Nobody may be there any more to be told.
        thread::spawn(move || done.send(post(&agent, &url, &question)));
        loop {
            match answered.recv_timeout(PATIENCE) {
                Ok(answered) => return Some(answered),
                Err(RecvTimeoutError::Timeout) if !given_up.now() => {}
                Err(_) => return None,
            }
        }
    }
}

/// Status and body.
type Answered = Result<(u16, Vec<u8>), ureq::Error>;

fn post(agent: &Agent, url: &str, question: &[u8]) -> Answered {
    let request = agent.post(url).header("content-type", "application/json");
    let mut response = request.send(question)?;
    let body = response.body_mut().with_config().limit(MAX_ANSWER as u64).read_to_vec()?;
    Ok((response.status().as_u16(), body))
}

impl Asked for Http {
    const NAME: &'static str = "http";

    fn ask(&mut self, id: u64, question: &[u8], given_up: &GivenUp) -> Result<Vec<u8>, String> {
        let answered = self.answer(question, given_up).ok_or(GIVEN_UP)?;
        let (status, body) = answered.map_err(|error| match error {
            ureq::Error::Timeout(_) => {
                format!("{} did not answer within {} s", self.url, self.timeout.as_secs_f64())
            }
            error => format!("{} could not be asked: {error}", self.url),
        })?;
        if !(200..300).contains(&status) {
            let body = shown(&String::from_utf8_lossy(&body));
            return Err(format!("{} answered with status {status}: {body}", self.url));
        }
        match Answer::read(&body)?.id() {
            Some(found) if found != id => {
                Err(format!("{} answered with id {found} instead of id {id}", self.url))
            }
            _ => Ok(body),
        }
    }
}
