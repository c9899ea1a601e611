//! Facts as text.

use std::fmt::Write as _;

use forethought_schema::{Example, Message, Prompt, Record, RecordKind};

use super::facts::{FileFacts, Lengths, Quantiles};
use crate::data::marked::{Learnt, Marks};

/// Faulty rows that are shown one by one.
const SHOWN_FAULTS: usize = 5;

/// Classes of a column that are shown.
const SHOWN_CLASSES: usize = 20;

/// The facts of a file, a line each.
pub(super) fn file(facts: &FileFacts) -> String {
    let mut text = format!("{}\n", facts.file);
    let mut line = |label: &str, value: &str| {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "  {label:<11} {value}");
    };
    line("shape", &facts.description);
    line("holds", facts.kind);
    line("because", &facts.why);
    for other in &facts.others {
        line("or", other);
    }
    line("rows", &facts.num_rows.to_string());
    line("duplicates", &duplicates(facts));
    if facts.num_thinking > 0 {
        line(
            "thinking",
            &format!("between tags in {} rows; `ingest` reads traces", facts.num_thinking),
        );
    }
    for (name, values) in &facts.labels {
        let counts: Vec<String> =
            values.iter().map(|(value, count)| format!("{value} {count}")).collect();
        line(name, &counts.join(", "));
    }
    for (name, classes) in &facts.class_names {
        line("classes", &format!("of `{name}`: {}", few(classes)));
    }
    if let Some(lengths) = &facts.lengths {
        if facts.kind == RecordKind::Exercise.as_str() {
            line("read as", "prompt and completion, the solution behind the problem");
        }
        for (label, value) in of_lengths(lengths) {
            line(label, &value);
        }
    }
    for fault in facts.faults.iter().take(SHOWN_FAULTS) {
        line("fault", &format!("row {}: {}", fault.row, fault.message));
    }
    if facts.faults.len() > SHOWN_FAULTS {
        line("", &format!("and {} more", facts.faults.len() - SHOWN_FAULTS));
    }
    for sample in &facts.samples {
        let _ = writeln!(text, "  row {}", sample.row);
        for part in sample.text.lines() {
            let _ = writeln!(text, "  | {part}");
        }
    }
    text
}

/// Some of the names of classes, each with the number that stands for it.
fn few(classes: &[String]) -> String {
    let named = classes.iter().enumerate().take(SHOWN_CLASSES);
    let mut named: Vec<String> = named.map(|(number, name)| format!("{number} {name}")).collect();
    if classes.len() > SHOWN_CLASSES {
        named.push(format!("{} more", classes.len() - SHOWN_CLASSES));
    }
    named.join(", ")
}

fn duplicates(facts: &FileFacts) -> String {
    let near = format!("{} nearly (from {} on)", facts.num_near_duplicates, facts.near_threshold);
    format!("{} word for word, {near}", facts.num_duplicates)
}

fn of_lengths(lengths: &Lengths) -> Vec<(&'static str, String)> {
    let quantiles = |of: Quantiles| {
        let Quantiles { p50, p90, p99, max, sum } = of;
        format!(
            "half up to {p50}, 90 % up to {p90}, 99 % up to {p99}, all up to {max}; {sum} in all"
        )
    };
    let mut lines =
        vec![("tokens", quantiles(lengths.whole)), ("  learnt", quantiles(lengths.learnt))];
    if let Some(refusal) = &lengths.refusal {
        lines.push(("refused", format!("{} rows; {refusal}", lengths.num_refused)));
    }
    lines
}

/// A record without a tokenizer: its parts, with what is learnt of them marked.
pub(super) fn record(example: &Example, marks: Marks) -> String {
    let plain = |text: &str| marks.mark(text, Learnt::No);
    let learnt = |text: &str| marks.mark(text, Learnt::Yes);
    let prompt = |prompt: &Prompt| match prompt {
        Prompt::Text(text) => plain(text),
        Prompt::Messages(turns) => {
            turns.iter().map(|turn| of_turn(turn, marks, Learnt::No)).collect()
        }
    };
    match &example.record {
        Record::Text(text) => learnt(text),
        Record::Messages(turns) => turns
            .iter()
            .map(|turn| {
                let is_answer = turn.role == forethought_schema::Role::Assistant;
                of_turn(turn, marks, if is_answer { Learnt::Yes } else { Learnt::No })
            })
            .collect(),
        Record::Prompt(one) => prompt(one),
        Record::PromptCompletion(one) => {
            format!("{}\n{}", prompt(&one.prompt), learnt(&one.completion))
        }
        Record::Unpaired(one) => {
            format!("{}\n{} ({})", prompt(&one.prompt), learnt(&one.completion), one.label)
        }
        Record::Preference(pair) => format!(
            "{}\nchosen: {}\nrejected: {}",
            prompt(&pair.prompt),
            learnt(&pair.chosen),
            learnt(&pair.rejected)
        ),
        Record::Exercise(exercise) => {
            let solution = exercise.solution.as_deref().map_or_else(String::new, plain);
            let answer = exercise.answer.as_deref().unwrap_or("none");
            format!("{}\n{solution}\nanswer: {answer}", plain(&exercise.question))
        }
    }
}

fn of_turn(turn: &Message, marks: Marks, learnt: Learnt) -> String {
    let mut text = String::new();
    if let Some(reasoning) = &turn.reasoning_content {
        text = format!("<think>{reasoning}</think> ");
    }
    text.push_str(&turn.content);
    for call in &turn.tool_calls {
        let function = call.function();
        let _ = write!(text, " [{}({})]", function.name, function.arguments);
    }
    format!("{}: {}\n", turn.role.as_str(), marks.mark(&text, learnt))
}
