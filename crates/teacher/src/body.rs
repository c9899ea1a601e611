//! What is sent, and what is read of what comes back.

use forethought_endpoint::{Fault, excerpt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Sampling;

/// What a teacher wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Why it ends there, in the words of the endpoint: `stop`, or `length` where it was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Tokens of prompt and answer together, where the endpoint tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// The request for one answer.
pub(crate) fn request(model: &str, prompt: &str, sampling: &Sampling, seed: u32) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), json!([{"role": "user", "content": prompt}]));
    body.insert("temperature".to_owned(), json!(sampling.temperature));
    body.insert("top_p".to_owned(), json!(sampling.top_p));
    if let Some(top_k) = sampling.top_k {
        body.insert("top_k".to_owned(), json!(top_k));
    }
    body.insert("max_tokens".to_owned(), json!(sampling.max_tokens));
    body.insert("seed".to_owned(), json!(seed));
    body.insert("stream".to_owned(), json!(false));
    Value::Object(body)
}

/// Reads `choices[0].message.content`.
pub(crate) fn answer(body: &[u8]) -> Result<Answer, Fault> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Fault::broken(&error))?;
    let choice = &value["choices"][0];
    let shape = |place: &str, found: &Value| {
        let message = format!(
            "no chat completion: expected text in `{place}`, found {}; is this the address of an OpenAI-compatible endpoint?",
            excerpt(&found.to_string())
        );
        Fault::Final(message)
    };
    let Some(text) = choice["message"]["content"].as_str() else {
        let (place, found) = if choice.is_null() {
            ("choices", &value)
        } else {
            ("choices[0].message.content", choice)
        };
        return Err(shape(place, found));
    };
    Ok(Answer {
        text: text.to_owned(),
        finish_reason: choice["finish_reason"].as_str().map(str::to_owned),
        tokens: value["usage"]["total_tokens"].as_u64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_holds_what_the_sampling_says_and_no_top_k_where_there_is_none() {
        let sampling = Sampling::default();
        let body = request("m", "How many?", &sampling, 7);
        let expected = json!({
            "model": "m", "messages": [{"role": "user", "content": "How many?"}], "temperature": 0.3, "top_p": 0.95,
            "top_k": 50, "max_tokens": 400, "seed": 7, "stream": false,
        });
        assert_eq!(body, expected);
        let body = request("m", "p", &Sampling { top_k: None, ..sampling }, 7);
        assert!(body.get("top_k").is_none());
    }

    #[test]
    fn answers_are_read_and_other_shapes_are_told_from_broken_ones() {
        let body = br#"{"choices": [{"message": {"content": "5"}, "finish_reason": "length"}], "usage": {"total_tokens": 9}}"#;
        let expected =
            Answer { text: "5".into(), finish_reason: Some("length".into()), tokens: Some(9) };
        assert_eq!(answer(body), Ok(expected));
        assert!(matches!(answer(&body[..40]), Err(Fault::Passing { .. })));
        let Err(Fault::Final(message)) = answer(br#"{"object": "list"}"#) else { panic!("a list") };
        assert!(
            message.contains(r#"expected text in `choices`, found {"object":"list"}"#),
            "{message}"
        );
        let null = br#"{"choices": [{"message": {"content": null}}]}"#;
        assert!(matches!(answer(null), Err(Fault::Final(_))));
    }
}
