//! The decoder: embedding, layers, final normalisation, head.

use burn::module::Module;
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use forethought_kernels::TokenScores;
use forethought_seed::Seed;

use crate::adapter::{Adapter, Weight as _};
use crate::cache::{KvCache, Slots};
use crate::config::DecoderConfig;
use crate::init::initial_values;
use crate::layer::{Kept, Layer, Norm, Pass};
use crate::linear::Linear;
use crate::lora::LoraConfig;
use crate::packing::PackedTokens;
use crate::parameters::{cast, fill};
use crate::rotary::Rotary;
use crate::rows::Rows;

/// The path of the head.
pub(crate) const HEAD: &str = "lm_head";

/// A decoder: RMSNorm, rotate-half rotary embedding, grouped-query attention, `SwiGLU`, and a head of its own or tied
/// to the embedding. In what else [families](crate::Family) differ, their documentation says.
///
/// The names of its parameters in the module tree are their names in Hugging Face's files.
#[derive(Module, Debug)]
pub struct Decoder {
    model: Body,
    lm_head: Option<Rows>,
    #[module(skip)]
    config: DecoderConfig,
    #[module(skip)]
    lora: Option<LoraConfig>,
}

#[derive(Module, Debug)]
struct Body {
    embed_tokens: Rows,
    layers: Vec<Layer>,
    norm: Norm,
}

impl Decoder {
    /// A fresh decoder. Linear and embedding weights are normal with standard deviation `initializer_range`, biases 0,
    /// scales 1. The values of a parameter depend on the seed and its name, not on the other parameters.
    ///
    /// # Panics
    ///
    /// If [`DecoderConfig::validate`] finds the configuration wrong.
    #[must_use]
    pub fn init(config: &DecoderConfig, seed: Seed, device: &Device) -> Self {
        if let Err(error) = config.validate() {
            panic!("{error}");
        }
        let deviation = config.initializer_range;
        fill(Self::unfilled(config, device), device, |name, shape| {
            initial_values(name, shape, deviation, seed)
        })
    }

    /// A decoder of the right shape whose values are to be filled in.
    pub(crate) fn unfilled(config: &DecoderConfig, device: &Device) -> Self {
        let rows = || Rows::unfilled(config.vocab_size, config.hidden_size, device);
        let layer = |_| Layer::unfilled(config, device);
        Self {
            model: Body {
                embed_tokens: rows(),
                layers: (0..config.num_hidden_layers).map(layer).collect(),
                norm: Norm::unfilled(config.hidden_size, device),
            },
            lm_head: (!config.tie_word_embeddings).then(rows),
            config: config.clone(),
            lora: None,
        }
    }

