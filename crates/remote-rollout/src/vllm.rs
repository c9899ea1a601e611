//! vLLM's `/v1/completions`, with the extensions that tell token ids.
//!
//! `return_token_ids` gives the ids themselves (vLLM 0.10.2 and later); `return_tokens_as_token_ids` writes them in place
//! of the texts of the tokens, which earlier versions know too. Both are asked for, and must agree.

use forethought_endpoint::{Fault, excerpt};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Ending};
use crate::drawing::Drawing;

/// What a token is written as in place of its text.
const ID: &str = "token_id:";

/// The request for one completion; `alternatives` asks for the log-probabilities of so many of the likeliest tokens.
pub(crate) fn request(
    model: &str,
    prompt: &[u32],
    seed: u32,
    drawing: &Drawing,
    alternatives: u32,
) -> Value {
    json!({
        "model": model,
        "prompt": prompt,
        "seed": seed,
        "n": 1,
        "stream": false,
        "temperature": drawing.temperature,
        // vLLM's word for all tokens, in versions before it took 0 for it.
        "top_k": if drawing.top_k == 0 { json!(-1) } else { json!(drawing.top_k) },
        "top_p": drawing.top_p,
        "min_p": drawing.min_p,
        "repetition_penalty": drawing.repetition_penalty,
        "max_tokens": drawing.max_new_tokens,
        "min_tokens": drawing.min_new_tokens,
        "stop_token_ids": drawing.eos_ids,
        "stop": drawing.stop_strings,
        "include_stop_str_in_output": true,
        "skip_special_tokens": false,
        "logprobs": alternatives,
        "return_token_ids": true,
        "return_tokens_as_token_ids": true,
    })
}

#[derive(Deserialize)]
struct Body {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    finish_reason: Option<String>,
    #[serde(default)]
    token_ids: Option<Vec<u32>>,
    #[serde(default)]
    prompt_token_ids: Option<Vec<u32>>,
    logprobs: Option<LogProbs>,
}

#[derive(Deserialize)]
struct LogProbs {
    #[serde(default)]
    tokens: Vec<String>,
    #[serde(default)]
    token_logprobs: Vec<Option<f32>>,
    #[serde(default)]
    top_logprobs: Vec<Option<serde_json::Map<String, Value>>>,
}

/// Reads a completion of `prompt`.
pub(crate) fn answer(body: &[u8], prompt: &[u32]) -> Result<Answer, Fault> {
    let choice = choice(body)?;
    let ending = match choice.finish_reason.as_deref() {
        Some("stop") => Ending::Stop,
        Some("length") => Ending::Length,
        other => {
            // What the server gave up by itself it may do the next time.
            let what = format!("the completion was broken off: finish_reason is {other:?}");
            return Err(Fault::Passing { what, after: None });
        }
    };
    if choice.prompt_token_ids.as_ref().is_some_and(|ids| ids != prompt) {
        let message = "it completed another prompt than the one that was sent".to_owned();
        return Err(Fault::Final(message));
    }
    let log_probs = choice.logprobs.ok_or_else(|| {
        Fault::Final("its answer has no `logprobs`; importance cannot be corrected".to_owned())
    })?;
    let written = written_ids(&log_probs.tokens);
    let ids = match (choice.token_ids, written) {
        (Some(ids), Some(written)) if ids != written => {
            let message =
                format!("its `token_ids` and `logprobs.tokens` differ: {ids:?} and {written:?}");
            return Err(Fault::Final(message));
        }
        (Some(ids), _) | (None, Some(ids)) => ids,
        (None, None) => {
            let message = "its answer has no token ids (`return_token_ids`, `return_tokens_as_token_ids`), and texts that \
                           are tokenised again need not be what was sampled; vLLM 0.7 and later tell them";
            return Err(Fault::Final(message.to_owned()));
        }
    };
    let log_probs = log_probs.token_logprobs;
    if log_probs.contains(&None) {
        return Err(Fault::Final("a token has no log-probability".to_owned()));
    }
    Ok(Answer { ids, log_probs, ending })
}

/// The log-probabilities of the likeliest first tokens, the largest first.
pub(crate) fn alternatives(body: &[u8]) -> Result<Vec<f64>, Fault> {
    let choice = choice(body)?;
    let first = choice.logprobs.and_then(|list| list.top_logprobs.into_iter().next().flatten());
    let values = first.iter().flat_map(serde_json::Map::values).filter_map(Value::as_f64);
    let mut values: Vec<f64> = values.collect();
    values.sort_by(|left, right| right.total_cmp(left));
    Ok(values)
}

