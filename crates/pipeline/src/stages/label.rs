//! Label: how many tokens each trace thinks, and the class that makes.

use std::num::NonZeroU32;

use forethought_dataset::{Ledger, think_class};
use forethought_schema::{LabelledQuestion, Trace};
use forethought_tokenize::Encoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Done};
use crate::PipelineError;
use crate::artifact::{LineReader, LineWriter, read_json};

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

impl LabelStage {
    /// Writes `ledger.json` and `labelled.jsonl`: a [`LabelledQuestion`] for every trace, in the order of the traces.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Done, PipelineError> {
        let encoder = Encoder::open(&super::model::tokenizer_folder(context)?)?;
        let traces = LineReader::<Trace>::open(&context.input("ingest", "traces.jsonl"))?;
        let mut labelled = LineWriter::create(&context.staging.join("labelled.jsonl"))?;
        let ingested: Ledger = read_json(&context.input("ingest", "ledger.json"))?;
        let total = usize::try_from(ingested.kept()).unwrap_or(usize::MAX);
        let mut ledger = Ledger::new(context.name);
        let mut bar = context.console.bar(total, "counting thinking tokens");
        let mut num_labelled = 0;
        traces.for_each_chunk(|chunk| {
            context.check_stop()?;
            let texts: Vec<&str> = chunk.iter().map(|trace| trace.thinking.as_str()).collect();
            let counts = encoder.count_batch(&texts)?;
            num_labelled += chunk.len();
            for trace in &chunk {
                let entry = ledger.entry(&trace.file);
                entry.count_read(1);
                entry.keep("labelled");
            }
            let rows = chunk.into_iter().zip(counts);
            let rows = rows.map(|(trace, tokens)| self.label(trace, tokens));
            labelled.write_all(&rows.collect::<Vec<LabelledQuestion>>())?;
            bar.set(num_labelled);
            Ok(())
        })?;
        labelled.finish()?;
        context.book(&ledger)?;
        Ok(Done::Finished)
    }

    fn label(&self, trace: Trace, tokens: usize) -> LabelledQuestion {
        let amount = u32::try_from(tokens).unwrap_or(u32::MAX);
        LabelledQuestion {
            file: trace.file,
            row: trace.row,
            question: trace.question,
            amount,
            class: think_class(amount, self.class_width),
        }
    }
}
