//! Rows of other programs into records and back.

use forethought_preference::{PairShape, RowFault, UnpairedShape, unpair};
use forethought_schema::{Message, PreferencePair, Prompt, Role};
use serde_json::{Value, json};

const PAIR_SHAPES: [PairShape; 4] =
    [PairShape::Triple, PairShape::CValues, PairShape::Trl, PairShape::LlamaFactory];

fn pair(prompt: Prompt) -> PreferencePair {
    PreferencePair {
        prompt,
        chosen: "It is blue.".into(),
        rejected: "It is green.".into(),
        margin: None,
    }
}

fn text_pair() -> PreferencePair {
    pair(Prompt::Text("What colour is the sky?".into()))
}

fn chat_pair() -> PreferencePair {
    pair(Prompt::Messages(vec![
        Message::new(Role::System, "Be brief."),
        Message::new(Role::User, "What colour is the sky?"),
    ]))
}

#[test]
fn a_pair_survives_every_shape() {
    for shape in PAIR_SHAPES {
        let row = shape.write(&text_pair()).expect("a text fits every shape");
        assert_eq!(shape.read(&row), Ok(text_pair()), "{shape:?}: {row}");
    }
    for shape in [PairShape::Trl, PairShape::LlamaFactory] {
        let row = shape.write(&chat_pair()).expect("a conversation fits");
        assert_eq!(shape.read(&row), Ok(chat_pair()), "{shape:?}: {row}");
    }
}

#[test]
fn a_conversation_does_not_fit_a_flat_shape_and_that_is_said() {
    for shape in [PairShape::Triple, PairShape::CValues] {
        let fault = shape.write(&chat_pair()).expect_err("a conversation");
        assert_eq!(fault, RowFault::Conversation { num_turns: 2 });
    }
}

/// The first two examples of TRL's documentation of preference datasets.
#[test]
fn trl_rows_without_a_prompt_share_their_beginning() {
    let text = json!({"chosen": "The sky is blue.", "rejected": "The sky is green."});
    let read = PairShape::Trl.read(&text).expect("implicit prompt");
    assert_eq!(read.prompt, Prompt::Text("The sky is".into()));
    assert_eq!([read.chosen, read.rejected], [" blue.", " green."]);

    let turn = |role, content: &str| json!({"role": role, "content": content});
    let question = turn("user", "What color is the sky?");
    let chat = json!({
        "chosen": [question, turn("assistant", "It is blue.")],
        "rejected": [question, turn("assistant", "It is green.")],
    });
    let read = PairShape::Trl.read(&chat).expect("implicit prompt");
    assert_eq!(
        read,
        pair(Prompt::Messages(vec![Message::new(Role::User, "What color is the sky?")]))
    );
}

#[test]
fn the_common_beginning_leaves_something_to_complete() {
    let split = |chosen: &str, rejected: &str| {
        let row = json!({"chosen": chosen, "rejected": rejected});
        PairShape::Trl.read(&row).map(|pair| (pair.prompt, pair.chosen, pair.rejected))
    };
    let expect = |prompt: &str, chosen: &str, rejected: &str| {
        Ok((Prompt::Text(prompt.to_owned()), chosen.to_owned(), rejected.to_owned()))
    };
    assert_eq!(split("yes", "no"), expect("", "yes", "no"));
    assert_eq!(split("天空是蓝的", "天空是绿的"), expect("天空是", "蓝的", "绿的"));
    assert_eq!(split("ab", "abc"), expect("a", "b", "bc"), "one begins with the other");
    assert_eq!(split("a b", "a "), Err(RowFault::Empty { field: "rejected" }));
    assert_eq!(split("same", "same"), Err(RowFault::Equal));
}

#[test]
fn a_margin_is_kept_by_the_shapes_that_have_one() {
    let with_margin = PreferencePair { margin: Some(0.5), ..text_pair() };
    for shape in [PairShape::Triple, PairShape::Trl] {
        let row = shape.write(&with_margin).expect("a text");
        assert_eq!(row["margin"], json!(0.5));
        assert_eq!(shape.read(&row), Ok(with_margin.clone()));
    }
}

