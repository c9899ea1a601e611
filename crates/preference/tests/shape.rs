//! Rows of other programs into examples and back.

use forethought_preference::{Layout, RowFault, Shape, unpair};
use forethought_schema::{
    Example, Exercise, Message, PreferencePair, Prompt, PromptCompletion, Record, RecordKind, Role,
};
use serde_json::{Value, json};

fn pair(prompt: Prompt) -> PreferencePair {
    PreferencePair {
        prompt,
        chosen: "It is blue.".into(),
        rejected: "It is green.".into(),
        margin: None,
    }
}

fn text() -> Prompt {
    "What colour is the sky?".into()
}

fn chat() -> Prompt {
    Prompt::Messages(vec![
        Message::new(Role::System, "Be brief."),
        Message::new(Role::User, "What colour is the sky?"),
    ])
}

fn completed(prompt: Prompt) -> Record {
    Record::PromptCompletion(PromptCompletion { prompt, completion: "Blue.".into() })
}

fn conversation() -> Record {
    let Prompt::Messages(mut turns) = chat() else { panic!("a conversation") };
    turns.push(Message::new(Role::Assistant, "Blue."));
    Record::Messages(turns)
}

fn read(shape: Shape, row: &Value) -> Result<Record, RowFault> {
    Layout::usual(shape).read(row).map(|read| read.example.record)
}

fn read_pair(shape: Shape, row: &Value) -> Result<PreferencePair, RowFault> {
    read(shape, row).map(|record| match record {
        Record::Preference(pair) => pair,
        other => panic!("{other:?}"),
    })
}

fn write(shape: Shape, record: &Record) -> Result<Value, RowFault> {
    let mut written = Layout::usual(shape).write(&Example::from(record.clone()))?;
    // A box is added to a solution that has none, which is said.
    let border =
        shape == Shape::Math && written.lost.remove("the border between solution and answer");
    assert!(written.lost.is_empty() && !(border && record == &records()[3]), "{:?}", written.lost);
    Ok(Value::Object(written.row))
}

/// A record of each kind, in each of the forms that the shapes have.
fn records() -> Vec<Record> {
    let exercise = |solution: &str| Exercise {
        question: "3 + 4?".into(),
        solution: Some(solution.into()),
        answer: Some("7".into()),
    };
    let mut records = vec![
        Record::Text("The sky is blue.".into()),
        conversation(),
        Record::Exercise(exercise("3 + 4 = 7")),
        Record::Exercise(exercise(r"It is \boxed{7}, see?")),
    ];
    for prompt in [text(), chat()] {
        records.push(Record::Prompt(prompt.clone()));
        records.push(completed(prompt.clone()));
        let pair = pair(prompt);
        records.extend(unpair(std::slice::from_ref(&pair)).into_iter().map(Record::Unpaired));
        records.push(Record::Preference(pair));
    }
    records
}

#[test]
fn a_record_survives_every_shape_that_takes_it_or_is_refused_for_a_reason() {
    let mut num_survived = 0;
    // A solution has no column for the result, which is said to be lost.
    for shape in Shape::ALL.into_iter().filter(|shape| *shape != Shape::Solution) {
        for record in records().iter().filter(|record| record.kind() == shape.kind()) {
            match write(shape, record) {
                Ok(row) => {
                    let back = read(shape, &row).expect("it was written so");
                    // Turns are all that sharegpt has: a text comes back as what the user said.
                    assert_eq!(as_turns(back), as_turns(record.clone()), "{shape:?}: {row}");
                    num_survived += 1;
                }
                Err(RowFault::Conversation { .. }) => {
                    assert!(matches!(
                        shape,
                        Shape::Triple | Shape::CValues | Shape::InstructionResponse
                    ));
                }
                Err(other) => panic!("{shape:?}: {other}"),
            }
        }
    }
    assert_eq!(num_survived, 43);
}

