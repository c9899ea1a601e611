//! One kind of record into another, and LLaMA-Factory's index.

use forethought_preference::{
    DatasetEntry, DatasetInfo, DatasetInfoError, Layout, PromptForm, RowFault, Shape, convert,
    is_convertible, pair_of, pair_up, pairing_key, with_prompt_form,
};
use forethought_schema::{Example, PreferencePair, Prompt, Record, RecordKind};
use proptest::prelude::*;
use serde_json::{Value, json};

fn pair(prompt: &str, chosen: &str, rejected: &str) -> Example {
    Record::Preference(PreferencePair {
        prompt: prompt.into(),
        chosen: chosen.into(),
        rejected: rejected.into(),
        margin: Some(1.0),
    })
    .into()
}

fn read(shape: Shape, row: &Value) -> Example {
    Layout::usual(shape).read(row).expect("a row").example
}

const KINDS: [RecordKind; 7] = [
    RecordKind::Text,
    RecordKind::Messages,
    RecordKind::Prompt,
    RecordKind::PromptCompletion,
    RecordKind::Preference,
    RecordKind::Unpaired,
    RecordKind::Exercise,
];

#[test]
fn what_is_said_to_be_convertible_is_and_nothing_else() {
    let rows = [
        (Shape::Text, json!({"text": "t"})),
        (
            Shape::Messages,
            json!({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a\n#### 7"}]}),
        ),
        (Shape::Prompt, json!({"prompt": "q"})),
        (Shape::PromptCompletion, json!({"prompt": "q", "completion": "a\n#### 7"})),
        (Shape::Preference, json!({"prompt": "q", "chosen": "a", "rejected": "b"})),
        (Shape::Unpaired, json!({"prompt": "q", "completion": "a", "label": true})),
        (Shape::Gsm8k, json!({"question": "q", "answer": "a\n#### 7"})),
    ];
    for (shape, row) in rows {
        let example = read(shape, &row);
        for to in KINDS {
            let made = convert(example.clone(), to);
            // Pairs are made of several labelled completions: `pair_up`.
            let is_grouped = (shape, to) == (Shape::Unpaired, RecordKind::Preference);
            assert_eq!(
                made.is_ok() || is_grouped,
                is_convertible(shape.kind(), to),
                "{shape:?} {to:?}"
            );
            if let Ok(made) = made {
                assert!(made.examples.iter().all(|one| one.record.kind() == to));
            }
        }
    }
}

#[test]
fn what_a_conversion_loses_is_named() {
    let lost = |to| convert(pair("q", "a", "b"), to).expect("a way").lost;
    assert_eq!(lost(RecordKind::PromptCompletion), ["margin", "rejected"]);
    assert_eq!(lost(RecordKind::Prompt), ["chosen", "margin", "rejected"]);
    assert_eq!(lost(RecordKind::Unpaired), ["margin"]);
    assert!(lost(RecordKind::Preference).is_empty());
}

#[test]
fn an_undesirable_completion_is_none_to_imitate() {
    let row = json!({"prompt": "q", "completion": "a", "label": false});
    let fault = convert(read(Shape::Unpaired, &row), RecordKind::Messages);
    assert_eq!(fault.expect_err("undesirable"), RowFault::Undesirable);
}

#[test]
fn an_exercise_keeps_its_answer_beside_its_prompt_and_gets_it_back() {
    let row = json!({"question": "3 + 4?", "answer": "add\n#### 7"});
    let exercise = read(Shape::Gsm8k, &row);
    let prompt = convert(exercise.clone(), RecordKind::Prompt).expect("a way");
    assert_eq!(prompt.examples[0].extra["answer"], "7");
    assert_eq!(
        (prompt.examples[0].extra["solution"].as_str(), prompt.lost.len()),
        (Some("add"), 0)
    );
    let completed = convert(exercise.clone(), RecordKind::PromptCompletion).expect("a way");
    let back = convert(completed.examples[0].clone(), RecordKind::Exercise).expect("a way");
    assert_eq!(back.examples, [exercise]);
}

#[test]
fn a_conversation_of_one_question_becomes_an_exercise_and_its_reasoning_is_no_obstacle() {
    let turns = |reasoning: Value| {
        json!({"messages": [{"role": "user", "content": "3 + 4?"}, {"role": "assistant",
            "content": "add\n#### 7", "reasoning_content": reasoning}]})
    };
    let plain = convert(read(Shape::Messages, &turns(Value::Null)), RecordKind::Exercise);
    let expected = read(Shape::Gsm8k, &json!({"question": "3 + 4?", "answer": "add\n#### 7"}));
    assert_eq!(plain.expect("a way").examples, [expected]);
    let thinking = read(Shape::Messages, &turns(json!("Hm.")));
    let made = convert(thinking, RecordKind::PromptCompletion).expect("a way");
    let Record::PromptCompletion(one) = &made.examples[0].record else { panic!("a completion") };
    assert_eq!(one.completion, "<think>\nHm.\n</think>\n\nadd\n#### 7");
    assert_eq!(made.lost, ["reasoning_content as a field: it is in <think> tags now"]);
}

#[test]
fn a_box_that_is_added_to_a_solution_is_noted_and_stands_alone_where_there_is_none() {
    let write = |shape, example: &Example| {
        let written = Layout::usual(shape).write(example).expect("an exercise");
        (Value::Object(written.row), written.lost.into_iter().collect::<Vec<_>>())
    };
    let noted = vec!["the border between solution and answer".to_owned()];
    let gsm8k = json!({"question": "3 + 4?", "answer": "3 + 4 = 7\n#### 7"});
    let (math, lost) = write(Shape::Math, &read(Shape::Gsm8k, &gsm8k));
    assert_eq!((&math["solution"], &lost), (&json!("3 + 4 = 7\n\\boxed{7}"), &noted));
    assert_eq!(write(Shape::Math, &read(Shape::Math, &math)), (math.clone(), vec![]));
    assert_eq!(write(Shape::Gsm8k, &read(Shape::Math, &math)), (gsm8k, vec![]));
    let bare = json!({"question": "How many?", "answer": "9 (apples)"});
    let expected = json!({"problem": "How many?", "solution": r"\boxed{9 (apples)}"});
    assert_eq!(write(Shape::Math, &read(Shape::Exercise, &bare)), (expected.clone(), noted));
    let back = write(Shape::Gsm8k, &read(Shape::Math, &expected)).0;
    assert_eq!(back, json!({"question": "How many?", "answer": "#### 9 (apples)"}));
}

#[test]
fn exercises_have_their_answer_after_hashes_in_a_box_or_beside() {
    let gsm8k = json!({"question": "3 + 4?", "answer": "3 + 4 = 7\n#### 7"});
    let math = json!({"problem": "3 + 4?", "solution": "3 + 4 = 7\n\\boxed{7}"});
    let write = |shape, example: &Example| {
        Value::Object(Layout::usual(shape).write(example).expect("an exercise").row)
    };
    assert_eq!(write(Shape::Math, &read(Shape::Gsm8k, &gsm8k)), math);
    assert_eq!(write(Shape::Gsm8k, &read(Shape::Math, &math)), gsm8k);

    let svamp =
        json!({"context": "There are 87 oranges. ", "question": "How many?", "answer": 145.0});
    let Record::Exercise(one) = read(Shape::Exercise, &svamp).record else { panic!("an exercise") };
    assert_eq!(
        (one.question.as_str(), one.answer.as_deref()),
        ("There are 87 oranges. How many?", Some("145"))
    );
    let unmarked = json!({"question": "3 + 4?", "answer": "7"});
    let read = read(Shape::Gsm8k, &unmarked);
    let fault = Layout::usual(Shape::Exercise).write(&read).expect_err("no mark").to_string();
    assert_eq!(fault, "field `solution` has no #### or \\boxed{}, after which the answer stands");
    let solution = Layout::usual(Shape::Solution).write(&read).expect("a solution").row;
    assert_eq!(Value::Object(solution), json!({"problem": "3 + 4?", "solution": "7"}));
}

#[test]
fn prompts_change_their_form_where_nothing_is_lost_by_it() {
    let text = pair("q", "a", "b");
    let turns = with_prompt_form(text.clone(), PromptForm::Conversational).expect("turns");
    let Record::Preference(one) = &turns.record else { panic!("a pair") };
    assert!(matches!(&one.prompt, Prompt::Messages(turns) if turns.len() == 1));
    assert_eq!(with_prompt_form(turns, PromptForm::Standard), Ok(text));
    let row = json!({"instruction": "i", "output": "o", "system": "s"});
    let fault = with_prompt_form(read(Shape::Alpaca, &row), PromptForm::Standard);
    assert_eq!(fault, Err(RowFault::Conversation { roles: "system, user".to_owned() }));
}

#[test]
fn a_turn_of_the_user_is_the_text_of_a_flat_shape_and_more_turns_are_told_where_they_have_a_place()
{
    let user = json!({"role": "user", "content": "q"});
    let row = |turns: Value| {
        let side = |text: &str| json!([{"role": "assistant", "content": text}]);
        json!({"prompt": turns, "chosen": side("a"), "rejected": side("b")})
    };
    let single = read(Shape::Preference, &row(json!([user])));
    let written = |shape| {
        let written = Layout::usual(shape).write(&single).expect("one text");
        assert!(written.lost.is_empty());
        Value::Object(written.row)
    };
    let triple = json!({"question": "q", "chosen": "a", "rejected": "b"});
    assert_eq!(written(Shape::Triple), triple);
    assert_eq!(written(Shape::CValues), json!({"prompt": "q", "pos_resp": "a", "neg_resp": "b"}));
    let system = json!({"role": "system", "content": "s"});
    let several = read(Shape::Preference, &row(json!([system, user])));
    let fault = Layout::usual(Shape::Triple).write(&several).expect_err("two turns");
    assert_eq!(fault.reason(), "conversation_in_a_flat_shape");
    let expected =
        "found turns of: system, user; conversations have a place in messages, sharegpt, ";
    assert!(fault.to_string().contains(expected), "{fault}");
}

proptest! {
    #[test]
    fn pairs_that_were_taken_apart_come_together_again(
        sides in prop::collection::vec(("[ab]", "[a-f]{1,3}", "[g-m]{1,3}"), 1..12),
        alone in any::<bool>(),
    ) {
        let pairs: Vec<Example> = sides
            .iter()
            .map(|(prompt, chosen, rejected)| {
                let mut example = pair(prompt, chosen, rejected);
                let Record::Preference(one) = &mut example.record else { unreachable!() };
                one.margin = None;
                example
            })
            .collect();
        let mut apart: Vec<Example> = pairs
            .iter()
            .flat_map(|one| convert(one.clone(), RecordKind::Unpaired).expect("a way").examples)
            .collect();
        if alone {
            apart.push(apart[0].clone());
        }
        let paired = pair_up(apart.iter().filter_map(pairing_key));
        let places: Vec<[usize; 2]> = (0..pairs.len()).map(|index| [2 * index, 2 * index + 1]).collect();
        prop_assert_eq!(&paired.pairs, &places);
        let made = places.iter().filter_map(|[chosen, rejected]| {
            pair_of(apart[*chosen].clone(), apart[*rejected].clone())
        });
        prop_assert_eq!(made.collect::<Vec<_>>(), pairs);
        prop_assert_eq!(paired.left, if alone { vec![apart.len() - 1] } else { vec![] });
    }
}

fn info(text: &str) -> DatasetInfo {
    DatasetInfo::parse(text).expect("an index")
}

fn layout(info: &DatasetInfo, name: &str) -> Layout {
    let entry = info.entry(name).expect("a valid entry").expect("an entry");
    entry.layout().expect("a layout")
}

/// The entries that LLaMA-Factory's own documentation shows, and those of its demo files.
#[test]
fn entries_of_llama_factory_are_laid_out_as_it_does() {
    let info = info(
        r#"{
        "alpaca_zh_demo": {"file_name": "alpaca_zh_demo.json"},
        "history": {"file_name": "d.json", "columns": {"prompt": "instruction", "query": "input",
            "response": "output", "system": "system", "history": "history"}},
        "pretrain": {"file_name": "c4_demo.jsonl", "columns": {"prompt": "text"}},
        "ranking": {"file_name": "d.json", "ranking": true, "columns": {"prompt": "instruction",
            "query": "input", "chosen": "chosen", "rejected": "rejected"}},
        "kto": {"file_name": "d.json", "columns": {"prompt": "instruction", "query": "input",
            "response": "output", "kto_tag": "kto_tag"}},
        "glaive": {"file_name": "d.json", "formatting": "sharegpt",
            "columns": {"messages": "conversations", "tools": "tools"}},
        "dpo_zh_demo": {"file_name": "dpo_zh_demo.json", "ranking": true, "formatting": "sharegpt",
            "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}},
        "kto_en_demo": {"file_name": "kto_en_demo.json", "formatting": "sharegpt",
            "columns": {"messages": "messages", "kto_tag": "label"},
            "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user",
                "assistant_tag": "assistant"}}
    }"#,
    );
    let described: Vec<String> =
        info.names().map(|name| format!("{name}: {}", layout(&info, name).describe())).collect();
    assert_eq!(
        described,
        [
            "alpaca_zh_demo: alpaca (instruction, input, output)",
            "history: alpaca (instruction, input, output, system, history)",
            "pretrain: text (text)",
            "ranking: alpaca_ranking (instruction, input, chosen, rejected)",
            "kto: alpaca_kto (instruction, input, output, kto_tag)",
            "glaive: sharegpt (conversations, tools)",
            "dpo_zh_demo: sharegpt_ranking (conversations, chosen, rejected)",
            "kto_en_demo: openai_kto (messages, label)",
        ]
    );
    // A tag that is not named is not known there, so a turn of the system is none.
    let kto = layout(&info, "kto_en_demo");
    let row = json!({"messages": [{"role": "system", "content": "s"}], "label": true});
    assert_eq!(kto.read(&row).expect_err("unknown").reason(), "unknown_role");
}

#[test]
fn an_entry_that_was_written_is_read_as_the_layout_it_was_written_of() {
    for shape in Shape::ALL.into_iter().filter(|shape| shape.is_llama_factory()) {
        let layout = Layout::usual(shape);
        let entry = DatasetEntry::of(&layout, "d.json".to_owned(), |_| true);
        let text = serde_json::to_string(&entry).expect("plain data");
        let back: DatasetEntry = serde_json::from_str(&text).expect("it was written so");
        assert_eq!(back.layout(), Ok(layout), "{text}");
    }
    let some =
        DatasetEntry::of(&Layout::usual(Shape::Alpaca), "d.json".into(), |one| one != "tools");
    assert!(!some.columns.expect("columns").contains_key("tools"));
}

#[test]
fn what_is_wrong_with_one_entry_is_no_obstacle_to_the_others_and_is_written_as_it_was_read() {
    let text = r#"{"new": {"file_name": "n.json", "formatting": "tomorrow"}, "old": {"file_name": "o.json"}}"#;
    let mut info = info(text);
    assert_eq!(layout(&info, "old").shape(), Shape::Alpaca);
    let error = info.entry("new").expect_err("unknown").to_string();
    assert!(error.starts_with("unknown variant `tomorrow`"), "{error}");
    assert_eq!((info.file_of("new"), info.file_of("none")), (Some("n.json"), None));
    let entry = DatasetEntry { file_name: Some("a.json".into()), ..DatasetEntry::default() };
    info.insert("added", &entry).expect("plain data");
    let written = serde_json::to_string(&info).expect("plain data");
    assert_eq!(
        written,
        r#"{"new":{"file_name":"n.json","formatting":"tomorrow"},"old":{"file_name":"o.json"},"added":{"file_name":"a.json"}}"#
    );
}

#[test]
fn what_datasets_keeps_under_the_same_name_is_no_index() {
    let error = DatasetInfo::parse(r#"{"citation": "", "features": {}}"#).expect_err("none");
    assert!(error.to_string().starts_with("no index of LLaMA-Factory"), "{error}");
    assert!(error.to_string().contains("`citation` does not"), "{error}");
    let features = r#"{"features": {"question": {"dtype": "string"}}}"#;
    assert!(matches!(DatasetInfo::parse(features), Err(DatasetInfoError::NoIndex(_))));
    assert_eq!(DatasetInfo::parse("{}"), Ok(DatasetInfo::default()));
    let list = DatasetInfo::parse("[1]").expect_err("a list").to_string();
    assert!(list.contains("expected a map"), "{list}");
}

#[test]
fn what_is_wrong_with_an_entry_is_named() {
    let error = |text: &str| {
        let entry: DatasetEntry = serde_json::from_str(text).expect("an entry");
        entry.layout().expect_err("wrong").to_string()
    };
    assert_eq!(
        error(r#"{"columns": {"images": "images"}}"#),
        "columns: `images` is not read: rows are text here"
    );
    assert!(
        error(r#"{"columns": {"promt": "p"}}"#).starts_with("columns: no `promt` in LLaMA-Factory")
    );
    assert_eq!(
        error(r#"{"ranking": true, "columns": {"prompt": "p", "chosen": "c"}}"#),
        "columns: the shape alpaca_ranking needs the part `rejected`"
    );
    let misspelt = serde_json::from_str::<DatasetEntry>(r#"{"colums": {}}"#).expect_err("a slip");
    assert!(misspelt.to_string().contains("unknown field `colums`"), "{misspelt}");
}
