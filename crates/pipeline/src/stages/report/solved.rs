//! What policies made of the validation problems.

use forethought_evaluate::{Solved, SolvedKind, SolvedSample, Solving, choose_solved};

use crate::PipelineError;
use crate::artifact::{read_json, read_lines};
use crate::config::StageConfig;
use crate::stages::Context;
use crate::stages::solve::{Attempt, SOLVED, SolveStage};

/// What the nearest solve stage found, with answers of its last policy; none where there is no such stage.
pub(super) fn solved(
    context: &Context<'_>,
    samples: usize,
) -> Result<Option<Solved>, PipelineError> {
    let stage = context.before.0.iter().rev().find_map(|stage| match stage {
        StageConfig::Solve(solve) => Some((stage.name(), solve)),
        _ => None,
    });
    let Some((name, stage)) = stage else { return Ok(None) };
    let policies: Vec<Solving> = read_json(&context.input(name, SOLVED))?;
    let last = context.before.of(&super::POLICIES).pop().unwrap_or(SolveStage::BASE);
    let attempts: Vec<Attempt> = read_lines(&context.input(name, &format!("{last}.jsonl")))?;
    let rows: Vec<SolvedSample> = attempts.into_iter().map(sample).collect();
    let samples = choose_solved(&rows, samples);
    Ok(Some(Solved { policies, sampling: stage.sampling_words(), samples }))
}

fn sample(attempt: Attempt) -> SolvedSample {
    let kind = match (attempt.is_right, &attempt.read) {
        (true, _) => SolvedKind::Right,
        (false, Some(_)) => SolvedKind::Wrong,
        (false, None) => SolvedKind::Unparseable,
    };
    let names = attempt.rewards.into_iter().map(|(name, value)| match value {
        Some(value) => format!("{name} {value}"),
        None => format!("{name} –"),
    });
    SolvedSample {
        problem: attempt.prompt,
        answer: attempt.answer,
        completion: attempt.completion,
        kind,
        reasons: names.zip(attempt.reasons).collect(),
    }
}
