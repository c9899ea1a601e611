//! The counts are those of the tokenizer, on text of every kind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::*;
use crate::folder::{Folder, TOKENIZER};
use crate::{BpeConfig, train_bpe};

fn qwen() -> &'static Encoder {
    static QWEN: OnceLock<Encoder> = OnceLock::new();
    QWEN.get_or_init(|| {
        let texts = [
            "The quick brown fox jumps over the lazy dog, doesn't it?\n\n  It's 12,345 times!",
            "def f(x):\n    return x ** 2  # naïve — 你好世界\t\tend  \r\n",
            "We'LL see; they're here. \u{a0} non-breaking\u{3000}wide",
        ];
        train_bpe(&texts, &BpeConfig::new(420)).expect("a tokenizer")
    })
}

/// The tokenizer of [`qwen`] with another part.
fn changed(path: &str, part: Value) -> Encoder {
    let folder = tempfile::tempdir().expect("a temporary folder");
    qwen().save(folder.path()).expect("written");
    let text = std::fs::read(folder.path().join(TOKENIZER)).expect("it was written");
    let mut json: Value = serde_json::from_slice(&text).expect("it is JSON");
    *json.pointer_mut(path).expect("it has that part") = part;
    let files = BTreeMap::from([(TOKENIZER, json.to_string().into_bytes())]);
    Encoder::from_folder(Folder::new(Path::new("changed"), files)).expect("a tokenizer")
}

fn with_pattern(pattern: &str) -> Encoder {
    changed("/pre_tokenizer/pretokenizers/0/pattern", json!({"Regex": pattern}))
}

fn is_counted(encoder: &Encoder, text: &str) -> bool {
    let counter = encoder.counter.as_ref();
    counter.is_some_and(|counter| counter.count(&encoder.tokenizer, &[text])[0].is_some())
}

#[track_caller]
fn check(encoder: &Encoder, text: &str) {
    let counted = encoder.count_batch(&[text]).expect("a count")[0];
    assert_eq!(counted, encoder.encode(text).expect("ids").len(), "{text:?}");
}

#[test]
fn the_characters_are_those_of_the_byte_level_alphabet() {
    let mut own: Vec<char> = characters().into();
    own.sort_unstable();
    let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
    alphabet.sort_unstable();
    assert_eq!(own, alphabet);
    assert_eq!((characters()[usize::from(b' ')], characters()[usize::from(b'\n')]), ('Ġ', 'Ċ'));
}

#[test]
fn white_space_is_cut_as_the_tokenizer_cuts_it() {
    let blanks = [
        " ",
        "  ",
        "   ",
        "\t ",
        " \t",
        "\n",
        " \n",
        "\n ",
        " \n  ",
        "\r\n\r\n",
        "\u{3000} ",
        " \u{a0}",
        "\u{85}",
        " \u{85}\n",
        "\u{2028} ",
    ];
    let around =
        [("a", "b"), ("a", "1"), ("a", "?"), ("", "b"), ("a", ""), ("?", "'s"), ("1", "\u{301}")];
    for pattern in USUAL {
        let encoder = with_pattern(pattern);
        for (blank, (before, after)) in
            blanks.iter().flat_map(|blank| around.iter().map(move |around| (blank, around)))
        {
            let text = format!("{before}{blank}{after}");
            assert!(is_counted(&encoder, &text), "{text:?}");
            check(&encoder, &text);
        }
    }
}

#[test]
fn every_character_there_is_is_cut_as_the_tokenizer_cuts_it() {
    // All of the first plane, and some of the others: a tokenizer takes a while for each.
    let first: Vec<char> = ('\0'..='\u{ffff}').collect();
    let others: Vec<char> = ('\u{10000}'..=char::MAX).step_by(61).collect();
    let texts: Vec<String> = first
        .chunks(32)
        .chain(others.chunks(32))
        .map(|some| some.iter().flat_map(|one| ['\'', *one, *one, ' ', *one]).collect())
        .collect();
    let counts = qwen().count_batch(&texts).expect("counts");
    let ids = qwen().encode_batch(&texts).expect("ids");
    for ((text, count), ids) in texts.iter().zip(counts).zip(ids) {
        assert_eq!(count, ids.len(), "{text:?}");
    }
}

