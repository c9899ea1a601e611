//! What is asked and what is answered.

use forethought_reward::{Fields, Score, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};

/// The longest answer, in bytes.
pub(crate) const MAX_ANSWER: usize = 1 << 20;
/// The most characters of an answer that a reason shows.
const SHOWN: usize = 120;

/// A question about one completion.
#[derive(Debug, Serialize)]
pub(crate) struct Question<'a> {
    /// Stands first, so that the simplest of programs find it.
    pub(crate) id: u64,
    pub(crate) completion: &'a str,
    /// Completions of one prompt have one number.
    pub(crate) group: usize,
    pub(crate) columns: &'a Fields,
}

impl Question<'_> {
    /// The question as one line.
    pub(crate) fn line(&self) -> Result<Vec<u8>, String> {
        let mut line = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        line.push(b'\n');
        Ok(line)
    }
}

/// An answer, as it is written.
#[derive(Debug)]
pub(crate) struct Answer(Map<String, Value>);

impl Answer {
    /// Reads an answer, or says what it is instead.
    pub(crate) fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map(Self).map_err(|error| {
            let shown = shown(&String::from_utf8_lossy(line));
            let has_nan = ["NaN", "Infinity"].iter().any(|word| shown.contains(word));
            let hint = if has_nan { "; JSON has no such number, and null is no score" } else { "" };
            format!("it answered with no JSON object ({error}): {shown}{hint}")
        })
    }

    /// The number of the question that it answers, if it says one.
    pub(crate) fn id(&self) -> Option<u64> {
        self.0.get("id").and_then(Value::as_u64)
    }

    /// The score that it means.
    pub(crate) fn score(self) -> Result<Score, String> {
        let reason = self.0.get("reason").and_then(Value::as_str).map(shown);
        match self.0.get("score") {
            None => Err("its answer has no `score`".to_owned()),
            Some(Value::Null) => {
                let reason = reason.unwrap_or_else(|| "it cannot be judged".to_owned());
                Ok(Score::none(Verdict::Undecided, reason))
            }
            Some(Value::Number(number)) => {
                let value = number.as_f64().filter(|value| value.is_finite());
                let value = value.ok_or_else(|| format!("its score is {number}"))?;
                let reason = reason.unwrap_or_else(|| format!("it said {value}"));
                Ok(Score::new(value, verdict(value), reason))
            }
            Some(other) => Err(format!("its score is no number: {}", shown(&other.to_string()))),
        }
    }
}

/// What a number of somebody else's means is not known; most give 1 for right and 0 for wrong.
fn verdict(value: f64) -> Verdict {
    if value >= 1.0 {
        Verdict::Correct
    } else if value > 0.0 {
        Verdict::Close
    } else {
        Verdict::Wrong
    }
}

/// The beginning of a text on one line.
pub(crate) fn shown(text: &str) -> String {
    let line = text.trim().replace(['\n', '\r'], " ");
    match line.char_indices().nth(SHOWN) {
        None => line,
        Some((end, _)) => format!("{}… ({} bytes)", &line[..end], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(line: &str) -> Result<Score, String> {
        Answer::read(line.as_bytes()).and_then(Answer::score)
    }

    #[test]
    fn an_answer_is_a_number_or_null() {
        let half = score(r#"{"id": 1, "score": 0.5, "reason": "half"}"#).expect("a number");
        assert_eq!(
            (half.value, half.verdict, half.reason.as_str()),
            (Some(0.5), Verdict::Close, "half")
        );
        let none = score(r#"{"id": 1, "score": null}"#).expect("null is an answer");
        assert_eq!((none.value, none.verdict), (None, Verdict::Undecided));
    }

    #[test]
    fn anything_else_is_named() {
        let error = |line: &str| score(line).expect_err("it is wrong");
        assert!(error(r#"{"id": 1, "score": NaN}"#).starts_with("it answered with no JSON object"));
        assert!(error("thinking …").ends_with(": thinking …"));
        assert_eq!(error(r#"{"id": 1, "score": [1, 2]}"#), "its score is no number: [1,2]");
        assert_eq!(error(r#"{"id": 1}"#), "its answer has no `score`");
    }
}
