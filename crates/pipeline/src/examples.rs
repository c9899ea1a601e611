//! Examples as token ids, and micro-batches of them as packed rows.

use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_kernels::TokenScores;
use forethought_model::{Decoder, PackedTokens, pack};
use forethought_schema::{Message, PromptCompletion, Role};
use forethought_seed::Seed;
use forethought_tokenize::{Encoded, Encoder, Ending, Fitted, Overflow, Prompt, fit};
use serde::{Deserialize, Serialize};

use crate::PipelineError;

/// The conversation that asks a prompt.
pub(crate) fn conversation(prompt: &str) -> [Message; 1] {
    [Message::new(Role::User, prompt)]
}

/// The ids of each prompt, up to where the model starts to write.
pub(crate) fn encode_prompts(
    encoder: &Encoder,
    examples: &[PromptCompletion],
) -> Result<Vec<Vec<u32>>, PipelineError> {
    let encode = |example: &PromptCompletion| {
        Ok(encoder.encode_prompt(Prompt::Chat(&conversation(&example.prompt)))?)
    };
    examples.iter().map(encode).collect()
}

/// The ids of each example with the mask of its completion; what is too long is handled as `overflow` says.
pub(crate) fn encode_examples(
    encoder: &Encoder,
    examples: &[PromptCompletion],
    max_length: usize,
    overflow: Overflow,
) -> Result<(Vec<Encoded>, Lengths), PipelineError> {
    let mut lengths = Lengths { read: examples.len(), ..Lengths::default() };
    let mut kept = Vec::with_capacity(examples.len());
    for (index, example) in examples.iter().enumerate() {
        let prompt = conversation(&example.prompt);
        let encoded = encoder.encode_prompt_completion(
            Prompt::Chat(&prompt),
            &example.completion,
            Ending::AtEos,
        )?;
        let fitted = fit(encoded, max_length, overflow).map_err(|error| PipelineError::Stage {
            stage: "sft",
            message: format!("example {}: {error}; raise max_length or set on_overflow", index + 1),
        })?;
        kept.extend(lengths.count(fitted, index));
    }
    Ok((kept, lengths))
}

/// What the length limit did to the examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lengths {
    /// Examples there were.
    pub(crate) read: usize,
    /// Examples left out, counted from 1, with the tokens they had.
    pub(crate) dropped: Vec<(usize, usize)>,
    /// Examples cut, counted from 1, with the tokens they lost.
    pub(crate) truncated: Vec<(usize, usize)>,
}

impl Lengths {
    fn count(&mut self, fitted: Fitted, index: usize) -> Option<Encoded> {
        match fitted {
            Fitted::Whole(encoded) => Some(encoded),
            Fitted::Truncated { encoded, cut } => {
                self.truncated.push((index + 1, cut));
                Some(encoded)
            }
            Fitted::Dropped { tokens } => {
                self.dropped.push((index + 1, tokens));
                None
            }
        }
    }
}

/// A packed row of tokens, and which of its rows predict which tokens.
#[derive(Clone, Debug)]
pub(crate) struct ScoredRow {
    tokens: PackedTokens,
    /// For each scored token, the packed row whose hidden state predicts it.
    rows: Vec<i32>,
    /// The scored tokens, sequence after sequence.
    targets: Vec<i32>,
    /// The number of scored tokens of each sequence.
    pub(crate) lengths: Vec<usize>,
}

impl ScoredRow {
    /// Packs sequences whose tokens from `first_scored` on are scored.
    ///
    /// # Panics
    ///
    /// If the first token of a sequence is to be scored: nothing stands before it to predict it.
    pub(crate) fn new(sequences: &[(&[u32], usize)]) -> Self {
        let ids: Vec<&[u32]> = sequences.iter().map(|(ids, _)| *ids).collect();
        let packed = pack(&ids);
        let mut row =
            Self { tokens: packed.tokens, rows: vec![], targets: vec![], lengths: vec![] };
        for ((ids, first_scored), places) in sequences.iter().zip(&packed.rows) {
            assert!(*first_scored > 0, "the first token of a sequence cannot be scored");
            for index in *first_scored..ids.len() {
                row.rows.push(index_of(places[index - 1]));
                row.targets.push(ids[index].cast_signed());
            }
            row.lengths.push(ids.len() - first_scored);
        }
        row
    }

    /// The number of tokens the decoder reads.
    pub(crate) fn num_tokens(&self) -> usize {
        self.tokens.ids.len()
    }

    /// The number of scored tokens.
    pub(crate) fn num_scored(&self) -> usize {
        self.targets.len()
    }

    /// Log-probabilities and entropies of the scored tokens, `[token]`.
    pub(crate) fn scores(
        &self,
        decoder: &Decoder,
        temperature: f64,
        dropout: Option<Seed>,
    ) -> TokenScores {
        let hidden = match dropout {
            Some(seed) => decoder.forward_training(&self.tokens, seed), // [packed token, hidden]
            None => decoder.forward(&self.tokens, None),
        };
        let device = hidden.device();
        let hidden = hidden.select(0, int_tensor(&self.rows, &device)); // [token, hidden]
        decoder.score(hidden, int_tensor(&self.targets, &device), temperature)
    }
}

fn int_tensor(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// Packed rows are far shorter than 2³¹ tokens.
fn index_of(place: usize) -> i32 {
    i32::try_from(place).expect("a packed row has fewer than 2^31 tokens")
}

/// The sequence of an encoded example and where its completion starts.
pub(crate) fn completion_of(encoded: &Encoded) -> (&[u32], usize) {
    (&encoded.ids, encoded.completion_start())
}
