//! Tokenizer folders that are incomplete, wrong or hostile.

use std::fs;
use std::path::Path;

use forethought_tokenize::{BpeConfig, Encoder, TokenizeError, train_bpe};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::processor_time;

/// A good folder, with files replaced.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let encoder = train_bpe(&["Add 1 and 2"], &BpeConfig::new(280)).expect("it trains");
    encoder.save(folder.path()).expect("it saves");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file is written");
    }
    folder
}

/// The error of opening, with the folder left out of its text.
fn error(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = Encoder::open(folder.path()).expect_err("the folder is refused").to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

fn edited(folder: &Path, name: &str, edit: impl Fn(&mut Value)) {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).expect("a file");
    let mut json = serde_json::from_str(&text).expect("JSON");
    edit(&mut json);
    fs::write(path, json.to_string()).expect("a file is written");
}

#[test]
fn a_folder_without_a_tokenizer_says_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let error = Encoder::open(folder.path()).unwrap_err();
    let path = folder.path().join("tokenizer.json");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: not found; a tokenizer folder holds tokenizer.json (and, if it has them, tokenizer_config.json, \
             chat_template.jinja, generation_config.json, special_tokens_map.json)",
            path.display()
        )
    );
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    assert!(error(&[("tokenizer.json", "{")]).starts_with("tokenizer.json: is not JSON: EOF"));
    assert_eq!(
        error(&[("tokenizer_config.json", "{\n]")]),
        "tokenizer_config.json: is not JSON: key must be a string at line 2 column 1"
    );
    assert_eq!(
        error(&[("tokenizer_config.json", r#"{"eos_token": 7}"#)]),
        "tokenizer_config.json: eos_token must be a string, an object with `content`, or null, got 7"
    );
    assert_eq!(
        error(&[("tokenizer_config.json", r#"{"eos_token": "</s>"}"#)]),
        "tokenizer_config.json: eos_token `</s>` is not in tokenizer.json"
    );
    assert_eq!(
        error(&[("generation_config.json", r#"{"eos_token_id": [1, -2]}"#)]),
        "generation_config.json: eos_token_id must be an id or a list of ids, got [1,-2]"
    );
    assert_eq!(
        error(&[("tokenizer_config.json", r#"{"chat_template": [{"name": "a"}]}"#)]),
        "tokenizer_config.json: chat_template must be a string or a list of objects with `name` and `template`, \
         got {\"name\":\"a\"}"
    );
    assert_eq!(
        error(&[("chat_template.jinja", "{% endfor %}")]).split_once(": ").unwrap().0,
        "chat template chat_template.jinja"
    );
}

#[test]
fn a_pattern_that_does_not_compile_is_named() {
    let folder = folder(&[]);
    edited(folder.path(), "tokenizer.json", |json| {
        json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a".into();
    });
    let error = Encoder::open(folder.path()).unwrap_err();
    let TokenizeError::Pattern { pattern, .. } = &error else { panic!("{error}") };
    assert_eq!(pattern, "(a");
    assert!(
        error.to_string().contains("tokenizer.json: the pattern `(a` is not a regular expression")
    );
}

/// A folder whose words are split by another pattern.
fn with_pattern(pattern: &str) -> TempDir {
    let folder = folder(&[]);
    edited(folder.path(), "tokenizer.json", |json| {
        json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = pattern.into();
    });
    folder
}

/// Without the check the engine would give up, and the tokenizer would take the rest of the text for one word.
#[test]
fn a_pattern_that_does_not_end_is_an_error_that_names_it_within_two_seconds() {
    for (pattern, text) in [
        ("(a+)+b(?!c)", "a".repeat(40)),
        ("(?:a(?!x)|a)*(?=b)", "a".repeat(60)),
        // No search is long, but there are very many of them.
        ("(?:a(?!x)|a)*(?=b)|a", format!("{} ", "a".repeat(12)).repeat(20_000)),
        (r"(\w+(?!x)\s?)*(?=\.)", "word ".repeat(60)),
    ] {
        let encoder = Encoder::open(with_pattern(pattern).path()).unwrap();
        let start = processor_time();
        let error = encoder.encode(&text).unwrap_err().to_string();
        let took = processor_time().saturating_sub(start);
        assert!(took.as_secs_f64() < 2.0, "{pattern}: {took:?}");
        assert!(error.contains(&format!("the search for `{pattern}` ")), "{error}");
        assert!(encoder.count(&text).is_err() && encoder.encode_batch(&[text]).is_err());
    }
}

#[test]
fn an_unusual_pattern_that_ends_encodes() {
    let encoder =
        Encoder::open(with_pattern(r"\p{N}{2}(?=\p{N})|\p{N}| ?\p{L}+|\s").path()).unwrap();
    let text = "Add 12345 and 1".repeat(200);
    assert_eq!(encoder.decode(&encoder.encode(&text).unwrap()).unwrap(), text);
}

/// Patterns whose compiled form would fill the memory.
#[test]
fn a_pattern_that_grows_is_refused_or_compiled_soon() {
    for pattern in [
        r"((\p{L}{1000}){1000}){1000}",
        r"(?=((a{1000}){1000}){1000})",
        r"(?:(?:(?=a)a){1000}){1000}",
        &"(".repeat(5000),
        &"a|".repeat(50_000),
    ] {
        let start = processor_time();
        let opened = Encoder::open(with_pattern(pattern).path());
        let took = processor_time().saturating_sub(start);
        assert!(took.as_secs_f64() < 2.0, "{pattern:.40}: {took:?}");
        if let Err(error) = opened {
            assert!(matches!(error, TokenizeError::Pattern { .. }), "{error:.200}");
        }
    }
}

#[test]
fn files_that_do_not_end_or_are_none_are_refused() {
    let folder = folder(&[("chat_template.jinja", &" ".repeat((16 << 20) + 1))]);
    let error = Encoder::open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("chat_template.jinja: is longer than 16777216 bytes"), "{error}");
    fs::remove_file(folder.path().join("chat_template.jinja")).unwrap();
    fs::create_dir(folder.path().join("chat_template.jinja")).unwrap();
    let error = Encoder::open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("chat_template.jinja: cannot be read: it is not a file"), "{error}");
}

#[test]
fn cutting_and_padding_that_a_file_asks_for_are_not_done() {
    let folder = folder(&[]);
    edited(folder.path(), "tokenizer.json", |json| {
        json["truncation"] = json!({
            "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0
        });
        json["padding"] = json!({
            "strategy": { "Fixed": 64 }, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "!"
        });
    });
    let encoder = Encoder::open(folder.path()).unwrap();
    assert_eq!(encoder.count("0123456789").unwrap(), 10);
}

#[test]
fn named_templates_are_chosen_by_name() {
    let named = json!({ "eos_token": "<|im_end|>", "chat_template": [
        { "name": "default", "template": "{% for m in messages %}{{ m.content }}<|endoftext|>{% endfor %}" },
        { "name": "tool_use", "template": "tools" },
    ]});
    let folder = folder(&[("tokenizer_config.json", &named.to_string())]);
    let encoder = Encoder::open(folder.path()).unwrap();
    assert_eq!(encoder.chat_template_named("tool_use").unwrap().source(), "tools");
    // The end of a turn is the default template's, beside the tokenizer's own and the generation config's.
    assert_eq!(encoder.eos_ids().len(), 2);
    let error = encoder.chat_template_named("rag").unwrap_err().to_string();
    assert!(error.ends_with("; there are others, named default, tool_use"), "{error}");
}

/// Older folders keep special tokens in a file of their own, often as objects.
#[test]
fn the_config_goes_before_the_map_of_special_tokens() {
    let map = r#"{"eos_token": {"content": "<|endoftext|>"}, "pad_token": "<|im_start|>"}"#;
    let config = r#"{"eos_token": "<|im_end|>"}"#;
    let folder = folder(&[
        ("special_tokens_map.json", map),
        ("tokenizer_config.json", config),
        ("generation_config.json", "{}"),
    ]);
    let encoder = Encoder::open(folder.path()).unwrap();
    let id = |token: &str| encoder.encode(token).unwrap()[0];
    assert_eq!(encoder.eos_ids(), [id("<|im_end|>")]);
    assert_eq!(encoder.pad_id(), Some(id("<|im_start|>")));
}

#[test]
fn the_template_file_goes_before_the_config() {
    let folder = folder(&[("chat_template.jinja", "{{ messages[0].content }}!")]);
    let encoder = Encoder::open(folder.path()).unwrap();
    assert_eq!(encoder.chat_template().unwrap().source(), "{{ messages[0].content }}!");
}

#[test]
fn a_tokenizer_without_specials_says_what_is_missing() {
    let folder = folder(&[("tokenizer_config.json", "{}"), ("generation_config.json", "{}")]);
    let encoder = Encoder::open(folder.path()).unwrap();
    assert!(encoder.eos_ids().is_empty());
    assert_eq!(encoder.pad_id(), None);
    let error = encoder.chat_template().unwrap_err().to_string();
    assert!(error.contains("no chat template; it is read from chat_template.jinja"), "{error}");
    let prompt = forethought_tokenize::Prompt::Text("a");
    let error = encoder.encode_prompt_completion(prompt, "b", forethought_tokenize::Ending::AtEos);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("no token ends a turn; it is read from eos_token"), "{error}");
}

#[test]
fn saving_over_a_folder_replaces_its_files_and_leaves_nothing_else() {
    let folder = folder(&[("tokenizer.json", "old")]);
    let encoder = train_bpe(&["Add 1 and 2"], &BpeConfig::new(280)).unwrap();
    encoder.save(folder.path()).unwrap();
    assert_eq!(Encoder::open(folder.path()).unwrap().vocab_size(), encoder.vocab_size());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = folder(&[]);
    let file = folder.path().join("tokenizer.json");
    let encoder = Encoder::open(folder.path()).unwrap();
    let error = encoder.save(&file).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot be written: ", file.display())), "{error}");
}
