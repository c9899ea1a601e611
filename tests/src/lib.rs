//! A small project to run pipelines on: traces whose length follows from one word, and configs that take seconds.
//!
//! Classes are 25 tokens wide. The question says how often a word is to be written, the thinking writes it that often,
//! and the tokenizer trained on it makes one token of each word, so every class is known without running anything.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Words of the questions; the class of a question is the place of its word.
pub const AMOUNTS: [&str; 4] = ["seldom", "sometimes", "often", "always"];
/// Questions of each class, each asked once.
pub const QUESTIONS_PER_CLASS: usize = 30;
/// Questions that are asked again, by a model that thinks longer: classes stay the same.
pub const ASKED_TWICE: usize = 6;
/// Traces without `</think>`.
pub const UNFINISHED: usize = 5;

/// One line of the traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The question.
    pub question: String,
    /// Words, and so tokens, of the thinking.
    pub thinking_tokens: usize,
    /// The class of 25 tokens this makes.
    pub class: usize,
    /// Whether `</think>` is there.
    pub is_finished: bool,
}

impl Line {
    fn new(number: usize, thinking_tokens: usize) -> Self {
        let class = number % AMOUNTS.len();
        let question = format!("Parrot {number} ticks {}.", AMOUNTS[class]);
        Self { question, thinking_tokens, class, is_finished: true }
    }

    /// The line as JSON, with `prompt` and `completion`.
    #[must_use]
    pub fn json(&self) -> String {
        let words = vec!["tick"; self.thinking_tokens].join(" ");
        let end = if self.is_finished { "\\n</think>\\nIt is done." } else { "" };
        let completion = format!("<think>\\n{words}{end}");
        format!(r#"{{"prompt": "{}", "completion": "{completion}"}}"#, self.question)
    }
}

/// The lines of the traces: every question once, some again, some unfinished.
#[must_use]
pub fn lines() -> Vec<Line> {
    let classes = AMOUNTS.len();
    let once = 0..QUESTIONS_PER_CLASS * classes;
    let length = |number: usize| 25 * (number % classes) + 1 + (number / classes) % 12;
    let mut lines: Vec<Line> =
        once.clone().map(|number| Line::new(number, length(number))).collect();
    lines.extend((0..ASKED_TWICE).map(|number| Line::new(number, length(number) + 12)));
    let unfinished = (0..UNFINISHED).map(|index| once.end + index);
    lines.extend(
        unfinished.map(|number| Line { is_finished: false, ..Line::new(number, length(number)) }),
    );
    lines
}

/// A folder with `traces.jsonl`, `architecture.yaml`, `prompt.txt` and `pipeline.yaml`, removed when dropped.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// Writes the files.
    ///
    /// # Panics
    ///
    /// If the temporary folder cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let traces = lines().iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{}", line.json());
            text
        });
        project.write("traces.jsonl", &traces);
        project.write("architecture.yaml", ARCHITECTURE);
        project.write("prompt.txt", "In which class does the thinking fall? Say its number.\n");
        let folder = project.folder.path().display().to_string();
        project.write("pipeline.yaml", PIPELINE.replace("FOLDER", &folder));
        project
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder and returns its path.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file in a temporary folder");
        path
    }

    /// The pipeline file.
    #[must_use]
    pub fn pipeline(&self) -> PathBuf {
        self.path("pipeline.yaml")
    }

    /// The text of the pipeline file with its first `from` replaced by `to`.
    ///
    /// # Panics
    ///
    /// If `from` does not occur.
    #[must_use]
    pub fn pipeline_with(&self, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.pipeline()).expect("it was written");
        assert!(text.contains(from), "the pipeline has no {from:?}");
        text.replacen(from, to, 1)
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Copies a folder with all that is below it.
///
/// # Errors
///
/// If the system refuses.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// One layer, 32 wide, with large weights: it learns the words in a hundred steps.
pub const ARCHITECTURE: &str = "\
hidden_size: 32
intermediate_size: 64
num_hidden_layers: 1
num_attention_heads: 4
num_key_value_heads: 2
max_position_embeddings: 512
tie_word_embeddings: true
initializer_range: 0.1
";

/// Every stage; `FOLDER` stands for the folder of the project.
const PIPELINE: &str = "\
name: parrots
seed: 7
stages:
  - ingest:
      sources:
        - path: 'FOLDER/traces.jsonl'
  - model:
      scratch:
        architecture: 'FOLDER/architecture.yaml'
        tokenizer:
          train: {vocab_size: 400}
  - label: {}
  - balance:
      min_count: 20
      max_train: 64
      overflow: subsample
      validation: {ratio: 0.25}
  - convert:
      prompt: 'FOLDER/prompt.txt'
  - sft:
      num_train_epochs: 8
      per_device_train_batch_size: 4
      gradient_accumulation_steps: 2
      training:
        learning_rate: 3.0e-3
        lr_scheduler_type: cosine
        save_steps: 3
        max_steps: 5
  - grpo:
      prompts_per_step: 4
      prompts_per_micro_batch: 2
      num_generations: 4
      sampling: {max_new_tokens: 3}
      rewards:
        - tiered: 12/6/3
      training: {max_steps: 3, save_steps: 2}
  - predict:
      sampling: {temperature: 0.2, top_p: 0.7, max_new_tokens: 3}
  - report: {}
";
