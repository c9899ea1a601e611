//! Hyper-parameters with the names and defaults of TRL, checked once.

mod choices;
mod ranges;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use choices::{
    ImportanceSamplingLevel, LossType, MultiObjectiveAggregation, SamplingCorrection, ScaleRewards,
    Semantics,
};
pub use ranges::GrpoConfigError;

use crate::{DynamicSampling, GrpoLoss};

/// Hyper-parameters of [`GrpoLoss`]. Names and defaults are those of `GRPOConfig` in TRL 1.16.
///
/// Those whose default depends on the version that `semantics` names are optional. Reading and writing a config fills them
/// in, as [`resolved`](Self::resolved) does, so that a written config shows every value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct GrpoConfig {
    /// Whose formulas and defaults: `trl-1.16` or `trl-0.15`. Default `trl-1.16`.
    pub semantics: Semantics,
    /// What is done to each token, and how token losses become one number. Default `dapo`; with `trl-0.15`, `grpo`.
    pub loss_type: Option<LossType>,
    /// How far the ratio of policies may fall below 1 before it is clipped: in `[0, 1]`. Default 0.2.
    pub epsilon: f64,
    /// How far it may rise above 1: finite, `>= 0`. Default: as `epsilon`. DAPO recommends 0.28. With `cispo` it is not how
    /// far, but the highest ratio itself; Khatri et al. 2025, <https://arxiv.org/abs/2510.13786>, recommend 5.
    pub epsilon_high: Option<f64>,
    /// The highest ratio that counts against a bad token, whose ratio is otherwise not bounded above: finite, `> 0`, better
    /// above `1 + epsilon_high`. Default none; INTELLECT-2, <https://arxiv.org/abs/2505.07291>.
    pub delta: Option<f64>,
    /// Weight of the divergence from the reference policy: finite, `>= 0`. Default 0, which needs no reference; with
    /// `trl-0.15`, 0.04.
    pub beta: Option<f64>,
    /// Whether the divergence is multiplied by the ratio of policies, which makes its gradient unbiased off policy;
    /// DeepSeek-AI 2025, <https://arxiv.org/abs/2512.02556>. Default true; with `trl-0.15`, false.
    pub use_bias_correction_kl: Option<bool>,
    /// Weight of each reward function: finite, as many as there are functions. Default 1 each.
    pub reward_weights: Option<Vec<f64>>,
    /// How several rewards become one advantage: `sum_then_normalize` or `normalize_then_sum`. Default
    /// `sum_then_normalize`.
    pub multi_objective_aggregation: MultiObjectiveAggregation,
    /// What advantages are divided by: `group`, `batch` or `none`. Default `group`.
    pub scale_rewards: ScaleRewards,
    /// Over what the ratio of policies is formed: `token` or `sequence`. Default `token`.
    pub importance_sampling_level: ImportanceSamplingLevel,
    /// How often each sampled batch is trained on, the paper's μ: `>= 1`. Default 1.
    pub num_iterations: usize,
    /// Micro-batches that are sampled at once: `>= 1`. Default: those of one optimiser step.
    pub steps_per_generation: Option<usize>,
    /// Whether completions that were cut off at the length limit are left out of the loss. Default false.
    pub mask_truncated_completions: bool,
    /// Tokens that a completion may have, the divisor of `dr_grpo`: `>= 1`. Default 512.
    pub max_completion_length: usize,
    /// Share of the tokens, those of the highest entropy, that the policy learns from: in `[0, 1]`, where 0 leaves the one
    /// token of the highest. Default 1, all; Wang et al. 2025, <https://arxiv.org/abs/2506.01939>, recommend 0.2.
    pub top_entropy_quantile: f64,
    /// Weight of the mean entropy, which is rewarded: finite. Default 0.
    pub entropy_coef: f64,
    /// Bad completions that the policy being trained has left by more than this, in nats for each token, are dropped:
    /// finite, `> 0`. Default none; DeepSeek-AI 2025, Eq. 9, <https://arxiv.org/abs/2512.02556>.
    pub off_policy_mask_threshold: Option<f64>,
    /// How the difference between the sampler's log-probabilities and those of training is made good: `none`,
    /// `token_truncate`, `token_mask`, `sequence_truncate` or `sequence_mask`. TRL's `vllm_importance_sampling_mode`.
    /// Default `none` where one engine samples and trains, and `sequence_mask` where a server samples (TRL with vLLM).
    pub sampling_correction: Option<SamplingCorrection>,
    /// The highest ratio that the correction lets through: finite, `> 0`. Default 3 (TRL).
    pub sampling_correction_max: f64,
    /// The lowest one: finite, `>= 0`. Default none (TRL).
    pub sampling_correction_min: Option<f64>,
    /// How sharply `sapo` turns away from good tokens off policy: finite, `> 0`. Default 1.
    pub sapo_temperature_pos: f64,
    /// How sharply it turns away from bad ones: finite, `> 0`. Default 1.05.
    pub sapo_temperature_neg: f64,
    /// How sharply `vespo` turns away from good completions that became improbable: finite, `>= 0`. Default 2.
    pub vespo_k_pos: f64,
    /// How sharply it turns away from good completions that became probable: finite, `>= 0`. Default 3.
    pub vespo_lambda_pos: f64,
    /// As `vespo_k_pos`, for bad completions. Default 3.
    pub vespo_k_neg: f64,
    /// As `vespo_lambda_pos`, for bad completions. Default 2.
    pub vespo_lambda_neg: f64,
    /// Whether prompts whose completions are all worth the same are replaced by others. Default none: they stay and teach
    /// nothing, as in TRL.
    pub dynamic_sampling: Option<DynamicSampling>,
}

