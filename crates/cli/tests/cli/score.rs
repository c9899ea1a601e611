//! `forethought score` as a shell sees it.

use std::fs;

use forethought_tests::repository;
use forethought_tokenize::Encoder;
use serde_json::{Value, json};

use crate::rows::Workplace;

/// Sequences and what transformers' `ForSequenceClassification` says of them.
fn golden() -> Value {
    let path = "crates/model/tests/fixtures/forward/tiny-qwen2-reward.json";
    serde_json::from_slice(&fs::read(repository().join(path)).expect("a file")).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn texts_have_the_scores_of_transformers() {
    let place = Workplace::with("tiny-qwen2-reward");
    let encoder = Encoder::open(place.path("model")).expect("it opens");
    let golden = golden();
    let sequences: Vec<Vec<u32>> =
        serde_json::from_value(golden["ids"].clone()).expect("lists of ids");
    let text = |ids: &Vec<u32>| encoder.decode_with_specials(ids).expect("it decodes");
    let rows = sequences.iter().map(|ids| json!({ "text": text(ids), "kept": ids.len() }));
    place.write(&rows.collect::<Vec<_>>());
    let mut compared = 0;
    for (index, row) in place.rows("score", &[]).iter().enumerate() {
        assert_eq!(row["kept"], sequences[index].len());
        let expected = number(&golden["reward_unpadded"][index]);
        if encoder.encode(&text(&sequences[index])).expect("it encodes") == sequences[index] {
            assert!((number(&row["score"]) - expected).abs() < 5e-5, "{row}");
            compared += 1;
        }
    }
    assert!(0 < compared);
}

#[test]
fn a_pair_is_scored_as_two_texts_that_end() {
    let place = Workplace::with("tiny-qwen2-reward");
    let user = json!([{ "role": "user", "content": "Hi" }]);
    let say = |content: &str| json!({ "role": "assistant", "content": content });
    let begin = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
                 <|im_start|>assistant\n";
    place.write(&[
        json!({ "prompt": "2 + 2 =", "chosen": " 4", "rejected": " 5<|im_end|>" }),
        json!({ "text": "2 + 2 = 4<|im_end|>" }),
        json!({ "text": "2 + 2 = 5<|im_end|>" }),
        json!({ "prompt": user, "chosen": [say("good")], "rejected": "bad" }),
        json!({ "text": format!("{begin}good<|im_end|>\n") }),
        json!({ "text": format!("{begin}bad<|im_end|>\n") }),
    ]);
    let rows = place.rows("score", &[]);
    for (pair, texts) in [(0, [1, 2]), (3, [4, 5])] {
        for (field, text) in ["chosen_score", "rejected_score"].iter().zip(texts) {
            let difference = number(&rows[pair][field]) - number(&rows[text]["score"]);
            assert!(difference.abs() < 1e-4, "{field} of {}", rows[pair]);
        }
        assert_ne!(rows[pair]["chosen_score"], rows[pair]["rejected_score"]);
    }
}

#[test]
fn rows_that_cannot_be_scored_say_why() {
    let place = Workplace::with("tiny-qwen2-reward");
    for (row, expected) in [
        (
            json!({ "a": 1 }),
            "rows.jsonl:1: text: expected a text, or chosen and rejected, found nothing",
        ),
        (json!({ "text": "" }), "rows.jsonl:1: text: is empty"),
        (json!({ "text": [1] }), "rows.jsonl:1: text: expected a string, found the list [1]"),
        (json!({ "chosen": "a" }), "rows.jsonl:1: rejected: expected a string, found nothing"),
        (json!({ "text": "a", "chosen": "b" }), "rows.jsonl:1: text: the row has a pair, too"),
        (
            json!({ "prompt": [{ "role": "user", "content": "a" }], "chosen": 3, "rejected": "b" }),
            "rows.jsonl:1: chosen: expected a string or a list of messages, found the number 3",
        ),
    ] {
        place.write(&[row]);
        let (code, error) = place.failure("score", &[]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_folder_without_a_score_head_is_no_reward_model() {
    let place = Workplace::new();
    place.write(&[json!({ "text": "a" })]);
    let (code, error) = place.failure("score", &[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("model/config.json") && !error.contains("panicked"), "{error}");
}
