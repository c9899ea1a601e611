//! The server of a stage, made ready as its settings say.

use std::fs;
use std::path::{Path, PathBuf};

use forethought_endpoint::EndpointConfig;
use forethought_remote_rollout::{Drawing, RemoteError, RolloutServer};
use forethought_rollout::Sampling;
use forethought_tokenize::Encoder;
use forethought_train::{Resume, TrainConfig};

use super::adapters::Adapters;
use super::engine::{RolloutSource, ServerRollout};
use super::served::{Asking, Served};
use crate::PipelineError;
use crate::purpose::{Findings, Purpose};
use crate::stages::Context;

/// Seconds that a check waits for a server.
const CHECK_SECONDS: f64 = 3.0;

/// What of the stage the server has to follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs<'a> {
    pub(super) sampling: &'a Sampling,
    pub(super) encoder: &'a Encoder,
    pub(super) vocab_size: usize,
    /// Optimiser steps from one sampling to the next.
    pub(super) num_steps: u64,
    pub(super) training: &'a TrainConfig,
}

impl Needs<'_> {
    fn drawing(&self) -> Drawing {
        let sampling = self.sampling;
        Drawing {
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            repetition_penalty: sampling.repetition_penalty,
            max_new_tokens: sampling.max_new_tokens,
            min_new_tokens: sampling.min_new_tokens,
            eos_ids: self.encoder.eos_ids().to_vec(),
            stop_strings: sampling.stop_strings.clone(),
        }
    }
}

impl RolloutSource {
    /// The server, if one samples. It is seen to be there before anything is trained. A check looks whether it is, and
    /// samples here, for its models are none that a server has.
    pub(super) fn open(
        &self,
        context: &Context<'_>,
        needs: Needs<'_>,
    ) -> Result<Option<Box<Served>>, PipelineError> {
        let Self::Server(settings) = self else { return Ok(None) };
        match context.purpose {
            Purpose::Check(findings) => {
                settings.look(context, needs, findings);
                return Ok(None);
            }
            Purpose::Artifact => settings.served(context, needs, Asking::Allowed),
            Purpose::Replay(_) => settings.served(context, needs, Asking::Never),
        }
        .map(|served| Some(Box::new(served)))
    }
}

impl ServerRollout {
    /// Says whether the server could be asked now.
    fn look(&self, context: &Context<'_>, needs: Needs<'_>, findings: &Findings) {
        let patience = self.endpoint.timeout_seconds.min(CHECK_SECONDS);
        let endpoint =
            EndpointConfig { timeout_seconds: patience, retries: 0, ..self.endpoint.clone() };
        let server = RolloutServer::new(self.api, &endpoint, needs.drawing(), context.seed);
        let stop = || context.stop.signal().is_some();
        match server.and_then(|server| server.check(&stop)) {
            Ok(()) => {}
            Err(error @ RemoteError::Server { .. }) => findings.notice(
                context.name,
                format!("the server that samples cannot be reached now ({error}); it has to run when the stage does"),
            ),
            Err(error) => findings.problem(context.name, error),
        }
    }

    fn served(
        &self,
        context: &Context<'_>,
        needs: Needs<'_>,
        asking: Asking,
    ) -> Result<Served, PipelineError> {
        let server = RolloutServer::new(self.api, &self.endpoint, needs.drawing(), context.seed)?
            .with_vocab_size(needs.vocab_size);
        let folder = context.folder.rollouts(context.name);
        if asking == Asking::Allowed {
            if context.resume == Resume::Fresh && folder.exists() {
                fs::remove_dir_all(&folder).map_err(PipelineError::io(&folder))?;
            }
            server.check(&|| context.stop.signal().is_some())?;
        }
        Ok(Served {
            server,
            adapters: self.adapters(context, needs, asking)?,
            folder,
            asking,
            seed: context.seed,
            notices: Vec::new(),
            max_log_prob_difference: self.max_log_prob_difference,
            staleness: 0,
            is_checked: false,
            kept: None,
        })
    }

    fn adapters(
        &self,
        context: &Context<'_>,
        needs: Needs<'_>,
        asking: Asking,
    ) -> Result<Option<Adapters>, PipelineError> {
        let Some(every) = self.reload_every.steps() else { return Ok(None) };
        let own = || context.folder.training(context.name).join("adapters");
        // A step that is only computed again writes nothing beside the run.
        let chosen = self.adapter_folder.as_ref().filter(|_| asking == Asking::Allowed);
        let folder = chosen.map_or_else(own, |folder| folder.join(context.name));
        let folder_on_server = self.adapter_folder_on_server.as_ref();
        let TrainConfig { save_steps, save_total_limit, .. } = needs.training;
        // A run that goes on from a checkpoint samples with the state that the server had then, unless the next sampling
        // has a new one anyway.
        let since_oldest = save_steps.saturating_mul(*save_total_limit as u64 + 1);
        let is_always_new = every <= needs.num_steps;
        Ok(Some(Adapters {
            every,
            prefix: self.adapter_name.clone(),
            folder: absolute(&folder)?,
            folder_on_server: folder_on_server
                .map(|path| format!("{}/{}", path.trim_end_matches('/'), context.name)),
            kept_steps: if is_always_new { 0 } else { since_oldest.saturating_add(every) },
            current: None,
            loaded: None,
        }))
    }
}

/// The server stands in another folder.
fn absolute(path: &Path) -> Result<PathBuf, PipelineError> {
    std::path::absolute(path).map_err(PipelineError::io(path))
}
