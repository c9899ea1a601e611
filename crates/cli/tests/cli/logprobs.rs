//! `forethought logprobs` as a shell sees it.

use forethought_tokenize::Encoder;
use serde_json::{Value, json};

use crate::rows::Workplace;

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

#[track_caller]
fn assert_close(left: &[f64], right: &[f64]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        assert!((left - right).abs() < 1e-4, "{left} is not {right}");
    }
}

#[test]
fn tokens_have_the_log_probabilities_they_were_sampled_with() {
    let place = Workplace::new();
    let prompts = ["The quick brown fox", "One prompt"];
    place.write(&prompts.map(|prompt| json!({ "prompt": prompt })));
    let sampling = ["--temperature", "0.7", "--top-k", "50", "--num-samples", "2"];
    let generated = place.rows("generate", &sampling);
    let encoder = Encoder::open(place.path("model")).expect("it opens");
    let mut rows = Vec::new();
    let mut expected = Vec::new();
    for (prompt, row) in prompts.iter().zip(&generated) {
        for completion in row["completions"].as_array().expect("a list") {
            let ids: Vec<u32> = serde_json::from_value(completion["ids"].clone()).expect("ids");
            let prompt_ids = encoder.encode(prompt).expect("it encodes");
            let all = [prompt_ids.as_slice(), &ids].concat();
            rows.push(json!({ "ids": all }));
            expected.push((prompt_ids.len(), numbers(&completion["log_probs"])));
        }
    }
    place.write(&rows);
    let scored = place.rows("logprobs", &["--temperature", "0.7"]);
    assert_eq!(scored.len(), 4);
    for (row, (prompt_length, expected)) in scored.iter().zip(&expected) {
        // The first id has no number.
        assert_close(&numbers(&row["log_probs"])[prompt_length - 1..], expected);
    }
}

#[test]
fn a_completion_is_what_the_prompt_alone_does_not_have() {
    let place = Workplace::new();
    let encoder = Encoder::open(place.path("model")).expect("it opens");
    let whole = encoder.encode("Solve for x = 5").expect("it encodes");
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    place.write(&[
        json!({ "prompt": "Solve for", "completion": " x = 5", "kept": 1 }),
        json!({ "ids": whole }),
        json!({ "messages": messages, "completion": "4<|im_end|>" }),
        json!({ "prompt": "Solve for", "completion": "" }),
    ]);
    let rows = place.rows("logprobs", &[]);
    let num_prompt = encoder.count("Solve for").expect("it encodes");
    assert_close(
        &numbers(&rows[0]["log_probs"]),
        &numbers(&rows[1]["log_probs"])[num_prompt - 1..],
    );
    assert_eq!(rows[0]["kept"], 1);
    assert_eq!(numbers(&rows[2]["log_probs"]).len(), 2);
    assert_eq!(rows[3]["log_probs"], json!([]));
    assert!(numbers(&rows[1]["log_probs"]).iter().all(|log_prob| *log_prob < 0.0));
}

#[test]
fn sequences_that_cannot_be_scored_say_why() {
    let place = Workplace::new();
    for (row, expected) in [
        (
            json!({ "ids": [5, 1024] }),
            "rows.jsonl:1: ids: has token id 1024, the model's vocabulary has 1024",
        ),
        (
            json!({ "ids": [5, -1] }),
            "rows.jsonl:1: ids[1]: expected a token id, found the number -1",
        ),
        (json!({ "ids": [] }), "rows.jsonl:1: ids: is empty"),
        (
            json!({ "ids": [5, 6], "prompt": "a", "completion": "b" }),
            "rows.jsonl:1: ids: the row has a completion, too, and only one of them can be meant",
        ),
        (
            json!({ "ids": vec![1; 513] }),
            "rows.jsonl:1: ids: has 513 tokens, more than the model's 512 positions (max_position_embeddings)",
        ),
        (json!({ "prompt": "a" }), "rows.jsonl:1: completion: expected a string, found nothing"),
        (json!({ "prompt": "", "completion": "b" }), "rows.jsonl:1: prompt: starts no sequence"),
    ] {
        place.write(&[row]);
        let (code, error) = place.failure("logprobs", &[]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let (code, error) = place.failure("logprobs", &["--temperature", "-1"]);
    assert!(error.contains("--temperature must be finite and greater than 0, got -1"), "{error}");
    assert_eq!(code, Some(2));
    let (code, error) = place.failure("logprobs", &["--temperature", "0"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--temperature must be finite and greater than 0, got 0"), "{error}");
}
