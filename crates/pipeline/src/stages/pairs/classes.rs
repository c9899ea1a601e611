//! Pairs of a true class and a wrong one.

use forethought_dataset::Ledger;
use forethought_preference::{PairingRule, class_pairs};
use forethought_schema::{LabelledQuestion, PreferencePair, Prompt, PromptCompletion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Made;
use crate::PipelineError;
use crate::artifact::read_lines;
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

    pub(super) fn make(&self, context: &Context<'_>) -> Result<Made, PipelineError> {
        let mut ledger = Ledger::new(context.name);
        let train = self.side(context, "train", &mut ledger)?;
        let validation = self.side(context, "validation", &mut ledger)?;
        Ok(Made { train, validation, ledger, ..Made::new(context.name) })
    }

    /// The pairs of one side of the split.
    fn side(
        &self,
        context: &Context<'_>,
        split: &str,
        ledger: &mut Ledger,
    ) -> Result<Vec<PreferencePair>, PipelineError> {
        let file = format!("{split}.jsonl");
        let examples: Vec<PromptCompletion> = read_lines(&context.input("convert", &file))?;
        let labelled: Vec<LabelledQuestion> = read_lines(&context.split(&file))?;
        let classes = examples.into_iter().zip(&labelled);
        let classes: Vec<(Prompt, u32)> =
            classes.map(|(example, one)| (example.prompt, one.class)).collect();
        let made =
            class_pairs(&classes, &self.rule, self.num_per_prompt, context.seed.derive(split));
        let entry = ledger.entry(&file);
        entry.count_read(classes.len() as u64);
        let num_kept = classes.len() - made.skipped.len();
        (0..num_kept).for_each(|_| entry.keep(split));
        made.skipped.iter().for_each(|index| entry.drop_row(*index as u64 + 1, "no_wrong_class"));
        Ok(made.pairs)
    }
}
