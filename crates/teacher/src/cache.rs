//! Answers that were paid for, in a folder that runs may share.

use std::path::Path;

use forethought_endpoint::{Kept, KeptError};
use serde::Serialize;
use serde_json::json;

use crate::{Answer, TeacherError};

/// The file in the folder of a cache.
const FILE: &str = "answers.jsonl";

/// What an answer is kept under: the SHA-256 of the model, the prompt, and how it is sampled.
#[must_use]
pub fn key(model: &str, prompt: &str, sampling: &impl Serialize) -> String {
    forethought_endpoint::key(&json!([model, prompt, sampling]))
}

/// Answers by their key. Several runs may share a folder.
#[derive(Debug)]
pub struct Cache(Kept<Answer>);

impl Cache {
    /// Reads the answers of a folder, which is made if it is not there. A line that cannot be read is passed over and told
    /// by [`Cache::damaged`].
    ///
    /// # Errors
    ///
    /// If the folder or its file cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self, TeacherError> {
        Ok(Self(Kept::open(&folder.join(FILE))?))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The lines, counted from 1, that could not be read; their prompts are asked again.
    #[must_use]
    pub fn damaged(&self) -> &[usize] {
        self.0.damaged()
    }

    /// The answer kept under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Answer> {
        self.0.get(key)
    }

    /// Keeps an answer; it is in the file when this returns.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn keep(&mut self, key: String, answer: Answer) -> Result<(), TeacherError> {
        self.0.keep(key, answer).map_err(KeptError::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sampling;

    #[test]
    fn the_key_depends_on_model_prompt_and_sampling() {
        let sampling = Sampling::default();
        let other = Sampling { max_tokens: 401, ..sampling };
        let keys = [
            key("m", "p", &sampling),
            key("n", "p", &sampling),
            key("m", "q", &sampling),
            key("m", "p", &other),
        ];
        assert_eq!(keys[0], key("m", "p", &Sampling::default()));
        assert!((1..4).all(|index| keys[index] != keys[0]));
    }
}
