//! What a method learns from, once it is tokens.

use forethought_dataset::Ledger;
use forethought_model::Decoder;
use forethought_objective::PairLengths;
use forethought_preference::unpair;
use forethought_schema::{Example, PreferencePair, Record, UnpairedPreference};
use forethought_tokenize::{Encoded, Encoder, Overflow};
use forethought_train::BatchError;
use serde::Deserialize;

use crate::PipelineError;
use crate::artifact::{LineReader, read_lines};
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
/// one side is left out is left out.
pub(crate) fn read_pairs(reading: &Reading<'_>) -> Result<Vec<EncodedPair>, PipelineError> {
    let path = reading.context.input(reading.data, "train.jsonl");
    encode_pairs(reading, LineReader::<PreferencePair>::open(&path)?)
}

/// Of the texts, those of one pair are in memory at a time.
fn encode_pairs(
    reading: &Reading<'_>,
    pairs: impl Iterator<Item = Result<PreferencePair, PipelineError>>,
) -> Result<Vec<EncodedPair>, PipelineError> {
    let context = reading.context;
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

/// Completions as ids.
pub(crate) struct LabelledCompletions {
    /// Each with whether it is desirable.
    pub(crate) list: Vec<(Encoded, bool)>,
    /// How many of them, one after the other, each record of the file has become.
    pub(crate) per_record: usize,
}

/// Labelled completions as ids; pairs are taken apart. Length limits hold as in [`read_pairs`].
pub(crate) fn read_labelled(reading: &Reading<'_>) -> Result<LabelledCompletions, PipelineError> {
    let context = reading.context;
    let lines: Vec<LabelledLine> = read_lines(&context.input(reading.data, "train.jsonl"))?;
    let (mut pairs, mut single) = (Vec::new(), Vec::new());
    for (index, line) in lines.into_iter().enumerate() {
        match line {
            LabelledLine::Pair(pair) => pairs.push(pair),
            LabelledLine::Example(Example { record: Record::Preference(pair), .. }) => {
                pairs.push(pair);
            }
            LabelledLine::Example(Example { record: Record::Unpaired(one), .. }) => {
                single.push(one);
            }
            LabelledLine::Example(Example { record, .. }) => {
                let (number, kind) = (index + 1, record.kind().as_str());
                let message = format!("example {number} is a {kind}, which has no label");
                return Err(reading.failed(message));
            }
        }
    }
    if single.is_empty() {
        let apart = encode_pairs(reading, pairs.into_iter().map(Ok))?.into_iter();
        let list = apart.flat_map(|pair| [(pair.chosen, true), (pair.rejected, false)]);
        return Ok(LabelledCompletions { list: list.collect(), per_record: 2 });
    }
    single.extend(unpair(&pairs));
    let list = encode_labelled(reading, &single)?;
    Ok(LabelledCompletions { list, per_record: 1 })
}

fn encode_labelled(
    reading: &Reading<'_>,
    completions: &[UnpairedPreference],
) -> Result<Vec<(Encoded, bool)>, PipelineError> {
    let mut lengths = Lengths::new(reading.context.name, &reading.file());
    let mut kept = Vec::with_capacity(completions.len());
    for (index, one) in completions.iter().enumerate() {
        let fitted = reading.limit().encode(&one.prompt, &one.completion);
        let fitted = fitted
            .map_err(|message| reading.failed(format!("completion {}: {message}", index + 1)))?;
        kept.extend(lengths.count(fitted, index).map(|encoded| (encoded, one.label)));
    }
    reading.require_any(&lengths.ledger)?;
    reading.context.book(&lengths.ledger)?;
    Ok(kept)
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
