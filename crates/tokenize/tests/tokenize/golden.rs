//! Ids, texts and masks against transformers and TRL; `golden/README.md` says how they were made.

use std::path::{Path, PathBuf};

use forethought_schema::Message;
use forethought_tokenize::{Boundary, Conversation, Encoder, Ending, GenerationPrompt, Prompt};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct EncodeCase {
    text: String,
    ids: Vec<u32>,
    decoded: String,
    decoded_skip_special: String,
}

#[derive(Deserialize)]
struct ChatCase {
    messages: Vec<Message>,
    add_generation_prompt: bool,
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct PromptCompletionCase {
    prompt: Value,
    completion: String,
    ids: Vec<u32>,
    completion_start: usize,
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn encoder() -> Encoder {
    Encoder::open(golden()).expect("the golden tokenizer opens")
}

fn cases<T: for<'de> Deserialize<'de>>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(golden().join(name)).expect("the golden file is there");
    serde_json::from_str(&text).expect("the golden file is JSON")
}

#[test]
fn ids_and_decoded_texts_are_those_of_transformers() {
    let encoder = encoder();
    let cases: Vec<EncodeCase> = cases("encode.json");
    assert_eq!(cases.len(), 15);
    for case in &cases {
        assert_eq!(encoder.encode(&case.text).unwrap(), case.ids, "{:?}", case.text);
        assert_eq!(encoder.count(&case.text).unwrap(), case.ids.len());
        assert_eq!(encoder.decode_with_specials(&case.ids).unwrap(), case.decoded);
        assert_eq!(encoder.decode(&case.ids).unwrap(), case.decoded_skip_special);
    }
}

#[test]
fn a_batch_has_the_ids_of_its_texts_in_their_order() {
    let cases: Vec<EncodeCase> = cases("encode.json");
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let expected: Vec<Vec<u32>> = cases.iter().map(|case| case.ids.clone()).collect();
    assert_eq!(encoder().encode_batch(&texts).unwrap(), expected);
}

#[test]
fn rendered_chats_and_their_ids_are_those_of_transformers() {
    let encoder = encoder();
    let cases: Vec<ChatCase> = cases("chat.json");
    assert_eq!(cases.len(), 22);
    for case in &cases {
        let tail =
            if case.add_generation_prompt { GenerationPrompt::Add } else { GenerationPrompt::Omit };
        let conversation = Conversation::new(&case.messages).generation_prompt(tail);
        let text = encoder.chat_template().unwrap().render(&conversation).unwrap();
        assert_eq!(text, case.text);
        assert_eq!(encoder.encode(&text).unwrap(), case.ids);
    }
}

/// The third row is the one whose prompt ends with a space that the completion takes over.
#[test]
fn prompt_completion_rows_are_those_of_trl() {
    let encoder = encoder();
    let cases: Vec<PromptCompletionCase> = cases("prompt_completion.json");
    assert_eq!(cases.len(), 5);
    for (index, case) in cases.iter().enumerate() {
        let messages: Vec<Message> =
            serde_json::from_value(case.prompt.clone()).unwrap_or_default();
        let prompt = case.prompt.as_str().map_or(Prompt::Chat(&messages), Prompt::Text);
        let example =
            encoder.encode_prompt_completion(prompt, &case.completion, Ending::AsTemplate).unwrap();
        assert_eq!(example.ids, case.ids);
        assert_eq!(example.completion_start(), case.completion_start);
        let learnt = example.completion_mask.iter().filter(|is_learnt| **is_learnt).count();
        assert_eq!(learnt, case.ids.len() - case.completion_start);
        let is_merged = matches!(example.boundary, Boundary::Merged { prompt_tokens: 14 });
        assert_eq!(is_merged, index == 2, "{:?}", example.boundary);
    }
}

/// TRL learns the line break after `<|im_end|>` too, which no sampling ever reaches.
#[test]
fn an_answer_that_ends_at_eos_is_trls_without_the_line_break() {
    let encoder = encoder();
    for case in cases::<PromptCompletionCase>("prompt_completion.json").iter().skip(3) {
        let messages: Vec<Message> = serde_json::from_value(case.prompt.clone()).unwrap();
        let prompt = Prompt::Chat(&messages);
        let example =
            encoder.encode_prompt_completion(prompt, &case.completion, Ending::AtEos).unwrap();
        assert_eq!(example.ids, case.ids[..case.ids.len() - 1]);
        assert_eq!(example.ids.last(), encoder.eos_ids().first());
        assert_eq!(encoder.encode_prompt(prompt).unwrap(), case.ids[..case.completion_start]);
    }
}

#[test]
fn special_tokens_come_from_all_three_places() {
    let encoder = encoder();
    // <|im_end|> by the tokenizer and the template, <|endoftext|> by the generation config.
    assert_eq!(encoder.eos_ids(), [660, 658]);
    assert_eq!(encoder.pad_id(), Some(658));
    assert_eq!(encoder.vocab_size(), 661);
}

#[test]
fn ids_beyond_the_vocabulary_have_no_text() {
    let encoder = encoder();
    assert_eq!(encoder.decode(&[661, 309, 1023]).unwrap(), encoder.decode(&[309]).unwrap());
}

#[test]
fn a_completion_that_brings_its_end_gets_no_second_one() {
    let encoder = encoder();
    let rows = ["x = 5", "x = 5<|im_end|>"].map(|completion| {
        let prompt = Prompt::Text("Solve for x: ");
        encoder.encode_prompt_completion(prompt, completion, Ending::AtEos).unwrap()
    });
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0].ids.iter().filter(|id| **id == 660).count(), 1);
}
