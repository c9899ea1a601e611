//! Adapters that are loaded into a server while it runs.
//!
//! Every state of an adapter has a name and a path of its own. vLLM could load one over another (`load_inplace`), but its cache
//! of prompts knows adapters by name and path (0.33; before, by name): what one state computed would be taken for the next.

use serde_json::json;

use crate::error::RemoteError;
use crate::server::{Api, RolloutServer};

impl RolloutServer {
    /// Loads the adapter of a PEFT folder, which the server reads by itself, under a name. A server that has this name
    /// already is taken to have this adapter: give each state a name of its own.
    ///
    /// # Errors
    ///
    /// If the server cannot load adapters, or not this one.
    pub fn load_adapter(
        &self,
        name: &str,
        folder: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), RemoteError> {
        self.require_adapters()?;
        let url = self.http.address("/load_lora_adapter");
        let body = json!({"lora_name": name, "lora_path": folder});
        let address = url.clone();
        let loaded = self.once(&url, stop, move |http| http.post(&address, &body).map(|_| ()));
        match loaded {
            Err(RemoteError::Server { message, .. }) if message.contains("already been loaded") => {
                Ok(())
            }
            Err(RemoteError::Server { url, message }) => {
                let message = format!(
                    "the adapter in {folder} was not loaded: {message}; vLLM has to be started with --enable-lora, a \
                     --max-lora-rank of at least the rank, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, and has to see the folder \
                     under this path"
                );
                Err(RemoteError::Server { url, message })
            }
            other => other,
        }
    }

    /// Forgets an adapter. One that is not there is forgotten already.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or refuses.
    pub fn unload_adapter(&self, name: &str, stop: &dyn Fn() -> bool) -> Result<(), RemoteError> {
        self.require_adapters()?;
        let url = self.http.address("/unload_lora_adapter");
        let body = json!({"lora_name": name});
        let address = url.clone();
        self.once(&url, stop, move |http| match http.post(&address, &body) {
            Ok(_) | Err(forethought_endpoint::Fault::Missing(_)) => Ok(()),
            Err(fault) => Err(fault),
        })
    }

    fn require_adapters(&self) -> Result<(), RemoteError> {
        match self.api {
            Api::Vllm => Ok(()),
            Api::LlamaCpp => {
                let message = "llama.cpp's server loads adapters when it starts, and none later";
                let field = "rollout.reload_every";
                Err(RemoteError::Unsupported { field, message: message.to_owned() })
            }
        }
    }
}
