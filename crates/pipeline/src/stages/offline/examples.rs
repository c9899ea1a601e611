//! What a method learns from, once it is tokens.

use forethought_dataset::Ledger;
use forethought_model::Decoder;
use forethought_objective::PairLengths;
use forethought_schema::{Example, PreferencePair, Prompt, Record};
use forethought_tokenize::{Encoded, Encoder, Overflow};
use forethought_train::BatchError;
use serde::Deserialize;

use crate::PipelineError;
use crate::artifact::LineReader;
use crate::examples::{Lengths, Limit, completion_of};
use crate::learner::Task;
use crate::stages::Context;
use crate::training::require_any;

/// How examples are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) encoder: &'a Encoder,
    /// The model that training starts from, on an autodiff device.
    pub(crate) start: &'a Decoder,
    /// The stage whose examples are read.
    pub(crate) data: &'a str,
    pub(crate) max_length: usize,
    pub(crate) on_overflow: Overflow,
    /// Examples of one micro-batch.
    pub(crate) batch_size: usize,
}

impl<'a> Reading<'a> {
    /// An error of the stage.
    pub(crate) fn failed(&self, message: impl std::fmt::Display) -> PipelineError {
        PipelineError::stage(self.context.name, message)
    }

    /// The file of the examples, from the folder of the artifacts.
    pub(crate) fn file(&self) -> String {
        format!("{}/train.jsonl", self.data)
    }

    /// Refuses a training that no example is left for.
    pub(crate) fn require_any(&self, ledger: &Ledger) -> Result<(), PipelineError> {
        require_any(self.context.name, ledger, ("max_length", self.max_length))
    }

    /// How long examples may be.
    pub(crate) fn limit(&self) -> Limit<'a> {
        let (encoder, max_length, overflow) = (self.encoder, self.max_length, self.on_overflow);
        Limit { encoder, max_length, overflow }
    }
}

/// A pair as ids.
#[derive(Clone, Debug)]
pub(crate) struct EncodedPair {
    pub(crate) chosen: Encoded,
    pub(crate) rejected: Encoded,
    margin: Option<f64>,
}

impl EncodedPair {
    /// Both sequences, and where the completion of each starts.
    pub(crate) fn sides(&self) -> [(&[u32], usize); 2] {
        [completion_of(&self.chosen), completion_of(&self.rejected)]
    }

    /// The prompt, as it stands before the chosen completion.
    pub(crate) fn prompt(&self) -> &[u32] {
        &self.chosen.ids[..self.chosen.completion_start()]
    }

    /// By how much the score of the chosen one should be higher, where that is known.
    #[expect(clippy::cast_possible_truncation, reason = "margins are small numbers")]
    pub(crate) fn margin(&self) -> Option<f32> {
        self.margin.map(|margin| margin as f32)
    }

    pub(crate) fn lengths(&self) -> PairLengths {
        let tokens = |one: &Encoded| one.ids.len() - one.completion_start();
        PairLengths { chosen: tokens(&self.chosen), rejected: tokens(&self.rejected) }
    }
}

/// The pairs of a stage as ids; what is too long is handled as the limit says, and counted in `ledger.json`. A pair of which
/// one side is left out is left out. Of the texts, those of one pair are in memory at a time.
pub(crate) fn read_pairs(reading: &Reading<'_>) -> Result<Vec<EncodedPair>, PipelineError> {
    let context = reading.context;
    let pairs = LineReader::<PreferencePair>::open(&context.input(reading.data, "train.jsonl"))?;
    let mut lengths = Lengths::new(context.name, &reading.file());
    let mut kept = Vec::new();
    let mut bar = context.console.count("pairs into tokens");
    for (index, pair) in pairs.enumerate() {
        let pair = pair?;
        let side = |completion: &str| {
            reading.limit().encode(&pair.prompt, completion).map_err(|message| {
                PipelineError::stage(context.name, format!("pair {}: {message}", index + 1))
            })
        };
        let sides = (side(&pair.chosen)?, side(&pair.rejected)?);
        if let Some((chosen, rejected)) = lengths.count_pair(sides, index) {
            kept.push(EncodedPair { chosen, rejected, margin: pair.margin });
        }
        bar.set(index + 1);
    }
    reading.require_any(&lengths.ledger)?;
    context.book(&lengths.ledger)?;
    Ok(kept)
}

/// A line of labelled completions: a pair, which holds two, or an example that is one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum LabelledLine {
    Pair(PreferencePair),
    Example(Example),
}

