//! Label: how many tokens each trace thinks, and the class that makes.

use std::num::NonZeroU32;

use forethought_dataset::think_class;
use forethought_schema::{LabelledQuestion, Trace};
use forethought_tokenize::Encoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{read_lines, write_lines};

/// Settings of the label stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelStage {
    /// How many thinking tokens make one class. Default 25, as in the source pipeline.
    #[serde(default = "default_width")]
    pub class_width: NonZeroU32,
}

fn default_width() -> NonZeroU32 {
    const { NonZeroU32::new(25).expect("25 is not zero") }
}

/// Traces that are tokenised between two looks at the progress bar.
const CHUNK: usize = 512;

impl LabelStage {
    /// Writes `labelled.jsonl`: a [`LabelledQuestion`] for every trace, in the order of the traces.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let traces: Vec<Trace> = read_lines(&context.input("ingest", "traces.jsonl"))?;
        let encoder = Encoder::open(&super::model::tokenizer_folder(context)?)?;
        let mut bar = context.console.bar(traces.len(), "counting thinking tokens");
        let mut labelled = Vec::with_capacity(traces.len());
        for chunk in traces.chunks(CHUNK) {
            context.check_stop()?;
            let texts: Vec<&str> = chunk.iter().map(|trace| trace.thinking.as_str()).collect();
            let encoded = encoder.encode_batch(&texts)?;
            labelled
                .extend(chunk.iter().zip(encoded).map(|(trace, ids)| self.label(trace, ids.len())));
            bar.set(labelled.len());
        }
        write_lines(&context.staging.join("labelled.jsonl"), &labelled)?;
        Ok(Done::Finished)
    }

    fn label(&self, trace: &Trace, tokens: usize) -> LabelledQuestion {
        let amount = u32::try_from(tokens).unwrap_or(u32::MAX);
        LabelledQuestion {
            file: trace.file.clone(),
            row: trace.row,
            question: trace.question.clone(),
            amount,
            class: think_class(amount, self.class_width),
        }
    }
}
