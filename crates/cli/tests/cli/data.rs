//! `forethought data` as a shell sees it.

use std::fs;
use std::path::{Path, PathBuf};

use forethought_dataset::{ColumnType, FirstContact, Table};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{forethought, outcome};

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new(files: &[(&str, &[Value])]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, rows) in files {
            let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
            fs::write(folder.path().join(name), lines.join("\n")).expect("a file is written");
        }
        Self { folder }
    }

    pub(crate) fn data(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        outcome(forethought(self.folder.path()).arg("data").args(arguments))
    }

    pub(crate) fn done(&self, arguments: &[&str]) -> (String, String) {
        let (code, output, error) = self.data(arguments);
        assert_eq!(code, Some(0), "{error}");
        (output, error)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it was written")
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }
}

fn pairs() -> [Value; 3] {
    [
        json!({"prompt": "May I?", "pos_resp": "You may.", "neg_resp": "Never!", "pos_type": "polite"}),
        json!({"prompt": "Why?", "pos_resp": "So.", "neg_resp": "So.", "pos_type": "short"}),
        json!({"prompt": "How?", "pos_resp": "Thus.", "neg_resp": "No.", "pos_type": "short"}),
    ]
}

#[test]
fn inspect_says_what_the_numbers_of_classes_mean() {
    let place = Place::new(&[]);
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dataset/tests/classes/saved");
    let (output, _) = place.done(&["inspect", &saved.display().to_string()]);
    assert!(output.contains("label       false 1, true 1\n"), "{output}");
    assert!(output.contains("classes     of `label`: 0 bad, 1 good\n"), "{output}");
    let condition = ["--where", "avg(label) > 0"];
    let (code, _, error) = place.data(&["inspect", "absent.jsonl", condition[0], condition[1]]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("an aggregate depends on other rows"), "{error}");
}

