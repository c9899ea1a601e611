//! One request: sent, and its outcome sorted into what may pass and what will not.

use std::fmt;
use std::time::{Duration, SystemTime};

use forethought_seed::Seed;

use crate::body::{self, Answer, BodyFault};
use crate::patience::retry_after;
use crate::{EndpointConfig, Sampling, TeacherError};

/// Longer bodies are refused: no answer of some hundred tokens is so long.
const LONGEST_BODY: u64 = 16 << 20;

/// The text of a key; it shows in no output.
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// A model behind an address.
#[derive(Debug)]
pub struct Endpoint {
    agent: ureq::Agent,
    /// The whole address of chat completions.
    pub(crate) url: String,
    key: Option<Secret>,
    pub(crate) config: EndpointConfig,
    pub(crate) sampling: Sampling,
    pub(crate) seed: Seed,
}

/// Why a request brought no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It may pass; the endpoint may have said when.
    Passing { what: String, after: Option<Duration> },
    /// This prompt is refused.
    Refused(String),
    /// It will not pass.
    Final(String),
}

impl Endpoint {
    /// Prepares an endpoint; nothing is sent. The key is read from the environment here.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range, the variable of the key holds none, or the address needs TLS and it is not
    /// compiled in.
    pub fn new(
        config: &EndpointConfig,
        sampling: Sampling,
        seed: Seed,
    ) -> Result<Self, TeacherError> {
        config.check()?;
        sampling.check()?;
        let url = format!("{}/chat/completions", config.url.trim_end_matches('/'));
        if url.starts_with("https://") && !cfg!(feature = "tls") {
            return Err(TeacherError::NoTls(url));
        }
        let key = config.api_key_env.as_deref().map(read_key).transpose()?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs_f64(config.timeout_seconds)))
            .http_status_as_error(false)
            // A redirect would take prompts, and perhaps the key, to another place.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(config.concurrency.get())
            .user_agent(concat!("forethought/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent, url, key, config: config.clone(), sampling, seed })
    }

    /// Asks once.
    pub(crate) fn try_once(&self, prompt: &str) -> Result<Answer, Fault> {
        self.send(prompt).map_err(|fault| self.without_key(fault))
    }

    fn send(&self, prompt: &str) -> Result<Answer, Fault> {
        let seed = self.seed.key("answer", prompt.as_bytes());
        // Servers read a seed of 32 bits; the highest is kept free, for some of them read a signed one.
        let seed = u32::try_from(seed >> 33).unwrap_or(0);
        let body = body::request(&self.config.model, prompt, &self.sampling, seed).to_string();
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(Secret(key)) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut response = request.send(body.as_bytes()).map_err(|error| fault_of(&error))?;
        let status = response.status().as_u16();
        let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let after = header.and_then(|header| retry_after(header, SystemTime::now()));
        let body = response.body_mut().with_config().limit(LONGEST_BODY).read_to_vec();
        let body = body.map_err(|error| fault_of(&error))?;
        judge(status, after, &body)
    }

    /// An endpoint may repeat the key in what it says.
    fn without_key(&self, fault: Fault) -> Fault {
        let Some(Secret(key)) = &self.key else { return fault };
        let clean = |text: String| text.replace(key.as_str(), "[key]");
        match fault {
            Fault::Passing { what, after } => Fault::Passing { what: clean(what), after },
            Fault::Refused(what) => Fault::Refused(clean(what)),
            Fault::Final(what) => Fault::Final(clean(what)),
        }
    }
}

fn read_key(variable: &str) -> Result<Secret, TeacherError> {
    let key = std::env::var(variable).unwrap_or_default();
    let key = key.trim();
    let is_sendable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sendable {
        Ok(Secret(key.to_owned()))
    } else {
        Err(TeacherError::NoKey(variable.to_owned()))
    }
}

/// What a response with this status means.
fn judge(status: u16, after: Option<Duration>, body: &[u8]) -> Result<Answer, Fault> {
    match status {
        200..=299 => body::answer(body).map_err(|fault| match fault {
            BodyFault::Broken(what) => Fault::Passing {
                what: format!("the answer is broken off or no JSON: {what}"),
                after,
            },
            BodyFault::Shape(what) => Fault::Final(what),
        }),
        408 | 425 | 429 | 500..=599 => {
            let what = format!("status {status}: {}", body::complaint(body));
            Err(Fault::Passing { what, after })
        }
        400 | 413 | 422 => {
            Err(Fault::Refused(format!("status {status}: {}", body::complaint(body))))
        }
        401 | 403 => {
            let advice = "is the key right, and is api_key_env set?";
            Err(Fault::Final(format!("status {status}: {}; {advice}", body::complaint(body))))
        }
        404 => {
            let advice = "is the url right up to /v1, and does it serve this model?";
            Err(Fault::Final(format!("status 404: {}; {advice}", body::complaint(body))))
        }
        _ => Err(Fault::Final(format!("status {status}: {}", body::complaint(body)))),
    }
}

/// What an error of the connection means.
fn fault_of(error: &ureq::Error) -> Fault {
    use ureq::Error;
    let what = error.to_string();
    match error {
        Error::Io(_)
        | Error::Timeout(_)
        | Error::HostNotFound
        | Error::ConnectionFailed
        | Error::Protocol(_) => Fault::Passing { what, after: None },
        Error::BodyExceedsLimit(_) => Fault::Refused(what),
        _ => Fault::Final(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_nowhere() {
        let secret = Secret("sk-123".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret");
        let mut config = EndpointConfig::new("http://127.0.0.1:1", "m");
        // Cargo sets this variable for every test; its text stands in for a key.
        config.api_key_env = Some("CARGO_PKG_NAME".to_owned());
        let endpoint = Endpoint::new(&config, Sampling::default(), Seed::new(0)).expect("valid");
        let key = env!("CARGO_PKG_NAME");
        assert!(!format!("{endpoint:?}").contains(key));
        let Fault::Final(said) = endpoint.without_key(Fault::Final(format!("wrong key {key}!")))
        else {
            panic!("it stays final")
        };
        assert_eq!(said, "wrong key [key]!");
        config.api_key_env = Some("FORETHOUGHT_NO_SUCH_VARIABLE".to_owned());
        let error = Endpoint::new(&config, Sampling::default(), Seed::new(0)).expect_err("no key");
        assert!(error.to_string().contains("FORETHOUGHT_NO_SUCH_VARIABLE holds no API key"));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn an_address_that_needs_tls_is_refused_where_it_is_not_compiled_in() {
        let config = EndpointConfig::new("https://example.org/v1", "m");
        let error = Endpoint::new(&config, Sampling::default(), Seed::new(0)).expect_err("no TLS");
        assert!(error.to_string().contains("cargo feature `tls`"), "{error}");
    }
}