/// Completions as ids, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct LabelledCompletions {
    /// Each with whether it is desirable.
    pub(crate) list: Vec<(Encoded, bool)>,
    /// The record that each is of, counted from 0 among those that were kept: a pair has two.
    pub(crate) records: Vec<usize>,
}

impl LabelledCompletions {
    fn push(&mut self, record: impl IntoIterator<Item = (Encoded, bool)>) {
        let number = self.records.last().map_or(0, |last| last + 1);
        self.list.extend(record);
        self.records.resize(self.list.len(), number);
    }
}

/// Labelled completions as ids; pairs are taken apart. Length limits hold as in [`read_pairs`], and of the texts, those of
/// one line are in memory at a time.
pub(crate) fn read_labelled(reading: &Reading<'_>) -> Result<LabelledCompletions, PipelineError> {
    let context = reading.context;
    let lines = LineReader::<LabelledLine>::open(&context.input(reading.data, "train.jsonl"))?;
    let mut lengths = Lengths::new(context.name, &reading.file());
    let mut completions = LabelledCompletions::default();
    let mut bar = context.console.count("completions into tokens");
    for (index, line) in lines.enumerate() {
        encode_labelled(reading, (index, line?), &mut lengths, &mut completions)?;
        bar.set(index + 1);
    }
    reading.require_any(&lengths.ledger)?;
    context.book(&lengths.ledger)?;
    Ok(completions)
}

fn encode_labelled(
    reading: &Reading<'_>,
    (index, line): (usize, LabelledLine),
    lengths: &mut Lengths,
    completions: &mut LabelledCompletions,
) -> Result<(), PipelineError> {
    let number = index + 1;
    let encode = |prompt: &Prompt, completion: &str| {
        let fitted = reading.limit().encode(prompt, completion);
        fitted.map_err(|message| reading.failed(format!("example {number}: {message}")))
    };
    match line {
        LabelledLine::Pair(pair)
        | LabelledLine::Example(Example { record: Record::Preference(pair), .. }) => {
            let sides =
                (encode(&pair.prompt, &pair.chosen)?, encode(&pair.prompt, &pair.rejected)?);
            if let Some((chosen, rejected)) = lengths.count_pair(sides, index) {
                completions.push([(chosen, true), (rejected, false)]);
            }
        }
        LabelledLine::Example(Example { record: Record::Unpaired(one), .. }) => {
            let fitted = encode(&one.prompt, &one.completion)?;
            if let Some(encoded) = lengths.count(fitted, index) {
                completions.push([(encoded, one.label)]);
            }
        }
        LabelledLine::Example(Example { record, .. }) => {
            let kind = record.kind().as_str();
            let message = format!("example {number} is a {kind}, which has no label");
            return Err(reading.failed(message));
        }
    }
    Ok(())
}

/// Examples as a method sees them.
pub(crate) trait Examples: Send {
    /// How many there are.
    fn len(&self) -> usize;

    /// The micro-batches of one optimiser step.
    fn step(&mut self, micro_batches: &[&[usize]]) -> Vec<Task>;

    /// The record that an example was made of, counted from 0 among those that were kept.
    fn record(&self, index: usize) -> usize {
        index
    }

    /// The tokens of an example: one sequence, or both sides.
    fn sequences(&self, index: usize) -> Vec<&[u32]>;

    /// What the steps so far left behind and later ones depend on.
    fn state(&self) -> Option<String> {
        None
    }

    /// Takes back what [`Examples::state`] gave.
    fn restore(&mut self, _state: &str) -> Result<(), BatchError> {
        Err("these examples keep no state".into())
    }
}

#[cfg(test)]
mod tests {
    use forethought_tokenize::Boundary;

    use super::*;

    #[test]
    fn completions_know_their_record_where_pairs_stand_among_single_ones() {
        let boundary = Boundary::Clean;
        let one = || Encoded { ids: vec![1, 2], completion_mask: vec![false, true], boundary };
        let mut completions = LabelledCompletions::default();
        completions.push([(one(), true), (one(), false)]);
        completions.push([(one(), false)]);
        completions.push([(one(), true), (one(), false)]);
        assert_eq!(completions.records, [0, 0, 1, 2, 2]);
        let labels: Vec<bool> = completions.list.iter().map(|(_, label)| *label).collect();
        assert_eq!(labels, [true, false, false, true, false]);
    }
}
