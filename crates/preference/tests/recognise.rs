//! Which shape rows have.

use std::collections::BTreeMap;

use forethought_preference::{Declared, Layout, Part, RecogniseError, Recognised, Shape, Tags};
use forethought_schema::{Example, Message, Prompt, Record, Role};
use serde_json::{Value, json};

fn columns(rows: &[Value]) -> Vec<String> {
    let keys = rows.iter().flat_map(|row| row.as_object().expect("an object").keys());
    keys.cloned().collect()
}

fn resolve(declared: &Declared, row: Value) -> Result<Recognised, RecogniseError> {
    let rows = [row];
    declared.resolve(&columns(&rows), &rows)
}

fn shape(row: Value) -> Result<Shape, String> {
    let found = resolve(&Declared::default(), row).map_err(|error| error.to_string())?;
    Ok(found.layout.shape())
}

fn declared(shape: Option<Shape>, columns: &[(Part, &str)]) -> Declared {
    let columns = columns.iter().map(|(part, name)| (*part, (*name).to_owned()));
    Declared { shape, columns: columns.collect(), tags: None }
}

#[test]
fn what_a_shape_writes_is_recognised_as_that_shape_or_one_that_reads_it_alike() {
    let chat = || Prompt::Messages(vec![Message::new(Role::User, "q")]);
    let pair = |prompt: Prompt| json!({"prompt": prompt, "chosen": "a", "rejected": "b"});
    let example = |shape: Shape, prompt: Prompt| -> Example {
        let completed = json!({"prompt": prompt, "completion": "a"});
        let unpaired = json!({"prompt": prompt, "completion": "a", "label": true});
        let exercise = json!({"question": "q", "solution": "s", "answer": "7"});
        let record = match shape.kind().as_str() {
            "text" => json!({"text": "t"}),
            "conversation" => {
                json!({"messages": [Message::new(Role::User, "q"), Message::new(Role::Assistant, "a")]})
            }
            "prompt" => json!({"prompt": prompt}),
            "prompt and completion" => json!({"prompt_completion": completed}),
            "preference" => json!({"preference": pair(prompt)}),
            "unpaired preference" => json!({"unpaired": unpaired}),
            _ => json!({"exercise": exercise}),
        };
        serde_json::from_value::<Record>(record).expect("a record").into()
    };
    for written in Shape::ALL {
        for prompt in ["q".into(), chat()] {
            let Ok(row) = Layout::usual(written).write(&example(written, prompt)) else { continue };
            let found = shape(Value::Object(row.row.clone())).expect("recognised");
            let expected = if written == Shape::Openai { Shape::Messages } else { written };
            assert_eq!(found, expected, "{:?}", row.row);
        }
    }
}

#[test]
fn the_reason_names_the_columns_and_what_else_it_could_be() {
    let row = json!({"prompt": "q", "completion": "a", "label": true, "n": 1});
    let found = resolve(&Declared::default(), row).expect("unpaired");
    assert_eq!(found.layout.describe(), "unpaired (prompt, completion, label)");
    assert_eq!(
        found.why,
        "the only shape that reads all of completion, label, prompt; beside it: n"
    );
    assert_eq!(
        found.others,
        [
            "prompt (prompt): prompt_completion reads completion as well",
            "prompt_completion (prompt, completion): unpaired reads label as well",
        ]
    );
}

#[test]
fn what_the_columns_hold_decides_where_their_names_do_not() {
    let turns = |role: &str, content: &str, user: &str| json!([{role: user, content: "q"}]);
    assert_eq!(shape(json!({"messages": turns("role", "content", "user")})), Ok(Shape::Messages));
    assert_eq!(shape(json!({"messages": turns("from", "value", "human")})), Ok(Shape::Sharegpt));
    assert_eq!(shape(json!({"question": "q", "answer": "so\n#### 7"})), Ok(Shape::Gsm8k));
    assert_eq!(shape(json!({"question": "q", "answer": 7})), Ok(Shape::Exercise));
    let long = json!({"question": "q", "answer": "First,\nthen,\nlast."});
    let error = shape(long).expect_err("no result");
    assert_eq!(
        error,
        "no shape fits the columns question, answer (nearly: gsm8k: `answer` does not hold texts with ####; exercise: \
         `answer` does not hold numbers or short texts of one line); set `shape` and `columns`"
    );
}

