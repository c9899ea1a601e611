//! Between the optimiser and the bytes of a checkpoint: Burn's record, its bytes regrouped and compressed.
//!
//! Moments are floats of which only signs and exponents repeat. With the bytes of each place of all four-byte numbers
//! side by side, zstd finds what repeats and leaves the rest as it is.

use std::collections::BTreeMap;
use std::io::{self, Write};

use burn::module::ParamId;
use burn::optim::OptimizerRecord;
use burn::store::RecordError;
use burn::tensor::{Bytes, TensorData};
use burn_pack::Reader;
use forethought_kernels::memory::give_back_freed_memory;

use crate::checkpoint::NotEncoded;
use crate::weights::not_finite;

/// Bytes of a number.
const WIDTH: usize = 4;
/// zstd's fastest level: higher ones gain a hundredth on noise.
const LEVEL: i32 = 1;
/// Bytes that are compressed at a time.
const PIECE: usize = 1 << 17;

/// Writes an optimiser's state. Of a large model each copy of the moments counts: there are two at most, and the system gets
/// back what the one before took, since a file of gigabytes in one piece does not fit where many tensors were.
pub(crate) fn write_optimizer(record: OptimizerRecord, file: &mut dyn Write) -> io::Result<()> {
    let bytes = sorted_bytes(record).map_err(|error| NotEncoded::error(&error))?;
    compress(&bytes, file)?;
    drop(bytes);
    give_back_freed_memory();
    Ok(())
}

/// Writes the bytes taken apart and compressed, a piece at a time.
fn compress(bytes: &[u8], file: &mut dyn Write) -> io::Result<()> {
    let mut encoder = zstd::stream::Encoder::new(file, LEVEL)?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
    let mut pieces = apart(bytes);
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.extend(pieces.by_ref().take(PIECE));
        if piece.is_empty() {
            return encoder.finish().map(drop);
        }
        encoder.write_all(&piece)?;
        piece.clear();
    }
}

/// Burn collects the optimiser's state from a hash map, so its order is a matter of luck; reading a record sorts it.
fn sorted_bytes(record: OptimizerRecord) -> Result<Bytes, RecordError> {
    give_back_freed_memory();
    let bytes = record.into_bytes()?;
    give_back_freed_memory();
    let record = OptimizerRecord::from_bytes(bytes)?;
    give_back_freed_memory();
    let sorted = record.into_bytes()?;
    give_back_freed_memory();
    Ok(sorted)
}

/// Reads what [`write_optimizer`] wrote; `names` are those of the parameters. The error says what is wrong.
pub(crate) fn read_optimizer(
    bytes: &[u8],
    names: &BTreeMap<ParamId, String>,
) -> Result<OptimizerRecord, String> {
    let apart = zstd::stream::decode_all(bytes).map_err(|error| error.to_string())?;
    let whole = Bytes::from_bytes_vec(together(&apart));
    require_finite(whole.clone(), names)?;
    OptimizerRecord::from_bytes(whole).map_err(|error| error.to_string())
}

fn require_finite(bytes: Bytes, names: &BTreeMap<ParamId, String>) -> Result<(), String> {
    let failed = |error: burn_pack::Error| error.to_string();
    for tensor in Reader::from_bytes(bytes).map_err(failed)?.into_tensors().map_err(failed)? {
        let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(failed)?;
        let data = TensorData::from_bytes(bytes, shape, dtype);
        // Names are those of Burn, `ID.FIELD`.
        let field = name.rsplit('.').next().unwrap_or(&name);
        let parameter = id.and_then(|id| names.get(&ParamId::from(id))).cloned();
        let place = format!("{}, {field} of the optimiser,", parameter.unwrap_or(name.clone()));
        if let Some(problem) = not_finite(&place, &data) {
            return Err(problem);
        }
    }
    Ok(())
}

/// All first bytes of the four-byte words, then all second ones, and so on; what does not fill a word follows.
fn apart(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let (words, rest) = bytes.as_chunks::<WIDTH>();
    let places = (0..WIDTH).flat_map(|place| words.iter().map(move |word| word[place]));
    places.chain(rest.iter().copied())
}

/// Undoes [`apart`].
fn together(bytes: &[u8]) -> Vec<u8> {
    let num_words = bytes.len() / WIDTH;
    let (places, rest) = bytes.split_at(num_words * WIDTH);
    let word = |index: usize| (0..WIDTH).map(move |place| places[place * num_words + index]);
    (0..num_words).flat_map(word).chain(rest.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor};
    use proptest::prelude::*;

    use super::*;
    use crate::adamw::AdamW;

    #[test]
    fn bytes_of_one_place_stand_side_by_side() {
        let bytes: Vec<u8> = apart(&[1, 2, 3, 4, 11, 12, 13, 14, 9]).collect();
        assert_eq!(bytes, [1, 11, 2, 12, 3, 13, 4, 14, 9]);
    }

    #[test]
    fn moments_shrink() {
        // Numbers of like size and any digits, as moments are.
        let numbers = (1..4096_u32).map(|index| (index as f32).sin() * 1e-3);
        let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
        let mut packed = Vec::new();
        compress(&bytes, &mut packed).expect("it fits");
        assert!(packed.len() * 10 < bytes.len() * 9, "{} of {}", packed.len(), bytes.len());
    }

    /// The state after one step on a model of one parameter, whose gradient is given.
    fn record_of(slope: f32) -> OptimizerRecord {
        let device = Device::flex().autodiff();
        let mut model = LinearConfig::new(1, 1).with_bias(false).init(&device);
        model.weight.id = ParamId::from(0);
        let mut grads = GradientsParams::new();
        grads.register(model.weight.id, Tensor::<2>::from_floats([[slope]], &Device::flex()));
        let adamw = AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
        let mut optimizer = adamw.for_module(&model);
        let _ = optimizer.step(1e-3, model, grads);
        optimizer.to_record()
    }

    fn optimizer_bytes(record: OptimizerRecord) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_optimizer(record, &mut bytes).expect("a state");
        bytes
    }

    #[test]
    fn a_state_comes_back_as_it_was_and_a_nan_in_it_is_named() {
        let names = BTreeMap::from([(ParamId::from(0), "layer.weight".to_owned())]);
        let bytes = optimizer_bytes(record_of(0.5));
        let back = read_optimizer(&bytes, &names).expect("what was written");
        let again = optimizer_bytes(back);
        assert_eq!(again, bytes);

        let bytes = optimizer_bytes(record_of(f32::NAN));
        let error = read_optimizer(&bytes, &names).map(|_| ()).expect_err("a NaN");
        assert_eq!(error, "the tensor layer.weight, moment_1 of the optimiser, holds NaN");
    }

    proptest! {
        #[test]
        fn what_was_taken_apart_comes_together_again(bytes: Vec<u8>) {
            let apart: Vec<u8> = apart(&bytes).collect();
            prop_assert_eq!(together(&apart), bytes);
        }
    }
}
