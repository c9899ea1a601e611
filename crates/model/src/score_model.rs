//! A decoder with one number on top of each hidden state: reward models and value functions.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_seed::Seed;
use serde_json::json;

use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::init::initial_values;
use crate::lora::{LoraConfig, LoraError};
use crate::packing::{Packed, PackedTokens};
use crate::peft_config::{AdapterTask, without_heads};

/// Name of the head in a file.
pub(crate) const SCORE: &str = "score.weight";

/// Key of `config.json`.
const PAD_TOKEN_ID: &str = "pad_token_id";

/// A decoder whose hidden states become one number each: transformers' `ForSequenceClassification` with one label.
///
/// The number after the last token of a sequence is its reward; the numbers after all tokens are the values of a critic.
/// The decoder has no next-token head. An adapter of the decoder leaves the score head trained, as PEFT's
/// `modules_to_save: [score]` does.
#[derive(Module, Debug)]
pub struct ScoreModel {
    decoder: Decoder,
    score: ScoreHead,
}

/// `value = w · hidden`, without a bias.
#[derive(Module, Debug)]
struct ScoreHead {
    /// `[1, hidden]`
    weight: Param<Tensor<2>>,
}

impl ScoreModel {
    /// The decoder with a fresh score head, normal with standard deviation `initializer_range` (transformers'), instead
    /// of its next-token head.
    #[must_use]
    pub fn from_decoder(decoder: Decoder, seed: Seed) -> Self {
        let config = decoder.config();
        let (width, device) = (config.hidden_size, decoder.device());
        let values = initial_values(SCORE, &[1, width], config.initializer_range, seed);
        Self::new(decoder, values, &device)
    }

    /// The decoder with a score head of these `hidden_size` weights.
    ///
    /// # Panics
    ///
    /// If there are more or fewer weights.
    pub(crate) fn new(decoder: Decoder, weights: Vec<f32>, device: &Device) -> Self {
        let width = decoder.config().hidden_size;
        assert_eq!(weights.len(), width, "number of weights of the score head");
        let weight = Param::from_data(TensorData::new(weights, [1, width]), device);
        Self { decoder: decoder.without_head(), score: ScoreHead { weight } }
    }

    /// The model with other weights of its head.
    pub(crate) fn with_head(self, weights: Vec<f32>, device: &Device) -> Self {
        Self::new(self.decoder, weights, device)
    }

    /// The decoder below the score head. It has lost the next-token head, if it had one of its own.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The architecture.
    #[must_use]
    pub fn config(&self) -> &DecoderConfig {
        self.decoder.config()
    }

    /// The adapter's configuration, if the decoder has an adapter.
    #[must_use]
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.decoder.lora()
    }

    /// Where the parameters are.
    #[must_use]
    pub fn device(&self) -> Device {
        self.decoder.device()
    }

    /// The id of the padding token, which is no part of a sequence; without one, batches cannot be scored by
    /// transformers.
    #[must_use]
    pub fn pad_token_id(&self) -> Option<u32> {
        let id = self.config().other.get(PAD_TOKEN_ID)?.as_u64()?;
        u32::try_from(id).ok()
    }

    /// The model with another padding token, which is written to `config.json`.
    #[must_use]
    pub fn with_pad_token_id(self, id: u32) -> Self {
        self.map_decoder(|mut decoder| {
            decoder.config_mut().other.insert(PAD_TOKEN_ID.to_owned(), json!(id));
            decoder
        })
    }

    /// The model with fresh adapters in its decoder: they and the score head are trained from here on.
    ///
    /// # Errors
    ///
    /// As [`Decoder::with_lora`].
    pub fn with_lora(
        self,
        config: &LoraConfig,
        seed: Seed,
        device: &Device,
    ) -> Result<Self, LoraError> {
        let Self { decoder, score } = self;
        let names =
            without_heads(config.modules_to_save.clone(), AdapterTask::SequenceClassification);
        let config = LoraConfig { modules_to_save: names, ..config.clone() };
        Ok(Self { decoder: decoder.with_lora(&config, seed, device)?, score })
    }

    /// Folds the adapter of the decoder into its weights. All parameters are trained again.
    #[must_use]
    pub fn merge(self) -> Self {
        self.map_decoder(Decoder::merge)
    }

    /// The model with another decoder below the same head.
    #[must_use]
    pub fn map_decoder(self, map: impl FnOnce(Decoder) -> Decoder) -> Self {
        let Self { decoder, score } = self;
        Self { decoder: map(decoder), score }
    }

    /// One number for each token of the row, `[token]`: what a critic expects after it. With a seed, the adapter drops
    /// inputs as in [`Decoder::forward_training`].
    ///
    /// # Panics
    ///
    /// As [`Decoder::forward`].
    #[must_use]
    pub fn values(&self, tokens: &PackedTokens, dropout: Option<Seed>) -> Tensor<1> {
        self.project(self.hidden(tokens, dropout))
    }

    /// One number for each sequence, `[sequence]`: the number after its last token that is not the padding token, as in
    /// transformers.
    ///
    /// # Panics
    ///
    /// If a sequence is empty; else as [`Decoder::forward`].
    #[must_use]
    pub fn score_sequences(&self, packed: &Packed, dropout: Option<Seed>) -> Tensor<1> {
        let last: Vec<i64> =
            packed.rows.iter().map(|row| index(self.last_token(row, &packed.tokens.ids))).collect();
        let count = last.len();
        let last =
            Tensor::<1, Int>::from_data(TensorData::new(last, [count]), &self.decoder.device());
        self.project(self.hidden(&packed.tokens, dropout).select(0, last))
    }

    fn hidden(&self, tokens: &PackedTokens, dropout: Option<Seed>) -> Tensor<2> {
        match dropout {
            None => self.decoder.forward(tokens, None),
            Some(seed) => self.decoder.forward_training(tokens, seed),
        }
    }

    /// One number for each hidden state: `[n, hidden]` to `[n]`.
    #[must_use]
    pub fn project(&self, hidden: Tensor<2>) -> Tensor<1> {
        let [count, _] = hidden.dims();
        hidden.matmul(self.score.weight.val().transpose()).reshape([count])
    }

    /// Where the last token of a sequence stands that is not padding. Where all of them are padding it is the first, as
    /// in transformers.
    fn last_token(&self, row: &[usize], ids: &[u32]) -> usize {
        let [first, ..] = row else { panic!("an empty sequence has no score") };
        let pad = self.pad_token_id();
        row.iter().rev().find(|token| Some(ids[**token]) != pad).copied().unwrap_or(*first)
    }

    /// The weights of the head, `[1, hidden]`.
    pub(crate) fn head(&self) -> Tensor<2> {
        self.score.weight.val()
    }
}

/// # Panics
///
/// If a row has more than 2^63 tokens.
fn index(token: usize) -> i64 {
    i64::try_from(token).unwrap_or_else(|_| panic!("token {token} does not fit 64 bits"))
}
