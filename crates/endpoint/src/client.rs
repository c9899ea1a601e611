//! One request: sent, and its outcome sorted into what may pass and what will not.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::fault::{Fault, judge, of_connection};
use crate::patience::retry_after;
use crate::{EndpointConfig, EndpointError};

/// Longer bodies are refused: no answer of some thousand tokens is so long.
const LONGEST_BODY: u64 = 16 << 20;

/// The text of a key; it shows in no output.
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// An address that is asked.
#[derive(Debug)]
pub struct Endpoint {
    agent: ureq::Agent,
    /// The address up to the version.
    base: String,
    key: Option<Secret>,
    config: EndpointConfig,
}

impl Endpoint {
    /// Prepares an endpoint; nothing is sent. The key is read from the environment here.
    ///
    /// # Errors
    ///
    /// If a setting is out of its range, the variable of the key holds none, or the address needs TLS and it is not
    /// compiled in.
    pub fn new(config: &EndpointConfig) -> Result<Self, EndpointError> {
        config.check()?;
        let base = config.url.trim_end_matches('/').to_owned();
        if base.starts_with("https://") && !cfg!(feature = "tls") {
            return Err(EndpointError::NoTls(base));
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
        Ok(Self { agent, base, key, config: config.clone() })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &EndpointConfig {
        &self.config
    }

    /// The address of something below the version, such as `/chat/completions`.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of something beside the versions, such as `/health`.
    #[must_use]
    pub fn root_address(&self, path: &str) -> String {
        format!("{}{path}", self.base.strip_suffix("/v1").unwrap_or(&self.base))
    }

    /// Sends JSON to an address, once.
    ///
    /// # Errors
    ///
    /// Why there is no answer of a status that means success.
    pub fn post(&self, address: &str, body: &Value) -> Result<Vec<u8>, Fault> {
        let request = self.agent.post(address).header("content-type", "application/json");
        let sent = match self.bearer() {
            Some(bearer) => request.header("authorization", bearer).send(body.to_string()),
            None => request.send(body.to_string()),
        };
        self.received(sent)
    }

    /// Reads an address, once.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub fn get(&self, address: &str) -> Result<Vec<u8>, Fault> {
        let request = self.agent.get(address);
        let sent = match self.bearer() {
            Some(bearer) => request.header("authorization", bearer).call(),
            None => request.call(),
        };
        self.received(sent)
    }

    fn bearer(&self) -> Option<String> {
        self.key.as_ref().map(|Secret(key)| format!("Bearer {key}"))
    }

    fn received(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Vec<u8>, Fault> {
        let read = |mut response: ureq::http::Response<ureq::Body>| {
            let status = response.status().as_u16();
            let header =
                response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let after = header.and_then(|header| retry_after(header, SystemTime::now()));
            let body = response.body_mut().with_config().limit(LONGEST_BODY).read_to_vec()?;
            Ok((status, after, body))
        };
        let (status, after, body) =
            response.and_then(read).map_err(|error| self.without_key(of_connection(&error)))?;
        judge(status, after, body).map_err(|fault| self.without_key(fault))
    }

    /// An endpoint may repeat the key in what it says.
    fn without_key(&self, fault: Fault) -> Fault {
        match &self.key {
            Some(Secret(key)) => fault.map(|text| text.replace(key.as_str(), "[key]")),
            None => fault,
        }
    }
}

fn read_key(variable: &str) -> Result<Secret, EndpointError> {
    let key = std::env::var(variable).unwrap_or_default();
    let key = key.trim();
    let is_sendable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sendable {
        Ok(Secret(key.to_owned()))
    } else {
        Err(EndpointError::NoKey(variable.to_owned()))
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
        let endpoint = Endpoint::new(&config).expect("valid");
        let key = env!("CARGO_PKG_NAME");
        assert!(!format!("{endpoint:?}").contains(key));
        let said = endpoint.without_key(Fault::Final(format!("wrong key {key}!")));
        assert_eq!(said, Fault::Final("wrong key [key]!".to_owned()));
        config.api_key_env = Some("FORETHOUGHT_NO_SUCH_VARIABLE".to_owned());
        let error = Endpoint::new(&config).expect_err("no key");
        assert!(error.to_string().contains("FORETHOUGHT_NO_SUCH_VARIABLE holds no API key"));
    }

    #[test]
    fn addresses_stand_below_the_version_or_beside_it() {
        let config = EndpointConfig::new("http://host:1/v1/", "m");
        let endpoint = Endpoint::new(&config).expect("valid");
        assert_eq!(endpoint.address("/models"), "http://host:1/v1/models");
        assert_eq!(endpoint.root_address("/health"), "http://host:1/health");
        let bare = Endpoint::new(&EndpointConfig::new("http://host:1", "m")).expect("valid");
        assert_eq!(bare.root_address("/health"), "http://host:1/health");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn an_address_that_needs_tls_is_refused_where_it_is_not_compiled_in() {
        let config = EndpointConfig::new("https://example.org/v1", "m");
        let error = Endpoint::new(&config).expect_err("no TLS");
        assert!(error.to_string().contains("cargo feature `tls`"), "{error}");
    }
}
