//! The folder of golden files, and the models that lie in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use forethought_model::{Decoder, ScoreModel, load, load_score_model};
use forethought_tokenize::Encoder;
use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;

/// Why a case has no numbers to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// It asks for something that this program does not offer, or needs a file that is not there.
    NotRun(String),
    /// It should have been computed.
    Failed(String),
}

impl<E: std::error::Error> From<E> for Missed {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A folder of golden files.
#[derive(Debug)]
pub(crate) struct Goldens {
    root: PathBuf,
    device: Device,
    decoders: RefCell<BTreeMap<String, Decoder>>,
}

/// Numbers of a safetensors file by name, with their shapes.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

impl Goldens {
    pub(crate) fn new(root: &Path, device: &Device) -> Self {
        Self { root: root.to_owned(), device: device.clone(), decoders: RefCell::default() }
    }

    /// The path of a file of the folder.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Where models are computed, without gradients.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// What a JSON file holds.
    pub(crate) fn json<T: DeserializeOwned>(&self, file: &str) -> Result<T, Missed> {
        let text = self.read(file)?;
        let shown = |error: serde_json::Error| Missed::Failed(format!("{file}: {error}"));
        serde_json::from_slice(&text).map_err(shown)
    }

    /// All tensors of floats of a safetensors file.
    pub(crate) fn tensors(&self, file: &str) -> Result<Tensors, Missed> {
        let bytes = self.read(file)?;
        let tensors = SafeTensors::deserialize(&bytes)?;
        let floats = tensors.iter().filter(|(_, view)| view.dtype() == Dtype::F32);
        let numbers = |bytes: &[u8]| {
            let (chunks, _) = bytes.as_chunks::<4>();
            chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
        };
        Ok(floats
            .map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), numbers(view.data()))))
            .collect())
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, Missed> {
        let path = self.path(file);
        std::fs::read(&path).map_err(|error| Missed::Failed(format!("{}: {error}", path.display())))
    }

    /// A model of the folder `models`, without gradients.
    pub(crate) fn decoder(&self, name: &str) -> Result<Decoder, Missed> {
        self.load(&format!("models/{name}"), &self.device)
    }

    /// A model of the folder `models` whose gradients are tracked.
    pub(crate) fn trainable(&self, name: &str) -> Result<Decoder, Missed> {
        self.load(&format!("models/{name}"), &self.device.clone().autodiff())
    }

    /// A reward model of the folder `models` whose gradients are tracked.
    pub(crate) fn trainable_score_model(&self, name: &str) -> Result<ScoreModel, Missed> {
        let device = self.device.clone().autodiff();
        Ok(load_score_model(&self.path(&format!("models/{name}")), &device)?)
    }

    /// The model at a path relative to the folder, read once.
    pub(crate) fn load(&self, folder: &str, device: &Device) -> Result<Decoder, Missed> {
        let key = format!("{folder} {}", device.is_autodiff());
        if let Some(decoder) = self.decoders.borrow().get(&key) {
            return Ok(decoder.clone());
        }
        let decoder = load(&self.path(folder), device)?.decoder;
        self.decoders.borrow_mut().insert(key, decoder.clone());
        Ok(decoder)
    }

    /// The tokenizer of a model of the folder `models`.
    pub(crate) fn encoder(&self, name: &str) -> Result<Encoder, Missed> {
        Ok(Encoder::open(self.path(&format!("models/{name}")))?)
    }

    /// The names of the models, sorted.
    pub(crate) fn models(&self) -> Result<Vec<String>, Missed> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.path("models"))? {
            let entry = entry?;
            if entry.path().join("config.json").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}
