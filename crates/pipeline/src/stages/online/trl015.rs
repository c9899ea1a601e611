//! Numbers that TRL 0.15 reports of PPO and of RLOO alike.

use forethought_train::{BatchError, Reported};

use super::generation::Sample;
use super::method::Passes;

/// What the losses call the mean ratio of a micro-batch.
const RATIO: &str = "val/ratio";

/// `val/ratio` of each micro-batch since the last sampling.
#[derive(Debug, Default)]
pub(super) struct Ratios(Vec<f64>);

impl Ratios {
    /// Forgets those of the answers before.
    pub(super) fn begin(&mut self) {
        self.0.clear();
    }

    /// Adds those of a finished step; after the last one on the same answers, the variance of all.
    pub(super) fn finished(&mut self, reported: &[Reported], passes: Passes) -> Vec<(String, f64)> {
        let ratios = reported.iter().flatten().filter(|(name, _)| *name == RATIO);
        self.0.extend(ratios.map(|(_, ratio)| ratio));
        match passes {
            Passes::Going => Vec::new(),
            Passes::Over => vec![("val/ratio_var".to_owned(), variance(&self.0))],
        }
    }

    pub(super) fn list(&self) -> &[f64] {
        &self.0
    }
}

impl From<Vec<f64>> for Ratios {
    fn from(list: Vec<f64>) -> Self {
        Self(list)
    }
}

/// Numbers as the text of a state: their bits, so that none loses a digit.
pub(super) fn bits(numbers: impl IntoIterator<Item = f64>) -> String {
    let texts = numbers.into_iter().map(|one| format!("{:016x}", one.to_bits()));
    texts.collect::<Vec<_>>().join(" ")
}

/// The numbers of which [`bits`] made a text.
pub(super) fn from_bits(text: &str) -> Result<Vec<f64>, BatchError> {
    let numbers = text.split_whitespace().map(|one| u64::from_str_radix(one, 16));
    Ok(numbers.map(|one| one.map(f64::from_bits)).collect::<Result<_, _>>()?)
}

/// The variance, with a divisor of n − 1, over all micro-batches of all passes. NaN of fewer than two, as there.
fn variance(list: &[f64]) -> f64 {
    let count = list.len() as f64;
    let mean = list.iter().sum::<f64>() / count;
    let squares: f64 = list.iter().map(|one| (one - mean).powi(2)).sum();
    if list.len() < 2 { f64::NAN } else { squares / (count - 1.0) }
}

/// `objective/entropy`: the mean over the answers of minus the log-probability of each. TRL takes every padding token for
/// one of log-probability 1; there are none here.
pub(super) fn entropy(samples: &[Sample]) -> f64 {
    let log_probs = samples.iter().flat_map(|one| &one.old_log_probs);
    let sum: f64 = log_probs.filter(|one| one.is_finite()).map(|one| f64::from(*one)).sum();
    -sum / samples.len().max(1) as f64
}

/// `val/num_eos_tokens`: tokens among the answers that end one.
pub(super) fn num_eos_tokens(samples: &[Sample], eos_ids: &[u32]) -> f64 {
    samples.iter().flat_map(|one| &one.ids).filter(|id| eos_ids.contains(id)).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(ratios: [f64; 2]) -> Vec<Reported> {
        ratios.map(|ratio| vec![("loss/policy_avg", 7.0), (RATIO, ratio)]).into()
    }

    #[test]
    fn the_variance_of_the_ratio_is_over_the_micro_batches_of_all_passes_also_after_a_resume() {
        let mut ratios = Ratios::from(vec![9.0]);
        ratios.begin();
        assert_eq!(ratios.finished(&step([1.0, 1.25]), Passes::Going), []);
        let state = bits(ratios.list().iter().copied());
        let resumed = Ratios::from(from_bits(&state).expect("its own"));
        // torch.tensor([1, 1.25, 0.5, 1.5]).var() = 0.1822916667
        for mut ratios in [ratios, resumed] {
            let found = ratios.finished(&step([0.5, 1.5]), Passes::Over);
            let [(name, variance)] = &found[..] else { panic!("{found:?}") };
            assert_eq!(name, "val/ratio_var");
            assert!((variance - 0.182_291_666_7).abs() < 1e-9, "{variance}");
        }
        assert!(variance(&[1.0]).is_nan());
    }

    #[test]
    fn entropy_and_ends_of_answers_are_those_of_trl() {
        let answer = |ids: &[u32], log_probs: &[f32]| Sample {
            ids: ids.to_vec(),
            old_log_probs: log_probs.to_vec(),
            ..Sample::default()
        };
        // torch: (-logprobs).sum(1).mean() = (1.5 + 0.5 + 2.0) / 2; (responses == 9).sum() = 2.
        let samples = [answer(&[4, 9], &[-1.5, -0.5]), answer(&[9], &[-2.0])];
        assert!((entropy(&samples) - 2.0).abs() < 1e-12);
        assert!((num_eos_tokens(&samples, &[9]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn every_bit_of_a_state_comes_back_and_none_is_no_number() {
        let numbers = [0.1 + 0.2, f64::NAN, -0.0];
        let back = from_bits(&bits(numbers)).expect("its own");
        let same = numbers.iter().zip(&back).all(|(one, other)| one.to_bits() == other.to_bits());
        assert!(back.len() == 3 && same, "{back:?}");
        assert_eq!(from_bits(&bits([])).expect("its own"), [0.0; 0]);
        from_bits("coefficient").expect_err("no bits");
    }
}
