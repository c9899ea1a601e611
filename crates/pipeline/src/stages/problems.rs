//! Problems: those whose answers can be read, split by question, as conversations that ask them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use forethought_dataset::{Fingerprint, Ledger};
use forethought_reward::{Field, Fields};
use forethought_schema::{Message, Problem as Exercise, Prompt, PromptCompletion, Role};
use forethought_seed::Seed;
use forethought_verify::{Answers, Limits, Rules, extract};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::convert::columns_file;
use super::files::{default_ratio, is_validation, ratio_problem};
use super::ingest::PROBLEMS;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LinePicker, LineReader, LineWriter};
use crate::config::Problem;

/// Settings of the problems stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProblemsStage {
    /// A text file with the system prompt of every conversation. Default: none.
    #[serde(default)]
    pub system_prompt: Option<PathBuf>,
    /// What a solved problem looks like, which is what fine-tuning imitates: `{solution}` stands for the solution,
    /// `{reasoning}` for the solution without the line of its answer and GSM8K's `<<…>>`, `{answer}` for the answer. Default:
    /// the reasoning and the answer between tags on lines of their own, the format of open-r1.
    #[serde(default = "default_completion")]
    pub completion: String,
    /// Which answers a problem may have. Default `any` that can be read.
    #[serde(default)]
    pub answers: AnswerKind,
    /// Share of the problems that is kept for validation: above 0 and below 1. Default 0.1.
    #[serde(default = "default_ratio")]
    pub validation_ratio: f64,
    /// The most problems on the training side; those left over are drawn by the seed and counted. Default: all.
    #[serde(default)]
    pub max_train: Option<usize>,
    /// The same of the validation side.
    #[serde(default)]
    pub max_validation: Option<usize>,
}

/// Which answers a problem may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// Any that can be read as mathematics.
    #[default]
    Any,
    /// Whole numbers.
    Integers,
}

fn default_completion() -> String {
    "<think>\n{reasoning}\n</think>\n<answer>\n{answer}\n</answer>".to_owned()
}

/// What stands before the answer in a solution of GSM8K.
const HASHES: &str = "####";

/// The sides of the split.
const SPLITS: [&str; 2] = ["train", "validation"];

/// Problems of each side that a check wants: to read an answer as mathematics takes time.
const CHECKED: usize = 64;

/// Where a problem is that can be asked and judged.
#[derive(Debug)]
struct Readable {
    /// Its line among the ingested problems, from 0.
    line: usize,
    /// The file it was read from, and its row there.
    file: Arc<str>,
    row: u64,
    /// The side of the split, by its place in [`SPLITS`].
    side: usize,
    /// By which problems are drawn where there are too many.
    key: u64,
}

