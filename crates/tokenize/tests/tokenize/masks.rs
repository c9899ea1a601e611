//! Which tokens of a conversation the assistant wrote.

use std::fs;
use std::path::Path;

use forethought_schema::{Message, Role};
use forethought_tokenize::{
    ChatTemplate, Conversation, EncodedChat, Encoder, Ending, GenerationPrompt, TemplateError,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::upstream::shared;

#[derive(Deserialize)]
struct Golden {
    template: String,
    cases: Vec<Case>,
    /// Runs of each case of that template, in the order of the full golden file.
    #[serde(rename = "qwen2.5_training")]
    training: Vec<Vec<[usize; 2]>>,
}

#[derive(Deserialize)]
struct Case {
    messages: Value,
    ids: Vec<u32>,
    runs: Vec<[usize; 2]>,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/masks.json");
    serde_json::from_slice(&fs::read(path).expect("the fixture is there"))
        .expect("the fixture is there")
}

/// The golden tokenizer, with another template if there is one.
fn encoder(template: Option<&str>) -> Encoder {
    let folder = tempfile::tempdir().expect("the fixture is there");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in ["tokenizer.json", "tokenizer_config.json", "generation_config.json"] {
        fs::copy(golden.join(name), folder.path().join(name)).expect("the fixture is there");
    }
    if let Some(template) = template {
        fs::write(folder.path().join("chat_template.jinja"), template)
            .expect("the fixture is there");
    }
    Encoder::open(folder.path()).expect("the fixture is there")
}

/// Where the mask is true, as ranges.
fn runs(chat: &EncodedChat) -> Vec<[usize; 2]> {
    let indices: Vec<usize> =
        (0..chat.ids.len()).filter(|index| chat.assistant_mask[*index]).collect();
    let runs = indices.chunk_by(|left, right| left + 1 == *right);
    runs.map(|run| [run[0], run[0] + run.len()]).collect()
}

/// The texts of the runs.
fn texts(encoder: &Encoder, chat: &EncodedChat) -> Vec<String> {
    let text = |run: [usize; 2]| {
        encoder.decode_with_specials(&chat.ids[run[0]..run[1]]).expect("the fixture is there")
    };
    runs(chat).into_iter().map(text).collect()
}

fn dialogue() -> Conversation {
    Conversation::new(&[
        Message::new(Role::User, "Hi"),
        Message::new(Role::Assistant, "x = 5"),
        Message::new(Role::User, "Why?"),
        Message::new(Role::Assistant, "So<|im_end|>!"),
    ])
}

#[test]
fn marked_templates_have_the_masks_of_transformers() {
    let golden = golden();
    let encoder = encoder(Some(&golden.template));
    assert!(encoder.chat_template().expect("the fixture is there").has_marks());
    assert_eq!(golden.cases.len(), 4);
    for case in golden.cases {
        let conversation = Conversation::from_json(case.messages);
        let chat = encoder.encode_chat(&conversation, Ending::AtEos).expect("the fixture is there");
        assert_eq!(chat.ids, case.ids);
        assert_eq!(runs(&chat), case.runs);
    }
}

#[test]
fn the_training_template_of_qwen_has_the_masks_of_transformers() {
    let Some(shared) = shared("masks of qwen's training template") else { return };
    let path = shared.join("goldens/chat_templates.json");
    let all: Value = serde_json::from_slice(&fs::read(path).expect("the fixture is there"))
        .expect("the fixture is there");
    let encoder = encoder(all["templates"]["qwen2.5_training"].as_str());
    let cases = all["cases"].as_array().expect("the fixture is there").iter();
    let cases: Vec<&Value> = cases.filter(|case| case["template"] == "qwen2.5_training").collect();
    let expected = golden().training;
    assert_eq!((cases.len(), expected.len()), (26, 26));
    for (case, expected) in cases.iter().zip(expected) {
        let is_open = case["add_generation_prompt"] == true;
        let tail = if is_open { GenerationPrompt::Add } else { GenerationPrompt::Omit };
        let conversation = Conversation::from_json(case["conversation"].clone())
            .tools(case["tools"].clone())
            .generation_prompt(tail);
        let chat = encoder.encode_chat(&conversation, Ending::AtEos).expect("the fixture is there");
        assert_eq!(runs(&chat), expected, "{}", case["conversation"]);
    }
}

#[test]
fn without_marks_a_turn_is_what_its_rendering_adds() {
    let encoder = encoder(None);
    let chat = encoder.encode_chat(&dialogue(), Ending::AtEos).expect("the fixture is there");
    assert_eq!(texts(&encoder, &chat), ["x = 5<|im_end|>", "So<|im_end|>!<|im_end|>"]);
    let chat = encoder.encode_chat(&dialogue(), Ending::AsTemplate).expect("the fixture is there");
    assert_eq!(texts(&encoder, &chat), ["x = 5<|im_end|>\n", "So<|im_end|>!<|im_end|>\n"]);
    let text = encoder
        .chat_template()
        .expect("the fixture is there")
        .render(&dialogue())
        .expect("the fixture is there");
    assert_eq!(chat.ids, encoder.encode(&text).expect("the fixture is there"));
}

#[test]
fn without_an_assistant_nothing_is_learnt() {
    let conversation = Conversation::new(&[Message::new(Role::User, "assistant")]);
    let chat =
        encoder(None).encode_chat(&conversation, Ending::AtEos).expect("the fixture is there");
    assert!(!chat.ids.is_empty() && runs(&chat).is_empty());
}

/// As templates of reasoning models do.
#[test]
fn a_template_that_rewrites_earlier_turns_needs_marks() {
    let template = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}\
                    {{ m.content if loop.last else m.content[:1] }}{{ '<|im_end|>' }}{% endfor %}\
                    {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    let error = encoder(Some(template)).encode_chat(&dialogue(), Ending::AtEos).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("writes message 1 otherwise when others follow"), "{text}");
}

#[test]
fn a_template_that_measures_its_marks_is_refused() {
    let source = "{% set x %}{% generation %}{{ messages[0].content }}{% endgeneration %}{% endset %}{{ x }}{{ x | length }}";
    let template = ChatTemplate::parse("t", source, &Map::new()).expect("the fixture is there");
    let conversation = Conversation::from_json(json!([{ "role": "assistant", "content": "Hi" }]));
    assert_eq!(template.render(&conversation).expect("the fixture is there"), "Hi2");
    assert_eq!(
        template.render_marked(&conversation),
        Err(TemplateError::Marks { name: "t".to_owned() })
    );
}

/// A content that looks like a mark is content.
#[test]
fn content_cannot_pretend_to_be_a_mark() {
    let source = "{% for m in messages %}{{ m.content }}|{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}";
    let template = ChatTemplate::parse("t", source, &Map::new()).expect("the fixture is there");
    let content = "\u{f8f0}0\u{f8f1}\u{f8f0}1\u{f8f1}a";
    let conversation =
        Conversation::from_json(json!([{ "role": "assistant", "content": content }]));
    let marked = template.render_marked(&conversation).expect("the fixture is there");
    assert_eq!(marked.text, format!("{content}|{content}"));
    assert_eq!(marked.generated, vec![content.len() + 1..marked.text.len()]);
}