#[test]
fn inspect_says_the_shape_why_and_what_the_rows_hold() {
    let place = Place::new(&[("pairs.jsonl", &pairs())]);
    let (output, _) = place.done(&["inspect", "pairs.jsonl", "--rows", "1"]);
    for expected in [
        "shape       cvalues (prompt, pos_resp, neg_resp)",
        "because     the only shape that reads all of neg_resp, pos_resp, prompt; beside it: pos_type",
        "or          prompt (prompt): cvalues reads neg_resp, pos_resp as well",
        "rows        2",
        "pos_type    polite 1, short 1",
        "fault       row 2: `chosen` and `rejected` are equal",
        "  | chosen: ⟦You may.⟧",
        "inspect: 3 rows read = 2 kept + 1 dropped",
    ] {
        assert!(output.contains(expected), "{expected}\n{output}");
    }
    assert!(!output.contains('\u{1b}'), "no colours in a pipe");
    let (coloured, _) = place.done(&["inspect", "pairs.jsonl", "--colour", "always"]);
    assert!(coloured.contains("\u{1b}[32mYou may.\u{1b}[0m"), "{coloured}");
    let (text, _) = place.done(&["inspect", "pairs.jsonl", "--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["files"][0]["layout"]["shape"], "cvalues");
    assert_eq!(found["files"][0]["labels"]["pos_type"]["short"], 1);
    assert_eq!(found["ledger"]["entries"][0]["dropped"]["equal_sides"]["rows"], json!([2]));
}

#[test]
fn inspect_with_a_tokenizer_counts_tokens_and_marks_what_is_learnt() {
    let turns = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "So"}, {"role": "assistant", "content": "No"}]);
    let place = Place::new(&[("chats.jsonl", &[json!({"messages": turns})])]);
    let models = TempDir::new().expect("a temporary folder");
    let model = tokenizer(models.path());
    let (text, _) = place.done(&["inspect", "chats.jsonl", "--tokenizer", &model, "--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let file = &found["files"][0];
    let rendered = file["samples"][0]["text"].as_str().expect("a text");
    assert!(
        rendered.contains("⟦Yes<|im_end|>⟧") && rendered.contains("⟦No<|im_end|>⟧"),
        "{rendered}"
    );
    let learnt = file["lengths"]["learnt"]["max"].as_u64().expect("a number");
    let whole = file["lengths"]["whole"]["max"].as_u64().expect("a number");
    assert!((4..=8).contains(&learnt) && learnt < whole, "{learnt} of {whole}");
}

/// A tokenizer with a chat template, made here: what it renders is known.
pub(crate) fn tokenizer(folder: &Path) -> String {
    let config = forethought_tokenize::BpeConfig::new(280);
    let encoder = forethought_tokenize::train_bpe(&["Hi Yes So No"], &config).expect("trained");
    encoder.save(folder).expect("saved");
    folder.display().to_string()
}

#[test]
fn convert_writes_another_shape_and_its_ledger_says_what_is_lost() {
    let place = Place::new(&[("pairs.jsonl", &pairs())]);
    let (_, error) = place.done(&[
        "convert",
        "pairs.jsonl",
        "--to",
        "prompt_completion",
        "--output",
        "sft.jsonl",
        "--ledger",
        "ledger.parquet",
    ]);
    let columns =
        [("fate", ColumnType::Text), ("what", ColumnType::Text), ("row", ColumnType::Integer)];
    let path = place.folder.path().join("ledger.parquet");
    let ledger = Table::read_parquet(&FirstContact::Here, &path, &columns).expect("readable");
    let dropped = ledger.texts("fate").iter().position(|fate| fate.as_deref() == Some("dropped"));
    let dropped = dropped.expect("a row is dropped");
    assert_eq!(ledger.texts("what")[dropped].as_deref(), Some("equal_sides"));
    assert_eq!(ledger.integers("row")[dropped], Some(2));
    assert!(error.contains("convert: 3 rows read = 2 kept + 1 dropped"), "{error}");
    assert!(
        error.contains("note lost: rejected") && error.contains("pairs.jsonl:2:1: `chosen` and"),
        "{error}"
    );
    let first: Value =
        serde_json::from_str(place.read("sft.jsonl").lines().next().expect("a line"))
            .expect("JSON");
    assert_eq!(first, json!({"prompt": "May I?", "completion": "You may.", "pos_type": "polite"}));

    let (output, _) = place.done(&[
        "convert",
        "pairs.jsonl",
        "--to",
        "preference",
        "--prompts",
        "conversational",
    ]);
    let first: Value = serde_json::from_str(output.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["prompt"], json!([{"role": "user", "content": "May I?"}]));
    assert_eq!(first["rejected"], json!([{"role": "assistant", "content": "Never!"}]));
}

#[test]
fn what_is_written_for_llama_factory_is_indexed_and_read_back_by_its_index() {
    let place = Place::new(&[("pairs.jsonl", &pairs())]);
    let to = |shape: &str, output: &str| {
        place.done(&["convert", "pairs.jsonl", "--to", shape, "--output", output])
    };
    // The folder is made.
    let (_, error) = to("sharegpt_ranking", "data/chats.json");
    assert!(error.contains("dataset_info.json: entry `chats`"), "{error}");
    to("alpaca_kto", "data/labelled.json");
    let info = place.json("data/dataset_info.json");
    let ranking = json!({"file_name": "chats.json", "formatting": "sharegpt", "ranking": true,
        "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
            "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system"}});
    assert_eq!(info["chats"], ranking);
    assert_eq!(info["labelled"]["columns"]["kto_tag"], "kto_tag");
    assert_eq!(place.json("data/labelled.json").as_array().map(Vec::len), Some(4));

    place.done(&[
        "convert",
        "data/dataset_info.json",
        "--dataset",
        "chats",
        "--to",
        "cvalues",
        "--output",
        "back.jsonl",
    ]);
    let back: Vec<Value> = place
        .read("back.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let [first, _, third] = pairs();
    assert_eq!(back, [first, third]);
}

#[test]
fn parquet_is_written_with_nested_columns() {
    let place = Place::new(&[("pairs.jsonl", &pairs())]);
    place.done(&[
        "convert",
        "pairs.jsonl",
        "--to",
        "unpaired",
        "--prompts",
        "conversational",
        "--output",
        "kto.parquet",
    ]);
    let (text, _) = place.done(&["inspect", "kto.parquet", "--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["files"][0]["layout"]["shape"], "unpaired");
    assert_eq!(found["files"][0]["labels"]["label"], json!({"false": 2, "true": 2}));
}

/// Two calls whose arguments have other keys, and a turn that calls nothing.
fn calls() -> [Value; 2] {
    let turns = |arguments: Value| {
        let called = json!({"type": "function", "function": {"name": "f", "arguments": arguments}});
        json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [called]},
            {"role": "tool", "content": "3"}, {"role": "assistant", "content": "Yes"}])
    };
    [
        json!({"messages": turns(json!({"zone": "b", "at": [1, "x", null]}))}),
        json!({"messages": turns(json!({"radius": 9_007_199_254_740_993_u64, "title": null}))}),
    ]
}

