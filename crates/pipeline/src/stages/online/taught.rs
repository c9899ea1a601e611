//! Whether what fine-tuning teaches is worth anything to the rewards of a later stage.

use forethought_reward::{Fields, Verdict};
use forethought_schema::Example;
use forethought_tokenize::Encoder;

use super::judge::{Answer, Judge};
use super::question::Question;
use crate::PipelineError;
use crate::artifact::read_lines;
use crate::config::StageConfig;
use crate::examples::{ExampleLine, Limit};
use crate::purpose::Purpose;
use crate::stages::convert::columns_file;
use crate::stages::{Before, Context, SftStage};

/// So many completions are looked at.
const LOOKED_AT: usize = 8;

/// So many characters of a completion are shown.
const SHOWN: usize = 200;

/// A check says which rewards are 0, and not because they found the completion right, for every completion that the fine-tuning
/// before this stage teaches: they begin where nothing is to be gained. `start` is the stage whose model this one has.
pub(crate) fn look_at_taught(
    judge: &Judge,
    context: &Context<'_>,
    encoder: &Encoder,
    start: Option<&str>,
) -> Result<(), PipelineError> {
    let Purpose::Check(findings) = context.purpose else { return Ok(()) };
    let Some((teacher, before)) = teacher(context.before, start) else { return Ok(()) };
    let name = teacher.name.as_deref().unwrap_or("sft");
    let taught = taught(teacher, before, context, encoder)?;
    let count = taught.len();
    for Worthless { reward, reason, text } in judge.worthless(&taught) {
        let message = format!(
            "the reward {reward} is 0 for every completion that {name} teaches, of {count} looked at ({reason}), such as {text:?}"
        );
        findings.notice(context.name, message);
    }
    Ok(())
}

/// The fine-tuning that the model of a stage comes from, and what stands before it.
fn teacher<'a>(before: Before<'a>, start: Option<&'a str>) -> Option<(&'a SftStage, Before<'a>)> {
    let mut start = start;
    while let Some(name) = start {
        let place = before.0.iter().position(|stage| stage.name() == name)?;
        if let StageConfig::Sft(stage) = &before.0[place] {
            return Some((stage, Before(&before.0[..place])));
        }
        start = before.start(name);
    }
    None
}

/// A completion as it is taught, as text, with what is known of its question.
#[derive(Debug)]
pub(super) struct Taught {
    pub(super) question: Question,
    pub(super) ids: Vec<u32>,
    pub(super) text: String,
}

/// Some of the completions that a stage teaches, evenly spread, as far as its length limit leaves them.
fn taught(
    teacher: &SftStage,
    before: Before<'_>,
    context: &Context<'_>,
    encoder: &Encoder,
) -> Result<Vec<Taught>, PipelineError> {
    let Some(data) = teacher.imitates(before) else { return Ok(Vec::new()) };
    let lines: Vec<ExampleLine> = read_lines(&context.input(data, "train.jsonl"))?;
    let columns = context.input(data, &columns_file("train"));
    let columns: Vec<Fields> = if columns.is_file() { read_lines(&columns)? } else { Vec::new() };
    let limit = Limit { encoder, max_length: teacher.max_length, overflow: teacher.on_overflow };
    let step = lines.len().div_ceil(LOOKED_AT).max(1);
    let mut taught = Vec::new();
    for (index, line) in lines.into_iter().enumerate().step_by(step) {
        let example = Example::from(line);
        // What cannot be encoded is a problem of the stage that teaches it.
        let Ok(fitted) = limit.encode_example(&example) else { continue };
        let Ok((encoded, _)) = fitted.kept() else { continue };
        let ids = last_answer(&encoded.ids, &encoded.completion_mask).to_vec();
        let of_row = || serde_json::from_value(example.extra.clone().into()).unwrap_or_default();
        let columns = columns.get(index).cloned().unwrap_or_else(of_row);
        let question = Question { number: index + 1, prompt: Vec::new(), columns };
        taught.push(Taught { question, text: encoder.decode(&ids)?, ids });
    }
    Ok(taught)
}

/// The last tokens that are learnt: of a conversation the last turn.
fn last_answer<'a>(ids: &'a [u32], mask: &[bool]) -> &'a [u32] {
    let end = mask.iter().rposition(|is_learnt| *is_learnt).map_or(0, |last| last + 1);
    let start = mask[..end].iter().rposition(|is_learnt| !is_learnt).map_or(0, |last| last + 1);
    &ids[start..end]
}

/// A reward to which nothing that is taught is worth anything.
#[derive(Debug, PartialEq)]
pub(super) struct Worthless {
    reward: String,
    /// Why, of the first completion.
    reason: String,
    /// The beginning of it.
    text: String,
}

impl Judge {
    /// The functions that give 0 to every completion that they can judge, and find none of them right: 0 may be the best there is, as
    /// with penalties.
    pub(super) fn worthless(&self, taught: &[Taught]) -> Vec<Worthless> {
        let answers = taught.iter().enumerate().map(|(group, one)| Answer {
            question: &one.question,
            ids: &one.ids,
            text: &one.text,
            group,
        });
        let scores = self.judge(&answers.collect::<Vec<_>>()).scores;
        let num_functions = scores.first().map_or(0, |one| one.scores.len());
        let of_function = |index: usize| {
            let known = scores.iter().zip(taught).map(|(one, taught)| (&one.scores[index], taught));
            let mut known = known.filter(|(one, _)| one.score.value.is_some());
            let (first, sample) = known.clone().next()?;
            let is_worthless = known.all(|(one, _)| {
                one.score.value == Some(0.0) && one.score.verdict != Verdict::Correct
            });
            is_worthless.then(|| Worthless {
                reward: first.name.clone(),
                reason: first.score.reason.clone(),
                text: sample.text.chars().take(SHOWN).collect(),
            })
        };
        (0..num_functions).filter_map(of_function).collect()
    }
}

#[cfg(test)]
mod tests {
    use forethought_reward::{RewardConfig, RewardSet};

    use super::*;

    fn judge(names: &[&str]) -> Judge {
        let configs = names.iter().map(|name| RewardConfig::named(name).expect("it exists"));
        let functions = RewardSet::new(&configs.collect::<Vec<_>>()).expect("in range");
        Judge { functions: Some(functions), reward_model: None, weights: Vec::new() }
    }

    fn taught(text: &str) -> Taught {
        let columns = Fields::from([("solution".to_owned(), "$3$".into())]);
        let question = Question { number: 1, prompt: Vec::new(), columns };
        Taught { question, ids: vec![1], text: text.to_owned() }
    }

    #[test]
    fn a_form_that_no_taught_completion_has_is_found_and_one_that_some_have_is_not() {
        let folded = "<think> 1 + 2 </think> <answer> \\boxed{3} </answer>";
        let right = "<think>\n1 + 2\n</think>\n<answer>\n\\boxed{3}\n</answer>";
        let judge = judge(&["accuracy", "format", "repetition_penalty"]);
        let found = judge.worthless(&[taught(folded), taught(folded)]);
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((one.reward.as_str(), one.text.as_str()), ("format", folded));
        assert_eq!(judge.worthless(&[taught(folded), taught(right)]), []);
        assert_eq!(judge.worthless(&[]), []);
    }

    #[test]
    fn of_a_conversation_the_last_turn_is_looked_at() {
        let mask = [false, true, true, false, true, true, false];
        assert_eq!(last_answer(&[0, 1, 2, 3, 4, 5, 6], &mask), [4, 5]);
        assert_eq!(last_answer(&[1], &[false]), [0; 0]);
    }
}