#[test]
fn broken_rows_hide_no_shape_while_most_are_whole() {
    let row = |answer: Value| json!({"prompt": "q", "completion": answer});
    let rows = [row(json!("a")), row(json!(1)), row(json!("b")), row(json!(null))];
    let found = Declared::default().resolve(&columns(&rows[..1]), &rows).expect("mostly texts");
    assert_eq!(found.layout.shape(), Shape::PromptCompletion);
    let rows = [row(json!("a")), row(json!(1))];
    assert!(Declared::default().resolve(&columns(&rows[..1]), &rows).is_err());
}

#[test]
fn who_says_which_column_is_the_answer_is_believed() {
    let long =
        json!({"question": "q", "answer": "First,\nthen <count_step>2</count_step>", "raw": "2"});
    let named = |column| declared(None, &[(Part::Answer, column)]);
    for column in ["answer", "raw"] {
        let found = resolve(&named(column), long.clone()).expect("named").layout;
        assert_eq!(found.describe(), format!("exercise (question, {column})"));
    }
    let found = resolve(&declared(Some(Shape::Exercise), &[]), long).expect("declared").layout;
    assert_eq!(found.describe(), "exercise (question, answer)");
}

#[test]
fn what_a_question_is_about_is_read_with_it() {
    let asdiv =
        json!({"body": "Two groups of 290.", "question": "How big?", "answer": "145 (apples)"});
    let found = resolve(&Declared::default(), asdiv.clone()).expect("an exercise").layout;
    assert_eq!(found.describe(), "exercise (body, question, answer)");
    let Record::Exercise(one) = found.read_record(&asdiv).expect("a row") else { panic!("none") };
    assert_eq!(one.question, "Two groups of 290. How big?");
    let notes = found.read(&asdiv).expect("a row").notes;
    assert_eq!(notes.into_iter().collect::<Vec<_>>(), ["the border between body and question"]);
    let svamp = json!({"Body": "b", "Question": "q", "Answer": 145.0, "ID": "1"});
    assert_eq!(shape(svamp), Ok(Shape::Exercise));
}

#[test]
fn a_solution_without_a_marked_result_is_one_all_the_same() {
    let row = json!({"problem": "p", "solution": "It follows."});
    assert_eq!(shape(row.clone()), Ok(Shape::Solution));
    let read = Layout::usual(Shape::Solution).read_record(&row).expect("a row");
    let Record::Exercise(one) = read else { panic!("none") };
    assert_eq!((one.solution.as_deref(), one.answer), (Some("It follows."), None));
    assert_eq!(shape(json!({"problem": "p", "solution": r"\boxed{3}"})), Ok(Shape::Math));
}

#[test]
fn a_prompt_beside_a_misspelt_column_is_no_prompt_alone() {
    let error = shape(json!({"prompt": "q", "completoin": "a"})).expect_err("a slip");
    assert_eq!(
        error,
        "no shape fits the columns prompt, completoin (nearly: prompt_completion lacks `completion` (did you mean \
         `completoin`?); unpaired lacks `completion` and `label` (did you mean `completoin`?)); set `shape` and `columns`"
    );
    assert_eq!(shape(json!({"prompt": "q", "source": "a"})), Ok(Shape::Prompt));
    let number = shape(json!({"prompt": "q", "completion": 3})).expect_err("no text");
    assert!(number.contains("prompt_completion: `completion` does not hold texts"), "{number}");
}

fn labelled(labels: &[Value]) -> Vec<Value> {
    labels.iter().map(|label| json!({"prompt": "q", "completion": "a", "label": label})).collect()
}

fn of_labels(labels: &[Value]) -> Result<Recognised, String> {
    let rows = labelled(labels);
    let columns = columns(&rows[..1]);
    Declared::default().resolve(&columns, &rows).map_err(|error| error.to_string())
}

#[test]
fn labels_are_true_and_false_or_1_and_0() {
    for labels in [[json!(true), json!(false)], [json!(1), json!(0)], [json!(1.0), json!(0.0)]] {
        let layout = of_labels(&labels).expect("labels").layout;
        assert_eq!(layout.shape(), Shape::Unpaired, "{labels:?}");
        let read = labelled(&labels).iter().map(|row| layout.read_record(row)).collect::<Vec<_>>();
        let [Ok(Record::Unpaired(good)), Ok(Record::Unpaired(bad))] = &read[..] else {
            panic!("{read:?}")
        };
        assert_eq!((good.label, bad.label), (true, false));
    }
    let kto = json!({"messages": [{"role": "user", "content": "q"}], "label": 0});
    assert_eq!(shape(kto), Ok(Shape::OpenaiKto));
}

