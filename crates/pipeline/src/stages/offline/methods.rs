//! The methods that learn from preferences, each a loss over pairs or single completions.

use std::sync::Arc;

use forethought_dpo::DpoConfig;
use forethought_kto::KtoConfig;
use forethought_orpo::OrpoConfig;

use super::examples::{Examples, Reading};
use super::{OfflineMethod, preferences, unpaired};
use crate::PipelineError;
use crate::memory::Logits;

impl OfflineMethod for DpoConfig {
    fn data(&self) -> &'static [&'static str] {
        &["pairs"]
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn logits(&self) -> Logits {
        if self.use_weighting { Logits::Squares } else { Logits::Chunk }
    }

    fn examples(&self, reading: &Reading<'_>) -> Result<Box<dyn Examples>, PipelineError> {
        let loss = self.init().map_err(|error| reading.failed(error))?;
        preferences::examples(reading, Arc::new(loss))
    }
}

impl OfflineMethod for OrpoConfig {
    fn data(&self) -> &'static [&'static str] {
        &["pairs"]
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn examples(&self, reading: &Reading<'_>) -> Result<Box<dyn Examples>, PipelineError> {
        let loss = self.init().map_err(|error| reading.failed(error))?;
        preferences::examples(reading, Arc::new(loss))
    }
}

impl OfflineMethod for KtoConfig {
    fn data(&self) -> &'static [&'static str] {
        &["pairs", "examples"]
    }

    fn problem(&self) -> Option<String> {
        self.init().err().map(|error| error.to_string())
    }

    fn examples(&self, reading: &Reading<'_>) -> Result<Box<dyn Examples>, PipelineError> {
        let loss = self.init().map_err(|error| reading.failed(error))?;
        unpaired::examples(reading, Arc::new(loss))
    }
}
