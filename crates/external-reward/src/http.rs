//! An endpoint, asked by POST.

use std::time::Duration;

use forethought_reward::HttpConfig;
use ureq::Agent;

use crate::message::{Answer, MAX_ANSWER, shown};
use crate::reward::Asked;
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

    fn answer(&self, question: &[u8]) -> Result<(u16, Vec<u8>), ureq::Error> {
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let mut response = request.send(question)?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER as u64).read_to_vec()?;
        Ok((response.status().as_u16(), body))
    }
}

impl Asked for Http {
    const NAME: &'static str = "http";

    fn ask(&mut self, id: u64, question: &[u8]) -> Result<Vec<u8>, String> {
        let (status, body) = self.answer(question).map_err(|error| match error {
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
