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

#[cfg(test)]
mod tests {
    use forethought_model::DecoderConfig;
    use forethought_tokenize::{BpeConfig, train_bpe};

    use super::*;

    /// Both start with 5 6; then one answers 7 8, the other asks 9 and answers 7.
    const SEQUENCES: [(&[u32], usize); 2] = [(&[5, 6, 9, 7], 3), (&[5, 6, 7, 8], 2)];

    #[test]
    fn each_scored_token_is_predicted_by_the_row_before_it_in_its_own_sequence() {
        let row = ScoredRow::new(&SEQUENCES);
        // The packed row is sorted, with the common beginning once: 5 6 | 7 8 | 9 7.
        assert_eq!(row.tokens.ids, [5, 6, 7, 8, 9, 7]);
        assert_eq!(row.tokens.positions, [0, 1, 2, 3, 2, 3]);
        // 7 after 9 (row 4); then 7 after the shared 6 (row 1), and 8 after that 7 (row 2).
        assert_eq!(row.rows, [4, 1, 2]);
        assert_eq!(row.targets, [7, 7, 8]);
        assert_eq!(row.lengths, [1, 2]);
        assert_eq!((row.num_tokens(), row.num_scored()), (6, 3));
    }

    #[test]
    fn a_packed_row_has_the_scores_of_its_sequences_one_by_one() {
        let config = DecoderConfig {
            vocab_size: 12,
            hidden_size: 8,
            intermediate_size: 16,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            initializer_range: 0.5,
            ..DecoderConfig::default()
        };
        let decoder = Decoder::init(&config, Seed::new(4), &Device::flex());
        let log_probs = |sequences: &[(&[u32], usize)]| -> Vec<f32> {
            let scores = ScoredRow::new(sequences).scores(&decoder, 0.7, None);
            scores.log_probs.into_data().iter::<f32>().collect()
        };
        let packed = log_probs(&SEQUENCES);
        let alone = [log_probs(&SEQUENCES[..1]), log_probs(&SEQUENCES[1..])].concat();
        assert_eq!(packed.len(), 3);
        for (packed, alone) in packed.iter().zip(&alone) {
            assert!((packed - alone).abs() < 1e-5, "{packed} and {alone}");
        }
        assert!((packed[0] - packed[1]).abs() > 1e-3, "7 after 9 is not 7 after 6");
    }

    #[test]
    #[should_panic(expected = "the first token of a sequence cannot be scored")]
    fn the_first_token_has_nothing_that_predicts_it() {
        let _ = ScoredRow::new(&[(&[5, 6], 0)]);
    }

    #[test]
    fn examples_are_scored_from_their_answer_to_its_end_and_long_ones_are_counted() {
        let texts = ["How long? 12", "How long will it take? 3"];
        let encoder = train_bpe(&texts, &BpeConfig::new(280)).expect("a tokenizer");
        let example = |prompt: &str, completion: &str| PromptCompletion {
            prompt: prompt.to_owned(),
            completion: completion.to_owned(),
        };
        let examples = [example("How long?", "12"), example(&"How long? ".repeat(20), "3")];
        let (encoded, lengths) =
            encode_examples(&encoder, &examples, 60, Overflow::Drop).expect("valid examples");
        assert_eq!((lengths.read, encoded.len()), (2, 1));
        assert_eq!(lengths.dropped.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
        let (ids, first) = completion_of(&encoded[0]);
        let text = encoder.decode_with_specials(&ids[first..]).expect("known ids");
        assert_eq!(text, "12<|im_end|>");
        let prompts = encode_prompts(&encoder, &examples).expect("valid prompts");
        assert_eq!(prompts[0], ids[..first], "training reads what sampling is asked");
    }
}
