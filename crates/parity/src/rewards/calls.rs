//! Recorded calls of open-r1's reward functions: what they were given and what they returned.

use forethought_reward::{
    AccuracyConfig, Among, CodeFormatConfig, CosineConfig, Fields, FormatConfig, Language,
    LengthConfig, ReasoningStepsConfig, RepetitionConfig, RewardFn, Sample, SoftOverlongConfig,
    TagCount,
};
use serde_json::Value;

use super::compare;
use crate::Replay;
use crate::goldens::{Goldens, Missed};

/// Every call of a file, which is a list of calls or has one under `calls` or `cases`.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: Value = goldens.json(replay.file)?;
    let calls = first(&file, &["calls", "cases", "records"]).unwrap_or(&file);
    let calls = calls.as_array().ok_or_else(|| missed("the file holds no list of calls"))?;
    for (index, call) in calls.iter().enumerate() {
        let function = first(call, &["function", "func", "reward", "name"]).and_then(Value::as_str);
        let name = format!("call {index}: {}", function.unwrap_or("?"));
        replay.case(&name, |checks| {
            let function = function.ok_or_else(|| missed("the call names no function"))?;
            let call = Call::read(call)?;
            let function = call.function(function)?;
            let fields: Vec<Fields> = call.fields();
            let samples = call.completions.iter().zip(&fields).zip(&call.tokens);
            let samples = samples.map(|((text, fields), tokens)| Sample {
                tokens: tokens.as_deref(),
                ..Sample::new(text, fields)
            });
            let scores = function.score(&samples.collect::<Vec<_>>());
            checks.equal("number of rewards", &scores.len(), &call.rewards.len());
            for (score, expected) in scores.iter().zip(&call.rewards) {
                compare(checks, "reward", score, expected);
            }
            Ok(())
        });
    }
    Ok(())
}

fn missed(reason: &str) -> Missed {
    Missed::NotRun(reason.to_owned())
}

/// The value of the first of these keys that there is.
fn first<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| value.get(key)).filter(|value| !value.is_null())
}

/// What was given and what came back.
struct Call<'a> {
    recorded: &'a Value,
    completions: Vec<String>,
    tokens: Vec<Option<Vec<u32>>>,
    solutions: Vec<String>,
    rewards: Vec<Value>,
}

impl<'a> Call<'a> {
    fn read(call: &'a Value) -> Result<Self, Missed> {
        let rewards = first(call, &["result", "rewards", "returned", "output", "expected"]);
        let rewards = rewards.and_then(Value::as_array).cloned();
        let rewards = rewards.ok_or_else(|| missed("the call returned no list"))?;
        let ids = argument(call, &["completion_ids"], usize::MAX).and_then(Value::as_array);
        let given = argument(call, &["completions"], 0).and_then(Value::as_array);
        let num_given = given.map_or(0, Vec::len);
        let completions = match (given, ids) {
            (Some(given), _) => given.iter().map(content).collect::<Option<Vec<_>>>(),
            (None, Some(ids)) => Some(vec![String::new(); ids.len()]),
            (None, None) => None,
        };
        let completions = completions.ok_or_else(|| missed("the call was given no completions"))?;
        let list = |value: &Value| serde_json::from_value(value.clone()).ok();
        let tokens = match ids {
            Some(ids) => ids.iter().map(list).collect(),
            None => vec![None; num_given],
        };
        let solutions = argument(call, &["solution", "solutions"], 1).and_then(Value::as_array);
        let solutions = solutions.into_iter().flatten().filter_map(Value::as_str);
        let solutions = solutions.map(str::to_owned).collect();
        Ok(Self { recorded: call, completions, tokens, solutions, rewards })
    }

    fn fields(&self) -> Vec<Fields> {
        let of = |index: usize| {
            let solution = self.solutions.get(index);
            solution.map(|text| ("solution".to_owned(), text.as_str().into())).into_iter().collect()
        };
        (0..self.completions.len()).map(of).collect()
    }

