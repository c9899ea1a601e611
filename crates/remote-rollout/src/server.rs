//! A server that samples.

use std::sync::Arc;

use forethought_endpoint::{Endpoint, EndpointConfig, Fault, News};
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::drawing::Drawing;
use crate::error::RemoteError;

/// The language that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// vLLM's: `/v1/completions` with token ids, and adapters that are loaded while it runs.
    Vllm,
    /// llama.cpp's: `/completion` with token ids. It loads adapters when it starts, and none later.
    LlamaCpp,
}

impl Api {
    /// Whether adapters can be loaded while the server runs.
    #[must_use]
    pub fn loads_adapters(self) -> bool {
        match self {
            Self::Vllm => true,
            Self::LlamaCpp => false,
        }
    }

    /// Its name in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::LlamaCpp => "llama_cpp",
        }
    }
}

/// A server that samples completions.
#[derive(Debug)]
pub struct RolloutServer {
    pub(crate) api: Api,
    pub(crate) http: Arc<Endpoint>,
    pub(crate) drawing: Drawing,
    /// Draws the pauses between tries.
    pub(crate) seed: Seed,
    /// Ids from here on are none of the trained model.
    pub(crate) vocab_size: usize,
}

impl RolloutServer {
    /// Prepares a server; nothing is sent. The key is read from the environment here.
    ///
    /// # Errors
    ///
    /// If the address cannot be asked, or the server cannot draw as it should.
    pub fn new(
        api: Api,
        config: &EndpointConfig,
        drawing: Drawing,
        seed: Seed,
    ) -> Result<Self, RemoteError> {
        if api == Api::LlamaCpp && drawing.min_new_tokens > 0 {
            let message = "llama.cpp's server knows no least number of tokens; leave it out";
            let field = "sampling.min_new_tokens";
            return Err(RemoteError::Unsupported { field, message: message.to_owned() });
        }
        let http = Arc::new(Endpoint::new(config)?);
        Ok(Self { api, http, drawing, seed, vocab_size: usize::MAX })
    }

    /// The same server, whose answers may hold ids below this number only.
    #[must_use]
    pub fn with_vocab_size(self, vocab_size: usize) -> Self {
        Self { vocab_size, ..self }
    }

    /// How completions are drawn.
    #[must_use]
    pub fn drawing(&self) -> &Drawing {
        &self.drawing
    }

    /// The language that it speaks.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api
    }

    /// What the server calls the model that was there when it started.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.http.config().model
    }

    /// The names of the models that the server has, adapters among them.
    ///
    /// # Errors
    ///
    /// If it does not answer, or not as such a server does.
    pub fn models(&self, stop: &dyn Fn() -> bool) -> Result<Vec<String>, RemoteError> {
        let url = self.http.address("/models");
        let address = url.clone();
        let body = self.once(&url, stop, move |http| http.get(&address))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let names = value["data"].as_array().map(|list| {
            list.iter().filter_map(|one| one["id"].as_str()).map(str::to_owned).collect()
        });
        names.ok_or_else(|| RemoteError::Server {
            message: "no list of models; is this the address of such a server up to /v1?"
                .to_owned(),
            url,
        })
    }

    /// Checks that the server is there and, where one server has several models, that it has the one that is asked for.
    ///
    /// # Errors
    ///
    /// If it is not, or has not.
    pub fn check(&self, stop: &dyn Fn() -> bool) -> Result<(), RemoteError> {
        let models = self.models(stop)?;
        // llama.cpp's server has one model, and answers whatever name is asked for.
        if self.api == Api::LlamaCpp || models.iter().any(|one| one == self.model()) {
            return Ok(());
        }
        let (url, model) = (self.http.address("/models"), self.model().to_owned());
        let message = format!("it has {}; set endpoint.model to one of them", models.join(", "));
        Err(RemoteError::NoModel { url, model, message })
    }

    /// Makes one request until it is answered, or a fault does not pass.
    pub(crate) fn once<A: Send + 'static>(
        &self,
        url: &str,
        stop: &dyn Fn() -> bool,
        request: impl Fn(&Endpoint) -> Result<A, Fault> + Send + Sync + 'static,
    ) -> Result<A, RemoteError> {
        let asking = self.http.ask(vec![0], self.seed, move |http, _| request(http));
        let failed = |message| RemoteError::Server { url: url.to_owned(), message };
        loop {
            match asking.news(stop) {
                Ok(Some(News::Answered(_, answer))) => return Ok(answer),
                Ok(Some(News::Retried)) => {}
                Ok(Some(
                    News::Refused(_, message) | News::Missing(_, message) | News::Failed(message),
                )) => return Err(failed(message)),
                Ok(None) => return Err(failed("it was given up".to_owned())),
                Err(forethought_endpoint::Stopped) => return Err(RemoteError::Cancelled),
            }
        }
    }
}
