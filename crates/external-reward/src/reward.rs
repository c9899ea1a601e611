//! A reward function that asks somebody else.

use std::sync::{Mutex, PoisonError};

use forethought_reward::{
    Fields, HttpConfig, Need, ProcessConfig, RewardFn, Sample, Scope, Score, Verdict,
};

use crate::message::{Answer, Question};
use crate::{ExternalError, Http, Process};

/// Failures in a row after which the rest of a call is given up.
const MAX_FAILURES: usize = 3;

/// Somebody who can be asked.
pub trait Asked: Send {
    /// What it is called in metrics.
    const NAME: &'static str;

    /// Sends the question with this number and waits for its answer, no longer than the time limit.
    ///
    /// # Errors
    ///
    /// What went wrong, in words; the next question can be asked all the same.
    fn ask(&mut self, id: u64, question: &[u8]) -> Result<Vec<u8>, String>;
}

/// Asks somebody else about each completion.
#[derive(Debug)]
pub struct ExternalReward<A> {
    /// With the number of the latest question.
    asked: Mutex<(A, u64)>,
    columns: Option<Vec<String>>,
}

impl ExternalReward<Process> {
    /// A reward of another process, which is started when there is something to judge.
    ///
    /// # Errors
    ///
    /// If a setting is out of range.
    pub fn process(config: &ProcessConfig) -> Result<Self, ExternalError> {
        let asked = Mutex::new((Process::new(config)?, 0));
        Ok(Self { asked, columns: config.columns.clone() })
    }
}

impl ExternalReward<Http> {
    /// A reward of an endpoint.
    ///
    /// # Errors
    ///
    /// If a setting is out of range.
    pub fn http(config: &HttpConfig) -> Result<Self, ExternalError> {
        let asked = Mutex::new((Http::new(config)?, 0));
        Ok(Self { asked, columns: config.columns.clone() })
    }
}

impl<A: Asked> ExternalReward<A> {
    /// The columns that are sent.
    fn sent(&self, fields: &Fields) -> Result<Fields, String> {
        let Some(columns) = &self.columns else { return Ok(fields.clone()) };
        let column = |name: &String| {
            let field = fields.get(name).ok_or_else(|| {
                let there: Vec<&str> = fields.keys().map(String::as_str).collect();
                format!("{name} is not among the columns: {}", there.join(", "))
            })?;
            Ok((name.clone(), field.clone()))
        };
        columns.iter().map(column).collect()
    }

    fn score_one(&self, (asked, id): &mut (A, u64), sample: &Sample<'_>) -> Result<Score, String> {
        *id += 1;
        let columns = self.sent(sample.fields)?;
        let Sample { completion, group, .. } = *sample;
        let question = Question { id: *id, completion, group, columns: &columns }.line()?;
        Answer::read(&asked.ask(*id, &question)?)?.score()
    }
}

impl<A: Asked> RewardFn for ExternalReward<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    /// One process answers a whole call.
    fn scope(&self) -> Scope {
        Scope::Call
    }

    fn needs(&self) -> Vec<Need<'_>> {
        self.columns.iter().flatten().map(|column| Need::Column(column)).collect()
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failures = 0;
        let mut last = String::new();
        let mut judge = |sample: &Sample<'_>| {
            if failures == MAX_FAILURES {
                let reason =
                    format!("not asked after {failures} failures in a row; the last: {last}");
                return Score::none(Verdict::Failed, reason);
            }
            match self.score_one(&mut asked, sample) {
                Ok(score) => {
                    failures = 0;
                    score
                }
                Err(reason) => {
                    failures += 1;
                    last.clone_from(&reason);
                    Score::none(Verdict::Failed, reason)
                }
            }
        };
        samples.iter().map(&mut judge).collect()
    }
}