#[test]
fn texts_with_added_tokens_are_tokenised() {
    for text in ["a<|im_end|>b", "<|im_start|>", "<|endoftext|> "] {
        assert!(!is_counted(qwen(), text), "{text:?}");
        check(qwen(), text);
    }
    // Looked for in the normalised text, in which it is written otherwise.
    let token = json!({
        "id": 500, "content": "e\u{301}t", "single_word": false, "lstrip": true, "rstrip": false,
        "normalized": true, "special": false,
    });
    let encoder = changed("/added_tokens", json!([token]));
    for text in ["une \u{e9}t", "e\u{301}te\u{301}", "\u{e9}\u{301}t"] {
        check(&encoder, text);
    }
    assert!(!is_counted(&encoder, "une \u{e9}t"));
    assert_eq!(encoder.count_batch(&["  \u{e9}t"]).expect("a count"), [1]);
}

#[test]
fn text_is_normalised_as_the_tokenizer_normalises_it() {
    // The last has a character that its tables, of Unicode 9, do not know.
    for text in
        ["e\u{301}te\u{301}", "\u{1100}\u{1161}", "\u{9c7}\u{9be}", "\u{340}", "e\u{1ac1}\u{301}"]
    {
        assert!(is_counted(qwen(), text), "{text:?}");
        check(qwen(), text);
    }
    let plain = changed("/normalizer", Value::Null);
    assert!(is_counted(&plain, "e\u{301}"));
    check(&plain, "e\u{301}");
}

#[test]
fn a_word_without_end_is_tokenised() {
    let text = format!("a{}b", " ".repeat(LONGEST + 2));
    assert!(!is_counted(qwen(), &text));
    check(qwen(), &text);
}

#[test]
fn another_kind_of_tokenizer_is_not_counted_here() {
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true, "trim_offsets": false});
    let kept_twice = json!({
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {},
    });
    let kinds = [
        ("/normalizer", json!({"type": "Lowercase"})),
        ("/pre_tokenizer", bytes.clone()),
        ("/pre_tokenizer/pretokenizers/1", bytes),
        ("/pre_tokenizer/pretokenizers/0/behavior", json!("Removed")),
        ("/pre_tokenizer/pretokenizers/0/invert", json!(true)),
        ("/pre_tokenizer/pretokenizers/0/pattern", json!({"Regex": r"\s+(?!\S)|\s+"})),
        ("/pre_tokenizer/pretokenizers/0/pattern", json!({"String": USUAL[0]})),
        ("/post_processor", kept_twice),
    ];
    for (path, part) in kinds {
        let encoder = changed(path, part.clone());
        assert!(encoder.counter.is_none(), "{path}: {part}");
        check(&encoder, "A text\n  of some words, don't you think?");
    }
}

#[test]
fn what_follows_the_model_may_add_tokens_when_asked_and_is_not_asked() {
    let begins = json!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [1], "tokens": ["<|im_start|>"]}},
    });
    let encoder = changed("/post_processor", begins);
    assert!(is_counted(&encoder, "some words"));
    check(&encoder, "some words");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn counts_are_those_of_the_tokens(text in any_text()) {
        static OTHERS: OnceLock<Vec<Encoder>> = OnceLock::new();
        check(qwen(), &text);
        for other in OTHERS.get_or_init(|| USUAL[1..].iter().map(|one| with_pattern(one)).collect()) {
            check(other, &text);
        }
    }
}

/// Words, blanks and anything else in turns.
fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-Z]{1,6}",
        "[ \t\r\n]{1,4}",
        "[0-9]{1,4}",
        "['’][a-zA-Zſ]{0,3}",
        "\\PC{1,4}",
        "\\p{M}{1,3}",
        "[\u{2000}-\u{200b}\u{3000}\u{85}\u{a0}]{1,2}",
        "(<\\|im_end\\|>)?",
        ".{1,5}",
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}
