//! Records of one kind into records of another.

use std::collections::{BTreeMap, VecDeque};

use forethought_schema::{
    Example, Exercise, Message, PreferencePair, Prompt, PromptCompletion, Record, RecordKind, Role,
    UnpairedPreference,
};
use serde_json::Value;

use crate::RowFault;
use crate::answers::{boxed, split_hashes, with_hashes};
use crate::layout::thinking_text;

/// What became of an example.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The examples it became.
    pub examples: Vec<Example>,
    /// What of it is in none of them, by name.
    pub lost: Vec<&'static str>,
}

/// Whether examples of one kind can be made into those of another.
#[must_use]
pub fn is_convertible(from: RecordKind, to: RecordKind) -> bool {
    use RecordKind::{Exercise, Messages, Preference, Prompt, PromptCompletion, Unpaired};
    let completed = [Messages, PromptCompletion, Preference, Unpaired, Exercise];
    match to {
        _ if from == to => true,
        Messages | PromptCompletion | Prompt => completed.contains(&from),
        Exercise => matches!(from, PromptCompletion | Messages),
        Unpaired => from == Preference,
        Preference => from == Unpaired,
        RecordKind::Text => false,
    }
}

/// Makes an example one of another kind.
///
/// A pair becomes its chosen completion, or both with their labels; a labelled completion is taken where it is desirable;
/// an exercise becomes its question and its solution. What has no place in the other kind is named. Labelled completions
/// become pairs by [`pair_up`], since that takes several of them.
///
/// # Errors
///
/// If there is no such way, or this example does not go it.
pub fn convert(example: Example, to: RecordKind) -> Result<Converted, RowFault> {
    let Example { record, tools, border, mut extra } = example;
    if record.kind() == to {
        let examples = vec![Example { record, tools, border, extra }];
        return Ok(Converted { examples, lost: Vec::new() });
    }
    let is_grouped = to == RecordKind::Preference;
    if is_grouped || !is_convertible(record.kind(), to) {
        return Err(RowFault::no_way(record.kind(), to));
    }
    let (records, mut lost) = match to {
        RecordKind::Unpaired => both_sides(record)?,
        RecordKind::Exercise => {
            let (one, lost) = completed(record, RecordKind::PromptCompletion)?;
            (vec![exercise(one)?], lost)
        }
        RecordKind::Prompt => {
            let (prompt, lost) = prompt_of(record, &mut extra)?;
            (vec![Record::Prompt(prompt)], lost)
        }
        _ => {
            let (one, lost) = completed(record, to)?;
            (vec![one], lost)
        }
    };
    lost.sort_unstable();
    let (tools, extra) = (&tools, &extra);
    let example = |record| Example { record, tools: tools.clone(), border, extra: extra.clone() };
    Ok(Converted { examples: records.into_iter().map(example).collect(), lost })
}

