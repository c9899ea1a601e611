//! The `/completion` of llama.cpp's server, which tells token ids and the probabilities that tokens were drawn with.

use forethought_endpoint::{Fault, excerpt};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Ending};
use crate::drawing::Drawing;

/// The request for one completion.
///
/// Stop strings are not sent: the server would leave out the probabilities of their tokens. Who asked cuts the completion
/// where it contains one, and gets the same tokens.
pub(crate) fn request(prompt: &[u32], seed: u32, drawing: &Drawing) -> Value {
    json!({
        "prompt": prompt,
        "seed": seed,
        "stream": false,
        "n_predict": drawing.max_new_tokens,
        // The order of transformers and vLLM; the server's own puts the temperature last, which gives other tokens.
        "samplers": ["penalties", "temperature", "top_k", "top_p", "min_p"],
        "temperature": drawing.temperature,
        "top_k": drawing.top_k,
        "top_p": drawing.top_p,
        "min_p": drawing.min_p,
        "repeat_penalty": drawing.repetition_penalty,
        // All of them: servers differ in which number means so.
        "repeat_last_n": prompt.len() + drawing.max_new_tokens,
        "return_tokens": true,
        "n_probs": 1,
        "post_sampling_probs": true,
    })
}

#[derive(Deserialize)]
struct Body {
    tokens: Vec<u32>,
    stop_type: String,
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    tokens_evaluated: Option<usize>,
    #[serde(default)]
    completion_probabilities: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    id: u32,
    prob: Option<f64>,
}

/// Reads a completion of `prompt`.
pub(crate) fn answer(body: &[u8], prompt: &[u32]) -> Result<Answer, Fault> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Fault::broken(&error))?;
    let shown = excerpt(&value.to_string());
    let body: Body = serde_json::from_value(value).map_err(|error| {
        Fault::Final(format!(
            "no completion ({error}): {shown}; is this the address of llama.cpp's server?"
        ))
    })?;
    if body.truncated {
        return Err(Fault::Final(
            "it dropped a part of the prompt; start it with a longer context".to_owned(),
        ));
    }
    if body.tokens_evaluated.is_some_and(|count| count != prompt.len()) {
        let (found, sent) = (body.tokens_evaluated.unwrap_or_default(), prompt.len());
        return Err(Fault::Final(format!("it read {found} tokens of a prompt of {sent}")));
    }
    let ending = match body.stop_type.as_str() {
        "eos" | "word" => Ending::Stop,
        "limit" => Ending::Length,
        other => {
            let what = format!("the completion was broken off: stop_type is {other:?}");
            return Err(Fault::Passing { what, after: None });
        }
    };
    if body.completion_probabilities.iter().any(|token| token.prob.is_none()) {
        let message =
            "a token has no `prob`; `post_sampling_probs` needs a server of January 2025 or later";
        return Err(Fault::Final(message.to_owned()));
    }
    let log_probs = aligned(&body.tokens, &body.completion_probabilities).ok_or_else(|| {
        let told = body.completion_probabilities.iter().map(|token| token.id);
        let (tokens, told) = (&body.tokens, told.collect::<Vec<u32>>());
        Fault::Final(format!(
            "its `tokens` and `completion_probabilities` differ: {tokens:?} and {told:?}"
        ))
    })?;
    Ok(Answer { ids: body.tokens, log_probs, ending })
}

/// The log-probability of each token, where it is known.
///
/// The server tells none of tokens after which a character is incomplete. Which tokens those are need not be clear: the first
/// and the last places where the probabilities could stand are compared, and one whose places differ is left out.
fn aligned(ids: &[u32], told: &[Token]) -> Option<Vec<Option<f32>>> {
    let mut first = Vec::with_capacity(told.len());
    let mut places = 0..ids.len();
    for token in told {
        first.push(places.find(|place| ids[*place] == token.id)?);
    }
    let mut log_probs = vec![None; ids.len()];
    let mut places = 0..ids.len();
    for (token, first) in told.iter().zip(first).rev() {
        let last = places.rfind(|place| ids[*place] == token.id)?;
        if first == last {
            log_probs[first] = log_prob(token);
        }
    }
    Some(log_probs)
}

#[expect(clippy::cast_possible_truncation, reason = "log-probabilities are kept as 32-bit floats")]
fn log_prob(token: &Token) -> Option<f32> {
    token.prob.map(|prob| prob.ln() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Value {
        json!({
            "content": "a b", "tokens": [5, 2], "stop_type": "eos", "truncated": false, "tokens_evaluated": 2,
            "completion_probabilities": [
                {"id": 5, "token": "a", "prob": 0.5, "top_probs": [{"id": 5, "token": "a", "prob": 0.5}]},
                {"id": 2, "token": "", "prob": 1.0, "top_probs": []},
            ],
        })
    }

    fn read(value: &Value) -> Result<Answer, Fault> {
        answer(value.to_string().as_bytes(), &[1, 3])
    }

    #[test]
    fn probabilities_become_their_logarithms() {
        let expected = Answer {
            ids: vec![5, 2],
            log_probs: vec![Some(0.5_f32.ln()), Some(0.0)],
            ending: Ending::Stop,
        };
        assert_eq!(read(&told()), Ok(expected));
    }

    #[test]
    fn answers_that_contradict_themselves_or_the_question_are_refused() {
        let refusal = |spoil: &dyn Fn(&mut Value)| {
            let mut spoilt = told();
            spoil(&mut spoilt);
            match read(&spoilt) {
                Err(Fault::Final(message) | Fault::Passing { what: message, .. }) => message,
                other => panic!("{other:?}"),
            }
        };
        assert!(refusal(&|one| one["tokens"] = json!([5])).contains("differ"));
        assert!(refusal(&|one| one["truncated"] = json!(true)).contains("dropped a part"));
        let prompt = refusal(&|one| one["tokens_evaluated"] = json!(3));
        assert_eq!(prompt, "it read 3 tokens of a prompt of 2");
        assert!(refusal(&|one| one["stop_type"] = json!("none")).contains("broken off"));
        let old = refusal(&|one| one["completion_probabilities"][0]["prob"] = Value::Null);
        assert!(old.contains("has no `prob`"), "{old}");
        assert!(matches!(answer(b"{", &[1]), Err(Fault::Passing { .. })));
    }

    #[test]
    fn a_token_that_leaves_a_character_incomplete_has_no_probability_and_the_others_keep_theirs() {
        let token = |id, prob| Token { id, prob: Some(prob) };
        let (half, quarter) = (Some(0.5_f32.ln()), Some(0.25_f32.ln()));
        let told = [token(7, 0.5), token(9, 0.25)];
        assert_eq!(aligned(&[142, 7, 9], &told), Some(vec![None, half, quarter]));
        assert_eq!(aligned(&[7, 142, 9, 142], &told), Some(vec![half, None, quarter, None]));
        // The probability of 7 may be that of either.
        assert_eq!(aligned(&[7, 7, 9], &told), Some(vec![None, None, quarter]));
        assert_eq!(aligned(&[9, 7], &told), None);
        assert_eq!(aligned(&[7], &told), None);
    }

    #[test]
    fn filters_come_behind_the_temperature_and_stop_strings_stay_here() {
        let drawing = Drawing { stop_strings: vec!["x".to_owned()], ..Drawing::default() };
        let sent = request(&[1, 3], 9, &drawing);
        assert_eq!(sent["samplers"][1], json!("temperature"));
        assert!(sent.get("stop").is_none() && sent["post_sampling_probs"] == json!(true));
    }
}