#[test]
fn a_column_that_may_be_a_label_is_neither_taken_for_one_nor_passed_over() {
    let error = |labels: &[Value]| of_labels(labels).expect_err("nobody can tell");
    assert_eq!(
        error(&[json!("yes"), json!("no"), json!("yes")]),
        "`label` holds \"yes\", \"no\": it may say which completions are desirable. If it does, set `shape` to \
         unpaired; if it does not, to prompt_completion"
    );
    assert_eq!(
        error(&[json!(-1), json!(1)]),
        "`label` holds -1, 1: it may say which completions are desirable. If it does, set `shape` to unpaired and \
         write true and false, or 1 and 0, in it; if it does not, to prompt_completion"
    );
    for doubtful in [["true", "false"], ["desirable", "undesirable"], ["algebra", "algebra"]] {
        let text = error(&doubtful.map(|label| json!(label)));
        assert!(text.starts_with("`label` holds"), "{text}");
    }
    let mixed = error(&[json!(true), json!("wrong"), json!(true), json!(false), json!(7)]);
    assert!(mixed.starts_with("`label` holds true, \"wrong\", false, …: "), "{mixed}");
    let alpaca = json!({"instruction": "i", "output": "o", "kto_tag": "false"});
    let text = shape(alpaca).expect_err("a tag in words");
    assert!(text.ends_with("set `shape` to alpaca_kto; if it does not, to alpaca"), "{text}");
}

#[test]
fn a_label_of_many_values_is_a_class_and_stands_beside_with_a_word_on_it() {
    for labels in [[0, 1, 2, 3].map(|one| json!(one)), ["a", "b", "c", "d"].map(|one| json!(one))] {
        let found = of_labels(&labels).expect("a class");
        assert_eq!(found.layout.shape(), Shape::PromptCompletion);
        let other = "unpaired: `label` does not hold true and false, or 1 and 0".to_owned();
        assert!(found.others.contains(&other), "{:?}", found.others);
    }
    let unknown = of_labels(&[json!(null)]).expect("no label");
    assert_eq!(unknown.layout.shape(), Shape::PromptCompletion);
}

#[test]
fn words_are_labels_where_the_shape_or_the_column_is_declared() {
    let rows = labelled(&[json!("Yes"), json!("no"), json!("0")]);
    let columns = columns(&rows[..1]);
    for said in [declared(Some(Shape::Unpaired), &[]), declared(None, &[(Part::Label, "label")])] {
        let layout = said.resolve(&columns, &rows).expect("declared").layout;
        let label = |row| match layout.read_record(row) {
            Ok(Record::Unpaired(one)) => one.label,
            other => panic!("{other:?}"),
        };
        assert_eq!(rows.iter().map(label).collect::<Vec<_>>(), [true, false, false]);
    }
    let plain = declared(Some(Shape::PromptCompletion), &[]);
    let found = plain.resolve(&columns, &rows).expect("declared");
    assert_eq!(found.layout.describe(), "prompt_completion (prompt, completion)");
    let none = labelled(&[json!("maybe")]);
    let error = declared(Some(Shape::Unpaired), &[]).resolve(&columns, &none);
    assert_eq!(
        error.expect_err("no word").to_string(),
        "the shape unpaired does not fit: `label` does not hold true and false, 1 and 0, or words such as yes and no"
    );
}

#[test]
fn several_shapes_are_not_chosen_from() {
    let row = json!({"instruction": "i", "response": "r", "question": "q", "answer": "7"});
    assert_eq!(
        shape(row),
        Err("several shapes fit: instruction_response (instruction, response); \
             exercise (question, answer); set `shape`"
            .to_owned())
    );
}