type Lossy<T> = Result<(T, Vec<&'static str>), RowFault>;

/// A conversation, or a prompt with its completion.
fn completed(record: Record, to: RecordKind) -> Lossy<Record> {
    let (one, lost) = match record {
        Record::Messages(turns) => split_last(turns)?,
        Record::PromptCompletion(one) => (one, Vec::new()),
        Record::Preference(pair) => {
            let mut lost = vec!["rejected"];
            lost.extend(pair.margin.map(|_| "margin"));
            (PromptCompletion { prompt: pair.prompt, completion: pair.chosen }, lost)
        }
        Record::Unpaired(one) if one.label => {
            (PromptCompletion { prompt: one.prompt, completion: one.completion }, vec!["label"])
        }
        Record::Unpaired(_) => return Err(RowFault::Undesirable),
        Record::Exercise(exercise) => {
            let completion = solution_text(&exercise)?;
            (PromptCompletion { prompt: Prompt::Text(exercise.question), completion }, Vec::new())
        }
        other => return Err(RowFault::no_way(other.kind(), to)),
    };
    if to == RecordKind::PromptCompletion {
        return Ok((Record::PromptCompletion(one), lost));
    }
    let mut turns = match one.prompt {
        Prompt::Text(text) => vec![Message::new(Role::User, text)],
        Prompt::Messages(turns) => turns,
    };
    turns.push(Message::new(Role::Assistant, one.completion));
    Ok((Record::Messages(turns), lost))
}

/// The last turn is the completion, which must be the assistant's and a text; reasoning goes before it.
fn split_last(mut turns: Vec<Message>) -> Lossy<PromptCompletion> {
    let field = || "messages".to_owned();
    match turns.pop() {
        Some(last) if last.role == Role::Assistant && last.tool_calls.is_empty() => {
            let (completion, lost) = thinking_text(&last);
            let prompt = Prompt::Messages(turns);
            Ok((PromptCompletion { prompt, completion }, lost.into_iter().collect()))
        }
        Some(last) if last.role == Role::Assistant => Err(RowFault::NotPlain { field: field() }),
        Some(_) => Err(RowFault::Completion { field: field(), num_turns: 0 }),
        None => Err(RowFault::Empty { field: field() }),
    }
}

/// The prompt alone. Solution and answer of an exercise stay beside it, where reward functions look for them.
fn prompt_of(record: Record, extra: &mut serde_json::Map<String, Value>) -> Lossy<Prompt> {
    Ok(match record {
        Record::Messages(mut turns) => {
            if turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
                turns.pop();
                (Prompt::Messages(turns), vec!["the last turn of the assistant"])
            } else {
                (Prompt::Messages(turns), Vec::new())
            }
        }
        Record::PromptCompletion(one) => (one.prompt, vec!["completion"]),
        Record::Preference(pair) => {
            let margin = pair.margin.map(|_| "margin");
            (pair.prompt, ["chosen", "rejected"].into_iter().chain(margin).collect())
        }
        Record::Unpaired(one) => (one.prompt, vec!["completion", "label"]),
        Record::Exercise(Exercise { question, solution, answer }) => {
            let mut lost = Vec::new();
            for (name, text) in [("solution", solution), ("answer", answer)] {
                match text {
                    Some(_) if extra.contains_key(name) => lost.push(name),
                    Some(text) => {
                        extra.insert(name.to_owned(), Value::String(text));
                    }
                    None => {}
                }
            }
            (Prompt::Text(question), lost)
        }
        other => return Err(RowFault::no_way(other.kind(), RecordKind::Prompt)),
    })
}

/// Both completions of a pair, with their labels.
fn both_sides(record: Record) -> Lossy<Vec<Record>> {
    let Record::Preference(pair) = record else {
        return Err(RowFault::no_way(record.kind(), RecordKind::Unpaired));
    };
    let lost = pair.margin.map(|_| "margin");
    let side = |completion: String, label| {
        Record::Unpaired(UnpairedPreference { prompt: pair.prompt.clone(), completion, label })
    };
    let sides = vec![side(pair.chosen.clone(), true), side(pair.rejected.clone(), false)];
    Ok((sides, lost.into_iter().collect()))
}

/// The answer of a completion stands after `####` or in a box.
fn exercise(record: Record) -> Result<Record, RowFault> {
    let field = || "completion".to_owned();
    let Record::PromptCompletion(PromptCompletion { prompt, completion }) = record else {
        return Err(RowFault::no_way(record.kind(), RecordKind::Exercise));
    };
    let question = match prompt {
        Prompt::Text(text) => text,
        Prompt::Messages(turns) => only_turn(&turns)?.content.clone(),
    };
    let exercise = solved(question, completion);
    if exercise.answer.is_none() {
        return Err(RowFault::NoAnswer { field: field(), mark: "#### or \\boxed{}" });
    }
    Ok(Record::Exercise(exercise))
}

/// A problem with its worked solution. The answer is what follows the last `####` of it, or else stands in its last box,
/// where there is one.
#[must_use]
pub fn solved(question: String, solution: String) -> Exercise {
    if let Some((solution, answer)) = split_hashes(&solution) {
        return Exercise { question, solution: Some(solution), answer: Some(answer) };
    }
    Exercise { question, answer: boxed(&solution), solution: Some(solution) }
}

/// What solves an exercise: the solution with its answer, marked as GSM8K does unless it stands in a box.
fn solution_text(exercise: &Exercise) -> Result<String, RowFault> {
    match (&exercise.solution, &exercise.answer) {
        (Some(solution), Some(answer)) if boxed(solution).as_ref() == Some(answer) => {
            Ok(solution.clone())
        }
        (Some(solution), Some(answer)) => Ok(with_hashes(solution, answer)),
        (Some(one), None) | (None, Some(one)) => Ok(one.clone()),
        (None, None) => Err(RowFault::missing("solution".to_owned(), [])),
    }
}

/// The form of prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptForm {
    /// Turns: a text is what the user says. TRL calls it conversational.
    Conversational,
    /// A text. TRL calls it standard.
    Standard,
}

