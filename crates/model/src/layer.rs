//! One decoder layer: attention and a gated feed-forward layer, each behind a normalisation and beside a residual.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use forethought_kernels::{AttentionPlan, HeadShape, attention, rms_norm, rope, swiglu};
use forethought_seed::Seed;

use crate::adapter::DropoutKey;
use crate::cache::{KvCache, Slots};
use crate::config::DecoderConfig;
use crate::linear::{Bias, Linear, unfilled};
use crate::rotary::Rotary;

/// What all layers of one forward pass share.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    pub(crate) plan: &'a AttentionPlan,
    pub(crate) rotary: Rotary,
    pub(crate) heads: HeadShape,
    pub(crate) epsilon: f64,
    /// Adapters drop inputs only where a seed says which.
    pub(crate) dropout: Option<Seed>,
    /// Where the cache takes the new keys, if there is one.
    pub(crate) slots: Option<Slots>,
}

impl Pass<'_> {
    fn key(&self, layer: usize, projection: usize) -> Option<DropoutKey> {
        self.dropout.map(|seed| DropoutKey { seed, layer, projection })
    }
}

/// The tokens whose output of the last layer is wanted. The layer computes keys and values of all tokens, and the rest
/// of these alone.
#[derive(Debug)]
pub(crate) struct Kept {
    /// `[kept]`, rows of the packed row.
    pub(crate) rows: Tensor<1, Int>,
    pub(crate) plan: AttentionPlan,
    pub(crate) rotary: Rotary,
}

impl Kept {
    /// `[token, width]` to `[kept, width]`.
    fn of(&self, x: Tensor<2>) -> Tensor<2> {
        x.select(0, self.rows.clone())
    }
}

/// A vector of scales; the name of the field that holds it is the name of the layer in a file.
#[derive(Module, Debug)]
pub(crate) struct Norm {
    /// `[hidden]`, or `[head_dim]` where heads are normalised
    pub(crate) weight: Param<Tensor<1>>,
}

impl Norm {
    pub(crate) fn unfilled(width: usize, device: &Device) -> Self {
        Self { weight: unfilled([width], device) }
    }

    /// `x` and output: `[token, hidden]`.
    pub(crate) fn forward(&self, x: Tensor<2>, epsilon: f64) -> Tensor<2> {
        rms_norm(x, self.weight.val(), epsilon)
    }

    /// Normalises each head alone; `x` and output: `[token, head * head_dim]`, as many heads as the scales divide it in.
    fn forward_heads(&self, x: Tensor<2>, epsilon: f64) -> Tensor<2> {
        let ([tokens, width], weight) = (x.dims(), self.weight.val());
        let [head_dim] = weight.dims();
        let heads = x.reshape([tokens * width / head_dim, head_dim]); // [token * head, head_dim]
        rms_norm(heads, weight, epsilon).reshape([tokens, width])
    }
}

#[derive(Module, Debug)]
pub(crate) struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
}

