//! What is asked, and what is known of it.

use forethought_reward::Fields;
use forethought_schema::PromptCompletion;
use forethought_tokenize::Encoder;

use crate::PipelineError;
use crate::artifact::read_lines;
use crate::examples::encode_prompts;
use crate::stages::Context;
use crate::stages::convert::columns_file;
use crate::stages::links::EXAMPLES;

/// A question of either side of the split.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The ids of its prompt.
    pub(crate) prompt: Vec<u32>,
    /// What is known of it besides: what rewards compare an answer with.
    pub(crate) columns: Fields,
}

/// The questions of one side of the split, in the order of the examples.
pub(crate) fn read_questions(
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
    let pairs = prompts.into_iter().zip(columns);
    Ok(pairs.map(|(prompt, columns)| Question { prompt, columns }).collect())
}
