//! Real tokenizers and templates of Qwen, which are not shipped: these tests run where `FORETHOUGHT_SHARED` names a
//! folder with `data/tokenizers` and `goldens/chat_templates.json`, and say that they were skipped elsewhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use forethought_tokenize::{ChatTemplate, Conversation, Encoder, GenerationPrompt};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Golden {
    templates: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    template: String,
    conversation: Value,
    #[serde(default)]
    tools: Value,
    add_generation_prompt: bool,
    text: String,
    ids: Option<Vec<u32>>,
}

/// The folder, or none and a line that says so.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FORETHOUGHT_SHARED").map(PathBuf::from);
    if folder.is_none() {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let line = format!("skipped {test}: FORETHOUGHT_SHARED is not set\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    folder
}

fn golden(folder: &Path) -> Golden {
    let path = folder.join("goldens/chat_templates.json");
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    serde_json::from_str(&text).expect("the golden file is JSON")
}

#[test]
fn qwen_tokenizers_give_the_ids_of_the_llama_cpp_vocabulary_tests() {
    let Some(shared) = shared("qwen tokenizers") else { return };
    let tokenizers = shared.join("data/tokenizers");
    let read = |name: &str| std::fs::read_to_string(tokenizers.join("golden").join(name)).unwrap();
    let texts = read("ggml-vocab-qwen2.gguf.inp");
    let texts: Vec<&str> = texts.split("\n__ggml_vocab_test__\n").collect();
    let ids = read("ggml-vocab-qwen2.gguf.out");
    for (name, eos) in [("qwen2.5", 151_645), ("qwen3", 151_645)] {
        let encoder = Encoder::open(tokenizers.join(name)).unwrap();
        assert_eq!(encoder.eos_ids(), [eos]);
        assert_eq!(encoder.pad_id(), Some(151_643));
        let mut checked = 0;
        for (text, line) in texts.iter().zip(ids.split('\n')) {
            let expected: Vec<u32> =
                line.split_whitespace().map(|id| id.parse().unwrap()).collect();
            assert_eq!(encoder.encode(text).unwrap(), expected, "{name}: {text:?}");
            checked += 1;
        }
        assert_eq!(checked, 47, "{name}");
    }
}

#[test]
fn think_is_one_token_of_qwen3_and_plain_text_to_qwen2_5() {
    let Some(shared) = shared("think tokens") else { return };
    let count = |name: &str| {
        let encoder = Encoder::open(shared.join("data/tokenizers").join(name)).unwrap();
        encoder.count("<think>").unwrap()
    };
    assert_eq!((count("qwen3"), count("qwen2.5")), (1, 3));
}

#[test]
fn qwen_templates_render_as_transformers_renders_them() {
    let Some(shared) = shared("qwen templates") else { return };
    let golden = golden(&shared);
    let tiny = Encoder::open(shared.join("goldens/models/tiny-qwen2")).unwrap();
    let mut rendered = BTreeMap::<&str, usize>::new();
    for case in &golden.cases {
        let source = &golden.templates[&case.template];
        let template = ChatTemplate::parse(&case.template, source, &Map::new()).unwrap();
        let tail =
            if case.add_generation_prompt { GenerationPrompt::Add } else { GenerationPrompt::Omit };
        let conversation = Conversation::from_json(case.conversation.clone())
            .tools(case.tools.clone())
            .generation_prompt(tail);
        let text = template.render(&conversation).unwrap();
        assert_eq!(text, case.text, "{}: {}", case.template, case.conversation);
        if let Some(ids) = &case.ids {
            assert_eq!(&tiny.encode(&text).unwrap(), ids);
        }
        *rendered.entry(&case.template).or_default() += 1;
    }
    assert_eq!(rendered.values().sum::<usize>(), 100, "{rendered:?}");
}

#[test]
fn qwen3_without_thinking_opens_with_an_empty_thought() {
    let Some(shared) = shared("qwen3 without thinking") else { return };
    let encoder = Encoder::open(shared.join("data/tokenizers/qwen3")).unwrap();
    let messages = serde_json::json!([{ "role": "user", "content": "Hi" }]);
    let conversation = Conversation::from_json(messages)
        .variable("enable_thinking", false.into())
        .generation_prompt(GenerationPrompt::Add);
    let text = encoder.chat_template().unwrap().render(&conversation).unwrap();
    assert_eq!(
        text,
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    );
}