    /// The architecture.
    #[must_use]
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The adapter's configuration, if the decoder has an adapter.
    #[must_use]
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }

    /// Where the parameters are.
    #[must_use]
    pub fn device(&self) -> Device {
        self.model.embed_tokens.weight.lazy_device()
    }

    /// The decoder with its weights stored, and its states computed, in another precision. Adapters stay in single
    /// precision; sums, roots and probabilities are computed in it anyway. Weights in half precision are for a frozen base
    /// or for sampling: an optimiser's steps are often smaller than they tell.
    #[must_use]
    pub fn cast(self, precision: FloatDType) -> Self {
        cast(self, precision)
    }

    /// A cache of `num_slots` tokens for this decoder.
    #[must_use]
    pub fn cache(&self, num_slots: usize) -> KvCache {
        let precision = self.head().dtype().into();
        KvCache::new(&self.config, num_slots, precision, &self.device())
    }

    /// Hidden states after the final normalisation, `[token, hidden]`.
    ///
    /// With a cache, keys and values of the tokens go into the slots of the plan, and its key ranges name slots.
    ///
    /// # Panics
    ///
    /// If a token id is not below the vocabulary size, if ids, positions and plan differ in length, or if the plan has
    /// another number of keys than the cache has slots (without a cache: than there are tokens).
    #[must_use]
    pub fn forward(&self, tokens: &PackedTokens, cache: Option<&mut KvCache>) -> Tensor<2> {
        self.run(tokens, None, cache, &mut |_| {})
    }

    /// Like [`Self::forward`] without a cache, and the adapter drops inputs at its rate, as drawn from the seed. Use
    /// another seed in every step.
    ///
    /// # Panics
    ///
    /// As [`Self::forward`].
    #[must_use]
    pub fn forward_training(&self, tokens: &PackedTokens, dropout: Seed) -> Tensor<2> {
        self.run(tokens, Some(dropout), None, &mut |_| {})
    }

    /// The rows `rows` of [`Self::forward`] without a cache, or of [`Self::forward_training`] with a seed:
    /// `[row, hidden]`. The last layer computes nothing but their keys and values for the other tokens.
    ///
    /// # Panics
    ///
    /// As [`Self::forward`], and if the rows do not increase or one is not there.
    #[must_use]
    pub fn forward_rows(
        &self,
        tokens: &PackedTokens,
        rows: &[usize],
        dropout: Option<Seed>,
    ) -> Tensor<2> {
        self.check(tokens, None);
        let device = self.device();
        let pass = self.pass(tokens, dropout, None, &device);
        let positions: Vec<u32> = rows.iter().map(|row| tokens.positions[*row]).collect();
        let kept = Kept {
            rows: indices(rows.iter().map(|row| i64::try_from(*row).unwrap_or(i64::MAX)), &device),
            plan: tokens.plan.narrowed(rows),
            rotary: Rotary::new(&positions, &self.config, &device),
        };
        let mut x = self.embed(&tokens.ids, &device); // [token, hidden]
        for (index, layer) in self.model.layers.iter().enumerate() {
            x = if index + 1 == self.model.layers.len() {
                layer.forward_kept(x, index, &pass, &kept) // [row, hidden]
            } else {
                layer.forward(x, index, &pass, None) // [token, hidden]
            };
        }
        self.model.norm.forward(x, pass.epsilon)
    }

    /// The input of every layer and the output of the final normalisation, `[token, hidden]` each: what transformers
    /// calls `hidden_states`.
    ///
    /// # Panics
    ///
    /// As [`Self::forward`].
    #[must_use]
    pub fn hidden_states(&self, tokens: &PackedTokens) -> Vec<Tensor<2>> {
        let mut states = Vec::new();
        let last = self.run(tokens, None, None, &mut |state| states.push(state.clone()));
        states.push(last);
        states
    }

    /// One row per token id, `[vocab, hidden]`: the embedding where the head is tied to it. An adapter of the head is
    /// folded in.
    #[must_use]
    pub fn head(&self) -> Tensor<2> {
        self.head_rows().folded()
    }

    fn head_rows(&self) -> &Rows {
        self.lm_head.as_ref().unwrap_or(&self.model.embed_tokens)
    }

    /// Next-token logits, `[n, vocab]`, of hidden states `[n, hidden]`.
    #[must_use]
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.head_rows().product_with_adapter(hidden)
    }

    /// Log-probability and entropy of `targets` (`[n]`) after hidden states `[n, hidden]`, without ever holding
    /// `[n, vocab]`.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or the temperature is not a positive number.
    #[must_use]
    pub fn score(
        &self,
        hidden: Tensor<2>,
        targets: Tensor<1, Int>,
        temperature: f64,
    ) -> TokenScores {
        self.head_rows().score(hidden, targets, temperature)
    }

    fn run(
        &self,
        tokens: &PackedTokens,
        dropout: Option<Seed>,
        mut cache: Option<&mut KvCache>,
        observe: &mut dyn FnMut(&Tensor<2>),
    ) -> Tensor<2> {
        self.check(tokens, cache.as_deref());
        let device = self.device();
        let pass = self.pass(tokens, dropout, cache.as_deref(), &device);
        let mut x = self.embed(&tokens.ids, &device); // [token, hidden]
        for (index, layer) in self.model.layers.iter().enumerate() {
            observe(&x);
            x = layer.forward(x, index, &pass, cache.as_deref_mut());
        }
        self.model.norm.forward(x, pass.epsilon)
    }

    fn pass<'a>(
        &self,
        tokens: &'a PackedTokens,
        dropout: Option<Seed>,
        cache: Option<&KvCache>,
        device: &Device,
    ) -> Pass<'a> {
        Pass {
            plan: &tokens.plan,
            rotary: Rotary::new(&tokens.positions, &self.config, device),
            heads: self.config.heads(),
            epsilon: self.config.rms_norm_eps,
            dropout,
            slots: cache.map(|_| Slots::of(&tokens.plan, device)),
        }
    }

    fn embed(&self, ids: &[u32], device: &Device) -> Tensor<2> {
        let ids = indices(ids.iter().copied().map(i64::from), device);
        self.model.embed_tokens.weight.val().select(0, ids)
    }

    fn check(&self, tokens: &PackedTokens, cache: Option<&KvCache>) {
        let PackedTokens { ids, positions, plan } = tokens;
        assert_eq!(ids.len(), positions.len(), "numbers of ids and positions");
        assert_eq!(ids.len(), plan.num_queries(), "numbers of ids and of queries of the plan");
        let vocab = self.config.vocab_size;
        if let Some(id) = ids.iter().find(|id| vocab <= **id as usize) {
            panic!("token id {id} in a vocabulary of {vocab}");
        }
        let Some(cache) = cache else {
            let is_own = plan.segments().iter().all(|segment| segment.own == segment.queries.start);
            assert!(is_own, "without a cache the keys of a segment are its own tokens");
            return assert_eq!(
                ids.len(),
                plan.num_keys(),
                "numbers of ids and of keys of the plan"
            );
        };
        assert_eq!(cache.num_slots(), plan.num_keys(), "numbers of slots and of keys of the plan");
    }

    /// Every adapter, with the path of its layer and `[in, out]` of that layer's weight.
    pub(crate) fn adapters(&self) -> impl Iterator<Item = (String, &Adapter, [usize; 2])> {
        let projections = self.projections().filter_map(|(name, linear)| {
            linear.adapter.as_ref().map(|adapter| (name, adapter, linear.dims()))
        });
        let head = self.lm_head.iter().filter_map(|head| {
            head.adapter.as_ref().map(|adapter| (HEAD.to_owned(), adapter, head.dims()))
        });
        projections.chain(head)
    }

    /// Every linear layer, with its path and `[in, out]` of its weight.
    pub(crate) fn linear_layers(&self) -> impl Iterator<Item = (String, [usize; 2])> {
        let projections = self.projections().map(|(name, linear)| (name, linear.dims()));
        projections.chain(self.lm_head.iter().map(|head| (HEAD.to_owned(), head.dims())))
    }

    /// Whether the head is the embedding.
    pub(crate) fn is_tied(&self) -> bool {
        self.lm_head.is_none() && self.config.tie_word_embeddings
    }

    /// Replaces the head, where there is one of its own.
    pub(crate) fn map_head(mut self, map: impl FnOnce(Rows) -> Rows) -> Self {
        self.lm_head = self.lm_head.map(map);
        self
    }

    /// Every linear layer inside the decoder layers, with its full name.
    pub(crate) fn projections(&self) -> impl Iterator<Item = (String, &Linear)> {
        self.model.layers.iter().enumerate().flat_map(|(index, layer)| {
            let named = layer.projections();
            named.map(|(name, linear)| (format!("model.layers.{index}.{name}"), linear))
        })
    }

    /// Replaces every linear layer inside the decoder layers, given its full name.
    pub(crate) fn map_projections(mut self, mut map: impl FnMut(&str, Linear) -> Linear) -> Self {
        let layers = self.model.layers.into_iter().enumerate();
        self.model.layers = layers
            .map(|(index, layer)| {
                layer.map_projections(&mut |name, linear| {
                    map(&format!("model.layers.{index}.{name}"), linear)
                })
            })
            .collect();
        self
    }

    /// The decoder without a next-token head of its own.
    pub(crate) fn without_head(self) -> Self {
        Self { lm_head: None, ..self }
    }

    pub(crate) fn config_mut(&mut self) -> &mut DecoderConfig {
        &mut self.config
    }

    pub(crate) fn set_lora(mut self, lora: Option<LoraConfig>) -> Self {
        self.lora = lora;
        self
    }
}

fn indices(indices: impl Iterator<Item = i64>, device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i64> = indices.collect();
    let length = indices.len();
    Tensor::from_data(TensorData::new(indices, [length]), device)
}
