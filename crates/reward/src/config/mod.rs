//! Reward functions as a YAML file writes them.

mod error;
mod external;

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::RewardConfigError;
pub use external::{ExternalConfig, HttpConfig, ModelConfig, ProcessConfig};

use crate::format::{CodeFormatConfig, FormatConfig, NoSettings, ThinkBoxed, ThinkFormat};
use crate::tags::TagCount;
use crate::{
    AccuracyConfig, BoxedAccuracyConfig, CosineConfig, Gsm8kConfig, LengthConfig,
    LevenshteinConfig, PatternConfig, ReasoningAccuracyConfig, ReasoningStepsConfig,
    RepetitionConfig, RewardFn, SoftOverlongConfig, TieredTable,
};

/// Opens a reward that something outside this program gives; or says why it cannot be opened.
pub type Open<'a> = dyn FnMut(&ExternalConfig) -> Result<Box<dyn RewardFn>, String> + 'a;

/// One function of a [`crate::RewardSet`].
///
/// It is written as the name of a function, or as a map with the name of a function as one of its keys:
///
/// ```
/// use forethought_reward::RewardConfig;
///
/// let yaml = "[format, {accuracy: {semantics: verify}, weight: 2}, {tag_count: }]";
/// let configs: Vec<RewardConfig> = serde_yaml::from_str(yaml)?;
/// assert_eq!(configs[1].weight, 2.0);
/// assert_eq!(configs[2].function.kind(), "tag_count");
/// # Ok::<(), serde_yaml::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RewardConfig {
    /// What its scores are called in metrics; by default the name of the function.
    pub name: Option<String>,
    /// Factor of its score in the sum: finite, by default 1, as TRL's `reward_weights`.
    pub weight: f64,
    /// The function and its settings.
    pub function: FunctionConfig,
}

macro_rules! functions {
    ($($name:literal: $variant:ident($settings:ty), $doc:literal;)*) => {
        /// A function and its settings.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum FunctionConfig {
            $(#[doc = $doc] $variant($settings),)*
        }

        /// The names of all functions.
        pub const FUNCTIONS: &[&str] = &[$($name),*];

        /// The keys of a reward: its own, and the functions.
        const KEYS: &[&str] = &["name", "weight", $($name),*];

        impl FunctionConfig {
            /// The name of the function in YAML.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The function of this name with its default settings.
            fn of_nothing<E: Error>(name: &str) -> Result<Self, E> {
                match name {
                    $($name => of_nothing::<$settings, E>().map(Self::$variant),)*
                    _ => Err(E::unknown_variant(name, FUNCTIONS)),
                }
            }

            /// The function whose name was the key, from the value.
            fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
                match name {
                    $($name => match map.next_value::<Option<$settings>>()? {
                        Some(settings) => Ok(Self::$variant(settings)),
                        None => Self::of_nothing(name),
                    },)*
                    _ => Err(A::Error::unknown_field(name, KEYS)),
                }
            }

            /// The schema of a map with one of the functions, for each of them.
            fn schemas(generator: &mut SchemaGenerator) -> Vec<Schema> {
                vec![$(map_schema($name, $doc, &generator.subschema_for::<Option<$settings>>())),*]
            }

            fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                match self { $(Self::$variant(settings) => map.serialize_entry($name, settings),)* }
            }
        }
    };
}

functions! {
    "accuracy": Accuracy(AccuracyConfig), "1 for the right answer.";
    "boxed_accuracy": BoxedAccuracy(BoxedAccuracyConfig), "1 for the right string in the last box.";
    "code_format": CodeFormat(CodeFormatConfig), "1 for open-r1's format with fenced code in the answer.";
    "cosine": Cosine(CosineConfig), "Right and wrong, scaled by length.";
    "format": Format(FormatConfig), "1 for open-r1's format.";
    "gsm8k": Gsm8k(Gsm8kConfig), "1 for the right final number, as verl reads it.";
    "http": Http(HttpConfig), "What an endpoint answers.";
    "length": Length(LengthConfig), "The shorter of the right answers, the better.";
    "levenshtein": Levenshtein(LevenshteinConfig), "How alike the answer and the solution are as strings.";
    "model": Model(ModelConfig), "The score of a reward model.";
    "pattern": Pattern(PatternConfig), "1 where an expression of one's own matches.";
    "process": Process(ProcessConfig), "What another process answers.";
    "reasoning_accuracy": ReasoningAccuracy(ReasoningAccuracyConfig), "Accuracy of what follows the reasoning.";
    "reasoning_steps": ReasoningSteps(ReasoningStepsConfig), "A share for each step that is announced.";
    "repetition_penalty": RepetitionPenalty(RepetitionConfig), "A penalty for n-grams that come again.";
    "soft_overlong": SoftOverlong(SoftOverlongConfig), "A punishment that grows before the longest length.";
    "tag_count": TagCount(NoSettings), "A quarter for each tag that is there once.";
    "think_boxed": ThinkBoxed(NoSettings), "1 for `<think>…</think>` and then a box.";
    "think_format": ThinkFormat(NoSettings), "1 for TRL's format.";
    "tiered": Tiered(TieredTable), "Scores by how far the first number is from the label.";
}

