//! The number that a completion ends with, as verl reads GSM8K.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::format::known;
use crate::{AgainstSolution, RewardConfigError, Score, Verdict, accuracy, config};

/// How the number is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Behind `####`; the last of them counts.
    #[default]
    Strict,
    /// The last number of the text.
    Flexible,
}

/// Settings of [`Gsm8k`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gsm8kConfig {
    /// How the number is found: `strict` or `flexible`. Default `strict`, as in verl.
    pub method: Method,
    /// Score of another number: finite. Default 0, as in verl.
    pub format_score: f64,
    /// The column that holds the solution: the number alone, or a text with `####` before it. Default `solution`.
    pub solution: String,
}

impl Default for Gsm8kConfig {
    fn default() -> Self {
        Self { method: Method::default(), format_score: 0.0, solution: accuracy::solution() }
    }
}

impl Gsm8kConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If the score of another number is not finite.
    pub fn init(&self) -> Result<Gsm8k, RewardConfigError> {
        config::finite("format_score", self.format_score)?;
        Ok(Gsm8k(self.clone()))
    }
}

/// `compute_score` of verl's GSM8K: 1 for the number of the solution, character by character.
#[derive(Clone, Debug)]
pub struct Gsm8k(Gsm8kConfig);

/// How much of the end of a text is looked at, in characters.
const END: usize = 300;

static STRICT: LazyLock<Regex> = LazyLock::new(|| known(r"#### (-?[0-9.,]+)"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| known(r"-?[0-9.,]+"));

/// The final number of a text by one of the methods, among its last 300 characters: without commas and dollar signs
/// where it is strict, as it stands where it is flexible; `None` where there is none.
///
/// ```
/// use forethought_reward::{Method, final_number};
///
/// assert_eq!(final_number("so #### 1,234", Method::Strict).as_deref(), Some("1234"));
/// assert_eq!(final_number("so 7.", Method::Flexible).as_deref(), Some("7."));
/// ```
#[must_use]
pub fn final_number(text: &str, method: Method) -> Option<String> {
    let start = text.char_indices().rev().nth(END - 1).map_or(0, |(start, _)| start);
    let end = &text[start..];
    match method {
        Method::Strict => {
            let last = STRICT.captures_iter(end).last()?;
            Some(last[1].replace([',', '$'], ""))
        }
        Method::Flexible => {
            let numbers: Vec<&str> = NUMBER.find_iter(end).map(|found| found.as_str()).collect();
            let last = numbers.into_iter().rev().find(|number| *number != ".")?;
            Some(last.to_owned())
        }
    }
}

impl AgainstSolution for Gsm8k {
    const NAME: &'static str = "gsm8k";

    fn solution(&self) -> &str {
        &self.0.solution
    }

    fn judge(&self, completion: &str, solution: &str) -> Score {
        let gold = final_number(solution, Method::Strict);
        let gold = gold.unwrap_or_else(|| solution.trim().replace([',', '$'], ""));
        let Some(answer) = final_number(completion, self.0.method) else {
            return Score::new(0.0, Verdict::Unparseable, "the completion announces no number")
                .with_gold(&gold);
        };
        let is_equal = answer == gold;
        let value = if is_equal { 1.0 } else { self.0.format_score };
        let word = if is_equal { "is" } else { "is not" };
        Score::new(
            value,
            Verdict::from(is_equal),
            format!("the number {word} that of the solution"),
        )
        .with_answer(&answer)
        .with_gold(&gold)
    }
}
