//! Cheap predictors that a trained model has to beat, fitted on the training split alone.

mod length;
mod neighbours;

pub use length::LengthRegression;
pub use neighbours::{Combine, Neighbours, NeighboursConfig};

use crate::Outcome;

/// A question of the training split with its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labelled<'a> {
    /// The question.
    pub question: &'a str,
    /// Its class.
    pub class: u32,
}

/// What one baseline predicts for the validation questions.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselinePredictions {
    /// The name to print.
    pub name: &'static str,
    /// One class per question, in the order of the questions.
    pub predicted: Vec<u32>,
}

impl BaselinePredictions {
    /// Pairs the predictions with the truth, given as `(class, amount)` in the order of the questions.
    ///
    /// # Panics
    ///
    /// If there are not as many truths as predictions.
    #[must_use]
    pub fn outcomes(&self, truths: &[(u32, u32)]) -> Vec<Outcome> {
        assert_eq!(truths.len(), self.predicted.len(), "truths and predictions");
        let outcome = |(&predicted, &(class, amount))| Outcome {
            class,
            amount,
            predicted: Some(f64::from(predicted)),
        };
        self.predicted.iter().zip(truths).map(outcome).collect()
    }
}

/// A baseline that cannot be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// There is nothing to learn from.
    #[error("the training split is empty, so no baseline can be fitted")]
    NoTraining,
    /// `k` is zero.
    #[error("k must be at least 1, got 0")]
    Neighbours,
    /// The lengths of n-grams are out of order or out of range.
    #[error(
        "n-gram lengths must satisfy 1 <= shortest <= longest <= 3, got {shortest} and {longest}"
    )]
    Ngrams {
        /// The shortest n-gram asked for.
        shortest: usize,
        /// The longest n-gram asked for.
        longest: usize,
    },
}

/// The class with the most questions, the smallest of them where several have as many; none of no questions.
#[must_use]
pub fn most_frequent(train: &[Labelled]) -> Option<u32> {
    let mut classes: Vec<u32> = train.iter().map(|row| row.class).collect();
    classes.sort_unstable();
    let runs = classes.chunk_by(|a, b| a == b);
    // `max_by_key` keeps the last of equals, so the runs are read from the greatest class down.
    runs.rev().max_by_key(|run| run.len()).map(|run| run[0])
}

/// Fits the three baselines on the training split and lets them answer the questions: the most frequent class, linear
/// regression on the length of the question, and nearest neighbours. `progress` is told how many of the questions the
/// slow one, the neighbours, has answered.
///
/// # Errors
///
/// If the training split is empty or `config` out of range.
pub fn baselines(
    train: &[Labelled],
    questions: &[&str],
    config: &NeighboursConfig,
    mut progress: impl FnMut(usize),
) -> Result<Vec<BaselinePredictions>, BaselineError> {
    let frequent = most_frequent(train).ok_or(BaselineError::NoTraining)?;
    let length = LengthRegression::fit(train)?;
    let neighbours = Neighbours::fit(train, config)?;
    let mut nearest = Vec::with_capacity(questions.len());
    for question in questions {
        nearest.push(neighbours.predict(question));
        progress(nearest.len());
    }
    Ok(vec![
        BaselinePredictions {
            name: "most frequent class",
            predicted: vec![frequent; questions.len()],
        },
        BaselinePredictions {
            name: "linear regression on length",
            predicted: questions.iter().map(|question| length.predict(question)).collect(),
        },
        BaselinePredictions { name: "nearest neighbours", predicted: nearest },
    ])
}
