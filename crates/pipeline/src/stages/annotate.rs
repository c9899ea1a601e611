//! Annotate: in how many steps each problem is solved, counted, told by a column, or asked of a teacher.

mod prompt;
mod teacher;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use forethought_dataset::{Ledger, listed_steps, told_steps};
use forethought_schema::{AnnotatedQuestion, NoSteps, NoStepsReason, Problem as Row, StepLabel};
use forethought_teacher::Reply;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use teacher::Teacher;
pub use teacher::{FolderTeacher, TeacherModel, TeacherSource};

use super::ingest::PROBLEMS;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LineReader, LineWriter, read_json};
use crate::config::Problem;

/// The file of annotated questions in the artifact.
pub(crate) const ANNOTATED: &str = "annotated.jsonl";

/// Settings of the annotate stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotateStage {
    /// Where the numbers of steps come from.
    pub source: StepSource,
    /// Problems with more characters are left out. Default none.
    #[serde(default)]
    pub longest_problem: Option<usize>,
    /// Problems whose solution has more characters are left out. Default none.
    #[serde(default)]
    pub longest_solution: Option<usize>,
    /// So many rows are drawn of those that are left, at least 1. Default none: all.
    #[serde(default)]
    pub max_rows: Option<NonZeroUsize>,
}

/// Where the numbers of steps come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepSource {
    /// Counts the numbered steps of the solution.
    Listed(ListedSource),
    /// The data tell it.
    Given(GivenSource),
    /// Asks a model.
    Teacher(Box<TeacherSource>),
}

/// Nothing to set: what counts as a numbered step is in `docs/algorithms/dataset.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedSource {}

/// Which part of the record tells the number of steps: alone, or as `<count_step>5</count_step>` in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenSource {
    /// The part. Default `answer`: the column that `columns` of the ingest stage call `answer`.
    #[serde(default)]
    pub part: GivenPart,
}

/// A part of a problem's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GivenPart {
    /// The answer.
    #[default]
    Answer,
    /// The solution.
    Solution,
}

impl AnnotateStage {
    pub(super) fn problems(&self) -> Vec<Problem> {
        match &self.source {
            StepSource::Teacher(teacher) => teacher.problems(),
            StepSource::Listed(_) | StepSource::Given(_) => Vec::new(),
        }
    }

    pub(super) fn files(&self) -> Result<Vec<PathBuf>, PipelineError> {
        match &self.source {
            StepSource::Teacher(teacher) => teacher.files(),
            StepSource::Listed(_) | StepSource::Given(_) => Ok(Vec::new()),
        }
    }

    /// Writes `annotated.jsonl`, one line for each problem that is not left out, labelled or not, and `ledger.json`. Some
    /// problems are in memory at a time.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let problems = ingested(context)?;
        let drawn = self.draw(context, &problems)?;
        let mut labels = self.source.open(context, self.most_rows(context)?)?;
        let mut ledger = Ledger::new(context.name);
        let mut annotated = LineWriter::create(&context.staging.join(ANNOTATED))?;
        let mut num_before = 0;
        let done = LineReader::<Row>::open(&problems)?.for_each_chunk(|rows| {
            context.check_stop()?;
            let places = num_before..num_before + rows.len();
            num_before = places.end;
            let chosen = self.chosen(rows, drawn.as_ref().map(|all| &all[places]), &mut ledger);
            annotated.write_all(&labels.of(&chosen)?)
        });
        labels.end();
        done?;
        annotated.finish()?;
        if ledger.kept() == 0 {
            let message = format!("no problem is left\n{}", ledger.to_table());
            return Err(PipelineError::stage(context.name, message));
        }
        context.book(&ledger)?;
        Ok(Done::Finished)
    }

    /// How many problems are labelled at most.
    fn most_rows(&self, context: &Context<'_>) -> Result<usize, PipelineError> {
        let ingested: Ledger = read_json(&context.input("ingest", "ledger.json"))?;
        let ingested = usize::try_from(ingested.kept()).unwrap_or(usize::MAX);
        Ok(self.max_rows.map_or(ingested, |limit| ingested.min(limit.get())))
    }

    /// Whether each problem is among those that are drawn of the ones that may be labelled; none where all are.
    fn draw(
        &self,
        context: &Context<'_>,
        problems: &Path,
    ) -> Result<Option<Vec<bool>>, PipelineError> {
        let Some(limit) = self.max_rows else { return Ok(None) };
        let (mut candidates, mut num_rows) = (Vec::new(), 0);
        LineReader::<Row>::open(problems)?.for_each_chunk(|rows| {
            for row in &rows {
                if self.refusal(row).is_none() {
                    candidates.push((context.seed.key("row", row.problem.as_bytes()), num_rows));
                }
                num_rows += 1;
            }
            context.check_stop()
        })?;
        candidates.sort_unstable();
        let mut is_drawn = vec![false; num_rows];
        for (_, place) in candidates.into_iter().take(limit.get()) {
            is_drawn[place] = true;
        }
        Ok(Some(is_drawn))
    }

    /// The rows to label, in their order; what is left out is booked.
    fn chosen(&self, rows: Vec<Row>, drawn: Option<&[bool]>, ledger: &mut Ledger) -> Vec<Row> {
        let mut chosen = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let entry = ledger.entry(&row.file);
            entry.count_read(1);
            match self.refusal(&row) {
                Some(reason) => entry.drop_row(row.row, reason),
                None if drawn.is_some_and(|drawn| !drawn[index]) => {
                    entry.drop_row(row.row, "beyond_max_rows");
                }
                None => {
                    entry.keep("annotated");
                    chosen.push(row);
                }
            }
        }
        chosen
    }

    /// Why a row is not labelled at all.
    fn refusal(&self, row: &Row) -> Option<&'static str> {
        let is_longer = |text: &str, limit: Option<usize>| {
            limit.is_some_and(|limit| limit < text.chars().count())
        };
        let solution = row.solution.as_deref();
        if is_longer(&row.problem, self.longest_problem) {
            Some("problem_too_long")
        } else if is_longer(solution.unwrap_or_default(), self.longest_solution) {
            Some("solution_too_long")
        } else if solution.is_none() && !matches!(self.source, StepSource::Given(_)) {
            Some("no_solution")
        } else {
            None
        }
    }
}

