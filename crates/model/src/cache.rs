//! Keys and values of tokens that were computed before, in slots that are written in place.

use burn::tensor::{Device, FloatDType, IndexingUpdateOp, Int, Tensor, TensorData};
use forethought_kernels::AttentionPlan;

use crate::config::DecoderConfig;

/// Keys and values of every layer, `[slot, kv_head * head_dim]` each.
///
/// A forward pass with a cache writes the keys of its tokens into the slots that its plan calls the segments' own, and
/// reads every slot that the plan names; which token is in which slot is the caller's business. On Flex the buffers
/// are written in place, as long as the decoder has no gradients ([`Module::valid`](burn::module::Module::valid)).
#[derive(Clone, Debug)]
pub struct KvCache {
    layers: Vec<Entry>,
    num_slots: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    keys: Tensor<2>,   // [slot, kv_head * head_dim]
    values: Tensor<2>, // [slot, kv_head * head_dim]
}

impl KvCache {
    pub(crate) fn new(
        config: &DecoderConfig,
        num_slots: usize,
        precision: FloatDType,
        device: &Device,
    ) -> Self {
        let heads = config.heads();
        let shape = [num_slots, heads.num_kv_heads * heads.head_dim];
        let zeros = || Tensor::<2>::zeros(shape, device).cast(precision);
        let entry = |_| Entry { keys: zeros(), values: zeros() };
        Self { layers: (0..config.num_hidden_layers).map(entry).collect(), num_slots }
    }

    /// Number of slots of each layer.
    #[must_use]
    pub fn num_slots(&self) -> usize {
        self.num_slots
    }

    /// Writes new rows and returns all keys and values of the layer.
    pub(crate) fn write(
        &mut self,
        layer: usize,
        slots: &Slots,
        keys: Tensor<2>,
        values: Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let entry = &mut self.layers[layer];
        entry.keys.inplace(|all| slots.write(all, keys));
        entry.values.inplace(|all| slots.write(all, values));
        (entry.keys.clone(), entry.values.clone())
    }
}

/// The slots of the tokens of one forward pass.
#[derive(Clone, Debug)]
pub(crate) enum Slots {
    /// One run of slots from here on.
    From(usize),
    /// `[token]`
    Scattered(Box<Tensor<1, Int>>),
}

impl Slots {
    /// The slots that the plan gives to its queries.
    pub(crate) fn of(plan: &AttentionPlan, device: &Device) -> Self {
        let slots: Vec<i64> = plan
            .segments()
            .iter()
            .flat_map(forethought_kernels::Segment::own_keys)
            .map(|slot| i64::try_from(slot).unwrap_or(i64::MAX))
            .collect();
        let first = plan.segments().first().map_or(0, |segment| segment.own);
        if slots.windows(2).all(|pair| pair[0] + 1 == pair[1]) {
            return Self::From(first);
        }
        let length = slots.len();
        Self::Scattered(Box::new(Tensor::from_data(TensorData::new(slots, [length]), device)))
    }

    fn write(&self, all: Tensor<2>, rows: Tensor<2>) -> Tensor<2> {
        match self {
            Self::From(start) => {
                let [length, width] = rows.dims();
                all.slice_assign([*start..start + length, 0..width], rows)
            }
            Self::Scattered(slots) => {
                all.select_assign(0, slots.as_ref().clone(), rows, IndexingUpdateOp::Assign)
            }
        }
    }
}
