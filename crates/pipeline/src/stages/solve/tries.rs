//! Judged answers as what statistics and people read.

use forethought_evaluate::Tries;
use forethought_reward::{SetScore, Verdict};
use forethought_rollout::Completion;
use forethought_verify::{Verdict as Equality, verify};
use serde::{Deserialize, Serialize};

use crate::secret::redact;
use crate::stages::online::Question;

/// One answer to one problem, as it is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    /// The problem: its line in `validation.jsonl`.
    pub(crate) problem: usize,
    /// What is asked.
    pub(crate) prompt: String,
    /// The true answer, where the data have one.
    pub(crate) answer: Option<String>,
    /// What the policy wrote.
    pub(crate) completion: String,
    /// Whether the policy ended it.
    pub(crate) is_finished: bool,
    pub(crate) num_tokens: usize,
    /// Whether it is right.
    pub(crate) is_right: bool,
    /// What was taken for its answer.
    pub(crate) read: Option<String>,
    /// Each reward with its name; none where it could not be judged.
    pub(crate) rewards: Vec<(String, Option<f64>)>,
    /// Why each reward is what it is.
    pub(crate) reasons: Vec<String>,
}

/// Answers, question after question, and what is said of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grades<'a> {
    pub(super) completions: &'a [Completion],
    pub(super) scores: &'a [SetScore],
    /// The place of the reward that says what is right.
    pub(super) correct: usize,
}

impl Grades<'_> {
    fn is_right(&self, answer: usize) -> bool {
        self.scores[answer].scores[self.correct].score.verdict == Verdict::Correct
    }

    /// What was read as the answer.
    fn read(&self, answer: usize) -> Option<&str> {
        self.scores[answer].scores[self.correct].score.answer.as_deref()
    }

    /// The answers with their texts, as they are written down.
    pub(super) fn attempts(&self, questions: &[Question], texts: &[String]) -> Vec<Attempt> {
        let text = |question: &Question, column: &str| {
            question.columns.get(column).and_then(|field| Some(field.text()?.into_owned()))
        };
        let attempt = |(index, completion): (usize, &Completion)| {
            let question = &questions[completion.prompt_index];
            let scores = &self.scores[index].scores;
            Attempt {
                problem: question.number,
                prompt: text(question, "problem").or(text(question, "prompt")).unwrap_or_default(),
                answer: text(question, "answer"),
                completion: texts[index].clone(),
                is_finished: completion.is_finished,
                num_tokens: completion.ids.len(),
                is_right: self.is_right(index),
                read: self.read(index).map(str::to_owned),
                rewards: scores.iter().map(|one| (one.name.clone(), one.score.value)).collect(),
                reasons: scores.iter().map(|one| redact(&one.score.reason)).collect(),
            }
        };
        self.completions.iter().enumerate().map(attempt).collect()
    }

    /// The answers to each problem as statistics read them.
    pub(super) fn tries(&self, num_samples: usize) -> Vec<Tries> {
        let problems = (0..self.completions.len()).step_by(num_samples);
        problems.map(|start| self.of_problem(start..start + num_samples)).collect()
    }

    fn of_problem(&self, range: std::ops::Range<usize>) -> Tries {
        let completions = &self.completions[range.clone()];
        let num_rewards = self.scores[range.start].scores.len();
        let reward = |index: usize| {
            range.clone().map(|one| self.scores[one].scores[index].score.value).collect()
        };
        let read: Vec<Option<&str>> = range.clone().map(|one| self.read(one)).collect();
        Tries {
            is_right: range.clone().map(|one| self.is_right(one)).collect(),
            votes: votes(&read),
            is_finished: completions.iter().map(|one| one.is_finished).collect(),
            num_tokens: completions.iter().map(|one| one.ids.len()).collect(),
            rewards: (0..num_rewards).map(reward).collect(),
        }
    }
}

/// A number for each answer, the same one for answers that are equal as mathematics.
fn votes(answers: &[Option<&str>]) -> Vec<Option<usize>> {
    let mut known: Vec<&str> = Vec::new();
    let mut votes = Vec::with_capacity(answers.len());
    for answer in answers {
        votes.push(answer.map(|answer| number(answer, &mut known)));
    }
    votes
}

/// The place of the first known answer that is equal to this one; if there is none, it becomes known.
fn number<'a>(answer: &'a str, known: &mut Vec<&'a str>) -> usize {
    let is_same = |one: &&str| *one == answer || verify(one, answer).verdict == Equality::Equal;
    known.iter().position(is_same).unwrap_or_else(|| {
        known.push(answer);
        known.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_answers_have_one_vote_however_they_are_written() {
        let answers =
            [Some("1/2"), None, Some("3"), Some("0.5"), Some(r"\frac{1}{2}"), Some("3.0")];
        assert_eq!(votes(&answers), [Some(0), None, Some(1), Some(0), Some(0), Some(1)]);
    }
}
