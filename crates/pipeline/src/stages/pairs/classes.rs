//! Pairs of a true class and a wrong one.

use forethought_dataset::Ledger;
use forethought_preference::{PairingRule, pairs_of_class};
use forethought_schema::{LabelledQuestion, PreferencePair, PromptCompletion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PairWriter;
use crate::PipelineError;
use crate::artifact::LineReader;
use crate::config::Problem;
use crate::stages::Context;
use crate::training::problem;

/// Pairs of the true class of each question and a wrong one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassSource {
    /// How the wrong class is drawn. Default: lower or higher by 3 to 10.
    #[serde(default)]
    pub rule: PairingRule,
    /// Pairs of each question, at least 1. Default 1.
    #[serde(default = "default_pairs")]
    pub num_per_prompt: usize,
}

fn default_pairs() -> usize {
    1
}

impl ClassSource {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let zero = (self.num_per_prompt == 0)
            .then(|| ("source.classes.num_per_prompt".into(), "must be at least 1, got 0".into()));
        let rule = self.rule.check().err();
        let rule = rule.map(|error| {
            let kind = match self.rule {
                PairingRule::Lower(_) => "lower",
                PairingRule::Symmetric(_) => "symmetric",
            };
            problem(&format!("source.classes.rule.{kind}"), &error.to_string())
        });
        zero.into_iter().chain(rule).collect()
    }

    /// Writes the pairs, of the texts one line in memory at a time.
    pub(super) fn write(
        &self,
        context: &Context<'_>,
    ) -> Result<(usize, Vec<String>, Ledger), PipelineError> {
        let mut writer = PairWriter::create(context)?;
        self.side(context, "train", &mut writer, PairWriter::train)?;
        self.side(context, "validation", &mut writer, PairWriter::validation)?;
        writer.finish()
    }

    /// The pairs of one side of the split.
    fn side(
        &self,
        context: &Context<'_>,
        split: &str,
        writer: &mut PairWriter,
        write: impl Fn(&mut PairWriter, &PreferencePair) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        let file = format!("{split}.jsonl");
        let examples = LineReader::<PromptCompletion>::open(&context.input("convert", &file))?;
        let labelled = LineReader::<LabelledQuestion>::open(&context.split(&file))?;
        let seed = context.seed.derive(split);
        for (index, (example, labelled)) in examples.zip(labelled).enumerate() {
            let example = (index, example?.prompt, labelled?.class);
            let pairs = pairs_of_class(&example, &self.rule, self.num_per_prompt, seed);
            let entry = writer.ledger.entry(&file);
            entry.count_read(1);
            if pairs.len() < self.num_per_prompt {
                entry.drop_row(index as u64 + 1, "no_wrong_class");
            } else {
                entry.keep(split);
            }
            pairs.iter().try_for_each(|pair| write(writer, pair))?;
        }
        Ok(())
    }
}