fn as_turns(mut record: Record) -> Record {
    let prompt = match &mut record {
        Record::Prompt(prompt) => prompt,
        Record::PromptCompletion(one) => &mut one.prompt,
        Record::Preference(pair) => &mut pair.prompt,
        Record::Unpaired(one) => &mut one.prompt,
        Record::Exercise(exercise) => {
            // The box that MATH needs may be added to a solution that has none.
            let solution = exercise.solution.take().unwrap_or_default();
            exercise.solution = Some(solution.replace("\n\\boxed{7}", ""));
            return record;
        }
        Record::Text(_) | Record::Messages(_) => return record,
    };
    if let Prompt::Text(text) = prompt {
        *prompt = Prompt::Messages(vec![Message::new(Role::User, text.as_str())]);
    }
    record
}

#[test]
fn a_record_of_another_kind_is_refused_by_every_shape() {
    for shape in Shape::ALL {
        for record in records().iter().filter(|record| record.kind() != shape.kind()) {
            let fault = write(shape, record).expect_err("another kind");
            let (from, to) = (record.kind().as_str(), shape.kind().as_str());
            assert_eq!(fault, RowFault::NoWay { from, to });
        }
    }
}

/// The first two examples of TRL's documentation of preference datasets.
#[test]
fn trl_rows_without_a_prompt_share_their_beginning() {
    let row = json!({"chosen": "The sky is blue.", "rejected": "The sky is green."});
    let read = read_pair(Shape::Preference, &row).expect("implicit prompt");
    assert_eq!(read.prompt, "The sky is".into());
    assert_eq!([read.chosen, read.rejected], [" blue.", " green."]);

    let turn = |role, content: &str| json!({"role": role, "content": content});
    let question = turn("user", "What color is the sky?");
    let row = json!({
        "chosen": [question, turn("assistant", "It is blue.")],
        "rejected": [question, turn("assistant", "It is green.")],
    });
    let read = read_pair(Shape::Preference, &row).expect("implicit prompt");
    assert_eq!(
        read,
        pair(Prompt::Messages(vec![Message::new(Role::User, "What color is the sky?")]))
    );
}

#[test]
fn the_common_beginning_leaves_something_to_complete() {
    let split = |chosen: &str, rejected: &str| {
        let row = json!({"chosen": chosen, "rejected": rejected});
        read_pair(Shape::Preference, &row).map(|pair| (pair.prompt, pair.chosen, pair.rejected))
    };
    let expect = |prompt: &str, chosen: &str, rejected: &str| {
        Ok((prompt.into(), chosen.to_owned(), rejected.to_owned()))
    };
    assert_eq!(split("yes", "no"), expect("", "yes", "no"));
    assert_eq!(split("天空是蓝的", "天空是绿的"), expect("天空是", "蓝的", "绿的"));
    assert_eq!(split("ab", "abc"), expect("a", "b", "bc"), "one begins with the other");
    assert_eq!(split("a b", "a "), Err(RowFault::Empty { field: "rejected".into() }));
    assert_eq!(split("same", "same"), Err(RowFault::Equal));
}

#[test]
fn a_margin_is_kept_by_the_shapes_that_have_one_and_named_by_the_others() {
    let with_margin = Record::Preference(PreferencePair { margin: Some(0.5), ..pair(text()) });
    for shape in [Shape::Triple, Shape::Preference] {
        let row = write(shape, &with_margin).expect("a text");
        assert_eq!(row["margin"], json!(0.5));
        assert_eq!(read(shape, &row), Ok(with_margin.clone()));
    }
    let written = Layout::usual(Shape::CValues).write(&with_margin.into()).expect("a text");
    assert_eq!(written.lost.into_iter().collect::<Vec<_>>(), ["margin"]);
}

