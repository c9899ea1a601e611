//! The models that are measured, and the pipelines they go through.

use std::fmt::Write as _;
use std::path::Path;

/// A model and how much is put into its micro-batches.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    title: String,
    model: Model,
    /// Examples of a micro-batch.
    batch: usize,
    /// Tokens of the longest example.
    length: usize,
    /// Tokens that an answer may have.
    new_tokens: usize,
}

#[derive(Clone, Debug)]
enum Model {
    /// The text of an architecture.
    Scratch(String),
    Folder(String),
}

const TINY: &str = include_str!("../../configs/models/tiny.yaml");

const MIDDLE: &str = "\
hidden_size: 256
intermediate_size: 768
num_hidden_layers: 8
num_attention_heads: 8
num_key_value_heads: 4
max_position_embeddings: 4096
tie_word_embeddings: true
";

impl Shape {
    pub(crate) fn tiny() -> Self {
        let title = "Four layers 128 wide, 0.9 million parameters".to_owned();
        let model = Model::Scratch(TINY.to_owned());
        Self { title, model, batch: 16, length: 256, new_tokens: 64 }
    }

    pub(crate) fn middle() -> Self {
        let title = "Eight layers 256 wide, 6.6 million parameters".to_owned();
        let model = Model::Scratch(MIDDLE.to_owned());
        Self { title, model, batch: 16, length: 256, new_tokens: 64 }
    }

    pub(crate) fn folder(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let model = Model::Folder(path.display().to_string());
        Self { title: name, model, batch: 4, length: 256, new_tokens: 24 }
    }

    pub(crate) fn title(&self) -> String {
        let Self { title, batch, length, new_tokens, .. } = self;
        format!(
            "{title}; batches of {batch}, examples up to {length} tokens, answers up to {new_tokens}"
        )
    }

    /// The pipelines, each with its name, with the trainings that are wanted, or all.
    pub(crate) fn pipelines(
        &self,
        folder: &Path,
        wanted: &[String],
    ) -> Result<Vec<(&'static str, String)>, String> {
        let model = match &self.model {
            Model::Folder(path) => format!("folder: '{path}'"),
            Model::Scratch(text) => {
                let path = folder.join("architecture.yaml");
                std::fs::write(&path, text).map_err(|error| error.to_string())?;
                let path = path.display();
                format!(
                    "scratch: {{architecture: '{path}', tokenizer: {{train: {{vocab_size: 1024}}}}}}"
                )
            }
        };
        let text = |head: &str, stages: &[(&str, &str)]| {
            let mut text = head.replace("MODEL", &model);
            for (name, stage) in stages {
                let is_wanted = wanted.is_empty() || wanted.iter().any(|one| one == name);
                if is_wanted || NEEDED.contains(name) {
                    let (kind, settings) = stage.split_once(' ').unwrap_or((stage, ""));
                    let _ = writeln!(text, "  - {kind}: {{name: {name}, {settings}}}");
                }
            }
            self.filled(&text)
        };
        let mut classes = text(CLASSES, &TRAININGS);
        if wanted.is_empty() || wanted.iter().any(|one| one == "predict") {
            classes.push_str(&self.filled(PREDICT));
        }
        let mut problems = text(PROBLEMS, &REASONING);
        if wanted.is_empty() || wanted.iter().any(|one| one == "solve") {
            problems.push_str(&self.filled(SOLVE));
        }
        Ok(vec![("classes", classes), ("problems", problems)])
    }

    fn filled(&self, text: &str) -> String {
        let Self { batch, length, new_tokens, .. } = self;
        text.replace("STEPS", "training: {max_steps: 2, save_steps: 1}")
            .replace("BATCH", &format!("per_device_train_batch_size: {batch}, max_length: {length}, on_overflow: truncate"))
            .replace("ASKED", "prompts_per_step: 4, num_generations: 4, rewards: [{tiered: 12/6/3}]")
            .replace("TOKENS", &new_tokens.to_string())
    }
}

const CLASSES: &str = "\
name: classes
seed: 42
stages:
  - ingest:
      sources:
        - {path: datasets/reasoning-traces/traces-en.parquet, shape: prompt_completion}
        - {path: datasets/reasoning-traces/traces-zh.parquet, shape: instruction_response}
      unfinished: drop
      max_rows: 300
  - model: {MODEL}
  - label: {class_width: 100}
  - balance: {min_count: 8, max_train: 64, overflow: subsample, validation: {ratio: 0.25, of: training}}
  - convert: {prompt: configs/prompts/think-en.txt}
  - pairs: {name: classes, source: {classes: {rule: {symmetric: {max_class: 6}}}}}
  - pairs: {name: spoilt, source: {spoilt: {}}}
";

/// Others start from these, or read what they made.
const NEEDED: [&str; 1] = ["sft"];