/// The file of the ingested problems.
fn ingested(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    let path = context.input("ingest", PROBLEMS);
    if !path.is_file() {
        let message =
            "there are traces and no problems; set `records: problems` in the ingest stage";
        return Err(PipelineError::stage(context.name, message));
    }
    Ok(path)
}

/// Who tells the numbers of steps, ready to be handed rows some at a time.
enum Labels<'a> {
    Listed,
    Given(GivenSource),
    Teacher(Box<Teacher<'a>>),
}

impl StepSource {
    /// Makes it ready for so many rows at most.
    fn open<'a>(
        &'a self,
        context: &'a Context<'_>,
        most_rows: usize,
    ) -> Result<Labels<'a>, PipelineError> {
        Ok(match self {
            Self::Listed(_) => Labels::Listed,
            Self::Given(given) => Labels::Given(*given),
            Self::Teacher(teacher) => Labels::Teacher(Box::new(teacher.open(context, most_rows)?)),
        })
    }
}

impl Labels<'_> {
    /// The rows with what is told of them.
    fn of(&mut self, rows: &[Row]) -> Result<Vec<AnnotatedQuestion>, PipelineError> {
        Ok(match self {
            Self::Listed => rows.iter().map(listed).collect(),
            Self::Given(given) => rows.iter().map(|row| given.label(row)).collect(),
            Self::Teacher(teacher) => {
                let replies = teacher.replies(rows)?;
                rows.iter().zip(replies).map(|(row, one)| taught(row, one)).collect()
            }
        })
    }

    /// Says what was asked.
    fn end(self) {
        if let Self::Teacher(teacher) = self {
            teacher.end();
        }
    }
}

impl GivenSource {
    fn label(self, row: &Row) -> AnnotatedQuestion {
        let steps = match self.part {
            GivenPart::Answer => {
                told_steps(row.answer.as_deref().unwrap_or_default()).map_err(no_number)
            }
            GivenPart::Solution => told_steps(row.solution.as_deref().unwrap_or_default()),
        };
        annotated(row, steps, None)
    }
}

/// A cell of answers need not have tags: what is wrong with one that has none is that it is no number.
fn no_number(none: NoSteps) -> NoSteps {
    match none.reason {
        NoStepsReason::NoCountTag => NoSteps { reason: NoStepsReason::NotAWholeNumber, ..none },
        _ => none,
    }
}

fn listed(row: &Row) -> AnnotatedQuestion {
    annotated(row, listed_steps(row.solution.as_deref().unwrap_or_default()), None)
}

fn taught(row: &Row, reply: Reply) -> AnnotatedQuestion {
    match reply {
        Reply::Answered(answer) => annotated(row, told_steps(&answer.text), Some(answer.text)),
        Reply::Refused(found) => {
            annotated(row, Err(NoSteps { reason: NoStepsReason::Refused, found }), None)
        }
    }
}

fn annotated(row: &Row, steps: Result<u32, NoSteps>, written: Option<String>) -> AnnotatedQuestion {
    AnnotatedQuestion {
        file: row.file.clone(),
        row: row.row,
        question: row.problem.clone(),
        steps: steps.map_or_else(StepLabel::Missing, StepLabel::Counted),
        written,
    }
}
