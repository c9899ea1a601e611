//! How probable what was sampled is to training, compared with the sampler.

use burn::tensor::Tensor;
use forethought_logprob::Ragged;
use forethought_objective::LossOutput;

/// Adds how far log-probabilities are apart, unless the loss reports it itself: those that make good the difference do.
/// `log_ratio`, `[token]`, holds differences of log-probabilities.
pub(super) fn report_difference(output: &mut LossOutput, log_ratio: Tensor<1>) {
    if is_missing(output, MEAN_DIFFERENCE) {
        output.metrics.extend(of_tokens(log_ratio));
    }
}

/// Adds the ratios of completions of these lengths in the same way.
pub(super) fn report_ratios(output: &mut LossOutput, lengths: &[usize], log_ratio: Tensor<1>) {
    if is_missing(output, MEAN_RATIO) {
        output.metrics.extend(of_completions(lengths, log_ratio));
    }
}

fn is_missing(output: &LossOutput, name: &str) -> bool {
    output.metrics.iter().all(|(known, _)| *known != name)
}

const MEAN_RATIO: &str = "sampling/importance_sampling_ratio/mean";

const MEAN_DIFFERENCE: &str = "sampling/sampling_logp_difference/mean";

/// The mean and the greatest distance of the log-probabilities of a token, from their differences (`[token]`).
fn of_tokens(log_ratio: Tensor<1>) -> [(&'static str, Tensor<1>); 2] {
    let difference = log_ratio.abs(); // [token]
    [
        (MEAN_DIFFERENCE, difference.clone().mean()),
        ("sampling/sampling_logp_difference/max", difference.max()),
    ]
}

/// The least, mean and greatest ratio of a completion, from the differences of the log-probabilities of its tokens (`[token]`). It
/// is the ratio of TRL's default, without bounds, where no loss makes good the difference. Tokens whose difference is not known
/// count as equally probable, as in TRL.
fn of_completions(lengths: &[usize], log_ratio: Tensor<1>) -> [(&'static str, Tensor<1>); 3] {
    let is_unknown = log_ratio.clone().is_finite().bool_not();
    let ragged = Ragged::new(lengths, &log_ratio.device());
    let ratios = ragged.sum(log_ratio.mask_fill(is_unknown, 0.0)).exp(); // [completion]
    [
        ("sampling/importance_sampling_ratio/min", ratios.clone().min()),
        (MEAN_RATIO, ratios.clone().mean()),
        ("sampling/importance_sampling_ratio/max", ratios.max()),
    ]
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn ratios_are_those_of_whole_completions() {
        // torch: nan_to_num(diff).sum(-1).exp() of [[0.5, -0.25], [nan, -0.5]] is [e^0.25, e^-0.5].
        let list = [0.5, -0.25, f32::NAN, -0.5];
        let found = of_completions(&[2, 2], Tensor::from_floats(list, &Device::flex()));
        let found = found.map(|(_, value)| value.into_scalar::<f32>());
        let (high, low) = (0.25_f32.exp(), (-0.5_f32).exp());
        for (found, expected) in found.into_iter().zip([low, f32::midpoint(low, high), high]) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }
}
