//! How many numbers a model holds, from its configuration alone: nothing is allocated.

use burn::tensor::Device;

use crate::adapter::Weight as _;
use crate::config::DecoderConfig;
use crate::decoder::Decoder;
use crate::lora::{LoraConfig, LoraError};
use crate::parameters::file_shapes;

/// Numbers of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// All parameters, without an adapter.
    pub parameters: u64,
    /// The weights of linear layers inside the decoder layers, which a base in few bits shrinks.
    pub projections: u64,
    /// The weight of the head, which may be the embedding: the largest tensor of most models.
    pub head: u64,
    /// What an adapter adds, and what is trained whole beside it; 0 without one.
    pub adapter: u64,
    /// Numbers of one token that the backward pass of an adapter needs, beside the inputs of layers that every backward
    /// pass needs: their products with the first factor, with `DoRA` what is scaled, with dropout each layer's mask and what
    /// it leaves.
    pub adapter_states: u64,
}

impl Footprint {
    /// The numbers of a decoder, with an adapter where one is configured.
    ///
    /// # Errors
    ///
    /// If the adapter does not fit the decoder.
    pub fn of(
        config: &DecoderConfig,
        lora: Option<&LoraConfig>,
        device: &Device,
    ) -> Result<Self, LoraError> {
        let decoder = Decoder::unfilled(config, device);
        let count = |shape: &[usize]| shape.iter().map(|width| *width as u64).product::<u64>();
        let shapes = file_shapes(&decoder);
        let parameters = shapes.iter().map(|(_, shape)| count(shape)).sum();
        let dims = decoder.projections().map(|(_, linear)| linear.dims());
        let projections = dims.map(|dims| count(&dims)).sum();
        let (mut adapter, mut adapter_states) = (0, 0);
        if let Some(lora) = lora {
            let selection = decoder.select(lora)?;
            let saved = shapes.iter().filter(|(name, _)| selection.saves(name));
            adapter += saved.map(|(_, shape)| count(shape)).sum::<u64>();
            let layers = decoder.linear_layers();
            for (_, dims) in layers.filter(|(name, _)| selection.adapted.contains(name)) {
                adapter += factors(lora, dims) as u64;
                adapter_states += states(lora, dims) as u64;
            }
        }
        let head = (config.vocab_size * config.hidden_size) as u64;
        Ok(Self { parameters, projections, head, adapter, adapter_states })
    }
}

/// Numbers of the adapter of a layer, `[in, out]`.
fn factors(lora: &LoraConfig, [inputs, outputs]: [usize; 2]) -> usize {
    let magnitudes = if lora.use_dora { outputs } else { 0 };
    lora.rank * (inputs + outputs) + magnitudes
}

/// What its backward pass needs of one token.
fn states(lora: &LoraConfig, [inputs, outputs]: [usize; 2]) -> usize {
    let scaled = if lora.use_dora { outputs } else { 0 };
    let dropped = if 0.0 < lora.dropout { 2 * inputs } else { 0 };
    lora.rank + scaled + dropped
}

#[cfg(test)]
mod tests {
    use burn::module::Module as _;
    use forethought_seed::Seed;

    use super::*;

    #[test]
    fn the_numbers_are_those_of_a_decoder_that_is_made() {
        let config: DecoderConfig = serde_json::from_value(serde_json::json!({
            "vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true,
        }))
        .expect("a configuration");
        let device = Device::flex();
        let lora = LoraConfig { rank: 3, ..LoraConfig::default() };
        let found = Footprint::of(&config, Some(&lora), &device).expect("it fits");
        let decoder = Decoder::init(&config, Seed::new(1), &device);
        assert_eq!(found.parameters, decoder.num_params() as u64);
        let adapted = decoder.with_lora(&lora, Seed::new(1), &device).expect("it fits");
        assert_eq!(found.adapter, adapted.num_params() as u64 - found.parameters);
        // q and o: 16 × 16, k and v: 16 × 8, three of 16 × 24; two layers.
        assert_eq!(found.projections, 2 * (2 * 256 + 2 * 128 + 3 * 384));
        assert_eq!(found.head, 32 * 16);
        // Seven layers of rank 3 in each of two.
        assert_eq!(found.adapter_states, 2 * 7 * 3);
        let wet = LoraConfig { dropout: 0.1, ..lora };
        let wet = Footprint::of(&config, Some(&wet), &device).expect("it fits");
        assert_eq!(wet.adapter_states, 2 * (7 * 3 + 2 * (6 * 16 + 24)));
        let none = Footprint::of(&config, None, &device).expect("it fits");
        assert_eq!((none.adapter, none.adapter_states), (0, 0));
    }
}
