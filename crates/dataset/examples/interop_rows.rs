//! Writes rows of every shape of TRL, for `tests/interop/datasets_read.py` to read with `datasets`.

use std::error::Error;
use std::path::PathBuf;

use forethought_dataset::RowsAsParquet;
use forethought_preference::{Layout, Shape, unpair};
use forethought_schema::{
    Example, FunctionCall, Message, PreferencePair, Prompt, PromptCompletion, Record, Role,
    ToolCall,
};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: interop_rows FOLDER")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for (form, prompts) in [("standard", texts()), ("conversational", chats())] {
        for shape in [Shape::Prompt, Shape::PromptCompletion, Shape::Preference, Shape::Unpaired] {
            let rows = prompts.iter().flat_map(|prompt| records(shape, prompt));
            write(&folder, &format!("{}-{form}", shape.name()), shape, rows)?;
        }
    }
    let texts = ["It is blue.", "天空是蓝的。"].map(|text| Record::Text(text.to_owned()).into());
    write(&folder, "text-standard", Shape::Text, texts)?;
    write(&folder, "messages-conversational", Shape::Messages, [conversation()])?;
    Ok(())
}

fn texts() -> Vec<Prompt> {
    vec!["What colour is the sky?".into(), "\"quoted\", and a\nline break".into()]
}

fn chats() -> Vec<Prompt> {
    let user = |text: &str| Message::new(Role::User, text);
    let turns = [
        vec![user("What colour is the sky?")],
        vec![
            Message::new(Role::System, "Be brief."),
            user("Blue?"),
            Message::new(Role::Assistant, "Yes."),
            user("And at night?"),
        ],
    ];
    turns.map(Prompt::Messages).into()
}

fn records(shape: Shape, prompt: &Prompt) -> Vec<Example> {
    let prompt = prompt.clone();
    let pair = PreferencePair {
        prompt: prompt.clone(),
        chosen: "It is blue.".into(),
        rejected: "It is green.".into(),
        margin: Some(0.5),
    };
    let records = match shape {
        Shape::Prompt => vec![Record::Prompt(prompt)],
        Shape::PromptCompletion => {
            vec![Record::PromptCompletion(PromptCompletion { prompt, completion: pair.chosen })]
        }
        Shape::Unpaired => unpair(&[pair]).into_iter().map(Record::Unpaired).collect(),
        _ => vec![Record::Preference(pair)],
    };
    records.into_iter().map(Example::from).collect()
}

fn conversation() -> Example {
    let mut call = Message::new(Role::Assistant, "");
    let called = |name: &str, arguments| {
        ToolCall::Function(FunctionCall { name: name.to_owned(), arguments })
    };
    call.tool_calls = vec![
        called("colour_of_sky", json!({"city": "Bern"})),
        called("hour", json!({"zone": 1, "of": ["day", null]})),
        called("colour_of_sky", json!({})),
    ];
    let turns = vec![
        Message::new(Role::User, "What colour is the sky over Bern?"),
        call,
        Message::new(Role::Tool, "blue"),
        Message::new(Role::Assistant, "It is blue."),
    ];
    let tools = json!([{"type": "function", "function": {"name": "colour_of_sky"}}]);
    Example { tools: Some(tools), ..Record::Messages(turns).into() }
}

fn write(
    folder: &std::path::Path,
    name: &str,
    shape: Shape,
    examples: impl IntoIterator<Item = Example>,
) -> Result<(), Box<dyn Error>> {
    let layout = Layout::usual(shape);
    let rows = examples.into_iter().map(|example| Ok(layout.write(&example)?.row));
    let rows = rows.collect::<Result<Vec<Map<String, Value>>, Box<dyn Error>>>()?;
    let mut parquet = RowsAsParquet::new();
    rows.iter().try_for_each(|row| parquet.push(row))?;
    parquet.write(&folder.join(format!("{name}.parquet")))?;
    let lines: Vec<String> = rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    std::fs::write(folder.join(format!("{name}.jsonl")), lines.join("\n"))?;
    Ok(())
}