impl Default for GrpoConfig {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            loss_type: None,
            epsilon: 0.2,
            epsilon_high: None,
            delta: None,
            beta: None,
            use_bias_correction_kl: None,
            reward_weights: None,
            multi_objective_aggregation: MultiObjectiveAggregation::default(),
            scale_rewards: ScaleRewards::default(),
            importance_sampling_level: ImportanceSamplingLevel::default(),
            num_iterations: 1,
            steps_per_generation: None,
            mask_truncated_completions: false,
            max_completion_length: 512,
            top_entropy_quantile: 1.0,
            entropy_coef: 0.0,
            off_policy_mask_threshold: None,
            sampling_correction: None,
            sampling_correction_max: 3.0,
            sampling_correction_min: None,
            sapo_temperature_pos: 1.0,
            sapo_temperature_neg: 1.05,
            vespo_k_pos: 2.0,
            vespo_lambda_pos: 3.0,
            vespo_k_neg: 3.0,
            vespo_lambda_neg: 2.0,
            dynamic_sampling: None,
        }
    }
}

impl<'de> Deserialize<'de> for GrpoConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::deserialize(deserializer)?.resolved())
    }
}

impl Serialize for GrpoConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(&self.resolved(), serializer)
    }
}

impl GrpoConfig {
    /// The same config, with the defaults of its semantics written out.
    #[must_use]
    pub fn resolved(&self) -> Self {
        let (loss_type, beta, use_bias_correction_kl) = match self.semantics {
            Semantics::Trl116 => (LossType::Dapo, 0.0, true),
            Semantics::Trl015 => (LossType::Grpo, 0.04, false),
        };
        Self {
            loss_type: self.loss_type.or(Some(loss_type)),
            beta: self.beta.or(Some(beta)),
            use_bias_correction_kl: self.use_bias_correction_kl.or(Some(use_bias_correction_kl)),
            ..self.clone()
        }
    }

    /// Builds the loss.
    ///
    /// # Errors
    ///
    /// If a hyper-parameter is outside its range, or one that the semantics does not know.
    pub fn init(&self) -> Result<GrpoLoss, GrpoConfigError> {
        let config = self.resolved();
        config.check()?;
        Ok(GrpoLoss {
            loss_type: config.loss_type.unwrap_or_default(),
            beta: config.beta.unwrap_or_default(),
            use_bias_correction_kl: config.use_bias_correction_kl.unwrap_or_default(),
            epsilon_high: config.epsilon_high.unwrap_or(config.epsilon),
            config,
        })
    }
}
