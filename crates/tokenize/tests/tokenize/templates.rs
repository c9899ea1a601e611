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
    let nested = "{% for a in range(3000) %}{% for b in range(3000) %}{% endfor %}{% endfor %}";
    assert!(reason(nested).contains("out of fuel"), "{}", reason(nested));
    let loud = format!("{{% for a in range(9999) %}}{}{{% endfor %}}", "x".repeat(10_000));
    assert_eq!(reason(&loud), "chat template t: wrote more than 16777216 bytes");
    let long = " ".repeat(65_537);
    assert_eq!(reason(&long), "chat template t: 65537 bytes long, allowed are 65536");
    let recursive = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    assert!(reason(recursive).contains("recursion"), "{}", reason(recursive));
}

/// Operators are filters of ours behind the scenes; they mean what they meant.
#[test]
fn operators_mean_what_they_mean_in_jinja() {
    for (source, expected) in [
        ("{{ 1 + 2 * 3 - 4 // 3 ** 2 % 5 }}", "7"),
        ("{{ -2 ** 2 }} {{ (1 + 2) * 3 }} {{ 7 / 2 }}", "4 9 3.5"),
        ("{{ 'a' ~ 1 ~ none ~ true ~ missing ~ [1, 'b'] }}", "a1NoneTrue[1, 'b']"),
        ("{{ 'a' + 'b' * 3 }} {{ [1] + [2] * 2 }} {{ 2 * 'ab' }}", "abbb [1, 2, 2] abab"),
        (
            "{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'ba' }} {{ 3 not in [1, 2] }}",
            "True False True True",
        ),
        ("{{ not 1 == 2 and 2 == 2 or x }}", "True"),
        ("{{ 'abc'[1] }}{{ 'abcd'[1:3] }}{{ 'abc'[::-1] }} {{ [1, 2, 3][1:] }}", "bbccba [2, 3]"),
        (
            "{{ (1, 2) }} {{ (1,) }} {{ () }} {{ {'a': [], 'b': {}} }}",
            "(1, 2) (1,) () {'a': [], 'b': {}}",
        ),
        ("{{ 'yes' if 1 else 'no' }}{{ 'yes' if 0 }}{{ 'a' if 0 else 'b' if 0 else 'c' }}", "yesc"),
        ("{{ 7 is odd }} {{ 7 is not divisibleby 2 }} {{ 'a' is eq('a') }}", "True True True"),
        ("{{ ' a|b '|trim|replace('|', '-')|upper }}", "A-B"),
        ("{{ 1.5e3 }} {{ 1e999 > 1 }} {{ 0.1 + 0.2 }}", "1500.0 True 0.30000000000000004"),
        ("{{ 'line\\nbreak \\\\ \"quote\" {{ %}' }}", "line\nbreak \\ \"quote\" {{ %}"),
        ("{% raw %}{{ x }}{% endraw %}{# no #}\"\\", "{{ x }}\"\\"),
        (
            "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set n = namespace(x=1) %}{% set n.x = n.x + 1 %}{{ n.x }}",
            "122",
        ),
        (
            "{% set t | upper | trim %} a {% endset %}{{ t }}{% filter upper %}b{% endfilter %}",
            "AB",
        ),
        ("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% do namespace(a=1) %}", "3"),
        (
            "{% macro m(a, b=2, c='d' ~ 'e') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}",
            "12de123",
        ),
        (
            "{% macro m() %}[{{ caller(1) }}]{% endmacro %}{% call(x) m() %}<{{ x }}>{% endcall %}",
            "[<1>]",
        ),
        (
            "{% for k, v in {'a': 1}|items %}{{ k }}{{ v }}{{ loop.last }}{% else %}none{% endfor %}",
            "a1True",
        ),
        (
            "{% for i in range(9) if i % 2 %}{% if i == 5 %}{% continue %}{% elif i > 6 %}{% break %}{% else %}{{ i }}{% endif %}{% endfor %}",
            "13",
        ),
        (
            "{% for i in [[1, [2]]] recursive %}{% if i is sequence %}({{ loop(i) }}){% else %}{{ i }}{% endif %}{% endfor %}",
            "(1(2))",
        ),
        ("{% for i in [] %}{% else %}none{% endfor %}{{ loop is defined }}", "noneFalse"),
        ("{{ dict(**{'a': 1}).a }}{{ range(*[1, 3])|list }}", "1[1, 2]"),
    ] {
        assert_eq!(render(source).unwrap_or_else(|error| error.to_string()), expected, "{source}");
    }
}

#[test]
fn lines_of_errors_are_those_of_the_source() {
    let source = "a\n{% set x = 1 %}\n\n{{ x ~\n  x|string ~\n (1 // 0) }}\n";
    assert!(reason(source).ends_with("(in t:6)"), "{}", reason(source));
    let source = "{% if 1 %}\n{% macro m() %}\n\n{{ raise_exception('x' +\n'y') }}{% endmacro %}\n{% endif %}{{ m() }}";
    assert!(reason(source).contains("xy (in t:4)"), "{}", reason(source));
}

/// An honest conversation stays far from the bounds, however long it is.
#[test]
fn a_thousand_turns_render() {
    let turns: Vec<Value> = (0..1000)
        .map(|turn| {
            let role = if turn % 2 == 0 { "user" } else { "assistant" };
            json!({ "role": role, "content": "word ".repeat(400) })
        })
        .collect();
    let source = "{% set ns = namespace(all='', list=[]) %}{% for m in messages %}\
        {% set ns.list = ns.list + [m] %}{% if m.role == 'user' and '<think>' not in m.content %}\
        {% set text = m.content.split('</think>')[-1].lstrip('\n')|trim %}{% else %}{% set text = m.content %}{% endif %}\
        {{ '<|im_start|>' + m.role + '\n' + text + '<|im_end|>' + '\n' }}\
        {% if loop.index0 == messages|length - 1 %}{{ messages[loop.index0 - 1].role }}{% endif %}{% endfor %}";
    let text = render_with(source, &Conversation::from_json(turns.into())).unwrap();
    assert!(text.len() > 2_000_000 && text.ends_with("\nuser"), "{} bytes", text.len());
}

#[test]
fn a_template_reads_no_file() {
    for source in ["{% include '/etc/hostname' %}", "{% extends 'a' %}", "{% import 'a' as b %}"] {
        assert!(reason(source).contains("a chat template is alone (in t"), "{}", reason(source));
    }
}
