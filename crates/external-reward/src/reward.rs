//! A reward function that asks somebody else.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use forethought_reward::{
    Fields, HttpConfig, Need, ProcessConfig, RewardFn, Sample, Scope, Score, Verdict,
};

use crate::message::{Answer, Question};
use crate::{ExternalError, Http, Process};

/// Failures in a row after which the rest of a call is given up.
const MAX_FAILURES: usize = 3;

/// Whether nobody wants the answers any more, such as a run that was told to stop. It is asked again and again while an answer is
/// waited for, so that the wait ends soon after; the completions that are left have no score then.
#[derive(Clone, Default)]
pub struct GivenUp(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl GivenUp {
    /// As this function says.
    #[must_use]
    pub fn when(is_given_up: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_given_up)))
    }

    pub(crate) fn now(&self) -> bool {
        self.0.as_ref().is_some_and(|is_given_up| is_given_up())
    }
}

impl fmt::Debug for GivenUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GivenUp({})", self.now())
    }
}

/// How long an answer is waited for before it is asked whether it is still wanted.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// What a completion is told that nobody wants a score of.
pub(crate) const GIVEN_UP: &str = "given up, for nobody wants the answer any more";

/// Somebody who can be asked.
pub trait Asked: Send {
    /// What it is called in metrics.
    const NAME: &'static str;

    /// The first question of a call is about to come.
    fn begin(&mut self) {}

    /// Sends the question with this number and waits for its answer, no longer than the time limit and than it is wanted.
    ///
    /// # Errors
    ///
    /// What went wrong, in words; the next question can be asked all the same.
    fn ask(&mut self, id: u64, question: &[u8], given_up: &GivenUp) -> Result<Vec<u8>, String>;
}

/// Asks somebody else about each completion.
#[derive(Debug)]
pub struct ExternalReward<A> {
    /// With the number of the latest question.
    asked: Mutex<(A, u64)>,
    columns: Option<Vec<String>>,
    given_up: GivenUp,
}

impl ExternalReward<Process> {
    /// A reward of another process, which is started when there is something to judge.
    ///
    /// # Errors
    ///
    /// If a setting is out of range.
    pub fn process(config: &ProcessConfig) -> Result<Self, ExternalError> {
        let asked = Mutex::new((Process::new(config)?, 0));
        Ok(Self { asked, columns: config.columns.clone(), given_up: GivenUp::default() })
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
        Ok(Self { asked, columns: config.columns.clone(), given_up: GivenUp::default() })
    }
}

impl<A: Asked> ExternalReward<A> {
    /// The reward, which waits for no answer that nobody wants any more.
    #[must_use]
    pub fn with_given_up(mut self, given_up: GivenUp) -> Self {
        self.given_up = given_up;
        self
    }

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
        Answer::read(&asked.ask(*id, &question, &self.given_up)?)?.score()
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
        asked.0.begin();
        let mut failures = 0;
        let mut last = String::new();
        let mut judge = |sample: &Sample<'_>| {
            if self.given_up.now() {
                return Score::none(Verdict::Failed, GIVEN_UP);
            }
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
