//! `forethought generate` as a shell sees it.

use std::fs;

use forethought_tests::repository;
use forethought_tokenize::Encoder;
use serde_json::{Value, json};

use crate::rows::{Workplace, parsed, piped, read_rows};
use crate::{forethought, outcome};

const GREEDY: [&str; 4] = ["--temperature", "0", "--max-new-tokens", "16"];

/// What transformers continues the first golden text with.
fn greedy_ids() -> Value {
    let path = repository().join("crates/rollout/tests/fixtures/tiny-qwen2.json");
    let golden: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    golden["greedy"][0].clone()
}

fn questions(number: usize) -> Vec<Value> {
    (0..number)
        .map(|index| json!({ "prompt": format!("Question {index}: what is"), "n": index }))
        .collect()
}

/// Ids of every completion, row by row.
fn ids(rows: &[Value]) -> Vec<Vec<Value>> {
    let of = |row: &Value| row["completions"].as_array().expect("a list").clone();
    rows.iter().map(|row| of(row).iter().map(|one| one["ids"].clone()).collect()).collect()
}

#[test]
fn greedy_completions_are_those_of_transformers_and_other_fields_pass_through() {
    let place = Workplace::new();
    place.write(&[json!({ "b": { "c": [null] }, "prompt": "The quick brown fox", "a": 1.5 })]);
    let rows = place.rows("generate", &GREEDY);
    let completion = &rows[0]["completions"][0];
    assert_eq!(completion["ids"], greedy_ids());
    assert_eq!(completion["finished"], false);
    assert_eq!(completion["log_probs"].as_array().expect("a list").len(), 16);
    let encoder = Encoder::open(place.path("model")).expect("it opens");
    let ids: Vec<u32> = serde_json::from_value(completion["ids"].clone()).expect("ids");
    assert_eq!(completion["text"], encoder.decode(&ids).expect("it decodes"));
    let fields: Vec<&String> = rows[0].as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["b", "prompt", "a", "completions"]);
    assert_eq!((&rows[0]["b"], &rows[0]["a"]), (&json!({ "c": [null] }), &json!(1.5)));
}

#[test]
fn messages_are_rendered_and_a_prompt_of_messages_is_the_same() {
    let place = Workplace::new();
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let text = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
                <|im_start|>assistant\n";
    place.write(&[
        json!({ "messages": messages }),
        json!({ "prompt": messages }),
        json!({ "prompt": text }),
    ]);
    let ids = ids(&place.rows("generate", &GREEDY));
    assert_eq!((&ids[0], &ids[1]), (&ids[2], &ids[2]));
}

#[test]
fn a_row_has_its_samples_whatever_the_chunk_the_threads_or_the_way_it_comes() {
    let place = Workplace::new();
    place.write(&questions(3));
    let few = place.rows("generate", &["--num-samples", "3", "--seed", "5"]);
    // Forty samples make every row a chunk of its own.
    let many = ids(&place.rows("generate", &["--num-samples", "40", "--seed", "5"]));
    for (few, many) in ids(&few).iter().zip(&many) {
        assert_eq!(few[..], many[..3]);
    }
    assert_ne!(many[0][0], many[0][1]);
    assert_ne!(many, ids(&place.rows("generate", &["--num-samples", "40", "--seed", "6"])));

    let mut command = place.command("generate", &["--num-samples", "3", "--seed", "5"]);
    let (_, one_thread, _) = outcome(command.env("RAYON_NUM_THREADS", "1"));
    assert_eq!(parsed(&one_thread), few);
    let lines = questions(3).iter().map(Value::to_string).collect::<Vec<_>>().join("\n\n");
    let mut command = forethought(&place.path(""));
    command.args([
        "generate",
        "model",
        "--num-samples",
        "3",
        "--seed",
        "5",
        "--output",
        "out.jsonl",
    ]);
    let (code, output, error) = piped(&mut command, &lines);
    assert_eq!((code, output.as_str(), error.as_str()), (Some(0), "", ""));
    assert_eq!(read_rows(&place.path("out.jsonl")), few);
    assert!(!place.path("out.jsonl.partial").exists());
}

#[test]
fn a_stop_string_ends_a_completion_also_inside_and_across_tokens() {
    let place = Workplace::new();
    place.write(&[json!({ "prompt": "The quick brown fox" })]);
    let encoder = Encoder::open(place.path("model")).expect("it opens");
    let whole: Vec<u32> = serde_json::from_value(greedy_ids()).expect("ids");
    let text = |ids: &[u32]| encoder.decode_with_specials(ids).expect("it decodes");
    let characters: Vec<char> = text(&whole).chars().collect();
    for start in [1, 4, 7] {
        let stop: String = characters[start..start + 4].iter().collect();
        let first = (1..=16).find(|end| text(&whole[..*end]).contains(&stop)).expect("it comes");
        let arguments = [&GREEDY[..], &["--stop", "never said", "--stop", &stop]].concat();
        let completion = &place.rows("generate", &arguments)[0]["completions"][0];
        assert_eq!(completion["ids"], json!(&whole[..first]), "{stop:?}");
        assert_eq!(completion["finished"], true);
    }
}

