//! Where an online stage has its completions sampled.

use std::num::NonZeroU64;
use std::path::PathBuf;

use forethought_endpoint::EndpointConfig;
use forethought_model::LoraConfig;
use forethought_remote_rollout::Api;
use forethought_rollout::Sampling;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method::{OnlineMethod, Plan, SampledBy};
use crate::config::Problem;
use crate::training::problem;

/// Where completions are sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub enum RolloutSource {
    /// Here, with the weights that are trained.
    Local(LocalRollout),
    /// By a server.
    Server(Box<ServerRollout>),
}

impl Default for RolloutSource {
    fn default() -> Self {
        Self::Local(LocalRollout {})
    }
}

/// Nothing to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalRollout {}

/// A server that samples. What it sampled with is some steps old and computed otherwise than training computes;
/// `loss.sampling_correction` of `grpo` makes that good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerRollout {
    /// What it speaks: `vllm`, or `llama_cpp`, which cannot load adapters while it runs.
    pub api: Api,
    /// Its address up to `/v1`, its name of the model that the stage starts from, and how patiently it is asked.
    pub endpoint: EndpointConfig,
    /// The adapter is saved and loaded into the server before a sampling, once it is this many optimiser steps old: at
    /// least 1, or `never`, with which the server samples from the start of the stage all along. Default 1: before every
    /// sampling, as in TRL.
    #[serde(default)]
    pub reload_every: ReloadEvery,
    /// What adapters are called in the server, with a hash behind it. Default `forethought`.
    #[serde(default = "default_adapter_name")]
    pub adapter_name: String,
    /// Where adapters are saved for the server to read. Default: `training/STAGE/adapters` in the run folder.
    #[serde(default)]
    pub adapter_folder: Option<PathBuf>,
    /// The same folder as the server sees it, where that is another path. Default: as seen from here.
    #[serde(default)]
    pub adapter_folder_on_server: Option<String>,
    /// How far, in nats a token, the log-probabilities of the server may be from those of training, on average over one
    /// sampling, before the run stops because the server has another model: finite and `> 0`. Default 1.
    #[serde(default = "default_max_difference")]
    pub max_log_prob_difference: f64,
}

/// When the server gets a new adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of optimiser steps from 1, or `never`")]
pub enum ReloadEvery {
    /// Once its own is this many optimiser steps old.
    Steps(NonZeroU64),
    /// Not at all.
    Word(Never),
}

/// The word `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// Not at all.
    Never,
}

impl Default for ReloadEvery {
    fn default() -> Self {
        Self::Steps(NonZeroU64::MIN)
    }
}

impl ReloadEvery {
    /// The steps, where there are any.
    pub(super) fn steps(self) -> Option<u64> {
        match self {
            Self::Steps(steps) => Some(steps.get()),
            Self::Word(Never::Never) => None,
        }
    }
}

fn default_adapter_name() -> String {
    "forethought".to_owned()
}
fn default_max_difference() -> f64 {
    1.0
}

impl RolloutSource {
    /// Whether completions are sampled here.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Who samples.
    pub(super) fn sampled_by(&self) -> SampledBy {
        match self {
            Self::Local(_) => SampledBy::Ourselves,
            Self::Server(_) => SampledBy::Server,
        }
    }

    /// What is out of range, or does not go together with the rest of the stage.
    pub(super) fn problems(
        &self,
        method: &dyn OnlineMethod,
        plan: Option<Plan>,
        lora: Option<&LoraConfig>,
        sampling: &Sampling,
    ) -> Vec<Problem> {
        let Self::Server(server) = self else { return Vec::new() };
        let address = server.endpoint.check().err();
        let address = address.map(|error| problem("rollout.endpoint", &error.to_string()));
        let found = [
            server.reload_problem(lora),
            server.staleness_problem(method, plan),
            server.name_problem(),
            server.difference_problem(),
            server.sampling_problem(sampling),
        ];
        address.into_iter().chain(found.into_iter().flatten()).collect()
    }
}

/// A problem of a setting of `rollout`.
fn of(key: &str, message: impl Into<String>) -> Problem {
    (format!("rollout.{key}"), message.into())
}

impl ServerRollout {
    /// What cannot be loaded while the server runs.
    fn reload_problem(&self, lora: Option<&LoraConfig>) -> Option<Problem> {
        self.reload_every.steps()?;
        let message = match lora {
            _ if !self.api.loads_adapters() => {
                "llama.cpp's server loads adapters when it starts and none later; set `reload_every: never`, with which its \
                 completions get older step by step, or sample with `api: vllm`"
            }
            None => {
                "only adapters are loaded into a running server; set `lora`, or `reload_every: never`, with which its \
                 completions get older step by step"
            }
            Some(lora) if lora.use_dora => "vLLM computes no DoRA; unset lora.use_dora",
            Some(lora) if !lora.modules_to_save.is_empty() => {
                "vLLM loads low-rank updates alone; unset lora.modules_to_save"
            }
            Some(_) => return None,
        };
        Some(of("reload_every", message))
    }

