//! The models that are measured, and the lengths of their steps.

use std::error::Error;

use burn::tensor::Device;
use clap::ValueEnum;
use forethought_model::{Decoder, DecoderConfig};
use forethought_seed::Seed;

/// Sizes of a model with random weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// SmolLM2-135M: 30 layers, 576 wide, vocabulary of 49,152.
    Smollm2,
    /// 8 layers, 512 wide, vocabulary of 8,192.
    Mid,
    /// 4 layers, 128 wide, vocabulary of 4,096.
    Tiny,
}

impl Shape {
    /// Random weights.
    pub(crate) fn decoder(self, device: &Device) -> Result<Decoder, Box<dyn Error>> {
        let config = self.config();
        config.validate()?;
        Ok(Decoder::init(&config, Seed::new(1), device))
    }

    fn config(self) -> DecoderConfig {
        let [vocab_size, hidden_size, intermediate_size, num_hidden_layers, heads, kv_heads] =
            match self {
                Self::Smollm2 => [49_152, 576, 1536, 30, 9, 3],
                Self::Mid => [8192, 512, 1536, 8, 8, 4],
                Self::Tiny => [4096, 128, 512, 4, 4, 2],
            };
        DecoderConfig {
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads: heads,
            num_key_value_heads: kv_heads,
            tie_word_embeddings: true,
            ..DecoderConfig::default()
        }
    }
}
