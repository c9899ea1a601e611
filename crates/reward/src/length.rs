//! Right answers of one prompt against each other: the shorter the better.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mathematics::{Grade, Graded, Grader, Use};
use crate::{Need, RewardFn, Sample, Scope, Score, Semantics, accuracy};

/// Which completions are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// Those of one prompt, as the report of Kimi 1.5 says.
    #[default]
    Group,
    /// All that are judged at once, whatever they answer, as open-r1 does.
    Call,
}

/// Settings of [`Length`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LengthConfig {
    /// Which completions are compared: `group` or `call`. Default `group`.
    pub among: Among,
    /// Whose rules. Under `open-r1` and `open-r1-2025-02` a solution that cannot be read counts as answered; under
    /// `trl-1.16` and `verify` such a completion is left out. Default `open-r1`.
    pub semantics: Semantics,
    /// The column that holds the solution. Default `solution`.
    pub solution: String,
}

impl Default for LengthConfig {
    fn default() -> Self {
        let (among, semantics) = (Among::default(), Semantics::default());
        Self { among, semantics, solution: accuracy::solution() }
    }
}

impl LengthConfig {
    /// Builds the function.
    #[must_use]
    pub fn init(&self) -> Length {
        let grader = Grader::new(self.semantics, Use::Scaling);
        Length { config: self.clone(), grader }
    }
}

/// `len_reward` of open-r1, after Kimi 1.5 (2025), section 2.3.3:
///
/// ```text
/// λ      = 0.5 − (length − shortest) / (longest − shortest)
/// reward = λ for a right answer, min(0, λ) for a wrong one, 0 for all where all are of one length
/// ```
///
/// Lengths are in characters.
#[derive(Clone, Debug)]
pub struct Length {
    config: LengthConfig,
    grader: Grader,
}

impl Length {
    fn is_open_r1(&self) -> bool {
        matches!(self.config.semantics, Semantics::OpenR1 | Semantics::OpenR1Early)
    }

    /// Whether a completion counts as right; nothing where it is left out.
    fn is_right(&self, grade: Grade) -> Option<bool> {
        match grade {
            Grade::Right => Some(true),
            Grade::Wrong | Grade::NoAnswer | Grade::NoBraces => Some(false),
            Grade::NoGold => self.is_open_r1().then_some(true),
            Grade::Undecided => None,
        }
    }

    fn grade(&self, sample: &Sample<'_>) -> Result<Graded, Score> {
        let solution = sample.column(&self.config.solution)?;
        Ok(self.grader.grade(&solution, sample.completion))
    }
}

impl RewardFn for Length {
    fn name(&self) -> &'static str {
        "length"
    }

    fn scope(&self) -> Scope {
        match self.config.among {
            Among::Group => Scope::Group,
            Among::Call => Scope::Call,
        }
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Column(&self.config.solution)]
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        let graded: Vec<Result<Graded, Score>> =
            samples.iter().map(|sample| self.grade(sample)).collect();
        let lengths: Vec<usize> =
            samples.iter().map(|sample| sample.completion.chars().count()).collect();
        let compared = graded.iter().zip(&lengths).filter(|(graded, _)| {
            graded.as_ref().is_ok_and(|graded| self.is_right(graded.grade).is_some())
        });
        let compared: Vec<usize> = compared.map(|(_, length)| *length).collect();
        let shortest = compared.iter().copied().min().unwrap_or(0);
        let longest = compared.iter().copied().max().unwrap_or(0);
        let judge = |(graded, length): (Result<Graded, Score>, usize)| {
            let graded = match graded {
                Ok(graded) => graded,
                Err(score) => return score,
            };
            let Some(is_right) = self.is_right(graded.grade) else {
                return graded.score(None, "");
            };
            let place = Place { length, shortest, longest };
            let counted =
                if graded.grade == Grade::NoGold { ", which counts as right" } else { "" };
            graded.score(Some(place.reward(is_right.into())), &format!("{counted}{place}"))
        };
        graded.into_iter().zip(lengths).map(judge).collect()
    }
}

/// A length among others.
struct Place {
    length: usize,
    shortest: usize,
    longest: usize,
}

#[derive(Clone, Copy)]
enum Answer {
    Right,
    Wrong,
}

impl From<bool> for Answer {
    fn from(is_right: bool) -> Self {
        if is_right { Self::Right } else { Self::Wrong }
    }
}

impl Place {
    fn reward(&self, answer: Answer) -> f64 {
        if self.shortest == self.longest {
            return 0.0;
        }
        let above = (self.length - self.shortest) as f64;
        let lambda = 0.5 - above / (self.longest - self.shortest) as f64;
        match answer {
            Answer::Right => lambda,
            Answer::Wrong => lambda.min(0.0),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { length, shortest, longest } = self;
        write!(formatter, "; {length} characters among {shortest} to {longest}")
    }
}