#[test]
fn options_go_before_the_file_of_the_sampling() {
    let place = Workplace::new();
    place.write(&questions(1));
    fs::write(place.path("s.yaml"), "temperature: 0\nmax_new_tokens: 3\n").expect("a file");
    let lengths = |arguments: &[&str]| {
        let ids = ids(&place.rows("generate", arguments));
        ids[0][0].as_array().expect("a list").len()
    };
    assert_eq!(lengths(&["--config", "s.yaml"]), 3);
    assert_eq!(lengths(&["--config", "s.yaml", "--max-new-tokens", "1"]), 1);
    fs::write(place.path("s.yaml"), "temperatur: 0\n").expect("a file");
    let (code, error) = place.failure("generate", &["--config", "s.yaml"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("s.yaml:1") && error.contains("temperatur"), "{error}");
}

#[test]
fn what_cannot_be_asked_for_ends_with_2() {
    let place = Workplace::new();
    place.write(&questions(1));
    for (arguments, part) in [
        (&["--temperature", "-1"][..], "temperature must be finite and at least 0, got -1"),
        (&["--top-p", "0"], "top_p must be in (0, 1], got 0"),
        (&["--min-p", "2"], "min_p must be in [0, 1], got 2"),
        (&["--max-new-tokens", "0"], "max_new_tokens must be at least 1, got 0"),
        (&["--min-new-tokens", "21"], "min_new_tokens must be at most max_new_tokens = 20, got 21"),
        (&["--stop", ""], "stop_strings must not hold an empty string"),
        (&["--num-samples", "0"], "--num-samples"),
        (&["--device", "gpu"], "use cpu, cuda or cuda:N"),
    ] {
        let (code, error) = place.failure("generate", arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
}

#[test]
fn a_bad_row_is_named_before_anything_is_computed() {
    let place = Workplace::new();
    let user = |content: Value| json!([{ "role": "user", "content": content }]);
    let long = "word ".repeat(600);
    for (row, expected) in [
        (
            json!({ "text": "a" }),
            "rows.jsonl:2: prompt: expected a prompt or messages, found nothing",
        ),
        (
            json!({ "prompt": 5 }),
            "rows.jsonl:2: prompt: expected a string or a list of messages, found the number 5",
        ),
        (json!({ "prompt": "" }), "rows.jsonl:2: prompt: is empty"),
        (
            json!({ "prompt": "a", "messages": user("b".into()) }),
            "rows.jsonl:2: messages: the row has a prompt, too",
        ),
        (
            json!({ "messages": [] }),
            "rows.jsonl:2: messages: expected a string or a list of messages, found the list []",
        ),
        (
            json!({ "messages": [{ "role": "usr", "content": "a" }] }),
            "rows.jsonl:2: messages[0].role: expected system, user, assistant or tool, found the string \"usr\"",
        ),
        (
            json!({ "messages": user(7.into()) }),
            "rows.jsonl:2: messages[0].content: expected a string, found the number 7",
        ),
        (
            json!({ "prompt": long }),
            "more than the model's 512 positions (max_position_embeddings)",
        ),
        (json!([1]), "rows.jsonl:2: expected a JSON object, found the list [1]"),
    ] {
        place.write(&[json!({ "prompt": "fine" }), row]);
        let (code, error) = place.failure("generate", &["--output", "out.jsonl"]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(expected) && !error.contains("panicked"), "{error}");
        assert!(!place.path("out.jsonl").exists() && !place.path("out.jsonl.partial").exists());
    }
}

#[test]
fn rows_that_were_done_before_a_failure_stay_and_are_named() {
    let place = Workplace::new();
    let mut command = forethought(&place.path(""));
    command.args(["generate", "model", "--num-samples", "64", "--max-new-tokens", "1"]);
    let (code, _, error) =
        piped(command.args(["--output", "out.jsonl"]), "{\"prompt\": \"a\"}\n{\"prompt\": 1}\n");
    assert_eq!(code, Some(1));
    assert!(error.starts_with("the 1 rows that were done are in out.jsonl.partial\n"), "{error}");
    assert!(error.contains("error: standard input:2: prompt: expected a string"), "{error}");
    assert_eq!(read_rows(&place.path("out.jsonl.partial")).len(), 1);
}

#[test]
fn a_folder_without_a_model_or_rows_ends_with_1_and_its_path() {
    let place = Workplace::new();
    let (code, error) = place.failure("generate", &[]);
    assert_eq!(code, Some(1));
    assert!(error.starts_with("error: rows.jsonl: "), "{error}");
    let (code, _, error) = outcome(forethought(&place.path("")).args(["generate", "nowhere"]));
    assert_eq!(code, Some(1));
    assert!(error.contains("nowhere/tokenizer.json: not found"), "{error}");
}