impl ProblemsStage {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            ratio_problem(self.validation_ratio, "validation_ratio").into_iter().collect();
        for (key, limit) in [("max_train", self.max_train), ("max_validation", self.max_validation)]
        {
            if limit == Some(0) {
                problems.push((key.to_owned(), "must be at least 1, got 0".to_owned()));
            }
        }
        if !self.completion.contains("{answer}") && !self.completion.contains("{solution}") {
            let message = "must hold {answer} or {solution}, or nothing it teaches can be right";
            problems.push(("completion".to_owned(), message.to_owned()));
        }
        problems
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.system_prompt.iter().cloned().collect()
    }

    /// Writes, for both sides, `SPLIT.jsonl` (prompt-completion) and `SPLIT.columns.jsonl` (problem, solution, answer), and
    /// `ledger.json`. Of the texts, those of one problem are in memory at a time.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let path = context.input("ingest", PROBLEMS);
        let system = self.system(context)?;
        let mut ledger = Ledger::new(context.name);
        let wanted = if context.purpose.is_check() { CHECKED } else { usize::MAX };
        let kept = self.readable(LineReader::open(&path)?, (context.seed, wanted), &mut ledger)?;
        let mut lines = LinePicker::open(&path)?;
        for (side, (split, limit)) in
            SPLITS.into_iter().zip([self.max_train, self.max_validation]).enumerate()
        {
            let of_side = kept.iter().filter(|one| one.side == side).collect();
            let chosen = limited(of_side, limit, split, &mut ledger);
            if chosen.is_empty() {
                let message = format!("no problem is left for {split}\n{}", ledger.to_table());
                return Err(PipelineError::stage(context.name, message));
            }
            let writer = |name: &str| LineWriter::create(&context.staging.join(name));
            let mut examples = writer(&format!("{split}.jsonl"))?;
            let mut rewarded = writer(&columns_file(split))?;
            for one in chosen {
                let exercise: Exercise = lines.value(one.line)?;
                let example = self.example(system.as_deref(), &exercise);
                examples.write(&example)?;
                rewarded.write(&columns(&exercise, &example.prompt))?;
            }
            examples.finish()?;
            rewarded.finish()?;
        }
        context.book(&ledger)?;
        Ok(Done::Finished)
    }

    fn system(&self, context: &Context<'_>) -> Result<Option<String>, PipelineError> {
        let Some(path) = &self.system_prompt else { return Ok(None) };
        let text = fs::read_to_string(path).map_err(PipelineError::io(path))?;
        if text.trim().is_empty() {
            let message = format!("{} is empty; write the system prompt into it", path.display());
            return Err(PipelineError::stage(context.name, message));
        }
        Ok(Some(text.trim().to_owned()))
    }

    /// On which side of the split a problem is, by its place in [`SPLITS`].
    fn side(&self, seed: Seed, exercise: &Exercise) -> usize {
        usize::from(is_validation(seed, &exercise.problem, self.validation_ratio))
    }

    /// The problems that can be asked and judged; of those with one question, the first. Of a side that has as many as are
    /// wanted no more are read.
    fn readable(
        &self,
        exercises: impl Iterator<Item = Result<Exercise, PipelineError>>,
        (seed, wanted): (Seed, usize),
        ledger: &mut Ledger,
    ) -> Result<Vec<Readable>, PipelineError> {
        let mut asked = BTreeSet::new();
        let mut kept: Vec<Readable> = Vec::new();
        let mut left = SPLITS.map(|_| wanted);
        for (line, exercise) in exercises.enumerate() {
            let exercise = exercise?;
            let side = self.side(seed, &exercise);
            if left[side] == 0 {
                continue;
            }
            let fault = self.fault(&exercise);
            let question = exercise.problem.as_bytes();
            let is_new = fault.is_some() || asked.insert(Fingerprint::of(question));
            let entry = ledger.entry(&exercise.file);
            entry.count_read(1);
            if let Some(reason) = fault.or((!is_new).then_some("asked_before")) {
                entry.drop_row(exercise.row, reason);
                continue;
            }
            let (row, key) = (exercise.row, seed.key("limit", question));
            let last = kept.last().filter(|one| *one.file == exercise.file);
            let file = last.map_or_else(|| Arc::from(exercise.file), |one| one.file.clone());
            kept.push(Readable { line, file, row, side, key });
            left[side] -= 1;
        }
        Ok(kept)
    }

    /// Why a problem cannot be used.
    fn fault(&self, exercise: &Exercise) -> Option<&'static str> {
        let needs_solution =
            ["{solution}", "{reasoning}"].iter().any(|one| self.completion.contains(one));
        let Some(answer) = &exercise.answer else { return Some("no_answer") };
        let read = extract(answer, &Rules::default(), &Limits::default());
        if !read.is_read() {
            Some("unreadable_answer")
        } else if self.answers == AnswerKind::Integers && !is_integer(&read) {
            Some("no_integer")
        } else if needs_solution && exercise.solution.is_none() {
            Some("no_solution")
        } else {
            None
        }
    }

    fn example(&self, system: Option<&str>, exercise: &Exercise) -> PromptCompletion {
        let system = system.map(|text| Message::new(Role::System, text));
        let user = Message::new(Role::User, exercise.problem.as_str());
        let solution = exercise.solution.as_deref().unwrap_or_default();
        let answer = exercise.answer.as_deref().unwrap_or_default();
        let parts =
            [("{solution}", solution), ("{reasoning}", &reasoning(solution)), ("{answer}", answer)];
        PromptCompletion {
            prompt: Prompt::Messages(system.into_iter().chain([user]).collect()),
            completion: filled(&self.completion, &parts),
        }
    }
}

/// A text with what its placeholders stand for; what is put in is not looked at again.
fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let part = parts.iter().find(|(name, _)| rest.starts_with(name));
        let (name, value) = part.copied().unwrap_or(("{", "{"));
        text.push_str(value);
        rest = &rest[name.len()..];
    }
    text + rest
}

/// The solution without the line that tells the answer, and without the marks of GSM8K's calculator.
fn reasoning(solution: &str) -> String {
    let (mut rest, _) = solution.rsplit_once(HASHES).unwrap_or((solution, ""));
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("<<") {
        let Some((_, behind)) = after.split_once(">>") else { break };
        text.push_str(before);
        rest = behind;
    }
    text.push_str(rest);
    text.trim_end().to_owned()
}

/// Whether an answer is a whole number.
fn is_integer(read: &Answers) -> bool {
    let shown = read.shown().unwrap_or_default();
    // A decimal is shown with a point behind it: 18.0 is `18.`, one half `1/2.`.
    let digits = shown.strip_prefix('-').unwrap_or(&shown).trim_end_matches('.');
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// At most so many of the problems, drawn by the seed, in their order.
fn limited<'a>(
    problems: Vec<&'a Readable>,
    limit: Option<usize>,
    split: &str,
    ledger: &mut Ledger,
) -> Vec<&'a Readable> {
    let mut keys: Vec<u64> = problems.iter().map(|one| one.key).collect();
    keys.sort_unstable();
    let last = limit.and_then(|limit| keys.get(limit - 1)).copied().unwrap_or(u64::MAX);
    let (kept, left): (Vec<_>, Vec<_>) = problems.into_iter().partition(|one| one.key <= last);
    for one in &kept {
        ledger.entry(&one.file).keep(split);
    }
    for one in left {
        ledger.entry(&one.file).drop_row(one.row, &format!("beyond_max_{split}"));
    }
    kept
}