#[test]
fn alpaca_joins_instruction_and_input_and_only_other_shapes_lose_their_border() {
    let row =
        json!({"instruction": "Name it.", "input": "the sky", "output": "Blue.", "source": 7});
    let alpaca = Layout::usual(Shape::Alpaca);
    let read = alpaca.read(&row).expect("alpaca");
    assert_eq!(read.example.record, completed("Name it.\nthe sky".into()));
    assert_eq!((&read.example.extra["source"], read.example.border), (&json!(7), Some(9)));
    assert!(read.notes.is_empty(), "{:?}", read.notes);

    let written = alpaca.write(&read.example).expect("alpaca");
    assert_eq!((Value::Object(written.row), written.lost.len()), (row.clone(), 0));
    let mut with_history = row;
    with_history["history"] = json!([["Hi", "Hello"]]);
    let example = alpaca.read(&with_history).expect("alpaca").example;
    let written = alpaca.write(&example).expect("alpaca");
    assert_eq!(Value::Object(written.row), with_history);

    let prompt = Layout::usual(Shape::PromptCompletion).write(&read.example).expect("a text");
    assert_eq!(prompt.row["prompt"], json!("Name it.\nthe sky"));
    let lost: Vec<String> = prompt.lost.into_iter().collect();
    assert_eq!(lost, ["the border between instruction and input"]);
    // A border that is none, in a file that was changed by hand, is no reason to cut a text there.
    let moved = Example { border: Some(3), ..read.example };
    let written = alpaca.write(&moved).expect("alpaca");
    assert_eq!(
        (&written.row["instruction"], &written.row["input"]),
        (&json!("Name it.\nthe sky"), &json!(""))
    );
    assert_eq!(written.lost.len(), 1);
}

#[test]
fn system_and_history_of_an_alpaca_row_come_before_its_instruction() {
    let row = json!({
        "instruction": "And at night?", "input": "", "output": "Black.", "system": "Be brief.",
        "history": [["What colour is the sky?", "Blue."]],
    });
    let Ok(Record::PromptCompletion(one)) = read(Shape::Alpaca, &row) else { panic!("alpaca") };
    let Prompt::Messages(turns) = &one.prompt else { panic!("turns") };
    let roles: Vec<&str> = turns.iter().map(|turn| turn.role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(write(Shape::Alpaca, &Record::PromptCompletion(one)), Ok(row.clone()));
    let mut broken = row;
    broken["history"] = json!([["alone"]]);
    let fault = read(Shape::Alpaca, &broken).expect_err("half a pair").to_string();
    assert_eq!(fault, "field `history` must be a list of pairs of texts, found a list");
}

#[test]
fn sharegpt_has_names_of_its_own_for_turns() {
    let row = json!({
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "What colour is the sky?"},
        ],
        "chosen": {"from": "gpt", "value": "It is blue."},
        "rejected": {"from": "gpt", "value": "It is green."},
    });
    assert_eq!(read_pair(Shape::SharegptRanking, &row), Ok(pair(chat())));
    assert_eq!(write(Shape::SharegptRanking, &Record::Preference(pair(chat()))), Ok(row));

    let beside = json!({
        "conversations": [{"from": "human", "value": "What colour is the sky?"},
            {"from": "gpt", "value": "Blue."}],
        "system": "Be brief.",
    });
    assert_eq!(read(Shape::Sharegpt, &beside), Ok(conversation()));
}

/// LLaMA-Factory's converter skips such rows with a warning.
#[test]
fn a_conversation_that_llama_factory_would_pass_over_is_refused() {
    let turns = |roles: &[Role]| {
        Record::Messages(roles.iter().map(|role| Message::new(*role, "x")).collect())
    };
    let cases: [(&[Role], &str); 3] = [
        (&[Role::User, Role::User, Role::Assistant], "turn 2 is of the user"),
        (&[Role::System, Role::Assistant], "turn 1 is of the assistant"),
        (&[Role::User, Role::Assistant, Role::User], "turn 3 is of the user"),
    ];
    for (roles, expected) in cases {
        let fault = write(Shape::Sharegpt, &turns(roles)).expect_err("out of turn").to_string();
        assert!(fault.ends_with(expected), "{fault}");
        assert!(write(Shape::Messages, &turns(roles)).is_ok(), "TRL takes it");
    }
}

