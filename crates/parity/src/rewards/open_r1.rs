//! What the functions of open-r1 gave for completions, n-grams, lengths and blocks of code.

use std::collections::BTreeMap;

use forethought_reward::{
    AccuracyConfig, CodeFormatConfig, CosineConfig, Fields, FormatConfig, Language, LengthConfig,
    ReasoningStepsConfig, RepetitionConfig, RewardFn, Sample, Score, SoftOverlongConfig, TagCount,
    last_code_block,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Judged, beginning, compare, length, scores};
use crate::Replay;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    samples: Vec<Judged>,
    #[serde(default)]
    repetition: Vec<Repeated>,
    #[serde(default)]
    soft_overlong: Vec<Overlong>,
    #[serde(default)]
    extract_code: Vec<Block>,
}

#[derive(Debug, Deserialize)]
struct Repeated {
    text: String,
    ngram_size: usize,
    max_penalty: f64,
    reward: f64,
    #[serde(default)]
    language: Language,
}

/// Lengths in tokens with their punishments.
#[derive(Debug, Deserialize)]
pub(super) struct Overlong {
    #[serde(flatten)]
    config: SoftOverlongFields,
    lengths: Vec<usize>,
    rewards: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct SoftOverlongFields {
    max_completion_len: usize,
    soft_punish_cache: usize,
}

#[derive(Debug, Deserialize)]
struct Block {
    text: String,
    language: Option<String>,
    code: String,
}

/// Every section of a file.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    samples(&file.samples, replay);
    for (index, golden) in file.repetition.iter().enumerate() {
        let name = format!("repetition {index}: {}", beginning(&golden.text));
        replay.case(&name, |checks| {
            let config = RepetitionConfig {
                language: golden.language,
                ngram_size: golden.ngram_size,
                max_penalty: golden.max_penalty,
            };
            let fields = Fields::new();
            let score = config.init()?.judge(&Sample::new(&golden.text, &fields));
            compare(checks, "reward", &score, &json!(golden.reward));
            Ok(())
        });
    }
    for (index, golden) in file.soft_overlong.iter().enumerate() {
        golden.replay(index, replay);
    }
    for (index, golden) in file.extract_code.iter().enumerate() {
        replay.case(&format!("code {index}: {}", beginning(&golden.text)), |checks| {
            // Without a language open-r1 finds no code, whatever there is.
            let language = golden.language.as_deref();
            let found = language.and_then(|language| last_code_block(&golden.text, language));
            checks.equal("code", found.unwrap_or_default(), golden.code.as_str());
            Ok(())
        });
    }
    Ok(())
}

impl Overlong {
    pub(super) fn replay(&self, index: usize, replay: &mut Replay<'_>) {
        let SoftOverlongFields { max_completion_len, soft_punish_cache } = self.config;
        let name = format!("soft_overlong {index}: {max_completion_len}, {soft_punish_cache}");
        replay.case(&name, |checks| {
            let reward = SoftOverlongConfig { max_completion_len, soft_punish_cache }.init()?;
            checks.equal("number of rewards", &self.lengths.len(), &self.rewards.len());
            for (length, expected) in self.lengths.iter().zip(&self.rewards) {
                let what = format!("reward of {length}");
                compare(checks, &what, &reward.judge(*length), &json!(expected));
            }
            Ok(())
        });
    }
}

/// Completions with what each function gave; the names of the functions carry their settings.
fn samples(judged: &[Judged], replay: &mut Replay<'_>) {
    let others = length::others(judged);
    let mut found: BTreeMap<&str, Vec<Score>> = BTreeMap::new();
    for name in judged.first().iter().flat_map(|first| first.rewards.keys()) {
        let is_of_groups = number(name, length::GROUPS).is_some();
        if name == length::ALL && !others.is_empty() {
            found.insert(name, length::scores_among(judged, &others));
        } else if is_of_groups && !others.is_empty() {
            replay.not_run(name, "the file holds a part of the completions that were compared");
        } else {
            match function(name, judged.len()) {
                Ok((function, group_size)) => {
                    found.insert(name, scores(function.as_ref(), judged, group_size));
                }
                Err(missed) => replay.push(name, crate::outcome(missed)),
            }
        }
    }
    for (index, one) in judged.iter().enumerate() {
        replay.case(&format!("sample {index}: {}", beginning(&one.completion)), |checks| {
            for (name, expected) in &one.rewards {
                if let Some(scores) = found.get(name.as_str()) {
                    compare(checks, name, &scores[index], expected);
                }
            }
            Ok(())
        });
    }
}

/// The function that a name stands for, and how many completions it is given at once.
fn function(name: &str, num_samples: usize) -> Result<(Box<dyn RewardFn>, usize), Missed> {
    let length = || Box::new(LengthConfig::default().init());
    let alone = |function: Box<dyn RewardFn>| Ok((function, num_samples));
    match name {
        "accuracy" => alone(Box::new(AccuracyConfig::default().init())),
        "format" => alone(Box::new(FormatConfig::default().init())),
        "tag_count" => alone(Box::new(TagCount)),
        "reasoning_steps" => alone(Box::new(ReasoningStepsConfig::default().init()?)),
        "cosine_default" => alone(Box::new(CosineConfig::default().init()?)),
        length::ALL => alone(length()),
        _ => {
            if let Some(max_len) = number(name, "cosine_max_len_") {
                return alone(Box::new(CosineConfig { max_len, ..tenfold() }.init()?));
            }
            if let Some(size) = number(name, length::GROUPS) {
                return Ok((length(), size));
            }
            if let Some(language) = name.strip_prefix("code_format_") {
                let language = language.to_owned();
                return alone(Box::new(CodeFormatConfig { language }.init()?));
            }
            if let Some(config) = repetition(name) {
                return alone(Box::new(config.init()?));
            }
            Err(Missed::NotRun("no function is known by this name".to_owned()))
        }
    }
}

/// The bounds of open-r1's own tests, which the cases with another `max_len` were computed with.
pub(super) fn tenfold() -> CosineConfig {
    CosineConfig {
        min_value_wrong: -10.0,
        max_value_wrong: -5.0,
        min_value_correct: 5.0,
        max_value_correct: 10.0,
        ..CosineConfig::default()
    }
}

fn number(name: &str, prefix: &str) -> Option<usize> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// `repetition_en_n3_-1.0`
fn repetition(name: &str) -> Option<RepetitionConfig> {
    let mut parts = name.strip_prefix("repetition_")?.split('_');
    let language = Value::from(parts.next()?);
    let language = serde_json::from_value(language).ok()?;
    let ngram_size = number(parts.next()?, "n")?;
    let max_penalty = parts.next()?.parse().ok()?;
    Some(RepetitionConfig { language, ngram_size, max_penalty })
}
