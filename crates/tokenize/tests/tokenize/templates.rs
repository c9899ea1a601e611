//! Chat templates: Python's ways, and the bounds.

use forethought_schema::{Message, Role};
use forethought_tokenize::{ChatTemplate, Conversation, TemplateError};
use serde_json::{Map, Value, json};

fn parse(source: &str) -> Result<ChatTemplate, TemplateError> {
    ChatTemplate::parse("t", source, &Map::new())
}

fn render_with(source: &str, conversation: &Conversation) -> Result<String, TemplateError> {
    parse(source)?.render(conversation)
}

fn render(source: &str) -> Result<String, TemplateError> {
    render_with(source, &Conversation::new(&[Message::new(Role::User, "Hi")]))
}

fn reason(source: &str) -> String {
    render(source).expect_err("the template fails").to_string()
}

#[test]
fn blocks_are_trimmed_as_transformers_trims_them() {
    let source = "  {% for message in messages %}\n    {{ message.role }}:\n  {% endfor %}\nend\n";
    assert_eq!(render(source).unwrap(), "    user:\nend");
}

#[test]
fn strings_have_the_methods_of_python() {
    let source = "{{ ' a</think>b '.split('</think>')[-1].strip() }}{{ 'xay'.lstrip('x') }}{{ 'ab'.startswith('a') }}";
    assert_eq!(render(source).unwrap(), "bayTrue");
}

#[test]
fn none_and_truths_are_written_as_in_python() {
    assert_eq!(
        render("{{ none }} {{ true }} {{ false }} {{ 1 }} {{ missing }}").unwrap(),
        "None True False 1 "
    );
}

/// Python: `json.dumps({"z": [1, 2.5, None], "a": "<b> 北京 \"q\""}, ensure_ascii=False)`
#[test]
fn tojson_is_json_dumps() {
    let tools = json!({ "z": [1, 2.5, null], "a": "<b> 北京 \"q\"", "empty": {} });
    let conversation = Conversation::from_json(json!([])).tools(tools);
    assert_eq!(
        render_with("{{ tools | tojson }}", &conversation).unwrap(),
        r#"{"z": [1, 2.5, null], "a": "<b> 北京 \"q\"", "empty": {}}"#
    );
    assert_eq!(
        render_with("{{ tools | tojson(indent=2, sort_keys=true) }}", &conversation).unwrap(),
        "{\n  \"a\": \"<b> 北京 \\\"q\\\"\",\n  \"empty\": {},\n  \"z\": [\n    1,\n    2.5,\n    null\n  ]\n}"
    );
    assert!(reason("{{ missing | tojson }}").contains("undefined cannot be written as JSON"));
    assert!(reason("{{ 1 | tojson(separators=2) }}").contains("separators"));
}

#[test]
fn a_template_may_refuse_a_conversation() {
    let source =
        "{% if messages[0].role != 'system' %}\n{{ raise_exception('system first') }}{% endif %}";
    assert_eq!(reason(source), "chat template t: invalid operation: system first (in t:2)");
}

#[test]
fn a_message_without_content_is_an_error_as_in_python() {
    let conversation = Conversation::from_json(json!([{ "role": "user" }]));
    let source = "{{ 'a' + messages[0].content }}";
    assert!(matches!(render_with(source, &conversation), Err(TemplateError::Render { .. })));
}

#[test]
fn the_clock_is_an_argument() {
    let source = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}undated{% endif %}";
    assert_eq!(render(source).unwrap(), "undated");
    let dated = Conversation::from_json(json!([])).today("26 Jul 2024");
    assert_eq!(render_with(source, &dated).unwrap(), "26 Jul 2024");
}

#[test]
fn loops_may_be_left() {
    let source = "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}";
    assert_eq!(render(source).unwrap(), "01");
}

#[test]
fn generation_marks_change_nothing_in_the_text() {
    let source =
        "{%- set x = 1 %}a\n{%- generation -%}\n b{% set x = 2 %}{% endgeneration %}c{{ x }}";
    assert_eq!(render(source).unwrap(), "abc1");
}

#[test]
fn special_tokens_are_variables() {
    let specials = Map::from_iter([("bos_token".to_owned(), Value::from("<s>"))]);
    let template = ChatTemplate::parse("t", "{{ bos_token }}|{{ eos_token }}", &specials).unwrap();
    assert_eq!(template.render(&Conversation::from_json(json!([]))).unwrap(), "<s>|");
}

#[test]
fn a_template_that_does_not_parse_names_its_line() {
    let error = parse("a\n{% if %}").map(|_| ()).expect_err("no condition");
    assert_eq!(
        error.to_string(),
        "chat template t: syntax error: unexpected end of block (in t:2)"
    );
}

#[test]
fn templates_without_end_are_stopped() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    assert!(reason(nested).contains("out of fuel"), "{}", reason(nested));
    let loud = format!("{{% for a in range(9999) %}}{}{{% endfor %}}", "x".repeat(10_000));
    assert_eq!(reason(&loud), "chat template t: wrote more than 67108864 bytes");
    let long = " ".repeat(65_537);
    assert_eq!(reason(&long), "chat template t: 65537 bytes long, allowed are 65536");
    let recursive = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    assert!(reason(recursive).contains("recursion"), "{}", reason(recursive));
}

#[test]
fn a_template_reads_no_file() {
    assert!(reason("{% include '/etc/hostname' %}").contains("template not found"));
}
