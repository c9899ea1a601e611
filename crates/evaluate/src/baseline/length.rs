//! Linear regression of the class on the length of the question.

use super::{BaselineError, Labelled};

/// `class = intercept + slope · characters`, by ordinary least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LengthRegression {
    /// The class of an empty question.
    pub intercept: f64,
    /// Classes per character; 0 where all questions are equally long.
    pub slope: f64,
}

impl LengthRegression {
    /// Fits the line to the training split. A character is a Unicode scalar value, so that a Chinese one counts once.
    ///
    /// # Errors
    ///
    /// If the training split is empty.
    pub fn fit(train: &[Labelled]) -> Result<Self, BaselineError> {
        if train.is_empty() {
            return Err(BaselineError::NoTraining);
        }
        let n = train.len() as f64;
        let mean_length = train.iter().map(|row| characters(row.question)).sum::<f64>() / n;
        let mean_class = train.iter().map(|row| f64::from(row.class)).sum::<f64>() / n;
        let (mut covariance, mut variance) = (0.0, 0.0);
        for row in train {
            let length = characters(row.question) - mean_length;
            covariance += length * (f64::from(row.class) - mean_class);
            variance += length * length;
        }
        let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
        Ok(Self { intercept: mean_class - slope * mean_length, slope })
    }

    /// The class on the line, rounded to the nearest whole one. It is kept from falling below 0, but not below the
    /// largest class: the line may extrapolate.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded and not negative; beyond u32 it saturates"
    )]
    pub fn predict(&self, question: &str) -> u32 {
        (self.intercept + self.slope * characters(question)).round().max(0.0) as u32
    }
}

fn characters(text: &str) -> f64 {
    text.chars().count() as f64
}
