//! Numbers about next-token distributions that some losses and metrics ask for beside log-probabilities.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

use crate::decoder::Decoder;

/// Rows of `[row, vocab]` that are held at a time.
const CHUNK_ROWS: usize = 256;

impl Decoder {
    /// Mean over the vocabulary of the next-token logits of hidden states, `[n, hidden]` to `[n]`: the product with the mean
    /// row of the head, so that no logit is computed.
    #[must_use]
    pub fn mean_logits(&self, hidden: Tensor<2>) -> Tensor<1> {
        let [count, _] = hidden.dims();
        if count == 0 {
            return Tensor::zeros([0], &hidden.device());
        }
        let mean_row = self.head().mean_dim(0).transpose(); // [hidden, 1]
        hidden.matmul(mean_row).reshape([count])
    }

    /// Mean over the vocabulary of the next-token log-probabilities of hidden states `[n, hidden]`, `[n]`, which label
    /// smoothing raises; `log_probs` (`[n]`) are those of `targets` (`[n]`), at a temperature of 1.
    ///
    /// A log-probability is a logit less what normalises all logits, which logit and log-probability of the target tell.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[must_use]
    pub fn mean_log_probs(
        &self,
        hidden: Tensor<2>,
        targets: Tensor<1, Int>,
        log_probs: Tensor<1>,
    ) -> Tensor<1> {
        let [count, _] = hidden.dims();
        assert_eq!(targets.dims(), [count], "number of targets");
        assert_eq!(log_probs.dims(), [count], "number of log-probabilities");
        if count == 0 {
            return log_probs;
        }
        let target_rows = self.head().select(0, targets); // [n, hidden]
        let target_logits = (hidden.clone() * target_rows).sum_dim(1).reshape([count]); // [n]
        self.mean_logits(hidden) - target_logits + log_probs
    }

    /// Logarithm of the sum over the vocabulary of squared next-token probabilities of hidden states, `[n, hidden]` to `[n]`,
    /// detached: how much of itself a sample of the distribution expects to meet. Logits exist in chunks alone.
    #[must_use]
    pub fn log_sum_squared_probs(&self, hidden: Tensor<2>) -> Tensor<1> {
        let hidden = hidden.detach();
        let [count, _] = hidden.dims();
        if count == 0 {
            return Tensor::zeros([0], &hidden.device());
        }
        let chunks = hidden.split(CHUNK_ROWS, 0).into_iter().map(|hidden| {
            let squares = log_softmax(self.logits(hidden).detach(), 1).mul_scalar(2.0);
            let largest = squares.clone().max_dim(1); // [chunk, 1]
            let sums = (squares - largest.clone()).exp().sum_dim(1).log() + largest; // [chunk, 1]
            sums.squeeze_dim(1)
        });
        Tensor::cat(chunks.collect(), 0)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use forethought_seed::Seed;

    use super::*;
    use crate::DecoderConfig;

    fn decoder(device: &Device) -> Decoder {
        let config = DecoderConfig {
            vocab_size: 12,
            hidden_size: 8,
            intermediate_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            num_key_value_heads: 1,
            initializer_range: 0.5,
            ..DecoderConfig::default()
        };
        Decoder::init(&config, Seed::new(4), device)
    }

    fn hidden(device: &Device) -> Tensor<2> {
        let values: Vec<f32> = (0_u8..24).map(|index| (f32::from(index) * 0.7).sin()).collect();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([3, 8])
    }

    #[track_caller]
    fn assert_close(actual: Tensor<1>, expected: Tensor<1>) {
        assert_eq!(actual.dims(), expected.dims());
        let difference = (actual.detach() - expected.detach()).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-5, "{difference}");
    }

    #[test]
    fn means_and_sums_are_those_of_the_full_distribution() {
        let device = Device::flex();
        let (decoder, hidden) = (decoder(&device), hidden(&device));
        let logits = decoder.logits(hidden.clone());
        let all = log_softmax(logits.clone(), 1); // [3, vocab]
        assert_close(decoder.mean_logits(hidden.clone()), logits.mean_dim(1).squeeze_dim(1));

        let targets = Tensor::<1, Int>::from_ints([3, 0, 11], &device);
        let log_probs = decoder.score(hidden.clone(), targets.clone(), 1.0).log_probs;
        let means = decoder.mean_log_probs(hidden.clone(), targets, log_probs);
        assert_close(means, all.clone().mean_dim(1).squeeze_dim(1));

        let sums = all.mul_scalar(2.0).exp().sum_dim(1).log().squeeze_dim(1);
        assert_close(decoder.log_sum_squared_probs(hidden), sums);
    }

    #[test]
    fn the_gradient_of_mean_log_probabilities_is_that_of_the_full_distribution() {
        let device = Device::flex().autodiff();
        let decoder = decoder(&device);
        let gradient = |of: &dyn Fn(Tensor<2>) -> Tensor<1>| {
            let leaf = hidden(&device).require_grad();
            let gradients = of(leaf.clone()).sum().backward();
            leaf.grad(&gradients).expect("tracked").reshape([24])
        };
        let short = gradient(&|hidden| {
            let targets = Tensor::<1, Int>::from_ints([3, 0, 11], &device);
            let log_probs = decoder.score(hidden.clone(), targets.clone(), 1.0).log_probs;
            decoder.mean_log_probs(hidden, targets, log_probs)
        });
        let full =
            gradient(&|hidden| log_softmax(decoder.logits(hidden), 1).mean_dim(1).squeeze_dim(1));
        assert_close(short, full);
    }
}
