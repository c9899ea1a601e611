//! Training a tokenizer: what comes out, that it is the same every time, and what is refused.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use forethought_schema::{Message, Role};
use forethought_tokenize::{
    BpeConfig, BpeError, Conversation, Encoder, Ending, GenerationPrompt, Prompt, train_bpe,
    train_bpe_while,
};
use proptest::prelude::*;
use serde_json::Value;

/// Sums in two languages, and made-up words with many pairs of equal count, which is where an order could leak in.
fn texts() -> Vec<String> {
    const SYLLABLES: [&str; 12] =
        ["ba", "co", "di", "fu", "ge", "ha", "ki", "lo", "mu", "né", "思", "考"];
    let word = |number: usize| -> String {
        (0..4).map(|place| SYLLABLES[number * 7919 / 12_usize.pow(place) % 12]).collect()
    };
    let sentence = |number: usize| {
        let (a, b) = (number * 7 % 97, number * 13 % 89);
        format!("Add {a} to {b}: {} {}.\n先算{a}加{b}，得到{}。", word(number), word(a * b), a + b)
    };
    (0..400).map(sentence).collect()
}

fn trained(texts: &[String], config: &BpeConfig) -> Encoder {
    train_bpe(texts, config).expect("the texts train a tokenizer")
}

/// The files of an encoder by name.
fn files(encoder: &Encoder) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    encoder.save(folder.path()).expect("the files are written");
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_vocabulary_is_bytes_then_merges_then_special_tokens() {
    let config = BpeConfig { special_tokens: vec!["<think>".into()], ..BpeConfig::new(400) };
    let encoder = trained(&texts(), &config);
    assert_eq!(encoder.vocab_size(), 400);
    assert_eq!(
        encoder.encode("<|endoftext|><|im_start|><|im_end|><think>").unwrap(),
        [396, 397, 398, 399]
    );
    // Byte 33 is `!`, the first of the printable bytes, and so has the first id.
    assert_eq!(encoder.encode("!").unwrap(), [0]);
    assert_eq!(encoder.eos_ids(), [398, 396]);
    assert_eq!(encoder.pad_id(), Some(396));
}

/// Numbers are read digit by digit, as Qwen2 reads them, so that `12` is not one token by accident.
#[test]
fn digits_are_tokens_of_their_own() {
    let encoder = trained(&texts(), &BpeConfig::new(600));
    assert_eq!(encoder.count("1234567").unwrap(), 7);
    assert_eq!(encoder.count("Add").unwrap(), 1);
    assert_eq!(encoder.count("得到").unwrap(), 1);
}

#[test]
fn training_stops_when_no_pair_is_frequent_enough() {
    let texts = vec!["ab".to_owned(), "ab".to_owned(), "cd".to_owned()];
    let once = BpeConfig { min_frequency: 1, ..BpeConfig::new(1000) };
    assert_eq!(trained(&texts, &BpeConfig::new(1000)).vocab_size(), 256 + 1 + 3);
    assert_eq!(trained(&texts, &once).vocab_size(), 256 + 2 + 3);
}

#[test]
fn special_tokens_in_the_texts_are_not_learnt_letter_by_letter() {
    let texts = vec!["<|im_start|>".repeat(50), "x".to_owned()];
    assert_eq!(trained(&texts, &BpeConfig::new(400)).vocab_size(), 256 + 3);
}

#[test]
fn the_files_are_the_same_for_any_order_of_the_texts() {
    let config = BpeConfig { min_frequency: 1, ..BpeConfig::new(700) };
    let encoder = trained(&texts(), &config);
    assert_eq!(encoder.vocab_size(), 700);
    let expected = files(&encoder);
    let mut reversed = texts();
    reversed.reverse();
    assert_eq!(files(&trained(&reversed, &config)), expected);
    let names: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["generation_config.json", "tokenizer.json", "tokenizer_config.json"]);
}

/// Whether threads are used, and how many, is decided once per process: each setting is a run of its own, which trains
/// here and prints a digest.
#[test]
fn the_files_are_the_same_for_any_number_of_threads() {
    const CHILD: &str = "FORETHOUGHT_TOKENIZE_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let config = BpeConfig { min_frequency: 1, ..BpeConfig::new(700) };
        let files = files(&trained(&texts(), &config));
        std::fs::write(std::env::var(CHILD).expect("a path"), &files[1].1).expect("written");
        return;
    }
    let run = |threads: &str, parallelism: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("tokenizer.json");
        let status = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "train::the_files_are_the_same_for_any_number_of_threads"])
            .env(CHILD, &path)
            .env("RAYON_NUM_THREADS", threads)
            .env("TOKENIZERS_PARALLELISM", parallelism)
            .output()
            .expect("the test runs")
            .status;
        assert!(status.success());
        std::fs::read(path).expect("the child has written")
    };
    let expected = run("1", "false");
    assert!(!expected.is_empty());
    for (threads, parallelism) in [("1", "true"), ("2", "true"), ("7", "true")] {
        assert!(run(threads, parallelism) == expected, "{threads} threads, {parallelism}");
    }
}