/// The ids that stand in place of texts; none where texts do.
fn written_ids(tokens: &[String]) -> Option<Vec<u32>> {
    let ids = tokens.iter().map(|token| token.strip_prefix(ID)?.parse().ok());
    let ids: Option<Vec<u32>> = ids.collect();
    ids.filter(|ids| !ids.is_empty())
}

fn choice(body: &[u8]) -> Result<Choice, Fault> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Fault::broken(&error))?;
    let shown = excerpt(&value.to_string());
    let shape = |error: String| {
        Fault::Final(format!("no completion ({error}): {shown}; is this the address of vLLM?"))
    };
    let body: Body = serde_json::from_value(value).map_err(|error| shape(error.to_string()))?;
    body.choices.into_iter().next().ok_or_else(|| shape("`choices` is empty".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(choice: &Value) -> Vec<u8> {
        json!({"choices": [choice]}).to_string().into_bytes()
    }

    fn told() -> Value {
        json!({
            "index": 0, "text": "a b", "finish_reason": "stop", "stop_reason": 2,
            "token_ids": [5, 2], "prompt_token_ids": [1, 3],
            "logprobs": {"tokens": ["token_id:5", "token_id:2"], "token_logprobs": [-0.25, -1.5],
                         "top_logprobs": [{"token_id:5": -0.25}, {"token_id:2": -1.5}], "text_offset": [0, 1]},
        })
    }

    #[test]
    fn ids_and_log_probabilities_are_read_whole() {
        let expected = Answer {
            ids: vec![5, 2],
            log_probs: vec![Some(-0.25), Some(-1.5)],
            ending: Ending::Stop,
        };
        assert_eq!(answer(&body(&told()), &[1, 3]), Ok(expected.clone()));
        let mut older = told();
        older.as_object_mut().expect("an object").remove("token_ids");
        assert_eq!(answer(&body(&older), &[1, 3]), Ok(expected));
    }

    #[test]
    fn a_server_that_tells_no_ids_is_refused_rather_than_its_text_read() {
        let mut plain = told();
        plain.as_object_mut().expect("an object").remove("token_ids");
        plain["logprobs"]["tokens"] = json!(["a", " b"]);
        let Err(Fault::Final(message)) = answer(&body(&plain), &[1, 3]) else { panic!("no ids") };
        assert!(message.contains("has no token ids"), "{message}");
    }

    #[test]
    fn answers_that_contradict_themselves_or_the_question_are_refused() {
        let refusal = |spoil: &dyn Fn(&mut Value)| {
            let mut spoilt = told();
            spoil(&mut spoilt);
            match answer(&body(&spoilt), &[1, 3]) {
                Err(Fault::Final(message) | Fault::Passing { what: message, .. }) => message,
                other => panic!("{other:?}"),
            }
        };
        assert!(refusal(&|one| one["token_ids"] = json!([5, 3])).contains("differ"));
        assert!(refusal(&|one| one["prompt_token_ids"] = json!([1])).contains("another prompt"));
        assert!(refusal(&|one| one["logprobs"] = Value::Null).contains("no `logprobs`"));
        let no_number = refusal(&|one| one["logprobs"]["token_logprobs"][1] = Value::Null);
        assert_eq!(no_number, "a token has no log-probability");
        assert!(refusal(&|one| one["finish_reason"] = json!("abort")).contains("broken off"));
        assert!(matches!(answer(b"{\"choices\": [", &[1]), Err(Fault::Passing { .. })));
        assert!(matches!(answer(b"{\"choices\": []}", &[1]), Err(Fault::Final(_))));
    }

    #[test]
    fn a_request_names_the_prompt_by_its_ids_and_asks_for_ids() {
        let drawing = Drawing { top_k: 7, eos_ids: vec![2], ..Drawing::default() };
        let sent = request("lora-1", &[1, 3], 9, &drawing, 0);
        assert_eq!(sent["prompt"], json!([1, 3]));
        assert_eq!((sent["top_k"].clone(), sent["stop_token_ids"].clone()), (json!(7), json!([2])));
        assert_eq!(sent["return_token_ids"], json!(true));
        assert_eq!(request("m", &[1], 9, &Drawing::default(), 0)["top_k"], json!(-1));
    }
}
