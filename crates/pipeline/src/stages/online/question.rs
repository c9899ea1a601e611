//! What is asked, and what is known of it.

use forethought_reward::Fields;
use forethought_schema::PromptCompletion;
use forethought_tokenize::{Encoder, Overflow};

use crate::PipelineError;
use crate::artifact::read_lines;
use crate::config::StageConfig;
use crate::examples::{Lengths, encode_prompts};
use crate::stages::Context;
use crate::stages::convert::columns_file;
use crate::stages::links::{Before, EXAMPLES};
use crate::training::require_any;

/// A question of either side of the split.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Its place on its side of the split, from 1.
    pub(crate) number: usize,
    /// The ids of its prompt.
    pub(crate) prompt: Vec<u32>,
    /// What is known of it besides: what rewards compare an answer with.
    pub(crate) columns: Fields,
}

/// The questions of one side of the split, in the order of the examples.
fn read_questions(
    context: &Context<'_>,
    encoder: &Encoder,
    split: &str,
) -> Result<Vec<Question>, PipelineError> {
    let stage = context.before.pick(None, &EXAMPLES).unwrap_or_default();
    let examples: Vec<PromptCompletion> =
        read_lines(&context.input(stage, &format!("{split}.jsonl")))?;
    let columns: Vec<Fields> = read_lines(&context.input(stage, &columns_file(split)))?;
    if columns.len() != examples.len() {
        let (rows, file) = (columns.len(), columns_file(split));
        let message =
            format!("{file} of `{stage}` has {rows} rows for {} examples", examples.len());
        return Err(PipelineError::stage(context.name, message));
    }
    let prompts = encode_prompts(encoder, &examples)?;
    let pairs = prompts.into_iter().zip(columns).enumerate();
    let question = |(index, (prompt, columns))| Question { number: index + 1, prompt, columns };
    Ok(pairs.map(question).collect())
}

/// The longest question where no stage says it, as in the stages that learn from rewards.
const LONGEST: usize = 1024;

/// The longest question that a stage asks which says nothing of it: that of the nearest stage before it that learns from
/// rewards, so that nothing is asked that could not be learnt.
fn longest_learnt(before: Before<'_>) -> usize {
    let of_stage = |stage: &StageConfig| match stage {
        StageConfig::Grpo(stage) => Some(stage.max_prompt_length),
        StageConfig::Rloo(stage) => Some(stage.max_prompt_length),
        StageConfig::Ppo(stage) => Some(stage.max_prompt_length),
        _ => None,
    };
    before.0.iter().rev().find_map(of_stage).unwrap_or(LONGEST)
}

/// Which questions of a side are asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuestionLimit<'a> {
    /// The side: `train`, `validation`.
    pub(crate) split: &'a str,
    /// The longest question, in tokens with its instruction.
    pub(crate) max_prompt_length: usize,
    /// What happens to longer ones.
    pub(crate) on_overflow: Overflow,
    /// At most so many, the first of them.
    pub(crate) max_questions: usize,
}

impl QuestionLimit<'_> {
    /// All questions of the validation split; unless it is said, as long as those that were learnt from.
    pub(crate) fn validation(
        before: Before<'_>,
        max_prompt_length: Option<usize>,
        on_overflow: Overflow,
    ) -> Self {
        let max_prompt_length = max_prompt_length.unwrap_or_else(|| longest_learnt(before));
        Self { split: "validation", max_prompt_length, on_overflow, max_questions: usize::MAX }
    }
}

/// The questions that are short enough, and not too many; the others are counted in the ledger of the stage.
pub(crate) fn limited_questions(
    context: &Context<'_>,
    encoder: &Encoder,
    limit: QuestionLimit<'_>,
) -> Result<Vec<Question>, PipelineError> {
    let most = (limit.max_prompt_length, limit.on_overflow);
    let mut lengths = Lengths::new(context.name, &format!("{}.jsonl", limit.split));
    let mut kept = Vec::new();
    for (index, mut one) in read_questions(context, encoder, limit.split)?.into_iter().enumerate() {
        if kept.len() == limit.max_questions {
            lengths.leave_out(index, "beyond_max_problems");
            continue;
        }
        let prompt = std::mem::take(&mut one.prompt);
        let prompt = lengths.count_prompt(prompt, index, most).map_err(|message| {
            let advice = "raise max_prompt_length or set on_overflow";
            let message = format!("example {}: {message}; {advice}", index + 1);
            PipelineError::stage(context.name, message)
        })?;
        kept.extend(prompt.map(|prompt| Question { prompt, ..one }));
    }
    require_any(context.name, &lengths.ledger, ("max_prompt_length", limit.max_prompt_length))?;
    context.book(&lengths.ledger)?;
    Ok(kept)
}
