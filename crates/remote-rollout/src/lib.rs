//! Has completions sampled by a server, by token ids, and loads adapters into it.
//!
//! Prompts go out as token ids, and token ids with their log-probabilities come back: a text that is tokenised again need
//! not give the tokens that were sampled. Two servers tell them ([`Api`]): vLLM's, and llama.cpp's.
//!
//! What a server sampled from may differ from what is trained: it computes otherwise, in fewer bits perhaps, and with an
//! adapter that is some steps old. So each token comes with the logarithm of the probability that it was drawn with, after
//! temperature and filters; a server that tells another one is refused ([`RolloutServer::check_log_probs`]). Whoever learns
//! from the tokens weights them by the ratio between the two policies.
//!
//! ```no_run
//! use forethought_endpoint::EndpointConfig;
//! use forethought_remote_rollout::{Api, Drawing, Question, RolloutServer};
//! use forethought_seed::Seed;
//!
//! let config = EndpointConfig::new("http://127.0.0.1:8000/v1", "Qwen2.5-0.5B");
//! let drawing = Drawing { max_new_tokens: 64, eos_ids: vec![151_643], ..Drawing::default() };
//! let server = RolloutServer::new(Api::Vllm, &config, drawing, Seed::new(42))?;
//! server.load_adapter("forethought-1", "/runs/adapter", &|| false)?;
//! let questions = vec![Question { prompt: vec![1, 2, 3], seed: 7 }];
//! let answers = server.ask("forethought-1", questions, &|| false, &mut |_, _| Ok(()))?;
//! assert!(!answers[0].ids.is_empty());
//! # Ok::<(), forethought_remote_rollout::RemoteError>(())
//! ```

mod adapters;
mod answer;
mod ask;
mod drawing;
mod error;
mod llama_cpp;
mod probe;
mod server;
mod vllm;

pub use answer::{Answer, Ending, settle};
pub use ask::{Question, Taken};
pub use drawing::Drawing;
pub use error::RemoteError;
pub use server::{Api, RolloutServer};

/// The example of the readme, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
