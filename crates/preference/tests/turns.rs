//! Calls of tools, reasoning and texts in pieces, in turns of conversations.

use forethought_preference::{Layout, Shape};
use forethought_schema::{Example, FunctionCall, Message, Record, Role, ToolCall};
use serde_json::{Value, json};

#[test]
fn tool_calls_are_turns_of_their_own_in_sharegpt_and_objects_elsewhere() {
    let mut call = Message::new(Role::Assistant, "");
    let arguments = json!({"a": 3, "b": 4});
    call.tool_calls =
        vec![ToolCall::Function(FunctionCall { name: "add".into(), arguments: arguments.clone() })];
    call.reasoning_content = Some("I had better add.".into());
    let turns = vec![
        Message::new(Role::User, "3 + 4?"),
        call,
        Message::new(Role::Tool, "7"),
        Message::new(Role::Assistant, "Seven."),
    ];
    let tools = json!([{"type": "function", "function": {"name": "add"}}]);
    let example = Example { tools: Some(tools), ..Record::Messages(turns).into() };
    for shape in [Shape::Messages, Shape::Sharegpt, Shape::Openai] {
        let layout = Layout::usual(shape);
        let written = layout.write(&example).expect("it fits");
        assert!(written.lost.is_empty() && written.row["tools"].is_string(), "{written:?}");
        let back = layout.read(&Value::Object(written.row)).expect("it was written so");
        assert_eq!(back.example, example, "{shape:?}");
    }
    let row = Layout::usual(Shape::Sharegpt).write(&example).expect("it fits").row;
    let text = row["conversations"][1]["value"].as_str().expect("a text");
    assert_eq!(row["conversations"][1]["from"], "function_call");
    let call = "{\"name\":\"add\",\"arguments\":{\"a\":3,\"b\":4}}";
    assert_eq!(text, format!("<think>\nI had better add.\n</think>\n\n{call}"));
    let row = Layout::usual(Shape::Messages).write(&example).expect("it fits").row;
    assert_eq!(row["messages"][1]["tool_calls"][0]["function"]["arguments"], arguments);
}

#[test]
fn texts_in_pieces_are_joined_and_reasoning_is_kept_apart() {
    let piece = |kind: &str, value: &str| json!({"type": kind, "value": value});
    let row = json!({"messages": [
        {"role": "user", "content": [piece("text", "3 + "), piece("text", "4?")]},
        {"role": "assistant", "loss_weight": 1, "content": [
            piece("reasoning", "Add."), piece("tool_call", r#"{"name": "add", "arguments": {}}"#),
        ]},
    ]});
    let read = Layout::usual(Shape::Messages).read(&row).expect("pieces");
    let Record::Messages(turns) = read.example.record else { panic!("turns") };
    assert_eq!((turns[0].content.as_str(), turns[1].content.as_str()), ("3 + 4?", ""));
    assert_eq!(turns[1].reasoning_content.as_deref(), Some("Add."));
    assert_eq!(turns[1].tool_calls[0].function().name, "add");
    assert_eq!(read.notes.into_iter().collect::<Vec<_>>(), ["messages[].loss_weight"]);
    let image = json!({"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]});
    let fault = Layout::usual(Shape::Messages).read(&image).expect_err("an image").to_string();
    assert!(fault.contains("must be pieces of the types text, reasoning or tool_call"), "{fault}");
}

#[test]
fn what_a_call_has_beside_name_and_arguments_is_noted() {
    let function = json!({"name": "add", "arguments": {}, "strict": true});
    let call = json!({"id": "call_1", "type": "function", "function": function, "index": null});
    let row = json!({"messages": [
        {"role": "user", "content": "3 + 4?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "7", "tool_call_id": "call_1"},
    ]});
    let read = Layout::usual(Shape::Messages).read(&row).expect("a conversation");
    let notes: Vec<String> = read.notes.into_iter().collect();
    let expected =
        ["messages[].tool_call_id", "messages[].tool_calls[].id", "messages[].tool_calls[].strict"];
    assert_eq!(notes, expected);
    let text = json!({"name": "add", "arguments": {}, "id": 7}).to_string();
    let flat = json!({"conversations": [{"from": "human", "value": "3 + 4?"},
        {"from": "function_call", "value": text}]});
    let read = Layout::usual(Shape::Sharegpt).read(&flat).expect("a conversation");
    assert_eq!(read.notes.into_iter().collect::<Vec<_>>(), ["conversations[].tool_calls[].id"]);
}

fn thinking() -> Message {
    let mut answer = Message::new(Role::Assistant, "Seven.");
    answer.reasoning_content = Some("3 + 4 = 7".into());
    answer
}

#[test]
fn reasoning_that_becomes_a_part_of_the_text_is_noted() {
    let turns = Record::Messages(vec![Message::new(Role::User, "3 + 4?"), thinking()]);
    for shape in [Shape::Sharegpt, Shape::Openai] {
        let written = Layout::usual(shape).write(&turns.clone().into()).expect("it fits");
        let expected = ["reasoning_content as a field: it is in <think> tags now"];
        assert_eq!(written.lost.into_iter().collect::<Vec<_>>(), expected);
    }
    let written = Layout::usual(Shape::Messages).write(&turns.into()).expect("it fits");
    assert!(written.lost.is_empty());
}

#[test]
fn the_reasoning_of_a_completion_goes_before_its_text() {
    let row =
        json!({"prompt": [{"role": "user", "content": "3 + 4?"}], "completion": [thinking()]});
    let read = Layout::usual(Shape::PromptCompletion).read(&row).expect("a completion");
    let Record::PromptCompletion(one) = read.example.record else { panic!("a completion") };
    assert_eq!(one.completion, "<think>\n3 + 4 = 7\n</think>\n\nSeven.");
    assert_eq!(read.notes.len(), 1);
    let mut call = row;
    call["completion"][0]["tool_calls"] = json!([{"name": "add", "arguments": {}}]);
    let fault = Layout::usual(Shape::PromptCompletion).read(&call).expect_err("a call");
    assert_eq!(fault.reason(), "completion_not_plain");
}
