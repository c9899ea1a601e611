//! What a micro-batch makes of the scores of its tokens: a loss of one family, and what it needs beside them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_kernels::TokenScores;
use forethought_logprob::Ragged;
use forethought_model::{Decoder, Packed, PackedTokens, ScoreModel, ScoredRow};
use forethought_objective::{
    LossOutput, PairLengths, PolicyBatch, PolicyCompletion, PolicyLoss, PreferenceBatch,
    PreferenceLoss, PreferenceTotals, RewardBaseline, ScoreBatch, ScoreLoss, StepTotals,
    SupervisedBatch, SupervisedLoss, UnpairedBatch, UnpairedCompletion, UnpairedLoss, ValueBatch,
    ValueLoss,
};
use forethought_seed::Seed;

use super::{Learner, ratios};

/// A loss and what it needs beside the scores.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Tokens that a data set prescribes.
    Supervised(Supervised),
    /// Pairs of completions, of which one is preferred.
    Preference(Preference),
    /// Completions that are called desirable or not.
    Unpaired(Unpaired),
    /// Scores of pairs of completions.
    Score(Score),
    /// Tokens that a policy sampled.
    Policy(Box<Policy>),
}

impl Task {
    /// The share of this micro-batch in the loss of its step.
    pub(super) fn forward(&self, learner: &Learner, dropout: Option<Seed>) -> LossOutput {
        let written = |row: &ScoredRow, temperature: f64| {
            Written::new(learner.policy(), row, temperature, dropout)
        };
        match self {
            Self::Supervised(task) => task.forward(&written(&task.row, 1.0)),
            Self::Preference(task) => task.forward(&written(&task.row, 1.0)),
            Self::Unpaired(task) => task.forward(&written(&task.row, 1.0)),
            Self::Score(task) => task.forward(learner.scorer(), dropout),
            Self::Policy(task) => {
                let output = task.forward(&written(&task.row, task.temperature));
                match &task.critic {
                    Some(critic) => together(output, critic.forward(learner.scorer(), dropout)),
                    None => output,
                }
            }
        }
    }

    /// Weight of the micro-batch in the means of metrics.
    pub(super) fn weight(&self) -> f64 {
        let count = match self {
            Self::Supervised(task) => task.row.num_scored(),
            Self::Preference(task) => task.pairs.len(),
            Self::Unpaired(task) => task.completions.len(),
            Self::Score(task) => task.num_pairs(),
            Self::Policy(task) => task.row.num_scored(),
        };
        count as f64
    }
}

/// What a policy makes of the scored tokens of a row; what only some losses ask for is computed when they do.
struct Written<'a> {
    policy: &'a Decoder,
    hidden: Tensor<2>,
    targets: Tensor<1, Int>,
    scores: TokenScores,
}

impl<'a> Written<'a> {
    fn new(policy: &'a Decoder, row: &ScoredRow, temperature: f64, dropout: Option<Seed>) -> Self {
        let hidden = row.hidden(policy, dropout); // [token, hidden]
        let targets = row.targets(&hidden.device()); // [token]
        let scores = policy.score(hidden.clone(), targets.clone(), temperature);
        Self { policy, hidden, targets, scores }
    }

    /// Means of the log-probabilities over the vocabulary, `[token]`.
    fn mean_log_probs(&self) -> Tensor<1> {
        let log_probs = self.scores.log_probs.clone();
        self.policy.mean_log_probs(self.hidden.clone(), self.targets.clone(), log_probs)
    }

    /// Means of the logits over the vocabulary, `[token]`, for metrics.
    fn mean_logits(&self) -> Tensor<1> {
        self.policy.mean_logits(self.hidden.clone().detach()).detach()
    }

    /// Entropies with their gradient, `[token]`, from all logits.
    fn entropy(&self, temperature: f64) -> Tensor<1> {
        let logits = self.policy.logits(self.hidden.clone()).div_scalar(temperature); // [token, vocab]
        let [num_tokens, _] = logits.dims();
        let log_probs = log_softmax(logits, 1); // [token, vocab]
        (log_probs.clone().exp() * log_probs).sum_dim(1).neg().reshape([num_tokens])
    }

    /// Logarithms of the sums of squared probabilities, `[token]`.
    fn log_sum_squared_probs(&self) -> Tensor<1> {
        self.policy.log_sum_squared_probs(self.hidden.clone())
    }
}

/// A loss of one family.
pub(crate) struct Loss<T: ?Sized>(pub(crate) Arc<T>);

impl<T: ?Sized> Clone for Loss<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> fmt::Debug for Loss<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::any::type_name::<T>())
    }
}

/// A supervised loss and its step.
#[derive(Clone, Debug)]
pub(crate) struct Supervised {
    pub(crate) row: ScoredRow,
    pub(crate) loss: Loss<dyn SupervisedLoss + Send + Sync>,
    /// Scored tokens of all micro-batches of the optimiser step.
    pub(crate) num_step_tokens: usize,
}

