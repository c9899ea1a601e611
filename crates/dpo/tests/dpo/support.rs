//! Pairs with their log-probabilities under two policies.

use burn::tensor::{Device, Tensor};
use forethought_dpo::{DpoConfig, DpoLoss, LossType};
use forethought_objective::{
    LossOutput, PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals,
};

pub(crate) const ALL: [LossType; 17] = [
    LossType::Sigmoid,
    LossType::Hinge,
    LossType::Ipo,
    LossType::ExoPair,
    LossType::NcaPair,
    LossType::Robust,
    LossType::BcoPair,
    LossType::SppoHard,
    LossType::Aot,
    LossType::AotPair,
    LossType::AotUnpaired,
    LossType::ApoZero,
    LossType::ApoDown,
    LossType::Discopop,
    LossType::Sft,
    LossType::SigmoidNorm,
    LossType::Simpo,
];

#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) pairs: Vec<PairLengths>,
    pub(crate) log_probs: Vec<f32>,
    pub(crate) reference_log_probs: Vec<f32>,
}

pub(crate) fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

pub(crate) fn init(config: &DpoConfig) -> DpoLoss {
    config.init().expect("parameters are in range")
}

/// A config of one loss type that is valid for every loss type.
pub(crate) fn of(loss_type: LossType) -> DpoConfig {
    DpoConfig { loss_type: vec![loss_type], label_smoothing: 0.1, ..DpoConfig::default() }
}

pub(crate) fn value(output: LossOutput) -> f32 {
    output.loss.into_scalar()
}

pub(crate) fn metric(output: &LossOutput, name: &str) -> f32 {
    let found = output.metrics.iter().find(|(metric, _)| *metric == name);
    found.unwrap_or_else(|| panic!("no metric {name}")).1.clone().into_scalar()
}

#[track_caller]
pub(crate) fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

impl Sample {
    /// Pairs of one token each: `(chosen, rejected)` under the policy and under the reference.
    pub(crate) fn of_single_tokens(pairs: &[([f32; 2], [f32; 2])]) -> Self {
        let side = |policy: usize, side: usize| {
            pairs.iter().map(move |pair| if policy == 0 { pair.0[side] } else { pair.1[side] })
        };
        Self {
            pairs: vec![PairLengths { chosen: 1, rejected: 1 }; pairs.len()],
            log_probs: side(0, 0).chain(side(0, 1)).collect(),
            reference_log_probs: side(1, 0).chain(side(1, 1)).collect(),
        }
    }

    /// The pairs of these indices.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        let pairs: Vec<PairLengths> = indices.iter().map(|index| self.pairs[*index]).collect();
        let num_chosen: usize = self.pairs.iter().map(|pair| pair.chosen).sum();
        let start = |index: usize, of: fn(&PairLengths) -> usize| -> usize {
            self.pairs[..index].iter().map(of).sum()
        };
        let tokens = |list: &[f32]| -> Vec<f32> {
            let chosen = indices.iter().flat_map(|index| {
                let from = start(*index, |pair| pair.chosen);
                list[from..from + self.pairs[*index].chosen].to_vec()
            });
            let rejected = indices.iter().flat_map(|index| {
                let from = num_chosen + start(*index, |pair| pair.rejected);
                list[from..from + self.pairs[*index].rejected].to_vec()
            });
            chosen.chain(rejected).collect()
        };
        Self {
            pairs,
            log_probs: tokens(&self.log_probs),
            reference_log_probs: tokens(&self.reference_log_probs),
        }
    }

    /// Each pair with its sides exchanged.
    pub(crate) fn swapped(&self) -> Self {
        let num_chosen: usize = self.pairs.iter().map(|pair| pair.chosen).sum();
        let swap = |list: &[f32]| [&list[num_chosen..], &list[..num_chosen]].concat();
        let pairs = self.pairs.iter();
        Self {
            pairs: pairs
                .map(|pair| PairLengths { chosen: pair.rejected, rejected: pair.chosen })
                .collect(),
            log_probs: swap(&self.log_probs),
            reference_log_probs: swap(&self.reference_log_probs),
        }
    }

    pub(crate) fn batch(&self, log_probs: Tensor<1>, step: &[&Self]) -> PreferenceBatch {
        let step: Vec<&[PairLengths]> = step.iter().map(|sample| sample.pairs.as_slice()).collect();
        PreferenceBatch::new(log_probs, self.pairs.clone(), PreferenceTotals::of(&step))
            .with_reference_log_probs(tensor(&self.reference_log_probs))
    }

    pub(crate) fn forward(&self, config: &DpoConfig) -> LossOutput {
        init(config).forward(self.batch(tensor(&self.log_probs), &[self]))
    }

    pub(crate) fn gradient(&self, config: &DpoConfig) -> Vec<f32> {
        gradient(&self.log_probs, |leaf| init(config).forward(self.batch(leaf, &[self])))
    }
}

/// The gradient of a loss with respect to the log-probabilities.
pub(crate) fn gradient(log_probs: &[f32], loss: impl FnOnce(Tensor<1>) -> LossOutput) -> Vec<f32> {
    let device = Device::flex().autodiff();
    let leaf = Tensor::<1>::from_floats(log_probs, &device).require_grad();
    let gradients = loss(leaf.clone()).loss.backward();
    leaf.grad(&gradients).expect("tracked").into_data().try_to_vec().expect("single precision")
}
