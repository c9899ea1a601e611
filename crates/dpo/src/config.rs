//! Hyper-parameters with the names and defaults of TRL 1.16, checked once.

mod check;
mod loss_types;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::DpoConfigError;

/// Whose formulas run where programs disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Semantics {
    /// TRL 1.16.
    #[default]
    #[serde(rename = "trl-1.16")]
    Trl116,
    /// TRL 0.15, and what it kept until 0.25.
    #[serde(rename = "trl-0.15")]
    Trl015,
    /// LLaMA-Factory 0.9, which computes its losses with TRL 0.9 to 0.24.
    #[serde(rename = "llama-factory")]
    LlamaFactory,
}

/// What one pair costs; the formulas are in the documentation of the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Rafailov et al. 2023, Eq. 7, <https://arxiv.org/abs/2305.18290>; with label smoothing cDPO (Mitchell 2023), which TRL 1.16
    /// leaves out and the other semantics have.
    Sigmoid,
    /// Zhao et al. 2023, section 2.2, <https://arxiv.org/abs/2305.10425>.
    Hinge,
    /// Azar et al. 2023, Eq. 17, <https://arxiv.org/abs/2310.12036>, over means of tokens.
    Ipo,
    /// Ji et al. 2024, Eq. 16, <https://arxiv.org/abs/2402.00856>.
    ExoPair,
    /// Chen et al. 2024, <https://arxiv.org/abs/2402.05369>.
    NcaPair,
    /// Chowdhury et al. 2024, Eq. 10, <https://arxiv.org/abs/2403.00409>.
    Robust,
    /// Jung et al. 2024, <https://arxiv.org/abs/2404.04656>, on pairs.
    BcoPair,
    /// Wu et al. 2024, Eq. 4.7 with certain preferences, <https://arxiv.org/abs/2405.00675>.
    SppoHard,
    /// Melnyk et al. 2024, <https://arxiv.org/abs/2406.05882>: margins of the policy and of the reference, each sorted over the
    /// micro-batch.
    Aot,
    /// As [`Self::Aot`], with the log-ratios of chosen and of rejected completions each sorted.
    AotUnpaired,
    /// The name of [`Self::AotUnpaired`] before TRL 1.
    AotPair,
    /// D'Oosterlinck et al. 2024, Eq. 7, <https://arxiv.org/abs/2408.06266>.
    ApoZero,
    /// The same, Eq. 8.
    ApoDown,
    /// Lu et al. 2024, Eq. 5, <https://arxiv.org/abs/2406.08414>.
    Discopop,
    /// The negative log-likelihood of the chosen completions.
    Sft,
    /// As [`Self::Sigmoid`], over means of tokens.
    SigmoidNorm,
    /// Meng et al. 2024, Eq. 6, <https://arxiv.org/abs/2405.14734>: over means of tokens, without a reference.
    Simpo,
}

/// What replaces the log-ratio where the divergence from the reference is another one; Wang et al. 2023,
/// <https://arxiv.org/abs/2309.16240>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FDivergence {
    /// The log-ratio itself.
    #[default]
    ReverseKl,
    /// `1 - 1 / ratio`.
    ForwardKl,
    /// `log(2 * ratio / (1 + ratio))`.
    JsDivergence,
    /// `(ratio^(alpha - 1) - 1) / (alpha - 1)`; in TRL 0.15 `-ratio^(-alpha) / alpha`.
    AlphaDivergence,
}

/// Hyper-parameters of [`crate::DpoLoss`]. Names and defaults are those of `DPOConfig` in TRL 1.16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DpoConfig {
    /// Whose formulas run where programs disagree: `trl-1.16`, `trl-0.15` or `llama-factory`. Default `trl-1.16`.
    pub semantics: Semantics,
    /// What one pair costs: a name or a list of names. Default `sigmoid`.
    #[serde(deserialize_with = "loss_types::one_or_several")]
    #[schemars(with = "loss_types::AsWritten")]
    pub loss_type: Vec<LossType>,
    /// The weight of each loss type: finite, as many as loss types. Default 1 for each.
    pub loss_weights: Option<Vec<f64>>,
    /// Strength of the pull towards the reference, and `tau` of `ipo`: finite, `> 0`. Default 0.1.
    pub beta: f64,
    /// Assumed fraction of flipped labels: in `[0, 0.5)`, above 0 for `exo_pair`. Default 0.
    pub label_smoothing: f64,
    /// What replaces the log-ratio. Default `reverse_kl`, the log-ratio.
    pub f_divergence_type: FDivergence,
    /// `alpha` of `alpha_divergence`: finite, above 0 in TRL 0.15. Default 0.5.
    pub f_alpha_divergence_coef: f64,
    /// Temperature at which `discopop` mixes its parts: finite, `> 0`. Default 0.05.
    pub discopop_tau: f64,
    /// Weight of tokens beyond the length of the shorter completion: in `[0, 1]`; Liu et al. 2024,
    /// <https://arxiv.org/abs/2409.06411>. Default: none, which is 1.
    pub ld_alpha: Option<f64>,
    /// Whether pairs weigh as much as the policy itself would have written them; Zhou et al. 2024, Eq. 2,
    /// <https://arxiv.org/abs/2406.11827>. Default false.
    pub use_weighting: bool,
    /// Whether a uniform distribution stands in for the reference. Default false, as TRL 0.15; TRL 1.16 has no such switch.
    pub reference_free: bool,
    /// The margin, in units of the reward, by which `simpo` wants the chosen completion to win: finite, `>= 0`. Default 0.5,
    /// as TRL's CPO and LLaMA-Factory.
    pub simpo_gamma: f64,
}

impl Default for DpoConfig {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            loss_type: vec![LossType::Sigmoid],
            loss_weights: None,
            beta: 0.1,
            label_smoothing: 0.0,
            f_divergence_type: FDivergence::default(),
            f_alpha_divergence_coef: 0.5,
            discopop_tau: 0.05,
            ld_alpha: None,
            use_weighting: false,
            reference_free: false,
            simpo_gamma: 0.5,
        }
    }
}