impl Supervised {
    fn forward(&self, written: &Written<'_>) -> LossOutput {
        let scores = written.scores.clone();
        let mut batch = SupervisedBatch::new(scores.log_probs, self.num_step_tokens)
            .with_entropy(scores.entropy)
            .with_is_argmax(scores.is_argmax);
        if self.loss.0.needs_mean_log_probs() {
            batch = batch.with_mean_log_probs(written.mean_log_probs());
        }
        self.loss.0.forward(batch)
    }
}

/// A loss over pairs and its step. The scored tokens are those of all chosen completions, then of all rejected ones, then
/// the prompts where the loss wants them.
#[derive(Clone, Debug)]
pub(crate) struct Preference {
    pub(crate) row: ScoredRow,
    pub(crate) loss: Loss<dyn PreferenceLoss + Send + Sync>,
    pub(crate) pairs: Vec<PairLengths>,
    pub(crate) totals: PreferenceTotals,
    /// `[token]`, under the frozen reference, where the loss asks for it.
    pub(crate) reference_log_probs: Option<Vec<f32>>,
    /// Prompt tokens of the whole step, where the loss asks for them.
    pub(crate) num_prompt_tokens: Option<usize>,
    pub(crate) baseline: Baseline,
}

/// The running mean of rewards, shared by the micro-batches of a run, which are computed one after the other.
pub(crate) type Baseline = Arc<Mutex<RewardBaseline>>;

impl Preference {
    fn forward(&self, written: &Written<'_>) -> LossOutput {
        let scores = written.scores.clone();
        let device = scores.log_probs.device();
        let num_tokens = self.pairs.iter().map(|pair| pair.chosen + pair.rejected).sum();
        let [num_scored] = scores.log_probs.dims();
        let pairs = |list: Tensor<1>| list.slice(0..num_tokens); // [token]
        let mut baseline = self.baseline.lock().unwrap_or_else(PoisonError::into_inner);
        let log_probs = pairs(scores.log_probs.clone());
        let mut batch = PreferenceBatch::new(log_probs, self.pairs.clone(), self.totals)
            .with_entropy(pairs(scores.entropy))
            .with_is_argmax(pairs(scores.is_argmax))
            .with_mean_logits(pairs(written.mean_logits()))
            .with_baseline(*baseline);
        if let Some(reference) = &self.reference_log_probs {
            batch = batch.with_reference_log_probs(token_list(reference, &device));
        }
        if let Some(num_step_tokens) = self.num_prompt_tokens {
            let prompts = scores.log_probs.slice(num_tokens..num_scored); // [token]
            batch = batch.with_prompt_log_probs(prompts, num_step_tokens);
        }
        if self.loss.0.needs_sum_squared_probs() {
            batch = batch.with_log_sum_squared_probs(pairs(written.log_sum_squared_probs()));
        }
        let output = self.loss.0.forward(batch);
        *baseline = self.loss.0.baseline_after(*baseline, &output);
        output
    }
}

/// A loss over single completions and its step. The scored tokens are those of the completions, then those of mismatched
/// completions where the loss wants them.
#[derive(Clone, Debug)]
pub(crate) struct Unpaired {
    pub(crate) row: ScoredRow,
    pub(crate) loss: Loss<dyn UnpairedLoss + Send + Sync>,
    pub(crate) completions: Vec<UnpairedCompletion>,
    /// Completions of the whole step.
    pub(crate) num_step_completions: usize,
    /// `[token]`, under the frozen reference.
    pub(crate) reference_log_probs: Vec<f32>,
    /// The mismatched completions: the tokens of each, and its log-probability under the reference.
    pub(crate) mismatched: Vec<(usize, f32)>,
}

impl Unpaired {
    fn forward(&self, written: &Written<'_>) -> LossOutput {
        let scores = written.scores.clone();
        let device = scores.log_probs.device();
        let num_tokens = self.reference_log_probs.len();
        let [num_scored] = scores.log_probs.dims();
        let own = |list: Tensor<1>| list.slice(0..num_tokens); // [token]
        let completions = self.completions.clone();
        let log_probs = own(scores.log_probs.clone());
        let mut batch = UnpairedBatch::new(log_probs, completions, self.num_step_completions)
            .with_reference_log_probs(token_list(&self.reference_log_probs, &device))
            .with_entropy(own(scores.entropy))
            .with_mean_logits(own(written.mean_logits()));
        if !self.mismatched.is_empty() {
            let (lengths, reference): (Vec<usize>, Vec<f32>) =
                self.mismatched.iter().copied().unzip();
            let others = scores.log_probs.detach().slice(num_tokens..num_scored); // [token]
            let policy = Ragged::new(&lengths, &device).sum(others); // [completion]
            batch = batch.with_kl_log_ratios(policy - token_list(&reference, &device));
        }
        self.loss.0.forward(batch)
    }
}

/// A loss over scores and its step.
#[derive(Clone, Debug)]
pub(crate) struct Score {
    pub(crate) loss: Loss<dyn ScoreLoss + Send + Sync>,
    /// All chosen sequences, then all rejected ones.
    pub(crate) packed: Packed,
    /// Pairs of the whole step.
    pub(crate) num_step_pairs: usize,
    /// By how much each chosen one should win, where that is known of all.
    pub(crate) margins: Option<Vec<f32>>,
}

