//! Tables of scores as a YAML file writes them.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::TieredReward;
use crate::RewardConfigError;
use crate::config::finite;

/// The named tables: each score with the largest difference that earns it.
///
/// They are those of the task's published workflow. Its `16/12/8/4` tests the first two tiers with `<`, so that an
/// exact answer earns 12 there; here it earns 16, unless a table sets `edge: excluded`.
pub const PRESETS: [(&str, &[(f64, f64)]); 4] = [
    ("12/6/3", &[(0.0, 12.0), (1.0, 6.0), (2.0, 3.0)]),
    ("5/4/3/2/1", &[(0.0, 5.0), (0.5, 4.0), (1.0, 3.0), (1.5, 2.0), (2.0, 1.0)]),
    ("10/8/6/4/2", &[(0.0, 10.0), (0.5, 8.0), (1.0, 6.0), (1.5, 4.0), (2.0, 2.0)]),
    ("16/12/8/4", &[(0.0, 16.0), (0.5, 12.0), (1.0, 8.0), (2.0, 4.0)]),
];

/// A table by name, or written out.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum TieredTable {
    /// The name of one of [`PRESETS`].
    Preset(String),
    /// The tiers.
    Table(TieredConfig),
}

impl TieredTable {
    /// The table this stands for.
    ///
    /// # Errors
    ///
    /// If there is no table of this name.
    pub fn config(&self) -> Result<TieredConfig, RewardConfigError> {
        match self {
            Self::Preset(name) => TieredConfig::preset(name),
            Self::Table(config) => Ok(config.clone()),
        }
    }
}

impl<'de> Deserialize<'de> for TieredTable {
    /// Text is a name and a map is a table: unlike an untagged enum this keeps the errors of the table.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = TieredTable;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "the name of a table ({}) or a map with `tiers`", preset_names())
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<TieredTable, E> {
                TieredConfig::preset(name).map_err(E::custom)?;
                Ok(TieredTable::Preset(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TieredTable, A::Error> {
                TieredConfig::deserialize(MapAccessDeserializer::new(map)).map(TieredTable::Table)
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

/// Scores by how far a number is from the label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TieredConfig {
    /// At least one; `within` rises and `score` falls from each to the next.
    pub tiers: Vec<Tier>,
    /// Score of a number beyond all tiers: finite, below the score of the last tier, by default 0.
    #[serde(default)]
    pub otherwise: f64,
    /// Score of a completion without a number: finite, not above `otherwise`, by default 0.
    #[serde(default)]
    pub unparseable: f64,
    /// The column that holds the label, by default `label`.
    #[serde(default = "label")]
    pub label: String,
    /// Whose rules find the number: `first`, the rules of [`crate::first_number`], or those of one of the programs of the
    /// published workflow, with their faults: `source-grpo`, `source-rloo`, `source-unsloth`. Default `first`.
    #[serde(default)]
    pub numbers: Numbers,
}

fn label() -> String {
    "label".to_owned()
}

/// Whose rules find the number in a completion, and in a label that is text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// [`crate::first_number`]; a completion without a number is unparseable.
    #[default]
    First,
    /// The published workflow's GRPO: the whole text as a float, else the first `-?\d+\.?\d*`, else 0.
    SourceGrpo,
    /// The published workflow's RLOO: the whole text as a float, else the first `\d+`, else 0.
    SourceRloo,
    /// The published workflow's GRPO with Unsloth: the first `-?\b\d+\b`; without one, or with a label that is no text, 0.
    SourceUnsloth,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Largest difference from the label that earns the score, itself included: finite, 0 or more.
    pub within: f64,
    /// The score: finite.
    pub score: f64,
    /// Whether a number that is exactly this far away earns the score: `included` or `excluded`. Default `included`; the
    /// published workflow excludes it in the first two tiers of `16/12/8/4`.
    #[serde(default)]
    pub edge: Edge,
}

/// Whether the edge of a tier belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// It does.
    #[default]
    Included,
    /// It does not: a first tier within 0 then holds nothing.
    Excluded,
}

impl Tier {
    /// A tier that its edge belongs to.
    #[must_use]
    pub fn new(within: f64, score: f64) -> Self {
        Self { within, score, edge: Edge::Included }
    }

    /// Whether a number so far away is in it.
    pub(super) fn holds(&self, distance: f64) -> bool {
        match self.edge {
            Edge::Included => distance <= self.within,
            Edge::Excluded => distance < self.within,
        }
    }
}

pub(crate) fn preset_names() -> String {
    PRESETS.map(|(name, _)| format!("`{name}`")).join(", ")
}

impl TieredConfig {
    /// One of [`PRESETS`] by name.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn preset(name: &str) -> Result<Self, RewardConfigError> {
        let (_, tiers) = PRESETS
            .iter()
            .find(|(preset, _)| *preset == name)
            .ok_or_else(|| RewardConfigError::UnknownPreset(name.to_owned()))?;
        let tiers = tiers.iter().map(|&(within, score)| Tier::new(within, score)).collect();
        let numbers = Numbers::First;
        Ok(Self { tiers, otherwise: 0.0, unparseable: 0.0, label: label(), numbers })
    }

    /// Builds the function.
    ///
    /// # Errors
    ///
    /// If a number is not finite or the tiers are not in order.
    pub fn init(&self) -> Result<TieredReward, RewardConfigError> {
        self.check_finite()?;
        self.check_order()?;
        Ok(TieredReward::new(self.clone()))
    }

    fn check_finite(&self) -> Result<(), RewardConfigError> {
        for (index, tier) in self.tiers.iter().enumerate() {
            finite(format!("tiers[{index}].within"), tier.within)?;
            finite(format!("tiers[{index}].score"), tier.score)?;
        }
        finite("otherwise", self.otherwise)?;
        finite("unparseable", self.unparseable)
    }

    fn check_order(&self) -> Result<(), RewardConfigError> {
        let (Some(first), Some(last)) = (self.tiers.first(), self.tiers.last()) else {
            return Err(RewardConfigError::NoTiers);
        };
        if first.within < 0.0 {
            return Err(RewardConfigError::Negative(first.within));
        }
        for (index, pair) in self.tiers.windows(2).enumerate() {
            let index = index + 1;
            let (before, found) = (pair[0].within, pair[1].within);
            if found <= before {
                return Err(RewardConfigError::WithinOrder { index, before, found });
            }
            falls(format!("tiers[{index}].score"), pair[0].score, pair[1].score)?;
        }
        falls("otherwise".into(), last.score, self.otherwise)?;
        if self.otherwise < self.unparseable {
            let (otherwise, found) = (self.otherwise, self.unparseable);
            return Err(RewardConfigError::Unparseable { otherwise, found });
        }
        Ok(())
    }
}

fn falls(field: String, before: f64, found: f64) -> Result<(), RewardConfigError> {
    if found < before {
        return Ok(());
    }
    Err(RewardConfigError::ScoreOrder { field, before, found })
}