#[test]
fn a_saved_tokenizer_opens_and_encodes_as_before() {
    let encoder = trained(&texts(), &BpeConfig::new(500));
    let folder = tempfile::tempdir().unwrap();
    encoder.save(folder.path().join("model/nested")).unwrap();
    let opened = Encoder::open(folder.path().join("model/nested")).unwrap();
    assert_eq!(files(&opened), files(&encoder));
    assert_eq!(opened.eos_ids(), encoder.eos_ids());
    let text = "Add 12 and 34.\n先算";
    assert_eq!(opened.encode(text).unwrap(), encoder.encode(text).unwrap());
}

#[test]
fn the_config_is_what_transformers_reads() {
    let files = files(&trained(&texts(), &BpeConfig::new(300)));
    let json = |index: usize| -> Value { serde_json::from_slice(&files[index].1).unwrap() };
    let (generation, tokenizer, config) = (json(0), json(1), json(2));
    assert_eq!(generation["eos_token_id"], serde_json::json!([299, 297]));
    assert_eq!(config["eos_token"], "<|im_end|>");
    assert_eq!(config["pad_token"], "<|endoftext|>");
    assert_eq!(config["added_tokens_decoder"]["298"]["content"], "<|im_start|>");
    assert_eq!(tokenizer["normalizer"]["type"], "NFC");
    assert_eq!(tokenizer["added_tokens"][2]["id"], 299);
    assert_eq!(tokenizer["model"]["type"], "BPE");
}

#[test]
fn the_template_writes_chatml() {
    let encoder = trained(&texts(), &BpeConfig::new(300));
    let messages = [Message::new(Role::System, "Be brief."), Message::new(Role::User, "1 + 1?")];
    let text = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1 + 1?<|im_end|>\n";
    let render = |conversation: Conversation| {
        encoder.chat_template().unwrap().render(&conversation).unwrap()
    };
    assert_eq!(render(Conversation::new(&messages)), text);
    let open = Conversation::new(&messages).generation_prompt(GenerationPrompt::Add);
    assert_eq!(render(open), format!("{text}<|im_start|>assistant\n"));
}

#[test]
fn configs_out_of_range_are_refused() {
    let error = |config: &BpeConfig| train_bpe(&["a"], config).expect_err("refused").to_string();
    assert_eq!(
        error(&BpeConfig::new(258)),
        "vocab_size must be at least 259 and below 2^32, got 258"
    );
    let rare = BpeConfig { min_frequency: 0, ..BpeConfig::new(300) };
    assert_eq!(error(&rare), "min_frequency must be at least 1, got 0");
    let twice = BpeConfig { special_tokens: vec!["<|im_end|>".into()], ..BpeConfig::new(300) };
    assert_eq!(
        error(&twice),
        "special_tokens must be different from each other and not empty, got \"<|im_end|>\""
    );
    let nothing = train_bpe(&["", ""], &BpeConfig::new(300)).expect_err("nothing to learn from");
    assert_eq!(nothing.to_string(), "there is no text to train a tokenizer on");
    let unknown = serde_json::from_str::<BpeConfig>(r#"{"vocab_size": 300, "min_freq": 2}"#);
    assert!(unknown.expect_err("unknown key").to_string().contains("unknown field `min_freq`"));
}

static SMALL: LazyLock<Encoder> =
    LazyLock::new(|| train_bpe(&["Add 1 and 2"], &BpeConfig::new(280)).expect("it trains"));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Byte-level: whatever the text, nothing is lost but its normal form.
    #[test]
    fn any_text_comes_back_from_its_ids(text in "[a-zé0-9 \n。，算🙂-]{0,60}") {
        let encoder = &*SMALL;
        let ids = encoder.encode(&text).expect("it encodes");
        prop_assert_eq!(encoder.decode(&ids).expect("it decodes"), text);
        prop_assert!(ids.iter().all(|id| (*id as usize) < encoder.vocab_size()));
    }

    /// A chat's prompt ends in a special token and a line break, so that no answer can merge into it.
    #[test]
    fn the_prompt_of_a_chat_is_a_prefix_of_the_example(answer in "[0-9 \na-z]{0,20}") {
        let encoder = &*SMALL;
        let question = [Message::new(Role::User, "How long?")];
        let prompt = encoder.encode_prompt(Prompt::Chat(&question)).expect("it encodes");
        let encoded = encoder
            .encode_prompt_completion(Prompt::Chat(&question), &answer, Ending::AtEos)
            .expect("it encodes");
        prop_assert!(encoded.ids.starts_with(&prompt));
        prop_assert_eq!(encoded.ids.last(), encoder.eos_ids().first());
    }
}

#[test]
fn a_tokenizer_that_nobody_wants_any_more_reads_no_further_text() {
    let asked = AtomicUsize::new(0);
    let is_wanted = || asked.fetch_add(1, Ordering::SeqCst) < 10;
    let error = train_bpe_while(&texts(), &BpeConfig::new(300), &is_wanted).expect_err("left off");
    assert!(matches!(error, BpeError::LeftOff), "{error}");
    // Ten texts, the one after them, and the end.
    assert_eq!(asked.into_inner(), 12);
}
