//! Annotate: in how many steps each problem is solved, counted, told by a column, or asked of a teacher.

mod prompt;
mod teacher;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use forethought_dataset::{Ledger, listed_steps, told_steps};
use forethought_schema::{AnnotatedQuestion, NoSteps, NoStepsReason, Problem as Row, StepLabel};
use forethought_teacher::Reply;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use teacher::{FolderTeacher, TeacherModel, TeacherSource};

use super::ingest::PROBLEMS;
use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_lines};
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

    /// Writes `annotated.jsonl`, one line for each problem that is not left out, labelled or not, and `ledger.json`.
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let rows = ingested(context)?;
        let mut ledger = Ledger::new(context.name);
        let rows = self.chosen(context, rows, &mut ledger);
        ledger.check()?;
        if rows.is_empty() {
            let message = format!("no problem is left\n{}", ledger.to_table());
            return Err(PipelineError::stage(context.name, message));
        }
        let annotated = match &self.source {
            StepSource::Listed(_) => rows.iter().map(listed).collect(),
            StepSource::Given(given) => rows.iter().map(|row| given.label(row)).collect(),
            StepSource::Teacher(teacher) => {
                let replies = teacher.replies(context, &rows)?;
                rows.iter().zip(replies).map(|(row, one)| taught(row, one)).collect()
            }
        };
        let annotated: Vec<AnnotatedQuestion> = annotated;
        write_lines(&context.staging.join(ANNOTATED), &annotated)?;
        context.book(&ledger)?;
        Ok(Done::Finished)
    }

    /// The rows to label, in their order; what is left out is booked.
    fn chosen(&self, context: &Context<'_>, rows: Vec<Row>, ledger: &mut Ledger) -> Vec<Row> {
        let limit = self.max_rows.map_or(usize::MAX, NonZeroUsize::get);
        let mut drawn: Vec<(u64, usize)> = Vec::new();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| self.refusal(row).is_none()) {
            drawn.push((context.seed.key("row", row.problem.as_bytes()), index));
        }
        drawn.sort_unstable();
        drawn.truncate(limit);
        let mut is_drawn = vec![false; rows.len()];
        for (_, index) in drawn {
            is_drawn[index] = true;
        }
        let mut chosen = Vec::new();
        for (row, is_drawn) in rows.into_iter().zip(is_drawn) {
            let entry = ledger.entry(&row.file);
            entry.count_read(1);
            match self.refusal(&row) {
                Some(reason) => entry.drop_row(row.row, reason),
                None if !is_drawn => entry.drop_row(row.row, "beyond_max_rows"),
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

/// The ingested problems.
fn ingested(context: &Context<'_>) -> Result<Vec<Row>, PipelineError> {
    let path = context.input("ingest", PROBLEMS);
    if !path.is_file() {
        let message =
            "there are traces and no problems; set `records: problems` in the ingest stage";
        return Err(PipelineError::stage(context.name, message));
    }
    read_lines(&path)
}

impl GivenSource {
    fn label(self, row: &Row) -> AnnotatedQuestion {
        let text = match self.part {
            GivenPart::Answer => row.answer.as_deref(),
            GivenPart::Solution => row.solution.as_deref(),
        };
        annotated(row, told_steps(text.unwrap_or_default()), None)
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
