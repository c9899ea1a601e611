//! Rewards that another process or an endpoint gives, each answer under a time limit.
//!
//! Both are asked about one completion at a time, with one JSON object, and answer with one:
//!
//! ```text
//! asked      {"id": 7, "completion": "…", "group": 3, "columns": {"prompt": "…", "solution": "…"}}
//! answered   {"id": 7, "score": 0.5, "reason": "…"}
//! ```
//!
//! A score of null says that the completion cannot be judged. Whoever hangs, crashes, or answers with something else fails
//! the completion that it was asked about, and no other. After three failures in a row the rest of a call is given up, so
//! that a call takes a bounded time; the next call tries again.

mod http;
mod message;
mod process;
mod reward;
mod running;

use forethought_reward::{ExternalConfig, RewardFn};

pub use http::Http;
pub use process::Process;
pub use reward::{Asked, ExternalReward, GivenUp};

/// Settings of an external reward that are out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalError {
    /// A process without a program.
    #[error("process.command must not be empty")]
    NoCommand,
    /// A time that is none.
    #[error("{field} must be finite and {bound}, got {value}")]
    Time {
        /// The field.
        field: &'static str,
        /// What is allowed.
        bound: &'static str,
        /// Its value.
        value: f64,
    },
    /// An address that is not understood.
    #[error(
        "http.url must begin with `http://`, got `{0}`; there is no TLS here, a local proxy can add it"
    )]
    Url(String),
}

/// The longest time that can be set, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

fn seconds(
    field: &'static str,
    value: f64,
    bound: Bound,
) -> Result<std::time::Duration, ExternalError> {
    let (is_within, bound) = match bound {
        Bound::AboveZero => (value > 0.0, "above 0 and at most a day"),
        Bound::ZeroOrMore => (value >= 0.0, "0 or more and at most a day"),
    };
    if is_within && value <= MAX_SECONDS {
        return Ok(std::time::Duration::from_secs_f64(value));
    }
    Err(ExternalError::Time { field, bound, value })
}

#[derive(Clone, Copy)]
enum Bound {
    AboveZero,
    ZeroOrMore,
}

/// Builds a reward of a process or an endpoint, which waits for no answer that nobody wants any more. Neither is started or asked
/// before there is something to judge.
///
/// # Errors
///
/// If a setting is out of range, or the reward is of a kind that needs a model.
pub fn open(config: &ExternalConfig, given_up: GivenUp) -> Result<Box<dyn RewardFn>, String> {
    let told = |error: ExternalError| error.to_string();
    match config {
        ExternalConfig::Process(config) => {
            let reward = ExternalReward::process(config).map_err(told)?;
            Ok(Box::new(reward.with_given_up(given_up)))
        }
        ExternalConfig::Http(config) => {
            let reward = ExternalReward::http(config).map_err(told)?;
            Ok(Box::new(reward.with_given_up(given_up)))
        }
        other => Err(format!("the reward `{}` cannot be opened here", other.kind())),
    }
}

/// The example of the readme.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