#[test]
fn llama_factory_joins_instruction_and_input_and_knows_sharegpt_names() {
    let alpaca =
        json!({"instruction": "Name it.", "input": "the sky", "chosen": "blue", "rejected": "red"});
    let read = PairShape::LlamaFactory.read(&alpaca).expect("alpaca");
    assert_eq!(read.prompt, Prompt::Text("Name it.\nthe sky".into()));

    let sharegpt = json!({
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "What colour is the sky?"},
        ],
        "chosen": {"from": "gpt", "value": "It is blue."},
        "rejected": {"from": "gpt", "value": "It is green."},
    });
    assert_eq!(PairShape::LlamaFactory.read(&sharegpt), Ok(chat_pair()));
    assert_eq!(PairShape::LlamaFactory.write(&chat_pair()), Ok(sharegpt));
}

#[test]
fn labelled_completions_survive_both_shapes() {
    for unpaired in unpair(&[text_pair(), chat_pair()]) {
        for shape in [UnpairedShape::Trl, UnpairedShape::LlamaFactory] {
            let row = shape.write(&unpaired);
            assert_eq!(shape.read(&row), Ok(unpaired.clone()), "{shape:?}: {row}");
        }
    }
}

#[test]
fn llama_factory_calls_the_label_kto_tag_or_label() {
    let turns =
        json!([{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "5"}]);
    for tag in ["kto_tag", "label"] {
        let row = json!({"messages": turns, tag: false});
        let read = UnpairedShape::LlamaFactory.read(&row).expect("a conversation");
        assert_eq!((read.completion.as_str(), read.label), ("5", false));
        assert_eq!(read.prompt, Prompt::Messages(vec![Message::new(Role::User, "2 + 2?")]));
    }
}

/// The sides of a pair are no neighbours, so a prompt is never followed by an answer to itself in KTO's estimate.
#[test]
fn unpaired_completions_are_first_all_chosen_then_all_rejected() {
    let other = PreferencePair { chosen: "So.".into(), rejected: "No.".into(), ..text_pair() };
    let unpaired = unpair(&[text_pair(), other]);
    let order: Vec<(&str, bool)> =
        unpaired.iter().map(|one| (one.completion.as_str(), one.label)).collect();
    assert_eq!(
        order,
        [("It is blue.", true), ("So.", true), ("It is green.", false), ("No.", false)]
    );
}

#[test]
fn what_is_wrong_with_a_row_names_the_field() {
    let cases: [(PairShape, Value, &str); 9] = [
        (PairShape::Triple, json!([1]), "a row must be an object, found a list"),
        (PairShape::Triple, json!({"question": "q", "chosen": "a"}), "field `rejected` is missing"),
        (
            PairShape::CValues,
            json!({"prompt": "q", "pos_resp": null}),
            "field `pos_resp` is missing",
        ),
        (
            PairShape::CValues,
            json!({"prompt": "q", "pos_resp": "a", "neg_resp": 3}),
            "field `neg_resp` must be a text, found a number",
        ),
        (
            PairShape::Triple,
            json!({"question": "q", "chosen": "a", "rejected": "a"}),
            "`chosen` and `rejected` are equal",
        ),
        (
            PairShape::Triple,
            json!({"question": "q", "chosen": " ", "rejected": "a"}),
            "field `chosen` is empty",
        ),
        (
            PairShape::Trl,
            json!({"prompt": [], "chosen": [{"role": "user", "content": "a"}], "rejected": []}),
            "field `chosen` must end with one turn of the assistant, found 1 turns after the prompt",
        ),
        (
            PairShape::Trl,
            json!({"prompt": [], "chosen": [{"role": "bot", "content": "a"}], "rejected": []}),
            "field `chosen` has a turn of the unknown role `bot`",
        ),
        (
            PairShape::Trl,
            json!({"prompt": "q", "chosen": "a", "rejected": "b", "margin": "wide"}),
            "field `margin` must be a number, found a text",
        ),
    ];
    for (shape, row, expected) in cases {
        let fault = shape.read(&row).expect_err("a faulty row");
        assert_eq!(fault.to_string(), expected);
        assert!(!fault.reason().is_empty());
    }
    let unlabelled = json!({"prompt": "q", "completion": "a", "label": "yes"});
    let fault = UnpairedShape::Trl.read(&unlabelled).expect_err("a label in words");
    assert_eq!(fault.to_string(), "field `label` must be true or false, found a text");
}
