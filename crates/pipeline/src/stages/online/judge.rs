//! What answers are worth: by rule, by a reward model, or by both.

use forethought_model::{ScoreModel, pack};
use forethought_reward::{Field, Fields, RewardSet, Sample, SetScore, Verdict};

use super::rollout::Question;

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
}

impl Judge {
    /// What the answers are worth.
    pub(crate) fn judge(&self, answers: &[Answer<'_>]) -> Judgement {
        let scores = self.functions.as_ref().map_or_else(Vec::new, |functions| {
            answers.iter().map(|answer| score(functions, *answer)).collect()
        });
        let model_scores = self.reward_model.as_ref().map_or_else(Vec::new, |model| {
            answers
                .chunks(SCORED_AT_ONCE)
                .flat_map(|answers| model_scores(model, answers))
                .collect()
        });
        Judgement { scores, model_scores }
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
                metrics.push((format!("rewards/{name}/mean"), summary.mean.unwrap_or(f64::NAN)));
                let unparseable = summary.of_verdict(Verdict::Unparseable);
                metrics.push((format!("rewards/{name}/unparseable"), unparseable as f64 / count));
            }
        }
        if self.reward_model.is_some() {
            let scores = judgement.model_scores.iter().map(|score| f64::from(*score));
            let mean = scores.sum::<f64>() / judgement.model_scores.len() as f64;
            metrics.push(("rewards/reward_model/mean".to_owned(), mean));
        }
        metrics
    }

    /// Why an answer is worth what it is, in words.
    pub(crate) fn reasons(judgement: &Judgement, answer: usize) -> String {
        let functions = judgement.scores.get(answer).into_iter().flat_map(|one| &one.scores);
        let functions = functions.map(|one| format!("{}: {}", one.name, one.score.reason));
        let model = judgement.model_scores.get(answer);
        let model = model.map(|score| format!("reward model: {score}"));
        functions.chain(model).collect::<Vec<_>>().join("; ")
    }
}

fn score(functions: &RewardSet, answer: Answer<'_>) -> SetScore {
    let fields = Fields::from([
        ("label".to_owned(), Field::from(answer.question.class)),
        ("prompt".to_owned(), Field::from(answer.question.text.as_str())),
    ]);
    functions.score(Sample { completion: answer.text, fields: &fields })
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
