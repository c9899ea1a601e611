//! How completions are drawn.

use serde::Serialize;

/// How completions are drawn: temperature, then top-k, top-p and min-p, after a penalty for tokens that occurred before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawing {
    /// Divides the logits, `> 0`.
    pub temperature: f64,
    /// Keeps so many of the most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Keeps the fewest most likely tokens that together have this probability; 1 keeps all.
    pub top_p: f64,
    /// Keeps the tokens that are at least this share as likely as the most likely one; 0 keeps all.
    pub min_p: f64,
    /// Divides the positive and multiplies the negative logits of tokens that occurred before; 1 leaves them.
    pub repetition_penalty: f64,
    /// Tokens of the longest completion.
    pub max_new_tokens: usize,
    /// Tokens before the first of which none of `eos_ids` is drawn.
    pub min_new_tokens: usize,
    /// Tokens that end a completion.
    pub eos_ids: Vec<u32>,
    /// Texts that end a completion.
    pub stop_strings: Vec<String>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            max_new_tokens: 16,
            min_new_tokens: 0,
            eos_ids: Vec::new(),
            stop_strings: Vec::new(),
        }
    }
}

impl Drawing {
    /// Whether tokens are drawn from the model's own distribution, so that it makes no difference whether
    /// log-probabilities are told before or after temperature, penalty and filters.
    #[expect(clippy::float_cmp, reason = "these numbers are the ones that change nothing")]
    pub(crate) fn is_plain(&self) -> bool {
        self.temperature == 1.0
            && self.top_k == 0
            && self.top_p == 1.0
            && self.min_p == 0.0
            && self.repetition_penalty == 1.0
            && self.min_new_tokens == 0
    }
}
