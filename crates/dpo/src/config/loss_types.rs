//! One name or a list of names.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::LossType;

/// Reads `sigmoid` as `[sigmoid]`. An untagged enum would do the same, but its errors name no variant.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<LossType>, D::Error> {
    deserializer.deserialize_any(OneOrSeveral)
}

/// What the schema says of them.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a schema is made of the type, and no value")]
pub(super) enum AsWritten {
    One(LossType),
    Several(Vec<LossType>),
}

struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = Vec<LossType>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a loss type or a list of loss types")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Vec<LossType>, E> {
        Ok(vec![LossType::deserialize(name.into_deserializer())?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Vec<LossType>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(sequence))
    }
}
