//! Asks an address by HTTP with patience: many requests at once, each tried until it is answered, refused, or hopeless.
//!
//! An [`Endpoint`] sends JSON and sorts what comes back into what may pass and what will not ([`Fault`]). What may pass is
//! tried again with growing pauses: a refused connection, a time-out, a body cut short, the statuses 408, 425, 429 and 5xx;
//! `Retry-After` is obeyed by all requests. [`Endpoint::ask`] does so for many requests, a few at a time, and reports each
//! as it ends ([`News`]). [`Kept`] is a file of answers that is appended to as they come, so that none is asked for twice.
//!
//! The key of an address is read from the environment. It is in no message, no file and no `Debug` output.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use forethought_endpoint::{Endpoint, EndpointConfig, News};
//! use forethought_seed::Seed;
//!
//! let config = EndpointConfig::new("http://127.0.0.1:8000/v1", "Qwen2.5-7B-Instruct");
//! let endpoint = Arc::new(Endpoint::new(&config)?);
//! let models = endpoint.address("/models");
//! let asking = endpoint.ask(vec![0], Seed::new(42), move |endpoint, _| endpoint.get(&models));
//! while let Some(news) = asking.next(&|| false) {
//!     if let News::Answered(_, body) = news {
//!         assert!(!body.is_empty());
//!     }
//! }
//! # Ok::<(), forethought_endpoint::EndpointError>(())
//! ```

mod asking;
mod client;
mod config;
mod fault;
mod kept;
mod patience;

pub use asking::{Asking, News, Stopped};
pub use client::Endpoint;
pub use config::{EndpointConfig, EndpointError};
pub use fault::{Fault, excerpt};
pub use kept::{Kept, KeptError, key};

/// The example of the readme, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
