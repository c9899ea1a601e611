//! 1 for a completion that is built as asked, and 0 for any other.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::function::each;
use crate::{RewardConfigError, RewardFn, Sample, Score, Verdict};

/// What a completion should look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FormatSemantics {
    /// open-r1 as it stands: `<think>`, `</think>`, `<answer>` and `</answer>` on lines of their own.
    #[default]
    #[serde(rename = "open-r1")]
    OpenR1,
    /// open-r1 of February 2025: the four tags right behind each other, and nothing between them may go over a line, for
    /// the expression was compiled without DOTALL.
    #[serde(rename = "open-r1-2025-02")]
    OpenR1Early,
}

/// Settings of [`Format`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FormatConfig {
    /// Whose rules: `open-r1` or `open-r1-2025-02`. Default `open-r1`.
    pub semantics: FormatSemantics,
}

/// The expressions are matched from the start of the text, as Python's `re.match`.
static OPEN_R1: LazyLock<Regex> =
    LazyLock::new(|| known(r"(?ms)\A<think>\n.*?\n</think>\n<answer>\n.*?\n</answer>$"));
static OPEN_R1_EARLY: LazyLock<Regex> =
    LazyLock::new(|| known(r"\A<think>.*?</think><answer>.*?</answer>\n?\z"));

/// An expression of this file.
pub(crate) fn known(expression: &str) -> Regex {
    Regex::new(expression).expect("the expression stands in the code")
}

fn judged(verdict: Verdict, wanted: &str) -> Score {
    let (value, word) = if verdict == Verdict::Correct { (1.0, "has") } else { (0.0, "has not") };
    Score::new(value, verdict, format!("the completion {word} the form {wanted}"))
}

impl FormatConfig {
    /// Builds the function.
    #[must_use]
    pub fn init(&self) -> Format {
        Format(self.semantics)
    }
}

/// `format_reward` of open-r1.
#[derive(Clone, Copy, Debug)]
pub struct Format(FormatSemantics);

impl Format {
    /// The score of a completion.
    #[must_use]
    pub fn judge(&self, completion: &str) -> Score {
        let (expression, wanted) = match self.0 {
            FormatSemantics::OpenR1 => (&OPEN_R1, r"<think>\n…\n</think>\n<answer>\n…\n</answer>"),
            FormatSemantics::OpenR1Early => {
                (&OPEN_R1_EARLY, "<think>…</think><answer>…</answer> on one line")
            }
        };
        judged(expression.is_match(completion).into(), wanted)
    }
}

impl RewardFn for Format {
    fn name(&self) -> &'static str {
        "format"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}

/// Settings of a function that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// `think_format_reward` of TRL: the completion begins with `<think>`, has no other, and a `</think>` after it.
#[derive(Clone, Copy, Debug)]
pub struct ThinkFormat;

impl ThinkFormat {
    /// The score of a completion.
    #[must_use]
    pub fn judge(self, completion: &str) -> Score {
        let is_match = completion
            .strip_prefix("<think>")
            .is_some_and(|rest| !rest.contains("<think>") && rest.contains("</think>"));
        judged(is_match.into(), "<think>…</think>…")
    }
}

impl RewardFn for ThinkFormat {
    fn name(&self) -> &'static str {
        "think_format"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}

/// The format of the notebooks: `<think>…</think>` and then a closed `\boxed{…}`.
#[derive(Clone, Copy, Debug)]
pub struct ThinkBoxed;

impl ThinkBoxed {
    /// The score of a completion.
    #[must_use]
    pub fn judge(self, completion: &str) -> Score {
        let after = completion.trim_start().strip_prefix("<think>");
        let after = after.and_then(|rest| rest.split_once("</think>")).map(|(_, after)| after);
        let is_match = after.is_some_and(|after| forethought_verify::last_boxed(after).is_some());
        judged(is_match.into(), r"<think>…</think>…\boxed{…}")
    }
}

impl RewardFn for ThinkBoxed {
    fn name(&self) -> &'static str {
        "think_boxed"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}

/// Settings of [`CodeFormat`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CodeFormatConfig {
    /// The language that the fence names. Default `python`.
    pub language: String,
}

impl Default for CodeFormatConfig {
    fn default() -> Self {
        Self { language: "python".to_owned() }
    }
}

impl CodeFormatConfig {
    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If no language is named.
    pub fn init(&self) -> Result<CodeFormat, RewardConfigError> {
        if self.language.is_empty() {
            return Err(RewardConfigError::Empty { field: "language".to_owned() });
        }
        let language = regex::escape(&self.language);
        let start = r"(?ms)\A<think>\n.*?\n</think>\n<answer>\n";
        Ok(CodeFormat(known(&format!("{start}.*?```{language}.*?```.*?\n</answer>$"))))
    }
}

/// `get_code_format_reward` of open-r1: its format, with fenced code in the answer.
#[derive(Clone, Debug)]
pub struct CodeFormat(Regex);

impl CodeFormat {
    /// The score of a completion.
    #[must_use]
    pub fn judge(&self, completion: &str) -> Score {
        let wanted = r"<think>\n…\n</think>\n<answer>\n…```code```…\n</answer>";
        judged(self.0.is_match(completion).into(), wanted)
    }
}

impl RewardFn for CodeFormat {
    fn name(&self) -> &'static str {
        "code_format"
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| self.judge(sample.completion))
    }
}

/// The last block of code of a language, as open-r1 takes it out of a completion before it runs it.
///
/// ```
/// let text = "```python\nx = 1\n``` or ```python\nx = 2\n```";
/// assert_eq!(forethought_reward::last_code_block(text, "python"), Some("x = 2\n"));
/// assert_eq!(forethought_reward::last_code_block(text, "cpp"), None);
/// ```
#[must_use]
pub fn last_code_block<'a>(text: &'a str, language: &str) -> Option<&'a str> {
    let open = format!("```{language}\n");
    let (mut rest, mut last) = (text, None);
    while let Some((_, after)) = rest.split_once(&open) {
        let Some((code, next)) = after.split_once("```") else { break };
        (rest, last) = (next, Some(code));
    }
    last
}
