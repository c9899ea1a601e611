//! Rule rewards that say why.
//!
//! A [`RewardFn`] is a pure function of completions and the columns of their rows. Each [`Score`] carries the verdict, what
//! was read from the completion, what it was compared with, and the reason in words; a value of `None` says that the
//! completion cannot be judged, which is not the same as 0. A [`RewardSet`] weighs several functions.
//!
//! ```
//! use forethought_reward::{Fields, RewardConfig, RewardSet, Sample, Verdict};
//!
//! let set = RewardSet::new(&[RewardConfig::named("accuracy")?, RewardConfig::named("think_boxed")?])?;
//! let fields = Fields::from([("solution".to_owned(), r"$\frac{1}{2}$".into())]);
//! let scores = set.score(&[Sample::new(r"<think>A half.</think>It is \boxed{0.5}.", &fields)]);
//! assert_eq!(scores[0].total, Some(2.0));
//! let accuracy = &scores[0].scores[0].score;
//! assert_eq!((accuracy.verdict, accuracy.answer.as_deref()), (Verdict::Correct, Some("0.5")));
//! println!("{}", accuracy.reason); // 0.5 is equal to \frac{1}{2} (exact)
//! # Ok::<(), forethought_reward::RewardConfigError>(())
//! ```
//!
//! Functions of the published programs stand under their names, with `semantics` where they changed over time or differ
//! between programs. What they do beyond that is in `docs/algorithms/reward.md`.

mod accuracy;
mod boxed;
mod config;
mod cosine;
mod excerpt;
mod format;
mod function;
mod gsm8k;
mod length;
mod levenshtein;
mod mathematics;
mod number;
mod overlong;
mod pattern;
mod repetition;
mod sample;
mod score;
mod set;
mod tags;
mod tiered;

pub use accuracy::{Accuracy, AccuracyConfig, ReasoningAccuracy, ReasoningAccuracyConfig};
pub use boxed::{BoxedAccuracy, BoxedAccuracyConfig, is_equiv, normalized, remove_boxed};
pub use config::{
    ExternalConfig, FUNCTIONS, FunctionConfig, HttpConfig, ModelConfig, Open, ProcessConfig,
    RewardConfig, RewardConfigError,
};
pub use cosine::{Cosine, CosineConfig};
pub use format::{
    CodeFormat, CodeFormatConfig, Format, FormatConfig, FormatSemantics, NoSettings, ThinkBoxed,
    ThinkFormat, last_code_block,
};
pub use function::{AgainstSolution, Need, RewardFn, Scope};
pub use gsm8k::{Gsm8k, Gsm8kConfig, Method, final_number};
pub use length::{Among, Length, LengthConfig};
pub use levenshtein::{Levenshtein, LevenshteinConfig, Space, ratio};
pub use mathematics::Semantics;
pub use number::{Extracted, first_number};
pub use overlong::{SoftOverlong, SoftOverlongConfig};
pub use pattern::{Pattern, PatternConfig};
pub use repetition::{Language, Repetition, RepetitionConfig};
pub use sample::{Field, Fields, Sample};
pub use score::{Score, Summary, Verdict, mean_and_std};
pub use set::{MissingNeed, NamedScore, RewardSet, SetScore, Tokens, TooManyUnjudged};
pub use tags::{ReasoningSteps, ReasoningStepsConfig, TagCount};
pub use tiered::{Edge, Numbers, PRESETS, Tier, TieredConfig, TieredReward, TieredTable};
