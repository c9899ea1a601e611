//! A model behind an address.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use forethought_endpoint::{EndpointConfig, Fault};
use forethought_seed::Seed;

use crate::body::{self, Answer};
use crate::{Sampling, TeacherError};

/// A model behind an address.
#[derive(Debug)]
pub struct Endpoint {
    pub(crate) http: Arc<forethought_endpoint::Endpoint>,
    /// The whole address of chat completions.
    pub(crate) url: String,
    pub(crate) sampling: Sampling,
    pub(crate) seed: Seed,
    /// Whether any prompt was answered so far: then refusals are the faults of their prompts.
    pub(crate) has_answered: AtomicBool,
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
        let http = Arc::new(forethought_endpoint::Endpoint::new(config)?);
        sampling.check()?;
        let url = http.address("/chat/completions");
        Ok(Self { http, url, sampling, seed, has_answered: AtomicBool::new(false) })
    }

    /// What the endpoint calls the model.
    pub(crate) fn model(&self) -> &str {
        &self.http.config().model
    }

    /// Asks prompts once each, by their place.
    pub(crate) fn once(
        &self,
        prompts: Vec<String>,
    ) -> impl Fn(&forethought_endpoint::Endpoint, usize) -> Result<Answer, Fault> + Send + Sync + use<>
    {
        let (url, model) = (self.url.clone(), self.model().to_owned());
        let (sampling, seed) = (self.sampling, self.seed);
        move |http, place| {
            let prompt = &prompts[place];
            let seed = seed.key("answer", prompt.as_bytes());
            // Servers read a seed of 32 bits; the highest is kept free, for some of them read a signed one.
            let seed = u32::try_from(seed >> 33).unwrap_or(0);
            let body = http.post(&url, &body::request(&model, prompt, &sampling, seed))?;
            body::answer(&body)
        }
    }
}
