//! Asks a model behind an OpenAI-compatible endpoint, and keeps every answer, so that none is paid twice.
//!
//! [`Endpoint::ask`] sends each prompt to `/chat/completions` (vLLM, llama.cpp's server, or any other that speaks it), a
//! few at a time. What may pass is tried again with growing pauses: a refused connection, a time-out, a body cut short,
//! the statuses 408, 425, 429 and 5xx; `Retry-After` is obeyed by all. What will not pass ends the work: a wrong key, a
//! wrong address, an answer of another shape. A prompt that the endpoint refuses by itself (400, 413, 422) costs no other
//! one. Answers go through a [`Cache`], a file that is appended to as they come, so an interrupted run goes on where it
//! was.
//!
//! The key of an endpoint is read from the environment. It is in no message, no file and no `Debug` output.
//!
//! ```no_run
//! use forethought_seed::Seed;
//! use forethought_teacher::{Cache, Endpoint, EndpointConfig, Reply, Sampling};
//!
//! let config = EndpointConfig::new("http://127.0.0.1:8000/v1", "Qwen2.5-7B-Instruct");
//! let endpoint = Endpoint::new(&config, Sampling::default(), Seed::new(42))?;
//! let mut cache = Cache::open("answers".as_ref())?;
//! let prompts = ["How many steps has this solution? …".to_owned()];
//! let asked = endpoint.ask(&prompts, &mut cache, &|| false, &mut |_| {})?;
//! if let Some(Reply::Answered(answer)) = &asked.replies[0] {
//!     assert!(!answer.text.is_empty());
//! }
//! # Ok::<(), forethought_teacher::TeacherError>(())
//! ```

mod ask;
mod body;
mod cache;
mod endpoint;
mod error;
mod sampling;

pub use ask::{Asked, Progress, Reply};
pub use body::Answer;
pub use cache::{Cache, key};
pub use endpoint::Endpoint;
pub use error::TeacherError;
pub use forethought_endpoint::EndpointConfig;
pub use sampling::Sampling;

/// The example of the readme, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