/// What rewards compare with; the prompt is the whole conversation, as TRL hands it to reward functions.
fn columns(exercise: &Exercise, prompt: &Prompt) -> Fields {
    let Exercise { problem, solution, answer, .. } = exercise;
    let parts =
        [("problem", Some(problem)), ("solution", solution.as_ref()), ("answer", answer.as_ref())];
    let known = parts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.clone())));
    let prompt = ("prompt".to_owned(), Field::from(json!(prompt)));
    known.map(|(name, text)| (name, Field::from(text))).chain([prompt]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exercise(solution: Option<&str>, answer: Option<&str>) -> Exercise {
        Exercise {
            file: "a.jsonl".to_owned(),
            row: 1,
            problem: "How many?".to_owned(),
            solution: solution.map(str::to_owned),
            answer: answer.map(str::to_owned),
        }
    }

    fn stage(yaml: &str) -> ProblemsStage {
        serde_yaml::from_str(yaml).expect("settings")
    }

    #[test]
    fn a_solved_problem_is_what_the_template_says() {
        let gsm8k = exercise(
            Some("48/2 = <<48/2=24>>24 clips.\n48+24 = <<48+24=72>>72.\n#### 72"),
            Some("72"),
        );
        let example = stage("{}").example(Some("Think."), &gsm8k);
        let expected = "<think>\n48/2 = 24 clips.\n48+24 = 72.\n</think>\n<answer>\n72\n</answer>";
        assert_eq!(example.completion, expected);
        let turns =
            vec![Message::new(Role::System, "Think."), Message::new(Role::User, "How many?")];
        assert_eq!(example.prompt, Prompt::Messages(turns));
        let boxed = stage(r#"completion: "{reasoning} so \\boxed{{answer}} {other}""#);
        let example = boxed.example(None, &exercise(Some("{answer}"), Some("3")));
        assert_eq!(example.completion, r"{answer} so \boxed{3} {other}");
    }

    #[test]
    fn problems_that_cannot_be_judged_or_taught_have_a_reason() {
        let any = stage("{}");
        let integers = stage("answers: integers");
        let answers = stage(r#"completion: "{answer}""#);
        let fault = |stage: &ProblemsStage, solution: Option<&str>, answer: Option<&str>| {
            stage.fault(&exercise(solution, answer))
        };
        assert_eq!(fault(&any, Some("s"), Some("72")), None);
        assert_eq!(fault(&any, Some("s"), None), Some("no_answer"));
        assert_eq!(fault(&any, None, Some("72")), Some("no_solution"));
        assert_eq!(fault(&answers, None, Some("72")), None);
        assert_eq!(fault(&any, Some("s"), Some(r"\frac{1}{2}")), None);
        assert_eq!(fault(&integers, Some("s"), Some(r"\frac{1}{2}")), Some("no_integer"));
        assert_eq!(fault(&integers, Some("s"), Some("0.5")), Some("no_integer"));
        for whole in ["72", "-3", "1,000", "18.0"] {
            assert_eq!(fault(&integers, Some("s"), Some(whole)), None, "{whole}");
        }
        assert_eq!(fault(&any, Some("s"), Some("?!")), Some("unreadable_answer"));
    }

    #[test]
    fn no_more_problems_of_a_side_are_read_than_are_wanted_and_bad_ones_do_not_count() {
        let problem = |row: u64, answer: &str| Exercise {
            problem: format!("How many in {row}?"),
            row,
            ..exercise(Some("s"), Some(answer))
        };
        let bad = (0..40).map(|row| problem(row, "?!"));
        let exercises: Vec<Exercise> = bad.chain((40..400).map(|row| problem(row, "3"))).collect();
        let (stage, seed) = (stage("{}"), Seed::new(5));
        let mut ledger = Ledger::new("problems");
        let read = |wanted, ledger: &mut Ledger| {
            let exercises = exercises.iter().cloned().map(Ok);
            stage.readable(exercises, (seed, wanted), ledger).expect("readable")
        };
        let kept = read(6, &mut ledger);
        for side in 0..2 {
            let of_side = kept.iter().filter(|one| one.side == side).count();
            assert_eq!(of_side, 6, "side {side}");
        }
        assert!(ledger.read() < 200, "{} of 400 were read", ledger.read());
        let mut ledger = Ledger::new("problems");
        let all = read(usize::MAX, &mut ledger);
        assert_eq!((all.len(), ledger.read()), (360, 400));
    }

    #[test]
    fn a_template_that_teaches_no_answer_is_refused() {
        let keys =
            |yaml: &str| stage(yaml).problems().into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(keys(r#"completion: "{reasoning}""#), ["completion"]);
        assert_eq!(keys("{validation_ratio: 1, max_train: 0}"), ["validation_ratio", "max_train"]);
        assert!(keys("{}").is_empty());
    }
}