/// The form of the prompt of an example, where it has one that may be a text or turns.
#[must_use]
pub fn prompt_form(example: &Example) -> Option<PromptForm> {
    let prompt = match &example.record {
        Record::Prompt(prompt) => prompt,
        Record::PromptCompletion(one) => &one.prompt,
        Record::Preference(pair) => &pair.prompt,
        Record::Unpaired(one) => &one.prompt,
        Record::Text(_) | Record::Messages(_) | Record::Exercise(_) => return None,
    };
    Some(match prompt {
        Prompt::Text(_) => PromptForm::Standard,
        Prompt::Messages(_) => PromptForm::Conversational,
    })
}

/// Gives the prompt of an example another form.
///
/// # Errors
///
/// If a conversation is to become a text that is more than one turn of the user.
pub fn with_prompt_form(mut example: Example, form: PromptForm) -> Result<Example, RowFault> {
    let prompt = match &mut example.record {
        Record::Prompt(prompt) => prompt,
        Record::PromptCompletion(one) => &mut one.prompt,
        Record::Preference(pair) => &mut pair.prompt,
        Record::Unpaired(one) => &mut one.prompt,
        Record::Text(_) | Record::Messages(_) | Record::Exercise(_) => return Ok(example),
    };
    match (form, &mut *prompt) {
        (PromptForm::Conversational, Prompt::Text(text)) => {
            *prompt = Prompt::Messages(vec![Message::new(Role::User, std::mem::take(text))]);
        }
        (PromptForm::Standard, Prompt::Messages(turns)) => {
            *prompt = Prompt::Text(only_turn(turns)?.content.clone());
        }
        _ => {}
    }
    Ok(example)
}

/// The turn of a conversation that is one text: that of the user, where there is no other.
pub(crate) fn only_turn(turns: &[Message]) -> Result<&Message, RowFault> {
    match turns {
        [turn] if turn.role == Role::User => Ok(turn),
        turns => {
            let roles: Vec<&str> = turns.iter().map(|turn| turn.role.as_str()).collect();
            Err(RowFault::Conversation { roles: roles.join(", ") })
        }
    }
}

/// Which labelled completions make pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// The places of the desirable and the undesirable completion of each pair, in the order of the first of both.
    pub pairs: Vec<[usize; 2]>,
    /// The places of the completions that are left over.
    pub left: Vec<usize>,
}

/// Labelled completions of the same prompt as pairs: the first desirable one with the first undesirable one, and so on.
///
/// Of each completion it takes what tells its prompt (see [`pairing_key`]; a digest of it will do) and the label. With
/// [`pair_of`] it takes back what [`convert`] does to pairs.
#[must_use]
pub fn pair_up<K: Ord>(labelled: impl IntoIterator<Item = (K, bool)>) -> Paired {
    let mut waiting: BTreeMap<K, [VecDeque<usize>; 2]> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (place, (key, label)) in labelled.into_iter().enumerate() {
        let sides = waiting.entry(key).or_default();
        let [own, other] = [usize::from(label), usize::from(!label)];
        match sides[other].pop_front() {
            None => sides[own].push_back(place),
            Some(first) if label => pairs.push([place, first]),
            Some(first) => pairs.push([first, place]),
        }
    }
    pairs.sort_by_key(|pair| pair[0].min(pair[1]));
    let mut left: Vec<usize> = waiting.into_values().flatten().flatten().collect();
    left.sort_unstable();
    Paired { pairs, left }
}

/// What two labelled completions have in common that make a pair, and the label; nothing of an example of another kind.
#[must_use]
pub fn pairing_key(example: &Example) -> Option<(String, bool)> {
    let Record::Unpaired(one) = &example.record else { return None };
    let key = serde_json::to_string(&(&one.prompt, &example.tools)).unwrap_or_default();
    Some((key, one.label))
}

/// The pair of a desirable and an undesirable completion; nothing of examples of another kind. What stands beside the
/// desirable one stands beside the pair.
#[must_use]
pub fn pair_of(chosen: Example, rejected: Example) -> Option<Example> {
    let (Record::Unpaired(good), Record::Unpaired(bad)) = (chosen.record, rejected.record) else {
        return None;
    };
    let pair = PreferencePair {
        prompt: good.prompt,
        chosen: good.completion,
        rejected: bad.completion,
        margin: None,
    };
    let (tools, border, extra) = (chosen.tools, chosen.border, chosen.extra);
    Some(Example { record: Record::Preference(pair), tools, border, extra })
}
