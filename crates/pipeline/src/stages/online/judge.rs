//! What answers are worth: by rule, by a reward model, or by both.

use std::collections::BTreeSet;

use forethought_dataset::Table;
use forethought_model::{ScoreModel, pack};
use forethought_reward::{
    RewardSet, Sample, SetScore, Tokens, TooManyUnjudged, Verdict, mean_and_std,
};

use super::question::Question;
use crate::secret::redact;

/// Sequences that the reward model scores at a time.
const SCORED_AT_ONCE: usize = 32;

/// The rewards of a stage.
pub(crate) struct Judge {
    pub(crate) functions: Option<RewardSet>,
    pub(crate) reward_model: Option<ScoreModel>,
    /// Of the functions, then of the reward model.
    pub(crate) weights: Vec<f64>,
}

/// What some answers are worth.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// Of each answer, what the functions say.
    pub(crate) scores: Vec<SetScore>,
    /// Of each answer, what the reward model says.
    pub(crate) model_scores: Vec<f32>,
}

/// An answer to judge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) question: &'a Question,
    pub(crate) ids: &'a [u32],
    pub(crate) text: &'a str,
    /// The answers to one question have one number.
    pub(crate) group: usize,
}

impl Judge {
    /// What the answers are worth.
    pub(crate) fn judge(&self, answers: &[Answer<'_>]) -> Judgement {
        let samples = answers.iter().map(|answer| {
            let sample = Sample::new(answer.text, &answer.question.columns);
            sample.with_tokens(answer.ids).in_group(answer.group)
        });
        let samples: Vec<Sample<'_>> = samples.collect();
        let functions = self.functions.as_ref();
        let scores = functions.map_or_else(Vec::new, |functions| functions.score(&samples));
        let model_scores = self.reward_model.as_ref().map_or_else(Vec::new, |model| {
            answers
                .chunks(SCORED_AT_ONCE)
                .flat_map(|answers| model_scores(model, answers))
                .collect()
        });
        Judgement { scores, model_scores }
    }

    /// Checks that the questions have the columns that the functions need.
    pub(crate) fn check_columns(&self, questions: &[Question]) -> Result<(), String> {
        let (Some(functions), Some((first, rest))) = (&self.functions, questions.split_first())
        else {
            return Ok(());
        };
        let mut columns: BTreeSet<String> = first.columns.keys().cloned().collect();
        for question in rest {
            columns.retain(|column| question.columns.contains_key(column));
        }
        functions.check(&columns, Tokens::Known).map_err(|error| error.to_string())
    }

    /// Checks that each function could judge enough of the answers.
    pub(crate) fn check_unjudged(
        &self,
        judgement: &Judgement,
        max_share: f64,
    ) -> Result<(), TooManyUnjudged> {
        let functions = self.functions.as_ref();
        functions.map_or(Ok(()), |functions| functions.check_unjudged(&judgement.scores, max_share))
    }

    /// What is wrong with the functions: those that can say nothing even of the true answers of some questions. Questions
    /// without a column that holds one say nothing about it.
    pub(crate) fn gold_problems(&self, questions: &[Question]) -> Vec<String> {
        let gold = |question: &Question| {
            let names = ["label", "answer", "solution"];
            let field = names.iter().find_map(|name| question.columns.get(*name))?;
            Some(field.text()?.into_owned())
        };
        let known: Vec<(&Question, String)> =
            questions.iter().filter_map(|one| Some((one, gold(one)?))).take(8).collect();
        let answers = known.iter().enumerate().map(|(group, (question, text))| Answer {
            question,
            ids: &[],
            text,
            group,
        });
        let judgement = self.judge(&answers.collect::<Vec<_>>());
        let scores = &judgement.scores;
        let of_function = |index: usize| {
            let first = &scores[0].scores[index];
            let is_mute = scores.iter().all(|one| one.scores[index].score.value.is_none());
            is_mute.then(|| {
                let (name, reason) = (&first.name, &first.score.reason);
                format!(
                    "the reward {name} has no value for any of {} true answers: {reason}",
                    scores.len()
                )
            })
        };
        let num_functions = scores.first().map_or(0, |one| one.scores.len());
        (0..num_functions).filter_map(of_function).collect()
    }

    /// What the rewards are called: the functions, then the reward model.
    pub(crate) fn names(&self) -> Vec<String> {
        let functions = self.functions.iter().flat_map(RewardSet::names).map(str::to_owned);
        functions.chain(self.reward_model.iter().map(|_| "reward model".to_owned())).collect()
    }

    /// One list of rewards for each function, then that of the reward model.
    pub(crate) fn columns(&self, judgement: &Judgement) -> Vec<Vec<Option<f32>>> {
        let num_functions = self.functions.as_ref().map_or(0, |set| set.names().count());
        let of_function = |index: usize| {
            judgement.scores.iter().map(|one| one.scores[index].score.value.map(single)).collect()
        };
        let mut columns: Vec<Vec<Option<f32>>> = (0..num_functions).map(of_function).collect();
        if self.reward_model.is_some() {
            // A score that is no number is one that does not exist.
            let finite = |score: &f32| Some(*score).filter(|score| score.is_finite());
            columns.push(judgement.model_scores.iter().map(finite).collect());
        }
        columns
    }

    /// The weighted sum of the rewards that each answer has.
    pub(crate) fn totals(&self, columns: &[Vec<Option<f32>>]) -> Vec<Option<f32>> {
        let num_answers = columns.first().map_or(0, Vec::len);
        let total = |answer: usize| {
            let parts = columns.iter().zip(&self.weights);
            let parts = parts.filter_map(|(list, weight)| Some(f64::from(list[answer]?) * weight));
            parts.fold(None, |sum: Option<f64>, part| Some(sum.unwrap_or(0.0) + part)).map(single)
        };
        (0..num_answers).map(total).collect()
    }

    /// Means and counts by reward, under TRL's names.
    pub(crate) fn metrics(&self, judgement: &Judgement) -> Vec<(String, f64)> {
        let mut metrics = Vec::new();
        if let Some(functions) = &self.functions {
            let count = judgement.scores.len() as f64;
            for (name, summary) in functions.summaries(&judgement.scores) {
                let unparseable = summary.of_verdict(Verdict::Unparseable) as f64 / count;
                let numbers = [
                    ("mean", summary.mean.unwrap_or(f64::NAN)),
                    ("std", summary.std.unwrap_or(f64::NAN)),
                    ("unparseable", unparseable),
                    ("unjudged", summary.unjudged_share()),
                ];
                let named = numbers.map(|(what, value)| (format!("rewards/{name}/{what}"), value));
                metrics.extend(named);
            }
        }
        if self.reward_model.is_some() {
            let scores = judgement.model_scores.iter().map(|score| f64::from(*score));
            let (mean, std) = mean_and_std(&scores.collect::<Vec<_>>());
            metrics.push(("rewards/reward_model/mean".to_owned(), mean.unwrap_or(f64::NAN)));
            metrics.push(("rewards/reward_model/std".to_owned(), std.unwrap_or(f64::NAN)));
        }
        metrics
    }

    /// Adds the score of each reward, and the verdict of each function, to a table with one row an answer.
    pub(crate) fn add_scores(&self, table: Table, judgement: &Judgement) -> Table {
        let names = self.names();
        let mut table = table;
        for (name, column) in names.iter().zip(self.columns(judgement)) {
            let column = column.into_iter().map(|value| value.map(f64::from));
            table = table.float(&format!("rewards/{name}"), column);
        }
        let functions = self.functions.iter().flat_map(RewardSet::names).enumerate();
        for (index, name) in functions {
            let verdicts = judgement.scores.iter().map(|one| one.scores[index].score.verdict);
            let verdicts = verdicts.map(|verdict| verdict.name().to_owned());
            table = table.text(&format!("verdicts/{name}"), verdicts);
        }
        table
    }

    /// Why an answer is worth what it is, in words.
    pub(crate) fn reasons(judgement: &Judgement, answer: usize) -> String {
        let functions = judgement.scores.get(answer).into_iter().flat_map(|one| &one.scores);
        let functions = functions.map(|one| format!("{}: {}", one.name, redact(&one.score.reason)));
        let model = judgement.model_scores.get(answer);
        let model = model.map(|score| format!("reward model: {score}"));
        functions.chain(model).collect::<Vec<_>>().join("; ")
    }
}

/// Scores of the question with its answer, as the reward model was trained on.
fn model_scores(model: &ScoreModel, answers: &[Answer<'_>]) -> Vec<f32> {
    let whole = answers.iter().map(|one| [one.question.prompt.as_slice(), one.ids].concat());
    let whole: Vec<Vec<u32>> = whole.collect();
    let sequences: Vec<&[u32]> = whole.iter().map(Vec::as_slice).collect();
    let scores = model.score_sequences(&pack(&sequences), None); // [sequence]
    scores.into_data().iter::<f32>().collect()
}

/// Rewards are small numbers; losses work in single precision.
#[expect(clippy::cast_possible_truncation, reason = "rewards are small")]
fn single(reward: f64) -> f32 {
    reward as f32
}

#[cfg(test)]
mod tests {
    use forethought_reward::{Field, RewardConfig};

    use super::*;

    fn judge(names: &[&str]) -> Judge {
        let configs = names.iter().map(|name| RewardConfig::named(name).expect("it exists"));
        let functions = RewardSet::new(&configs.collect::<Vec<_>>()).expect("in range");
        let weights = vec![1.0; names.len()];
        Judge { functions: Some(functions), reward_model: None, weights }
    }

    fn answer<'a>(question: &'a Question, text: &'a str) -> Answer<'a> {
        Answer { question, ids: &[1, 2], text, group: 0 }
    }

    fn question() -> Question {
        let columns =
            [("label".to_owned(), Field::from(3_u32)), ("prompt".to_owned(), Field::from("a"))];
        Question { number: 1, prompt: Vec::new(), columns: columns.into() }
    }

    #[test]
    fn a_column_that_one_question_lacks_is_missing() {
        let mut questions = vec![question(); 2];
        questions[0].columns.insert("solution".to_owned(), "$3$".into());
        let error = judge(&["accuracy"]).check_columns(&questions).expect_err("one lacks it");
        assert_eq!(
            error,
            "the reward accuracy needs the column `solution`; there are `label`, `prompt`"
        );
        questions[1].columns.insert("solution".to_owned(), "$4$".into());
        assert_eq!(judge(&["accuracy", "format"]).check_columns(&questions), Ok(()));
    }

    #[test]
    fn what_cannot_be_judged_is_left_out_and_counted() {
        let judge = judge(&["accuracy", "think_format"]);
        let mut readable = question();
        readable.columns.insert("solution".to_owned(), "$3$".into());
        let mut unreadable = readable.clone();
        unreadable.columns.insert("solution".to_owned(), "unparseable text only".into());
        let answers = [answer(&readable, "\\boxed{3}"), answer(&unreadable, "<think></think>")];
        let judgement = judge.judge(&answers);
        let columns = judge.columns(&judgement);
        assert_eq!(columns, [[Some(1.0), None], [Some(0.0), Some(1.0)]]);
        assert_eq!(judge.totals(&columns), [Some(1.0), Some(1.0)]);
        let metrics = judge.metrics(&judgement);
        let metric = |name: &str| metrics.iter().find(|one| one.0 == name).map(|one| one.1);
        assert_eq!(metric("rewards/accuracy/mean"), Some(1.0));
        assert_eq!(metric("rewards/accuracy/unjudged"), Some(0.5));
        assert_eq!(metric("rewards/think_format/mean"), Some(0.5));
        assert_eq!(metric("rewards/think_format/std"), Some(0.5_f64.sqrt()));
        assert!(metric("rewards/accuracy/std").is_some_and(f64::is_nan), "TRL gives NaN for one");
        let table = judge.add_scores(Table::new(), &judgement);
        assert_eq!(table.floats("rewards/accuracy"), [Some(1.0), None]);
        assert_eq!(table.texts("verdicts/think_format")[1].as_deref(), Some("correct"));
    }
}