#[test]
fn calls_of_tools_come_back_from_parquet_as_they_were() {
    let place = Place::new(&[("calls.jsonl", &calls())]);
    let convert =
        |from: &str, to: &str| place.done(&["convert", from, "--to", "messages", "--output", to]).1;
    convert("calls.jsonl", "plain.jsonl");
    let said = convert("calls.jsonl", "calls.parquet");
    let line = "calls.parquet: values of differing types or keys are JSON, as `datasets` has it, in: messages[]";
    assert!(said.contains(line), "{said}");
    convert("calls.parquet", "back.jsonl");
    assert_eq!(place.read("back.jsonl"), place.read("plain.jsonl"));

    let models = TempDir::new().expect("a temporary folder");
    let model = tokenizer(models.path());
    let lengths = |name: &str| {
        let (text, _) = place.done(&["inspect", name, "--tokenizer", &model, "--json"]);
        let found: Value = serde_json::from_str(&text).expect("JSON");
        found["files"][0]["lengths"].clone()
    };
    assert_eq!(lengths("calls.parquet"), lengths("plain.jsonl"));
}

#[test]
fn texts_beside_turns_are_written_to_parquet_with_a_hint() {
    let rows = [
        json!({"prompt": "a", "completion": "b"}),
        json!({"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]}),
    ];
    let place = Place::new(&[("a.jsonl", &rows)]);
    let (_, said) =
        place.done(&["convert", "a.jsonl", "--to", "prompt_completion", "--output", "a.parquet"]);
    let expected = "in: prompt, completion; they hold texts and turns: --prompts conversational or --prompts standard";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_mix_of_a_file_is_drawn_by_the_seed() {
    let rows = |name: &str| -> Vec<Value> {
        (0..6).map(|one| json!({"prompt": format!("{name}{one}"), "completion": "x"})).collect()
    };
    let (a, b) = (rows("a"), rows("b"));
    let place = Place::new(&[("a.jsonl", &a), ("b.jsonl", &b)]);
    let mix = "sources:\n  - {path: a.jsonl, weight: 1}\n  - {path: b.jsonl, weight: 2, where: \"prompt <> 'b0'\"}\norder: interleave\n";
    fs::write(place.folder.path().join("mix.yaml"), mix).expect("written");
    let run = |seed: &str| {
        place.done(&["convert", "--mix", "mix.yaml", "--to", "prompt_completion", "--seed", seed]).0
    };
    let rows = run("1");
    assert_eq!(rows.lines().count(), 7, "2 of a with all 5 of b: {rows}");
    assert!(!rows.contains("b0\""));
    assert_eq!(run("1"), rows);
    assert!((2..6).any(|seed| run(&seed.to_string()) != rows));
    let (inspected, _) = place.done(&["inspect", "--mix", "mix.yaml", "--rows", "0"]);
    assert!(inspected.contains("inspect: 12 rows read = 11 kept + 1 dropped"), "{inspected}");
    fs::write(place.folder.path().join("mix.yaml"), "sources: [{path: a.jsonl, wheight: 1}]")
        .expect("written");
    let (code, _, error) = place.data(&["convert", "--mix", "mix.yaml", "--to", "text"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("wheight") && error.contains("mix.yaml"), "{error}");
    fs::write(place.folder.path().join("c.jsonl"), "{\"asked\": 1}").expect("written");
    let mix = "sources:\n  - {path: a.jsonl}\n  - path: c.jsonl\n    max_rows: 1\n";
    fs::write(place.folder.path().join("mix.yaml"), mix).expect("written");
    let convert = ["convert", "--mix", "mix.yaml", "--to", "prompt_completion"];
    let (code, _, error) = place.data(&convert);
    assert_eq!(code, Some(1), "{error}");
    let expected = "mix.yaml:3: sources.1.shape: c.jsonl: no shape fits the columns asked";
    assert!(error.contains(expected), "{error}");
    fs::write(place.folder.path().join("mix.yaml"), mix.replace("rows: 1", "rows: 0"))
        .expect("written");
    let (code, _, error) = place.data(&convert);
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("mix.yaml:4: sources.1.max_rows: max_rows must be at least 1"),
        "{error}"
    );
}

#[test]
fn bad_input_is_named_with_what_to_do() {
    let turns = json!([{"from": "person", "value": "Hi"}, {"from": "gpt", "value": "Yes"}]);
    let place = Place::new(&[
        ("pairs.jsonl", &pairs()),
        ("chats.jsonl", &[json!({"conversations": turns})]),
        ("empty.jsonl", &[]),
    ]);
    let error = |arguments: &[&str]| {
        let (code, _, error) = place.data(arguments);
        assert_ne!(code, Some(0));
        error
    };
    let cases: [(&[&str], &str); 8] = [
        (&["inspect", "empty.jsonl"], "no row is left of what was read:"),
        (&["inspect", "pair.jsonl"], "pair.jsonl: no such file (did you mean `pairs.jsonl`?)"),
        (
            &["inspect", "pairs.jsonl", "--column", "pos_resp=good"],
            "no column `good` for the part `pos_resp`; there are: prompt, pos_resp, neg_resp, pos_type",
        ),
        (
            &["inspect", "pairs.jsonl", "--column", "positive=good"],
            "--column positive=good: unknown variant `positive`",
        ),
        (
            &["inspect", "chats.jsonl"],
            "sharegpt: `conversations` does not hold lists of {from: human | gpt",
        ),
        (
            &["inspect", "chats.jsonl", "--tag", "role_tag=from"],
            "--tag: missing field `content_tag`",
        ),
        (&["convert", "pairs.jsonl", "--to", "text"], "of which no text can be made"),
        (
            &["convert", "pairs.jsonl", "--to", "triple", "--output", "pairs.jsonl"],
            "is one of the inputs",
        ),
    ];
    for (arguments, expected) in cases {
        let found = error(arguments);
        assert!(found.contains(expected), "{arguments:?}: {found}");
    }
    let tags = ["role_tag=from", "content_tag=value", "user_tag=person", "assistant_tag=gpt"];
    let tags: Vec<&str> = tags.iter().flat_map(|tag| ["--tag", *tag]).collect();
    let (output, _) = place.done(&[&["inspect", "chats.jsonl"], tags.as_slice()].concat());
    // With the tags named, these turns are messages; sharegpt would read the same.
    assert!(output.contains("shape       messages (conversations)"), "{output}");
}
