//! Whether the log-probabilities that a server tells are those that it draws with.

use crate::drawing::Drawing;
use crate::error::RemoteError;
use crate::server::{Api, RolloutServer};
use crate::vllm;

/// Tokens whose log-probabilities are compared.
const ALTERNATIVES: u32 = 5;

impl RolloutServer {
    /// Checks that the server tells log-probabilities after temperature and filters, where that makes a difference.
    ///
    /// vLLM tells those before them unless it is started with `--logprobs-mode processed_logprobs`, and does not say which.
    /// But the likeliest tokens of one prompt lie twice as far apart at half the temperature only in the former case.
    /// llama.cpp's server is told for each request.
    ///
    /// # Errors
    ///
    /// If it does not, or does not answer.
    pub fn check_log_probs(
        &self,
        model: &str,
        prompt: &[u32],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), RemoteError> {
        if self.api == Api::LlamaCpp || self.drawing.is_plain() {
            return Ok(());
        }
        let whole = self.spread(model, prompt, 1.0, stop)?;
        let half = self.spread(model, prompt, 0.5, stop)?;
        if 1.5 * whole < half {
            return Ok(());
        }
        let message = format!(
            "it tells log-probabilities before the temperature and the filters of `sampling` (the likeliest tokens are {whole} \
             apart at temperature 1, {half} at 0.5), so importance cannot be corrected; start vLLM with --logprobs-mode \
             processed_logprobs, or leave temperature 1 and no filter"
        );
        Err(RemoteError::Server { url: self.completions_url(), message })
    }

    /// How far the likeliest first tokens lie apart, in nats.
    fn spread(
        &self,
        model: &str,
        prompt: &[u32],
        temperature: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<f64, RemoteError> {
        let drawing = Drawing { temperature, max_new_tokens: 1, ..Drawing::default() };
        let body = vllm::request(model, prompt, 0, &drawing, ALTERNATIVES);
        let url = self.completions_url();
        let address = url.clone();
        let values =
            self.once(&url, stop, move |http| vllm::alternatives(&http.post(&address, &body)?))?;
        match (values.first(), values.last()) {
            (Some(first), Some(last)) if last < first => Ok(first - last),
            _ => {
                let message = format!("no log-probabilities of {ALTERNATIVES} tokens: {values:?}");
                Err(RemoteError::Server { url, message })
            }
        }
    }
}