    /// Only some losses make good what an older adapter sampled.
    fn staleness_problem(&self, method: &dyn OnlineMethod, plan: Option<Plan>) -> Option<Problem> {
        let most = plan?.num_steps();
        let steps = self.reload_every.steps();
        if method.corrects_sampler() || steps.is_some_and(|steps| steps <= most) {
            return None;
        }
        let found = steps.map_or("never".to_owned(), |steps| steps.to_string());
        let message = format!(
            "must be at most {most}, so that every sampling has the latest adapter, got {found}: the loss of this method has no \
             correction for what an older one sampled (grpo has)"
        );
        Some(of("reload_every", message))
    }

    fn name_problem(&self) -> Option<Problem> {
        let name = &self.adapter_name;
        let is_word = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
        let is_right = !name.is_empty() && name.chars().all(is_word);
        let message = format!("must be made of letters, digits, `-`, `_` and `.`, got {name:?}");
        (!is_right).then(|| of("adapter_name", message))
    }

    fn difference_problem(&self) -> Option<Problem> {
        let found = self.max_log_prob_difference;
        let is_right = found.is_finite() && 0.0 < found;
        let message = format!("must be finite and greater than 0, got {found}");
        (!is_right).then(|| of("max_log_prob_difference", message))
    }

    fn sampling_problem(&self, sampling: &Sampling) -> Option<Problem> {
        let is_wrong = self.api == Api::LlamaCpp && sampling.min_new_tokens > 0;
        let message = "llama.cpp's server knows no least number of tokens; leave it out";
        is_wrong.then(|| ("sampling.min_new_tokens".to_owned(), message.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forethought_grpo::GrpoConfig;
    use forethought_rloo::RlooConfig;

    fn server(yaml: &str) -> RolloutSource {
        let endpoint = "endpoint: {url: 'http://127.0.0.1:8000/v1', model: m}";
        serde_yaml::from_str(&format!("{{engine: server, {endpoint}, {yaml}}}")).expect("right")
    }

    /// The problems of a stage that trains an adapter.
    fn found(source: &RolloutSource, method: &dyn OnlineMethod) -> Vec<Problem> {
        let (plan, lora) = (method.plan(1).ok(), LoraConfig::default());
        source.problems(method, plan, Some(&lora), &Sampling::default())
    }

    /// The same without one.
    fn found_whole(source: &RolloutSource, method: &dyn OnlineMethod) -> Vec<Problem> {
        source.problems(method, method.plan(1).ok(), None, &Sampling::default())
    }

    #[test]
    fn an_adapter_of_vllm_may_be_loaded_and_nothing_else_may() {
        let grpo = GrpoConfig::default();
        let vllm = server("api: vllm");
        assert_eq!(found(&vllm, &grpo), []);
        assert!(found_whole(&vllm, &grpo)[0].1.starts_with("only adapters are loaded"));
        let llama = server("api: llama_cpp");
        let problems = found(&llama, &grpo);
        assert_eq!(problems[0].0, "rollout.reload_every");
        assert!(problems[0].1.starts_with("llama.cpp's server loads adapters when it starts"));
        assert_eq!(found_whole(&server("api: llama_cpp, reload_every: never"), &grpo), []);
    }

    #[test]
    fn what_makes_no_older_samples_good_has_the_latest_adapter() {
        let rloo = RlooConfig::default();
        assert_eq!(found(&server("api: vllm, reload_every: 1"), &rloo), []);
        let problems = found(&server("api: vllm, reload_every: 3"), &rloo);
        assert!(problems[0].1.contains("must be at most 1") && problems[0].1.contains("got 3"));
        let never = found(&server("api: vllm, reload_every: never"), &rloo);
        assert!(never[0].1.contains("got never"));
        assert_eq!(found(&server("api: vllm, reload_every: 3"), &GrpoConfig::default()), []);
    }

    #[test]
    fn words_and_numbers_out_of_range_are_named() {
        let grpo = GrpoConfig::default();
        let spoilt = server("api: vllm, adapter_name: 'a/b', max_log_prob_difference: 0");
        let keys: Vec<String> = found(&spoilt, &grpo).into_iter().map(|one| one.0).collect();
        assert_eq!(keys, ["rollout.adapter_name", "rollout.max_log_prob_difference"]);
        let text = "{engine: server, api: vllm, endpoint: {url: a, model: m}, reload_every: 0}";
        let error =
            serde_yaml::from_str::<RolloutSource>(text).expect_err("0 is no number of steps");
        assert!(
            error.to_string().contains("a number of optimiser steps from 1, or `never`"),
            "{error}"
        );
        let unknown = serde_yaml::from_str::<RolloutSource>("{engine: local, url: a}");
        assert!(unknown.expect_err("no such key").to_string().contains("unknown field"));
    }
}
