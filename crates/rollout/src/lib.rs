//! Samples completions, many at once, with the prompts computed once.
//!
//! All prompts of a chunk are one packed row (common beginnings stand once), the `G` samples of a prompt share its
//! keys, and each step is one forward pass over the latest token of every unfinished sample.
//!
//! ```
//! use burn::tensor::Device;
//! use forethought_model::{Decoder, DecoderConfig};
//! use forethought_rollout::{Request, Sampling, generate};
//! use forethought_seed::Seed;
//!
//! let config = DecoderConfig {
//!     vocab_size: 32,
//!     hidden_size: 16,
//!     intermediate_size: 32,
//!     num_hidden_layers: 2,
//!     num_attention_heads: 4,
//!     num_key_value_heads: 2,
//!     ..DecoderConfig::default()
//! };
//! let decoder = Decoder::init(&config, Seed::new(0), &Device::flex());
//! let sampling = Sampling { temperature: 0.7, top_p: 0.9, max_new_tokens: 5, ..Sampling::default() };
//! let prompts = [vec![3, 4, 5], vec![3, 4, 6]];
//! let request = Request { samples_per_prompt: 2, eos_ids: &[0], ..Request::new(&prompts, Seed::new(1)) };
//! let completions = generate(&decoder, &sampling, &request, &mut |_| {})?;
//! assert_eq!(completions.len(), 4);
//! # Ok::<(), forethought_rollout::RolloutError>(())
//! ```

mod chunk;
mod error;
mod generate;
mod given;
mod sampler;
mod sampling;

pub use error::{PromptError, RolloutError};
pub use generate::{
    Cancel, Completion, DEFAULT_MAX_CACHED_TOKENS, Progress, Request, StopCheck, check_prompt,
    generate,
};
pub use given::{Given, check_given, given_log_probs};
pub use sampler::{Candidate, Past, distribution};
pub use sampling::{Sampling, SamplingError};

/// The example of the readme, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
