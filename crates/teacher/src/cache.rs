//! Answers that were paid for: one line each in a file that is only appended to.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Answer, TeacherError};

/// The file in the folder of a cache.
const FILE: &str = "answers.jsonl";

/// What an answer is kept under: the SHA-256 of the model, the prompt, and how it is sampled.
#[must_use]
pub fn key(model: &str, prompt: &str, sampling: &impl Serialize) -> String {
    let ingredients = json!([model, prompt, sampling]).to_string();
    let digest = Sha256::digest(ingredients.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    #[serde(flatten)]
    answer: Answer,
}

/// Answers by their key. Several runs may share a folder.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    file: File,
    answers: HashMap<String, Answer>,
    damaged: Vec<usize>,
}

impl Cache {
    /// Reads the answers of a folder, which is made if it is not there.
    ///
    /// A line that cannot be read is passed over and told by [`Cache::damaged`]: a run that was killed may have left half
    /// of one.
    ///
    /// # Errors
    ///
    /// If the folder or its file cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self, TeacherError> {
        fs::create_dir_all(folder).map_err(TeacherError::cache(folder))?;
        let path = folder.join(FILE);
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let mut file = opened.map_err(TeacherError::cache(&path))?;
        let bytes = fs::read(&path).map_err(TeacherError::cache(&path))?;
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            file.write_all(b"\n").map_err(TeacherError::cache(&path))?;
        }
        let (mut answers, mut damaged) = (HashMap::new(), Vec::new());
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            match serde_json::from_slice::<Line>(line) {
                Ok(Line { key, answer }) => {
                    answers.insert(key, answer);
                }
                Err(_) if line.is_empty() => {}
                Err(_) => damaged.push(number),
            }
        }
        Ok(Self { path, file, answers, damaged })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines, counted from 1, that could not be read; their prompts are asked again.
    #[must_use]
    pub fn damaged(&self) -> &[usize] {
        &self.damaged
    }

    /// The answer kept under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Answer> {
        self.answers.get(key)
    }

    /// Keeps an answer; it is in the file when this returns.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn keep(&mut self, key: String, answer: Answer) -> Result<(), TeacherError> {
        let line = Line { key, answer };
        let mut text = serde_json::to_string(&line)
            .map_err(|error| TeacherError::cache(&self.path)(error.into()))?;
        text.push('\n');
        // One write a line: those of another run do not come in between.
        self.file.write_all(text.as_bytes()).map_err(TeacherError::cache(&self.path))?;
        self.answers.insert(line.key, line.answer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sampling;

    fn answer(text: &str) -> Answer {
        Answer { text: text.to_owned(), finish_reason: Some("stop".to_owned()), tokens: Some(7) }
    }

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
        assert!((1..4).all(|index| keys[index] != keys[0]) && keys[0].len() == 64);
    }

    #[test]
    fn answers_outlive_the_run_and_half_a_line_costs_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut cache = Cache::open(folder.path()).expect("an empty cache");
        cache.keep("a".into(), answer("one\ntwo")).expect("it is kept");
        cache.keep("b".into(), answer("three")).expect("it is kept");
        let whole = fs::read(cache.path()).expect("it is there");
        fs::write(cache.path(), &whole[..whole.len() - 4]).expect("half a line");

        let mut cache = Cache::open(folder.path()).expect("it is there");
        assert_eq!(cache.damaged(), [2]);
        assert_eq!((cache.get("a"), cache.get("b")), (Some(&answer("one\ntwo")), None));
        cache.keep("b".into(), answer("three")).expect("it is kept");
        let cache = Cache::open(folder.path()).expect("it is there");
        assert_eq!((cache.get("b"), cache.damaged()), (Some(&answer("three")), &[2][..]));
    }
}
