//! The model that a command runs: its folder, an adapter, a device.

use std::path::PathBuf;

use clap::Args;
use forethought_model::{
    Decoder, DecoderConfig, ScoreModel, find_model, load, load_adapter, load_score_adapter,
    load_score_model, read_config,
};
use forethought_pipeline::{PipelineError, parse_device};
use forethought_tokenize::Encoder;

use crate::commands::Failure;

/// Which model, and where it computes.
#[derive(Clone, Debug, Args)]
pub(crate) struct ModelFolder {
    /// A Hugging Face model folder, or owner/name@revision on its hub
    #[arg(value_name = "DIR", value_parser = model_dir)]
    pub(crate) dir: PathBuf,
    /// A PEFT adapter folder to put on the model
    #[arg(long, value_name = "DIR")]
    pub(crate) adapter: Option<PathBuf>,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

/// The folder of an argument that names a model; one of the hub is fetched.
pub(crate) fn model_dir(text: &str) -> Result<PathBuf, String> {
    find_model(text).map_err(|error| error.to_string())
}

impl ModelFolder {
    /// What is cheap: the tokenizer and the configuration. With them rows can be checked before weights are read.
    pub(crate) fn describe(&self) -> Result<(Encoder, DecoderConfig), Failure> {
        parse_device(&self.device)?;
        let encoder = Encoder::open(&self.dir).map_err(PipelineError::from)?;
        let config = read_config(&self.dir).map_err(PipelineError::from)?;
        Ok((encoder, config))
    }

    /// The weights, with the adapter beside them.
    pub(crate) fn load(&self) -> Result<Decoder, Failure> {
        let device = parse_device(&self.device)?;
        let decoder = load(&self.dir, &device).map_err(PipelineError::from)?.decoder;
        match &self.adapter {
            Some(dir) => Ok(load_adapter(decoder, dir, &device).map_err(PipelineError::from)?),
            None => Ok(decoder),
        }
    }

    /// The weights of a reward model, with the adapter on them.
    pub(crate) fn load_score_model(&self) -> Result<ScoreModel, Failure> {
        let device = parse_device(&self.device)?;
        let model = load_score_model(&self.dir, &device).map_err(PipelineError::from)?;
        match &self.adapter {
            Some(dir) => Ok(load_score_adapter(model, dir, &device).map_err(PipelineError::from)?),
            None => Ok(model),
        }
    }
}