    /// The function of a name of open-r1, with the settings of the call.
    fn function(&self, name: &str) -> Result<Box<dyn RewardFn>, Missed> {
        let name = name.trim_start_matches("get_").trim_end_matches("_reward");
        Ok(match name {
            "accuracy" => Box::new(AccuracyConfig::default().init()),
            "format" => Box::new(FormatConfig::default().init()),
            "tag_count" => Box::new(TagCount),
            "reasoning_steps" => Box::new(ReasoningStepsConfig::default().init()?),
            "len" => {
                let among = Among::Call;
                Box::new(LengthConfig { among, ..LengthConfig::default() }.init())
            }
            "cosine_scaled" | "cosine" => Box::new(self.cosine().init()?),
            "repetition_penalty" => Box::new(self.repetition()?.init()?),
            "soft_overlong_punishment" | "soft_overlong" => {
                let default = SoftOverlongConfig::default();
                let [max_completion_len, soft_punish_cache] = [
                    ("max_completion_len", default.max_completion_len),
                    ("soft_punish_cache", default.soft_punish_cache),
                ]
                .map(|(key, usual)| self.setting(key).map_or(usual, whole));
                Box::new(SoftOverlongConfig { max_completion_len, soft_punish_cache }.init()?)
            }
            "code_format" => {
                let language = self.setting("language").and_then(Value::as_str);
                let language = language.unwrap_or("python").to_owned();
                Box::new(CodeFormatConfig { language }.init()?)
            }
            _ => return Err(missed("this function is not offered")),
        })
    }

    /// A setting of the function, wherever the call has it.
    fn setting(&self, key: &str) -> Option<&Value> {
        let places = ["params", "factory_kwargs", "factory", "settings", "config", "kwargs"];
        let nested = places.iter().find_map(|place| self.recorded.get(place)?.get(key));
        nested.or_else(|| self.recorded.get(key)).filter(|value| !value.is_null())
    }

    fn cosine(&self) -> CosineConfig {
        let default = CosineConfig::default();
        let value =
            |key: &str, usual: f64| self.setting(key).and_then(Value::as_f64).unwrap_or(usual);
        CosineConfig {
            min_value_wrong: value("min_value_wrong", default.min_value_wrong),
            max_value_wrong: value("max_value_wrong", default.max_value_wrong),
            min_value_correct: value("min_value_correct", default.min_value_correct),
            max_value_correct: value("max_value_correct", default.max_value_correct),
            max_len: self.setting("max_len").map_or(default.max_len, whole),
            ..default
        }
    }

    /// The settings without which a penalty means nothing.
    fn repetition(&self) -> Result<RepetitionConfig, Missed> {
        let (Some(size), Some(penalty)) = (self.setting("ngram_size"), self.setting("max_penalty"))
        else {
            return Err(missed("the call has no ngram_size or no max_penalty"));
        };
        let language = self.setting("language").cloned();
        let language = language.and_then(|language| serde_json::from_value(language).ok());
        Ok(RepetitionConfig {
            language: language.unwrap_or(Language::En),
            ngram_size: whole(size),
            max_penalty: penalty.as_f64().unwrap_or(f64::NAN),
        })
    }
}

fn whole(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// An argument by one of its names, or by its place.
fn argument<'a>(call: &'a Value, names: &[&str], place: usize) -> Option<&'a Value> {
    let by_name = call.get("kwargs").and_then(|kwargs| first(kwargs, names));
    let by_place = || call.get("args").and_then(|args| args.get(place));
    by_name.or_else(by_place).or_else(|| first(call, names))
}

/// A completion: text, or a list of messages of which the first counts.
fn content(completion: &Value) -> Option<String> {
    let text = completion.as_str().or_else(|| completion.get(0)?.get("content")?.as_str());
    text.map(str::to_owned)
}
