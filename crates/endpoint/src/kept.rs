//! Answers that were waited or paid for: one line each in a file that is only appended to.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What an answer is kept under: the SHA-256 of everything that it depends on.
#[must_use]
pub fn key(ingredients: &serde_json::Value) -> String {
    let digest = Sha256::digest(ingredients.to_string().as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A file of answers that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct KeptError {
    /// The file, or the folder that it should lie in.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

impl KeptError {
    fn of(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self { path: path.to_owned(), source }
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line<A> {
    key: String,
    #[serde(flatten)]
    answer: A,
}

/// Answers by their key. Several runs may share a file.
#[derive(Debug)]
pub struct Kept<A> {
    path: PathBuf,
    /// None where answers are only looked up.
    file: Option<File>,
    answers: HashMap<String, A>,
    damaged: Vec<usize>,
}

impl<A: Serialize + DeserializeOwned> Kept<A> {
    /// Reads the answers of a file, which is made if it is not there.
    ///
    /// A line that cannot be read is passed over and told by [`Kept::damaged`]: a run that was killed may have left half
    /// of one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written, or its folder cannot be made.
    pub fn open(path: &Path) -> Result<Self, KeptError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(KeptError::of(folder))?;
        }
        let opened = OpenOptions::new().append(true).create(true).open(path);
        let mut file = opened.map_err(KeptError::of(path))?;
        let bytes = fs::read(path).map_err(KeptError::of(path))?;
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            file.write_all(b"\n").map_err(KeptError::of(path))?;
        }
        Ok(Self { file: Some(file), ..Self::of_bytes(path, &bytes) })
    }

    /// Reads the answers of a file to look them up; without one there are none.
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read.
    pub fn look_up(path: &Path) -> Result<Self, KeptError> {
        match fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::of_bytes(path, b""))
            }
            bytes => Ok(Self::of_bytes(path, &bytes.map_err(KeptError::of(path))?)),
        }
    }

    fn of_bytes(path: &Path, bytes: &[u8]) -> Self {
        let (mut answers, mut damaged) = (HashMap::new(), Vec::new());
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            match serde_json::from_slice::<Line<A>>(line) {
                Ok(Line { key, answer }) => {
                    answers.insert(key, answer);
                }
                Err(_) if line.is_empty() => {}
                Err(_) => damaged.push(number),
            }
        }
        Self { path: path.to_owned(), file: None, answers, damaged }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines, counted from 1, that could not be read; what they answered has to be asked again.
    #[must_use]
    pub fn damaged(&self) -> &[usize] {
        &self.damaged
    }

    /// The answer kept under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&A> {
        self.answers.get(key)
    }

    /// Keeps an answer; it is in the file when this returns.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or was opened to look answers up.
    pub fn keep(&mut self, key: String, answer: A) -> Result<(), KeptError> {
        let line = Line { key, answer };
        let mut text = serde_json::to_string(&line)
            .map_err(|error| KeptError::of(&self.path)(error.into()))?;
        text.push('\n');
        // One write a line: those of another run do not come in between.
        self.file()?.write_all(text.as_bytes()).map_err(KeptError::of(&self.path))?;
        self.answers.insert(line.key, line.answer);
        Ok(())
    }

    /// Returns once what was kept would outlive a failure of the machine.
    ///
    /// # Errors
    ///
    /// As [`keep`](Self::keep).
    pub fn sync(&self) -> Result<(), KeptError> {
        self.file()?.sync_data().map_err(KeptError::of(&self.path))
    }

    fn file(&self) -> Result<&File, KeptError> {
        self.file
            .as_ref()
            .ok_or_else(|| KeptError::of(&self.path)(std::io::ErrorKind::ReadOnlyFilesystem.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Text {
        text: String,
    }

    fn text(text: &str) -> Text {
        Text { text: text.to_owned() }
    }

    #[test]
    fn the_key_depends_on_every_ingredient() {
        let keys = [
            key(&json!(["m", "p", {"top_k": 1}])),
            key(&json!(["n", "p", {"top_k": 1}])),
            key(&json!(["m", "q", {"top_k": 1}])),
            key(&json!(["m", "p", {"top_k": 2}])),
        ];
        assert_eq!(keys[0], key(&json!(["m", "p", {"top_k": 1}])));
        assert!((1..4).all(|index| keys[index] != keys[0]) && keys[0].len() == 64);
    }

    #[test]
    fn answers_outlive_the_run_and_half_a_line_costs_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("below/answers.jsonl");
        let mut kept = Kept::open(&path).expect("an empty file");
        kept.keep("a".into(), text("one\ntwo")).expect("it is kept");
        kept.keep("b".into(), text("three")).expect("it is kept");
        kept.sync().expect("it is on the disk");
        let whole = fs::read(kept.path()).expect("it is there");
        fs::write(kept.path(), &whole[..whole.len() - 4]).expect("half a line");

        let mut kept = Kept::open(&path).expect("it is there");
        assert_eq!(kept.damaged(), [2]);
        assert_eq!((kept.get("a"), kept.get("b")), (Some(&text("one\ntwo")), None));
        kept.keep("b".into(), text("three")).expect("it is kept");
        let kept = Kept::open(&path).expect("it is there");
        assert_eq!((kept.get("b"), kept.damaged()), (Some(&text("three")), &[2][..]));
    }

    #[test]
    fn looking_answers_up_writes_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("answers.jsonl");
        let mut kept = Kept::look_up(&path).expect("no file is no answer");
        assert_eq!(kept.get("a"), None);
        assert!(kept.keep("a".into(), text("one")).is_err() && !path.exists());
    }
}
