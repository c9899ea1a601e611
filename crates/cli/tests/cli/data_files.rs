//! What `forethought data` says of files, settings and places that do not fit.

use std::fs;

use serde_json::{Value, json};

use crate::data::Place;

fn turns(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

#[test]
fn an_entry_of_another_file_is_replaced_only_where_that_is_asked() {
    let rows = [json!({"prompt": "q", "completion": "a"})];
    let place = Place::new(&[("rows.jsonl", &rows)]);
    let index = json!({"x": {"file_name": "other.json"}, "later": {"file_name": "l.json", "formatting": "tomorrow"}});
    fs::write(place.path("dataset_info.json"), index.to_string()).expect("written");
    let convert = |output: &str, more: &[&str]| {
        let basic = ["convert", "rows.jsonl", "--to", "alpaca", "--output", output];
        place.data(&[&basic, more].concat())
    };
    let (code, _, error) = convert("x.json", &[]);
    assert_eq!(code, Some(2), "{error}");
    let expected = "dataset_info.json: there is an entry `x` already for other.json; choose another with --name, or give \
                    --overwrite to replace it";
    assert!(error.contains(expected), "{error}");
    assert!(!place.path("x.json").exists(), "nothing was written");
    assert_eq!(place.json("dataset_info.json"), index);

    for more in [&["--name", "y"][..], &["--name", "y"], &["--overwrite"]] {
        let (code, _, error) = convert("x.json", more);
        assert_eq!(code, Some(0), "the same file again is no other one: {error}");
    }
    let info = place.json("dataset_info.json");
    assert_eq!(
        (&info["x"]["file_name"], &info["y"]["file_name"]),
        (&json!("x.json"), &json!("x.json"))
    );
    assert_eq!(info["later"], index["later"], "an entry for a later version stays as it is");

    fs::write(place.path("dataset_info.json"), "{").expect("written");
    let (code, _, error) = convert("z.json", &[]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("dataset_info.json: EOF") && !place.path("z.json").exists(), "{error}");
}

#[test]
fn texts_get_an_entry_of_llama_factory_where_they_get_a_name() {
    let place = Place::new(&[("texts.jsonl", &[json!({"text": "Once."})])]);
    let to = |arguments: &[&str]| place.data(&[&["convert", "texts.jsonl"], arguments].concat());
    let (code, _, error) = to(&["--to", "alpaca", "--output", "a.json"]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("give --to text with a --name for its index"), "{error}");
    let (code, _, error) = to(&["--to", "text", "--name", "corpus", "--output", "c.jsonl"]);
    assert_eq!(code, Some(0), "{error}");
    let entry = json!({"file_name": "c.jsonl", "columns": {"prompt": "text"}});
    assert_eq!(place.json("dataset_info.json")["corpus"], entry);
    let (back, _) = place.done(&["convert", "dataset_info.json", "--to", "text"]);
    assert_eq!(back, "{\"text\":\"Once.\"}\n");
    let (code, _, error) = to(&["--to", "text", "--name", "corpus"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--name corpus: only a file of a shape that LLaMA-Factory"), "{error}");
}

#[test]
fn prompts_of_two_forms_in_one_file_are_told() {
    let completed =
        json!({"prompt": turns("r"), "completion": [{"role": "assistant", "content": "b"}]});
    let place = Place::new(&[
        ("a.jsonl", &[json!({"prompt": "q", "completion": "a"})]),
        ("b.jsonl", &[completed]),
    ]);
    let to = |shape: &str, output: &str, more: &[&str]| {
        let basic = ["convert", "a.jsonl", "b.jsonl", "--to", shape, "--output", output];
        place.done(&[&basic, more].concat()).1
    };
    let told = "prompts of two forms are in one file (texts: 1, conversations: 1), and programs expect one: --prompts \
                conversational or --prompts standard";
    for output in ["out.jsonl", "out.json"] {
        let error = to("prompt_completion", output, &[]);
        assert!(error.contains(&format!("{output}: {told}")), "{error}");
        for form in ["conversational", "standard"] {
            let error = to("prompt_completion", output, &["--prompts", form]);
            assert!(!error.contains("two forms"), "{error}");
        }
    }
    // Turns are all that a conversation has.
    assert!(!to("messages", "out.jsonl", &[]).contains("two forms"));
}

#[test]
fn rows_that_are_written_are_counted_where_they_are_not_those_kept() {
    let pairs = [json!({"prompt": "q", "chosen": "a", "rejected": "b"})];
    let place = Place::new(&[("pairs.jsonl", &pairs)]);
    let (_, error) =
        place.done(&["convert", "pairs.jsonl", "--to", "unpaired", "--output", "u.jsonl"]);
    assert!(error.contains("convert: 1 row read = 1 kept + 0 dropped; 2 rows written"), "{error}");
    let (_, error) =
        place.done(&["convert", "u.jsonl", "--to", "preference", "--output", "p.jsonl"]);
    assert!(error.contains("convert: 2 rows read = 2 kept + 0 dropped; 1 row written"), "{error}");
}

#[test]
fn a_file_without_rows_is_an_error_whatever_its_format() {
    let place = Place::new(&[("empty.jsonl", &[])]);
    fs::write(place.path("only.csv"), "prompt,completion\n").expect("written");
    fs::write(place.path("empty.json"), "[]").expect("written");
    for file in ["empty.jsonl", "only.csv", "empty.json"] {
        for command in [&["inspect", file][..], &["convert", file, "--to", "text"]] {
            let (code, output, error) = place.data(command);
            assert_eq!((code, output.as_str()), (Some(1), ""), "{command:?}: {error}");
        }
        let (_, _, error) = place.data(&["inspect", file]);
        assert!(error.contains("no row is left of what was read:"), "{error}");
    }
}

#[test]
fn settings_that_cannot_be_are_bad_usage() {
    let place = Place::new(&[("a.jsonl", &[json!({"prompt": "q", "completion": "a"})])]);
    let mixed = |text: &str| {
        fs::write(place.path("mix.yaml"), text).expect("written");
        place.data(&["convert", "--mix", "mix.yaml", "--to", "prompt"])
    };
    for (text, expected) in [
        ("sources: []", "no files to read: sources is empty"),
        (
            "sources: [{path: a.jsonl, weight: 0}]",
            "weight must be finite and greater than 0, got 0",
        ),
        ("sources: [{path: a.jsonl, weight: -1}]", "greater than 0, got -1"),
        ("{sources: [{path: a.jsonl}], max_rows: 0}", "max_rows must be at least 1, got 0"),
        ("sources: [{path: a.jsonl, where: 'score >'}]", "where `score >`: "),
    ] {
        let (code, _, error) = mixed(text);
        assert_eq!(code, Some(2), "{text}: {error}");
        assert!(error.contains(expected), "{text}: {error}");
    }
    let commands = [&["inspect", "a.jsonl"][..], &["convert", "a.jsonl", "--to", "prompt"]];
    for command in commands {
        let (code, _, error) = place.data(&[command, &["--where", "score >"]].concat());
        assert_eq!(code, Some(2), "{error}");
        let (code, _, error) = place.data(&[command, &["--dataset", "demo"]].concat());
        assert_eq!(code, Some(2), "{error}");
    }
}

#[test]
fn a_folder_of_datasets_with_an_index_of_its_own_is_no_folder_of_llama_factory() {
    let place = Place::new(&[]);
    let saved = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../dataset/tests/seeds/saved/train/data-00000-of-00001.arrow"
    );
    fs::create_dir(place.path("cache")).expect("a folder");
    fs::copy(saved, place.path("cache/json-train.arrow")).expect("copied");
    let info = json!({"features": {"question": {"dtype": "string", "_type": "Value"}}});
    fs::write(place.path("cache/dataset_info.json"), info.to_string()).expect("written");
    let (_, _, error) = place.data(&["inspect", "cache", "--shape", "text"]);
    assert!(error.contains("cache/json-train.arrow: no column `text`"), "{error}");
}

#[test]
fn what_a_problem_teaches_is_its_solution() {
    let rows = [json!({"question": "3 + 4?", "answer": "No\n#### Yes"})];
    let place = Place::new(&[("gsm8k.jsonl", &rows)]);
    let model = crate::data::tokenizer(&place.path("model"));
    let inspect = ["inspect", "gsm8k.jsonl", "--tokenizer", &model];
    let (text, _) = place.done(&inspect);
    assert!(text.contains("read as     prompt and completion, the solution behind"), "{text}");
    assert!(text.contains("⟦No\n  | #### Yes<|im_end|>⟧"), "{text}");
    let (text, _) = place.done(&[&inspect[..], &["--json"]].concat());
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let learnt = found["files"][0]["lengths"]["learnt"]["max"].as_u64().expect("a number");
    assert!(learnt > 3, "{learnt}");
}
