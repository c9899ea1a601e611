//! Rule rewards that say why.
//!
//! A [`RewardFn`] is a pure function of a completion and the fields of its row. Its [`Score`] carries the verdict, what
//! was read from the completion, and the reason in words; a value of `None` says that the row cannot be judged, which
//! is not the same as 0. A [`RewardSet`] weighs several functions.
//!
//! ```
//! use forethought_reward::{TieredConfig, Verdict};
//!
//! let reward = TieredConfig::preset("12/6/3")?.init()?;
//! let score = reward.judge("大约在321", 320.0);
//! assert_eq!((score.value, score.verdict), (Some(6.0), Verdict::Close));
//! assert_eq!(score.reason, "321 is 1 from 320: within 1");
//! // No number is no prediction: it is not read as 0, which would be right for class 0.
//! assert_eq!(reward.judge("no idea", 0.0).verdict, Verdict::Unparseable);
//! # Ok::<(), forethought_reward::RewardConfigError>(())
//! ```

mod config;
mod number;
mod sample;
mod score;
mod set;
mod tiered;

pub use config::{PRESETS, RewardConfig, RewardConfigError, Tier, TieredConfig, TieredTable};
pub use number::{Extracted, first_number};
pub use sample::{Field, Fields, Sample};
pub use score::{Score, Summary, Verdict};
pub use set::{NamedScore, RewardFn, RewardSet, SetScore};
pub use tiered::TieredReward;