#[test]
fn declared_columns_stand_for_the_usual_ones() {
    let row = json!({"question": "q", "output": "a", "id": 3});
    let named = declared(None, &[(Part::Prompt, "question"), (Part::Completion, "output")]);
    let found = resolve(&named, row.clone()).expect("named");
    assert_eq!(found.layout.describe(), "prompt_completion (question, output)");
    let read = found.layout.read(&row).expect("a row").example;
    assert_eq!(read.record.kind().as_str(), "prompt and completion");
    assert_eq!(read.extra.keys().collect::<Vec<_>>(), ["id"]);
}

#[test]
fn a_part_may_be_called_by_a_usual_name_of_its_column() {
    let row = json!({"text": "2 + 2?", "result": "4"});
    let named = declared(None, &[(Part::Problem, "text"), (Part::Answer, "result")]);
    let found = resolve(&named, row).expect("an exercise").layout;
    assert_eq!(found.describe(), "exercise (text, result)");
    let row = json!({"q": "Hi", "output": "Hello"});
    let named = declared(Some(Shape::Alpaca), &[(Part::Instruction, "q")]);
    assert_eq!(resolve(&named, row).expect("alpaca").layout.describe(), "alpaca (q, output)");

    let row = || json!({"text": "2 + 2?", "result": "4"});
    let named = declared(None, &[(Part::Problem, "text"), (Part::Question, "result")]);
    let error = resolve(&named, row()).expect_err("one part twice").to_string();
    let start = "no shape has the parts question, problem together; there are: ";
    assert!(
        error.starts_with(start)
            && error.contains("exercise (context, question, solution, answer)"),
        "{error}"
    );
    let named = declared(None, &[(Part::Chosen, "text"), (Part::Answer, "result")]);
    let error = resolve(&named, row()).expect_err("of no shape").to_string();
    assert!(error.contains("triple (question, chosen, rejected, margin)"), "{error}");
}

#[test]
fn what_does_not_go_together_is_refused_by_name() {
    let row = || json!({"question": "q", "chosen": "a", "rejected": "b"});
    let error = |declared: &Declared| resolve(declared, row()).expect_err("wrong").to_string();
    assert_eq!(
        error(&declared(Some(Shape::Triple), &[(Part::Chosen, "chosn")])),
        "no column `chosn` for the part `chosen` (did you mean `chosen`?); there are: question, chosen, rejected"
    );
    assert_eq!(
        error(&declared(Some(Shape::Triple), &[(Part::Label, "chosen")])),
        "columns: the shape triple has no part `label`; its parts are: question, chosen, rejected, margin"
    );
    assert_eq!(
        error(&declared(Some(Shape::Triple), &[(Part::Chosen, "rejected")])),
        "columns: `chosen` and `rejected` are both the column `rejected`"
    );
    assert_eq!(
        error(&Declared { tags: Some(Tags::openai()), ..declared(Some(Shape::Triple), &[]) }),
        "tags: the shape triple holds no turns"
    );
    let tags = Tags { user_tag: Some("person".into()), ..Tags::sharegpt() };
    let wrong = Declared { tags: Some(tags), ..declared(Some(Shape::Sharegpt), &[]) };
    let row = json!({"conversations": [{"from": "human", "value": "q"}]});
    assert_eq!(
        resolve(&wrong, row).expect_err("another word").to_string(),
        "the shape sharegpt does not fit: `conversations` does not hold lists of {from: person | gpt | observation | \
         function_call | system, value}"
    );
}

#[test]
fn a_file_without_rows_has_no_shape() {
    let error = Declared::default().resolve(&[], &[]).expect_err("nothing").to_string();
    assert_eq!(error, "no shape fits the columns (none); set `shape` and `columns`");
}

#[test]
fn a_declaration_is_strict_yaml() {
    let parse = serde_json::from_str::<Declared>;
    let found = parse(r#"{"shape": "cvalues", "columns": {"pos_resp": "good"}}"#).expect("valid");
    assert_eq!(found.columns, BTreeMap::from([(Part::PosResp, "good".to_owned())]));
    let error = parse(r#"{"columns": {"positive": "good"}}"#).expect_err("no such part");
    assert!(error.to_string().contains("unknown variant `positive`"), "{error}");
    assert!(parse(r#"{"shapes": "cvalues"}"#).is_err());
    for shape in Shape::ALL {
        assert_eq!(Shape::named(shape.name()), Some(shape));
        let json = serde_json::to_string(&shape).expect("a name");
        assert_eq!(json, format!("\"{}\"", shape.name()));
    }
}
