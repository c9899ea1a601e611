//! What the frozen start of a training makes of the examples: computed once, before the first step.

use std::fs;
use std::path::Path;

use burn::module::Module as _;
use forethought_model::ScoredRow;
use forethought_train::write_file;
use sha2::{Digest, Sha256};

use super::examples::Reading;
use crate::PipelineError;

/// Log-probabilities of the scored tokens of each sequence, under the model that training starts from.
///
/// They are kept beside the checkpoints, so that a resumed run reads them back instead of computing them again.
pub(super) fn log_probs(
    reading: &Reading<'_>,
    name: &str,
    sequences: &[(&[u32], usize)],
) -> Result<Vec<Vec<f32>>, PipelineError> {
    let context = reading.context;
    let folder = context.folder.training(context.name);
    let path = folder.join(format!("{name}-{}.f32", &context.id[..16]));
    let num_tokens: usize = sequences.iter().map(|(ids, first)| ids.len() - first).sum();
    let values = if let Some(values) = read(&path, num_tokens) {
        values
    } else {
        let values = compute(reading, sequences)?;
        write(&path, &values).map_err(PipelineError::io(&path))?;
        values
    };
    let mut rest = values.as_slice();
    let split = sequences.iter().map(|(ids, first)| {
        let (own, after) = rest.split_at(ids.len() - first);
        rest = after;
        own.to_vec()
    });
    Ok(split.collect())
}

fn compute(
    reading: &Reading<'_>,
    sequences: &[(&[u32], usize)],
) -> Result<Vec<f32>, PipelineError> {
    let reference = reading.start.valid();
    let mut bar = reading.context.console.bar(sequences.len(), "reference log-probabilities");
    let mut values = Vec::new();
    for (index, batch) in sequences.chunks(reading.batch_size).enumerate() {
        reading.context.check_stop()?;
        let scores = ScoredRow::new(batch).scores(&reference, 1.0, None);
        values.extend(scores.log_probs.into_data().iter::<f32>());
        bar.set(index * reading.batch_size + batch.len());
    }
    Ok(values)
}

/// Bytes of a SHA-256, with which the file ends.
const HASH: usize = 32;

/// The values of a file that has as many as asked for, as they were written: one that is cut or changed is none.
fn read(path: &Path, num_values: usize) -> Option<Vec<f32>> {
    let bytes = fs::read(path).ok().filter(|bytes| bytes.len() == 4 * num_values + HASH)?;
    let (values, hash) = bytes.split_at(4 * num_values);
    if Sha256::digest(values)[..] != *hash {
        return None;
    }
    let values = values.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    Some(values.collect())
}

fn write(path: &Path, values: &[f32]) -> std::io::Result<()> {
    let mut bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    bytes.extend_from_slice(&Sha256::digest(&bytes));
    write_file(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_unless_a_bit_of_their_file_has_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("reference.f32");
        let values = [-0.5, f32::MIN_POSITIVE / 2.0, -7.25];
        write(&path, &values).expect("written");
        assert_eq!(read(&path, 3).as_deref(), Some(&values[..]));
        assert_eq!(read(&path, 2), None);
        let bytes = fs::read(&path).expect("the file");
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 4;
            fs::write(&path, changed).expect("written");
            assert_eq!(read(&path, 3), None, "byte {place}");
        }
    }
}