/// Each training with its name, its kind, and its settings.
const TRAININGS: [(&str, &str); 34] = [
    ("sft", "sft BATCH, STEPS"),
    ("sft_four_micro_batches", "sft gradient_accumulation_steps: 4, BATCH, STEPS"),
    ("sft_two_layers", "sft freeze: {freeze_trainable_layers: 2}, BATCH, STEPS"),
    ("sft_lora", "sft lora: {rank: 8}, BATCH, STEPS"),
    ("sft_lora_dropout", "sft lora: {rank: 8, dropout: 0.1}, BATCH, STEPS"),
    ("sft_dora", "sft lora: {rank: 8, use_dora: true}, BATCH, STEPS"),
    ("sft_lora_int8", "sft lora: {rank: 8}, base: int8, BATCH, STEPS"),
    ("sft_lora_nf4", "sft lora: {rank: 8}, base: nf4, BATCH, STEPS"),
    ("dpo", "dpo from: sft, data: classes, BATCH, STEPS"),
    ("dpo_long", "dpo from: sft, data: spoilt, BATCH, STEPS"),
    ("dpo_long_weighted", "dpo from: sft, data: spoilt, loss: {use_weighting: true}, BATCH, STEPS"),
    ("dpo_long_lora", "dpo from: sft, data: spoilt, lora: {rank: 8}, BATCH, STEPS"),
    ("dpo_long_nf4", "dpo from: sft, data: spoilt, lora: {rank: 8}, base: nf4, BATCH, STEPS"),
    ("kto", "kto from: sft, data: classes, BATCH, STEPS"),
    ("kto_long", "kto from: sft, data: spoilt, BATCH, STEPS"),
    ("kto_long_lora", "kto from: sft, data: spoilt, lora: {rank: 8}, BATCH, STEPS"),
    ("orpo", "orpo from: sft, data: classes, BATCH, STEPS"),
    ("orpo_long", "orpo from: sft, data: spoilt, BATCH, STEPS"),
    ("orpo_long_int8", "orpo from: sft, data: spoilt, lora: {rank: 8}, base: int8, BATCH, STEPS"),
    ("reward", "reward from: sft, data: classes, BATCH, STEPS"),
    ("reward_long", "reward from: sft, data: spoilt, BATCH, STEPS"),
    ("reward_long_lora", "reward from: sft, data: spoilt, lora: {rank: 8}, BATCH, STEPS"),
    ("score", "score from: reward, data: spoilt, on_overflow: truncate"),
    ("grpo", "grpo from: sft, ASKED, sampling: {max_new_tokens: TOKENS}, STEPS"),
    (
        "grpo_reference",
        "grpo from: sft, ASKED, loss: {beta: 0.04}, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "grpo_two_passes",
        "grpo from: sft, ASKED, loss: {num_iterations: 2}, prompts_per_micro_batch: 2, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "grpo_lora",
        "grpo from: sft, ASKED, lora: {rank: 8}, loss: {beta: 0.04}, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "grpo_int8",
        "grpo from: sft, ASKED, lora: {rank: 8}, base: int8, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "grpo_short",
        "grpo from: sft, ASKED, sampling: {max_new_tokens: 512, stop_strings: [a, e, i, o, u, n, s, t, ' ']}, STEPS",
    ),
    ("rloo", "rloo from: sft, ASKED, sampling: {max_new_tokens: TOKENS}, STEPS"),
    (
        "rloo_lora",
        "rloo from: sft, ASKED, lora: {rank: 8}, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "ppo",
        "ppo from: sft, ASKED, loss: {max_completion_length: TOKENS}, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "ppo_reward_model",
        "ppo from: sft, ASKED, reward_model: {from: reward}, loss: {max_completion_length: TOKENS}, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
    (
        "ppo_lora",
        "ppo from: sft, ASKED, lora: {rank: 8}, loss: {max_completion_length: TOKENS}, sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
];

const PREDICT: &str = "  - predict: {sampling: {max_new_tokens: TOKENS}}\n";

const PROBLEMS: &str = "\
name: problems
seed: 42
stages:
  - ingest: {records: problems, sources: [{path: datasets/arithmetic-reasoning/problems.jsonl}]}
  - problems: {system_prompt: configs/prompts/reason-boxed.txt, max_train: 256, max_validation: 24}
  - model: {MODEL}
";

const REASONING: [(&str, &str); 2] = [
    ("sft", "sft BATCH, STEPS"),
    (
        "grpo_problems",
        "grpo from: sft, prompts_per_step: 4, num_generations: 4, rewards: [{accuracy: {solution: answer}}], sampling: {max_new_tokens: TOKENS}, STEPS",
    ),
];

const SOLVE: &str = "  - solve: {num_samples: 8, sampling: {max_new_tokens: TOKENS}}\n";