/// The sides of a pair are no neighbours, so a prompt is never followed by an answer to itself in KTO's estimate.
#[test]
fn unpaired_completions_are_first_all_chosen_then_all_rejected() {
    let other = PreferencePair { chosen: "So.".into(), rejected: "No.".into(), ..pair(text()) };
    let unpaired = unpair(&[pair(text()), other]);
    let order: Vec<(&str, bool)> =
        unpaired.iter().map(|one| (one.completion.as_str(), one.label)).collect();
    assert_eq!(
        order,
        [("It is blue.", true), ("So.", true), ("It is green.", false), ("No.", false)]
    );
}

#[test]
fn what_is_wrong_with_a_row_names_the_field() {
    let turn = |role: &str| json!([{"role": role, "content": "a"}]);
    let cases: [(Shape, Value, &str); 12] = [
        (Shape::Triple, json!([1]), "a row must be an object, found a list"),
        (
            Shape::Triple,
            json!({"question": "q", "chosen": "a"}),
            "field `rejected` is missing; there are: question, chosen",
        ),
        (Shape::CValues, json!({"pos_resp": null}), "field `pos_resp` is null"),
        (
            Shape::CValues,
            json!({"prompt": "q", "pos_resp": "a", "neg_resp": 3}),
            "field `neg_resp` must be a text, found a number",
        ),
        (
            Shape::Triple,
            json!({"question": "q", "chosen": "a", "rejected": "a"}),
            "`chosen` and `rejected` are equal",
        ),
        (
            Shape::Triple,
            json!({"question": "q", "chosen": " ", "rejected": "a"}),
            "field `chosen` is empty",
        ),
        (
            Shape::Preference,
            json!({"prompt": [], "chosen": turn("user"), "rejected": turn("assistant")}),
            "field `chosen` must end with one turn of the assistant, found 1 turn after the prompt",
        ),
        (
            Shape::Preference,
            json!({"prompt": [], "chosen": turn("bot"), "rejected": []}),
            "field `chosen[0]` is of the unknown role `bot`; the tags name user, assistant, tool, \
             function_call, system",
        ),
        (
            Shape::Preference,
            json!({"prompt": "q", "chosen": "a", "rejected": "b", "margin": "wide"}),
            "field `margin` must be a number, found a text",
        ),
        (
            Shape::Unpaired,
            json!({"prompt": "q", "completion": "a", "label": "maybe"}),
            "field `label` must be true or false, found a text",
        ),
        (
            Shape::Messages,
            json!({"messages": [{"role": "user"}]}),
            "field `messages[0].content` is missing; there are: role",
        ),
        (
            Shape::Sharegpt,
            json!({"conversations": [{"from": "function_call", "value": "add"}]}),
            "field `conversations[0].value` must be JSON of a call with `name` and `arguments`, or of a list of them, \
             found something else",
        ),
    ];
    cases.iter().for_each(assert_fault);
}

fn assert_fault((shape, row, expected): &(Shape, Value, &str)) {
    let fault = read(*shape, row).expect_err("a faulty row");
    assert_eq!(fault.to_string(), *expected);
    assert!(!fault.reason().is_empty());
}

#[test]
fn a_field_beside_the_record_stays_unless_the_shape_needs_its_name() {
    let mut example = Example::from(Record::Preference(pair(text())));
    example.extra.insert("source".into(), json!("web"));
    example.extra.insert("question".into(), json!("taken"));
    let written = Layout::usual(Shape::Triple).write(&example).expect("a text");
    assert_eq!(written.row["source"], "web");
    assert_eq!(written.row["question"], "What colour is the sky?");
    assert_eq!(written.lost.into_iter().collect::<Vec<_>>(), ["question"]);
    assert_eq!(RecordKind::Preference.as_str(), "preference");
}
