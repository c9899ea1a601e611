//! The choices that a config offers by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose formulas and defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Semantics {
    /// TRL 1.16.
    #[default]
    #[serde(rename = "trl-1.16")]
    Trl116,
    /// TRL 0.14 and 0.15: one update for each sample, so no clipping and no old policy; every completion weighs the same;
    /// the divergence, of weight 0.04, is not corrected.
    #[serde(rename = "trl-0.15")]
    Trl015,
}

/// What is done to each token, and how token losses become one number. `N` completions and `T` tokens count over the whole
/// optimiser step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Clipped; mean over completions of the mean over their tokens; Shao et al. 2024, Eq. 3. Prefers short good answers and
    /// long bad ones.
    Grpo,
    /// Clipped; sum over the tokens of each micro-batch, divided by their number, then the mean over micro-batches.
    Bnpo,
    /// Clipped; sum over tokens, divided by `N * max_completion_length`; Liu et al. 2025,
    /// <https://arxiv.org/abs/2503.20783>.
    DrGrpo,
    /// Clipped; sum over tokens, divided by `T`; Yu et al. 2025, Eq. 8, <https://arxiv.org/abs/2503.14476>.
    #[default]
    Dapo,
    /// The log-probability, weighted by the detached ratio up to `epsilon_high`: no token loses its gradient; divided by
    /// `T`; Chen et al. 2025, <https://arxiv.org/abs/2506.13585>.
    Cispo,
    /// A smooth gate instead of the clip; reduced as `grpo`; Gao et al. 2025, <https://arxiv.org/abs/2511.20347>.
    Sapo,
    /// Clipped; each completion weighs as much as it has tokens: sum over tokens, divided by `N`. Made for ratios of
    /// `sequence`; <https://arxiv.org/abs/2602.05261>.
    Luspo,
    /// The log-probability, weighted by a smooth function of the completion's detached ratio; divided by `T`;
    /// <https://arxiv.org/abs/2602.10693>.
    Vespo,
}

/// How several rewards become one advantage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MultiObjectiveAggregation {
    /// Rewards are added up, then the sums are compared within the group.
    #[default]
    SumThenNormalize,
    /// Each reward is compared within the group, then these are added up and normalised over the batch; GDPO, Liu et al.
    /// 2026, <https://arxiv.org/abs/2601.05242>. `scale_rewards` then has no effect.
    NormalizeThenSum,
}

/// What advantages are divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRewards {
    /// The standard deviation of the rewards of the same prompt.
    #[default]
    Group,
    /// The standard deviation of the rewards of the whole batch; Liu, Liu et al. 2025, <https://arxiv.org/abs/2508.08221>.
    Batch,
    /// Nothing; Liu et al. 2025, <https://arxiv.org/abs/2503.20783>.
    None,
}

/// Over what the ratio of policies is formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceSamplingLevel {
    /// Each token by itself.
    #[default]
    Token,
    /// The geometric mean over the tokens of a completion; GSPO, Zheng et al. 2025, <https://arxiv.org/abs/2507.18071>.
    Sequence,
}

/// How the difference between the sampler's log-probabilities and those of training is made good: by the ratio of the
/// probabilities, bounded. Yao et al. 2025, *Your Efficient RL Framework Secretly Brings You Off-Policy RL Training*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SamplingCorrection {
    /// Not at all.
    #[default]
    None,
    /// Each token is weighted by its ratio, clipped.
    TokenTruncate,
    /// Each token is weighted by its ratio, and dropped if that is out of bounds.
    TokenMask,
    /// All tokens of a completion are weighted by its ratio, clipped.
    SequenceTruncate,
    /// All tokens of a completion are weighted by its ratio, and dropped if that is out of bounds.
    SequenceMask,
}
