//! Texts as ids and back, and conversations as a chat template renders them.

use std::collections::BTreeMap;

use forethought_tokenize::{ChatTemplate, Conversation, Encoder, GenerationPrompt};
use serde::Deserialize;
use serde_json::Value;

use crate::Replay;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "text")]
    source: String,
    ids: Vec<u32>,
    decoded: String,
    decoded_skip_special: String,
}

/// Every text with the tokenizer of the models.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let texts: Vec<Text> = goldens.json(replay.file)?;
    let encoder = any_encoder(goldens)?;
    for (index, golden) in texts.iter().enumerate() {
        replay.case(&format!("text {index}"), |checks| {
            let ids = encoder.encode(&golden.source)?;
            checks.equal("ids", &ids, &golden.ids);
            let decoded = encoder.decode_with_specials(&golden.ids)?;
            checks.equal("decoded", &decoded, &golden.decoded);
            let skipped = encoder.decode(&golden.ids)?;
            checks.equal("decoded without specials", &skipped, &golden.decoded_skip_special);
            Ok(())
        });
    }
    Ok(())
}

/// The models of a folder share one tokenizer; the first that has it gives it.
fn any_encoder(goldens: &Goldens) -> Result<Encoder, Missed> {
    let mut models = goldens.models()?.into_iter();
    let has = |name: &String| goldens.path(&format!("models/{name}/tokenizer.json")).is_file();
    let name = models.find(has).ok_or_else(|| {
        Missed::NotRun("no model of the folder `models` has a tokenizer.json".to_owned())
    })?;
    goldens.encoder(&name)
}

#[derive(Debug, Deserialize)]
struct Templates {
    templates: BTreeMap<String, String>,
    cases: Vec<Rendering>,
}

#[derive(Debug, Deserialize)]
struct Rendering {
    template: String,
    conversation: Value,
    #[serde(default)]
    add_generation_prompt: bool,
    #[serde(default)]
    tools: Option<Value>,
    text: Option<String>,
    ids: Option<Vec<u32>>,
    error: Option<String>,
}

/// Every conversation with its template.
pub(crate) fn run_chat_templates(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let golden: Templates = goldens.json(replay.file)?;
    let encoder = any_encoder(goldens)?;
    for (index, case) in golden.cases.iter().enumerate() {
        let name = format!("{} {index}", case.template);
        let Some(source) = golden.templates.get(&case.template) else {
            replay.not_run(&name, "the file does not hold this template");
            continue;
        };
        replay.case(&name, |checks| {
            let rendered = render(source, case);
            if let Some(error) = &case.error {
                checks.equal(&format!("refused ({error})"), &rendered.is_err(), &true);
                return Ok(());
            }
            let text = rendered?;
            checks.equal("text", &Some(&text), &case.text.as_ref());
            if let Some(ids) = &case.ids {
                checks.equal("ids", &encoder.encode(&text)?, ids);
            }
            Ok(())
        });
    }
    Ok(())
}

fn render(source: &str, case: &Rendering) -> Result<String, Missed> {
    let template = ChatTemplate::parse(&case.template, source, &serde_json::Map::new())?;
    let opened =
        if case.add_generation_prompt { GenerationPrompt::Add } else { GenerationPrompt::Omit };
    let conversation = Conversation::from_json(case.conversation.clone()).generation_prompt(opened);
    let conversation = match &case.tools {
        Some(tools) => conversation.tools(tools.clone()),
        None => conversation,
    };
    Ok(template.render(&conversation)?)
}