impl FunctionConfig {
    /// Builds the function; `open` builds one that something outside this program gives.
    pub(crate) fn init(&self, open: &mut Open<'_>) -> Result<Box<dyn RewardFn>, RewardConfigError> {
        let mut outside = |config| open(&config).map_err(RewardConfigError::External);
        Ok(match self {
            Self::Accuracy(config) => Box::new(config.init()),
            Self::BoxedAccuracy(config) => Box::new(config.init()),
            Self::CodeFormat(config) => Box::new(config.init()?),
            Self::Cosine(config) => Box::new(config.init()?),
            Self::Format(config) => Box::new(config.init()),
            Self::Gsm8k(config) => Box::new(config.init()?),
            Self::Http(config) => outside(ExternalConfig::Http(config.clone()))?,
            Self::Length(config) => Box::new(config.init()),
            Self::Levenshtein(config) => Box::new(config.init()?),
            Self::Model(config) => outside(ExternalConfig::Model(config.clone()))?,
            Self::Pattern(config) => Box::new(config.init()?),
            Self::Process(config) => outside(ExternalConfig::Process(config.clone()))?,
            Self::ReasoningAccuracy(config) => Box::new(config.init()),
            Self::ReasoningSteps(config) => Box::new(config.init()?),
            Self::RepetitionPenalty(config) => Box::new(config.init()?),
            Self::SoftOverlong(config) => Box::new(config.init()?),
            Self::TagCount(NoSettings {}) => Box::new(TagCount),
            Self::ThinkBoxed(NoSettings {}) => Box::new(ThinkBoxed),
            Self::ThinkFormat(NoSettings {}) => Box::new(ThinkFormat),
            Self::Tiered(table) => Box::new(table.config()?.init()?),
        })
    }
}

impl RewardConfig {
    /// The function of this name with its default settings and a weight of 1.
    ///
    /// # Errors
    ///
    /// If there is none of this name, or it needs settings.
    pub fn named(name: &str) -> Result<Self, RewardConfigError> {
        if !FUNCTIONS.contains(&name) {
            return Err(RewardConfigError::UnknownReward { name: name.to_owned() });
        }
        let function = FunctionConfig::of_nothing::<serde::de::value::Error>(name);
        let function = function.map_err(|error| RewardConfigError::NeedsSettings {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { name: None, weight: 1.0, function })
    }

    /// What its scores are called.
    #[must_use]
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.function.kind())
    }
}

/// What an empty map makes: a missing setting is named.
fn of_nothing<'de, T: Deserialize<'de>, E: Error>() -> Result<T, E> {
    T::deserialize(MapDeserializer::<_, E>::new(std::iter::empty::<(&str, &str)>()))
}

impl Serialize for RewardConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("weight", &self.weight)?;
        self.function.serialize_into(&mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for RewardConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrMap)
    }
}

struct NameOrMap;

impl<'de> Visitor<'de> for NameOrMap {
    type Value = RewardConfig;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a reward, or a map with it as a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<RewardConfig, E> {
        let function = FunctionConfig::of_nothing(name)?;
        Ok(RewardConfig { name: None, weight: 1.0, function })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RewardConfig, A::Error> {
        let (mut name, mut weight, mut function) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let is_second = match key.as_str() {
                "name" => name.replace(map.next_value::<Option<String>>()?).is_some(),
                "weight" => weight.replace(map.next_value::<f64>()?).is_some(),
                _ => {
                    let read = FunctionConfig::read(&key, &mut map)?;
                    if let Some(before) = function.replace(read) {
                        let before: FunctionConfig = before;
                        let message = format!(
                            "one reward is one function, got `{}` and `{key}`",
                            before.kind()
                        );
                        return Err(A::Error::custom(message));
                    }
                    false
                }
            };
            if is_second {
                return Err(A::Error::custom(format!("duplicate field `{key}`")));
            }
        }
        let missing =
            || A::Error::custom(format!("a reward needs one of {}", FUNCTIONS.join(", ")));
        let function = function.ok_or_else(missing)?;
        Ok(RewardConfig { name: name.flatten(), weight: weight.unwrap_or(1.0), function })
    }
}

impl JsonSchema for RewardConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RewardConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut forms = vec![json_schema!({ "enum": FUNCTIONS })];
        forms.extend(FunctionConfig::schemas(generator));
        json_schema!({
            "description": "A reward: the name of a function, or a map with it as a key.",
            "anyOf": forms,
        })
    }
}

/// The schema of a map with this function as a key.
fn map_schema(function: &str, doc: &str, settings: &Schema) -> Schema {
    json_schema!({
        "type": "object",
        "description": doc,
        "properties": {
            "name": {
                "description": "What its scores are called in metrics. Default: the name of the function.",
                "type": ["string", "null"],
            },
            "weight": {
                "description": "Factor of its score in the sum: finite.",
                "type": "number",
                "default": 1.0,
            },
            function: settings,
        },
        "required": [function],
        "additionalProperties": false,
    })
}

pub(crate) fn finite(field: impl Into<String>, value: f64) -> Result<(), RewardConfigError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(RewardConfigError::NotFinite { field: field.into(), value })
}

pub(crate) fn at_least_one(field: &str, value: usize) -> Result<(), RewardConfigError> {
    if value > 0 {
        return Ok(());
    }
    Err(RewardConfigError::Zero { field: field.to_owned() })
}