impl Attention {
    fn unfilled(config: &DecoderConfig, device: &Device) -> Self {
        let HeadShape { num_heads, num_kv_heads, head_dim } = config.heads();
        let (hidden, bias) = (config.hidden_size, config.model_type.attention_bias());
        let linear = |inputs, outputs, bias| Linear::unfilled(inputs, outputs, bias, device);
        let norm =
            || config.model_type.normalises_heads().then(|| Norm::unfilled(head_dim, device));
        Self {
            q_proj: linear(hidden, num_heads * head_dim, bias),
            k_proj: linear(hidden, num_kv_heads * head_dim, bias),
            v_proj: linear(hidden, num_kv_heads * head_dim, bias),
            o_proj: linear(num_heads * head_dim, hidden, Bias::Without),
            q_norm: norm(),
            k_norm: norm(),
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        pass: &Pass<'_>,
        cache: Option<&mut KvCache>,
    ) -> Tensor<2> {
        let q = self.queries(x.clone(), (layer, pass), &pass.rotary);
        let (k, v) = self.keys_and_values(x, layer, pass);
        let (k, v) = match (cache, &pass.slots) {
            (Some(cache), Some(slots)) => cache.write(layer, slots, k, v), // [slot, kv_head * head_dim]
            _ => (k, v),
        };
        let mixed = attention(q, k, v, pass.plan, pass.heads); // [token, head * head_dim]
        self.o_proj.forward(mixed, pass.key(layer, 3))
    }

    /// `x`: `[token, hidden]`; output: `[kept, hidden]`.
    fn forward_kept(&self, x: Tensor<2>, layer: usize, pass: &Pass<'_>, kept: &Kept) -> Tensor<2> {
        let q = self.queries(kept.of(x.clone()), (layer, pass), &kept.rotary);
        let (k, v) = self.keys_and_values(x, layer, pass);
        let mixed = attention(q, k, v, &kept.plan, pass.heads); // [kept, head * head_dim]
        self.o_proj.forward(mixed, pass.key(layer, 3))
    }

    /// `[token, head * head_dim]`, turned by the angles of the tokens.
    fn queries(
        &self,
        x: Tensor<2>,
        (layer, pass): (usize, &Pass<'_>),
        rotary: &Rotary,
    ) -> Tensor<2> {
        let q = self.q_proj.forward(x, pass.key(layer, 0));
        turned(q, self.q_norm.as_ref(), pass, rotary)
    }

    /// `[token, kv_head * head_dim]` each, the keys turned by the angles of the tokens.
    fn keys_and_values(
        &self,
        x: Tensor<2>,
        layer: usize,
        pass: &Pass<'_>,
    ) -> (Tensor<2>, Tensor<2>) {
        let k = self.k_proj.forward(x.clone(), pass.key(layer, 1));
        let k = turned(k, self.k_norm.as_ref(), pass, &pass.rotary);
        (k, self.v_proj.forward(x, pass.key(layer, 2)))
    }
}

/// Heads, normalised where the family does that, and turned by the angles of their tokens.
fn turned(x: Tensor<2>, norm: Option<&Norm>, pass: &Pass<'_>, rotary: &Rotary) -> Tensor<2> {
    let x = match norm {
        Some(norm) => norm.forward_heads(x, pass.epsilon),
        None => x,
    };
    rope(x, rotary.cos.clone(), rotary.sin.clone(), pass.heads.head_dim)
}

#[expect(clippy::struct_field_names, reason = "the names of the files")]
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl Mlp {
    fn unfilled(config: &DecoderConfig, device: &Device) -> Self {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |inputs, outputs| Linear::unfilled(inputs, outputs, Bias::Without, device);
        Self {
            gate_proj: linear(hidden, inner),
            up_proj: linear(hidden, inner),
            down_proj: linear(inner, hidden),
        }
    }

    fn forward(&self, x: Tensor<2>, layer: usize, pass: &Pass<'_>) -> Tensor<2> {
        let gate = self.gate_proj.forward(x.clone(), pass.key(layer, 4)); // [token, intermediate]
        let up = self.up_proj.forward(x, pass.key(layer, 5)); // [token, intermediate]
        self.down_proj.forward(swiglu(gate, up), pass.key(layer, 6)) // [token, hidden]
    }
}

/// One layer of the decoder.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    self_attn: Attention,
    mlp: Mlp,
    input_layernorm: Norm,
    post_attention_layernorm: Norm,
}

impl Layer {
    pub(crate) fn unfilled(config: &DecoderConfig, device: &Device) -> Self {
        Self {
            self_attn: Attention::unfilled(config, device),
            mlp: Mlp::unfilled(config, device),
            input_layernorm: Norm::unfilled(config.hidden_size, device),
            post_attention_layernorm: Norm::unfilled(config.hidden_size, device),
        }
    }

    /// `x` and output: `[token, hidden]`.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        pass: &Pass<'_>,
        cache: Option<&mut KvCache>,
    ) -> Tensor<2> {
        let normed = self.input_layernorm.forward(x.clone(), pass.epsilon);
        let x = x + self.self_attn.forward(normed, layer, pass, cache);
        let normed = self.post_attention_layernorm.forward(x.clone(), pass.epsilon);
        x + self.mlp.forward(normed, layer, pass)
    }

    /// As [`Self::forward`] without a cache, for some tokens; output: `[kept, hidden]`.
    pub(crate) fn forward_kept(
        &self,
        x: Tensor<2>,
        layer: usize,
        pass: &Pass<'_>,
        kept: &Kept,
    ) -> Tensor<2> {
        let normed = self.input_layernorm.forward(x.clone(), pass.epsilon);
        let x = kept.of(x) + self.self_attn.forward_kept(normed, layer, pass, kept);
        let normed = self.post_attention_layernorm.forward(x.clone(), pass.epsilon);
        x + self.mlp.forward(normed, layer, pass)
    }

    /// The linear layers and their names inside the layer.
    pub(crate) fn projections(&self) -> [(&'static str, &Linear); 7] {
        let Self { self_attn, mlp, .. } = self;
        [
            ("self_attn.q_proj", &self_attn.q_proj),
            ("self_attn.k_proj", &self_attn.k_proj),
            ("self_attn.v_proj", &self_attn.v_proj),
            ("self_attn.o_proj", &self_attn.o_proj),
            ("mlp.gate_proj", &mlp.gate_proj),
            ("mlp.up_proj", &mlp.up_proj),
            ("mlp.down_proj", &mlp.down_proj),
        ]
    }

    /// Replaces each linear layer, given its name inside the layer.
    pub(crate) fn map_projections(self, map: &mut impl FnMut(&str, Linear) -> Linear) -> Self {
        let Self { self_attn, mlp, input_layernorm, post_attention_layernorm } = self;
        let self_attn = Attention {
            q_proj: map("self_attn.q_proj", self_attn.q_proj),
            k_proj: map("self_attn.k_proj", self_attn.k_proj),
            v_proj: map("self_attn.v_proj", self_attn.v_proj),
            o_proj: map("self_attn.o_proj", self_attn.o_proj),
            ..self_attn
        };
        let mlp = Mlp {
            gate_proj: map("mlp.gate_proj", mlp.gate_proj),
            up_proj: map("mlp.up_proj", mlp.up_proj),
            down_proj: map("mlp.down_proj", mlp.down_proj),
        };
        Self { self_attn, mlp, input_layernorm, post_attention_layernorm }
    }
}