impl Score {
    fn num_pairs(&self) -> usize {
        self.packed.rows.len() / 2
    }

    fn forward(&self, scorer: &ScoreModel, dropout: Option<Seed>) -> LossOutput {
        let scores = scorer.score_sequences(&self.packed, dropout); // [sequence]
        let device = scores.device();
        let num_pairs = self.num_pairs();
        let chosen = scores.clone().slice(0..num_pairs); // [pair]
        let rejected = scores.slice(num_pairs..2 * num_pairs); // [pair]
        let mut batch = ScoreBatch::new(chosen, rejected, self.num_step_pairs);
        if let Some(margins) = &self.margins {
            batch = batch.with_margins(token_list(margins, &device));
        }
        self.loss.0.forward(batch)
    }
}

/// A loss over sampled tokens and what they were sampled with.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) row: ScoredRow,
    /// What the logits are divided by: the temperature of the sampling.
    pub(crate) temperature: f64,
    pub(crate) loss: Loss<dyn PolicyLoss + Send + Sync>,
    pub(crate) completions: Vec<PolicyCompletion>,
    pub(crate) totals: StepTotals,
    /// `[token]`, what the tokens were sampled with.
    pub(crate) sampling_log_probs: Vec<f32>,
    /// Whether a server sampled them, of which it is logged before the step how far it is from training.
    pub(crate) is_served: bool,
    /// `[token]`, under the weights that sampled, as training computes them; none where the policy being trained has the
    /// same weights.
    pub(crate) old_log_probs: Option<Vec<f32>>,
    /// `[token]`, under the frozen reference, where the loss asks for it.
    pub(crate) reference_log_probs: Option<Vec<f32>>,
    /// `[token]`, where tokens have advantages of their own.
    pub(crate) token_advantages: Option<Vec<f32>>,
    pub(crate) entropy: Entropy,
    pub(crate) critic: Option<Critic>,
}

impl Policy {
    fn forward(&self, written: &Written<'_>) -> LossOutput {
        let scores = written.scores.clone();
        let device = scores.log_probs.device();
        let list = |values: &Vec<f32>| token_list(values, &device);
        let entropy = match self.entropy {
            Entropy::Metric => scores.entropy,
            Entropy::Rewarded => written.entropy(self.temperature),
        };
        let sampled = list(&self.sampling_log_probs); // [token]
        // How far the engines that sample and train are apart shows only while their weights are the same.
        let trained = scores.log_probs.clone().detach();
        let old = self.old_log_probs.as_ref().map_or(trained, list); // [token]
        let log_ratio = old - sampled.clone(); // [token]
        let mut batch = PolicyBatch::new(scores.log_probs, self.completions.clone(), self.totals)
            .with_sampling_log_probs(sampled)
            .with_entropy(entropy);
        if let Some(old) = &self.old_log_probs {
            batch = batch.with_old_log_probs(list(old));
        }
        if let Some(reference) = &self.reference_log_probs {
            batch = batch.with_reference_log_probs(list(reference));
        }
        if let Some(advantages) = &self.token_advantages {
            batch = batch.with_token_advantages(advantages.clone());
        }
        let mut output = self.loss.0.forward(batch);
        let lengths: Vec<usize> = self.completions.iter().map(|one| one.num_tokens).collect();
        if !self.is_served {
            ratios::report_difference(&mut output, log_ratio.clone());
        }
        ratios::report_ratios(&mut output, &lengths, log_ratio);
        output
    }
}

/// What entropies are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entropy {
    /// They are logged.
    Metric,
    /// The loss rewards them, so that their gradient matters: `[token, vocab]` is held for it.
    Rewarded,
}

/// A loss over predicted values, trained along with a policy.
#[derive(Clone, Debug)]
pub(crate) struct Critic {
    pub(crate) loss: Loss<dyn ValueLoss + Send + Sync>,
    pub(crate) tokens: PackedTokens,
    /// `[value]`, the row of tokens whose hidden state is valued.
    pub(crate) rows: Vec<i64>,
    /// `[value]`, predicted when the tokens were sampled.
    pub(crate) old_values: Vec<f32>,
    /// `[value]`, what the values should have been.
    pub(crate) returns: Vec<f32>,
    /// Values of the whole step.
    pub(crate) num_step_values: usize,
}

impl Critic {
    fn forward(&self, critic: &ScoreModel, dropout: Option<Seed>) -> LossOutput {
        let values = critic.values(&self.tokens, dropout); // [token]
        let device = values.device();
        let rows = TensorData::new(self.rows.clone(), [self.rows.len()]);
        let rows = Tensor::from_data(rows, &device);
        let values = values.select(0, rows); // [value]
        let (old, returns) =
            (token_list(&self.old_values, &device), token_list(&self.returns, &device));
        self.loss.0.forward_values(ValueBatch::new(values, old, returns, self.num_step_values))
    }
}

/// Two objectives as one: their losses add up.
fn together(one: LossOutput, other: LossOutput) -> LossOutput {
    let metrics = one.metrics.into_iter().chain(other.metrics).collect();
    LossOutput { loss: one.loss + other.loss, metrics }
}

fn token_list(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}
