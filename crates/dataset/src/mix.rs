//! Several sources into one list of examples: duplicates, caps, proportions and order, all by one seed.

mod duplicates;
mod mixed;
mod select;

use forethought_schema::RecordKind;
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use duplicates::{Deduplicate, DuplicateBy, NearDuplicates, count_duplicates, prompt_of};
pub use mixed::{Mixed, RowFate};

use crate::error::DatasetError;
use crate::records::{Examples, Met, RecordSource, read_into};
use select::Candidates;

/// Sources, and how they become one list.
///
/// What is kept and in which order depends on the seed and on the set of rows of each source, never on the order of files
/// or rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixConfig {
    /// The sources. Where two hold the same, the earlier one keeps it.
    pub sources: Vec<RecordSource>,
    /// At most so many rows of all sources. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<usize>,
    /// Which rows count as the same and are taken once. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicate: Option<Deduplicate>,
    /// The order of the rows. Default `as_read`.
    #[serde(default)]
    pub order: MixOrder,
}

/// The order of a mix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MixOrder {
    /// Sources one after the other, each in the order of its files and rows.
    #[default]
    AsRead,
    /// Every source spread evenly over the whole, its rows in an order that the seed draws.
    Interleave,
    /// All rows in an order that the seed draws.
    Shuffle,
}

impl MixConfig {
    /// These sources, one after the other.
    #[must_use]
    pub fn of(sources: Vec<RecordSource>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// Checks what can be checked before a file is opened.
    ///
    /// # Errors
    ///
    /// If there is no source, a weight or threshold is out of its range, only some sources have a weight, or a filter is
    /// no expression.
    pub fn check(&self) -> Result<(), DatasetError> {
        if self.sources.is_empty() {
            return Err(DatasetError::NoSources("sources"));
        }
        let weights: Vec<f64> = self.sources.iter().filter_map(|source| source.weight).collect();
        if !weights.is_empty() && weights.len() < self.sources.len() {
            let found = format!("{} of {} sources", weights.len(), self.sources.len());
            return Err(setting("weight", "set for every source or for none", found));
        }
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0))
        {
            return Err(setting("weight", "finite and greater than 0", weight.to_string()));
        }
        let caps = self.sources.iter().map(|source| source.max_rows).chain([self.max_rows]);
        if caps.flatten().any(|cap| cap == 0) {
            return Err(setting("max_rows", "at least 1", "0".to_owned()));
        }
        for expression in self.sources.iter().filter_map(|source| source.filter.as_deref()) {
            crate::filter::Filter::parse(expression)?;
        }
        self.deduplicate.as_ref().map_or(Ok(()), Deduplicate::check)
    }
}

pub(crate) fn setting(field: &'static str, rule: &str, found: String) -> DatasetError {
    DatasetError::Setting { field, rule: rule.to_owned(), found }
}

/// What a mix is made for.
#[derive(Clone, Copy, Debug)]
pub struct Mixing<'a> {
    /// The stage, for the ledger.
    pub stage: &'a str,
    /// What examples become. Default: what all sources hold.
    pub kind: Option<RecordKind>,
    /// Draws rows and their order.
    pub seed: Seed,
}

/// Reads the sources and mixes them.
///
/// # Errors
///
/// As [`MixConfig::check`] and [`read_examples`](crate::read_examples); if sources hold different kinds that are not
/// asked to become one; if nothing is left.
pub fn mix(config: &MixConfig, mixing: Mixing<'_>) -> Result<Mixed, DatasetError> {
    config.check()?;
    let mut examples = Examples::new(mixing.stage);
    let mut candidates = Candidates::new(config, mixing.seed);
    let show = &mut |met: Met<'_>| candidates.add(&met);
    read_into(&mut examples, &config.sources, mixing.kind, show)?;
    let kind = mixing.kind.map_or_else(|| only_kind(&examples), Ok)?;
    let order = candidates.select(&mut examples, config)?;
    Mixed::new(examples, &order, kind)
}

/// The kind of all examples.
fn only_kind(examples: &Examples) -> Result<RecordKind, DatasetError> {
    let mut kinds: Vec<(RecordKind, String)> = Vec::new();
    for layout in &examples.layouts {
        let kind = layout.recognised.layout.kind();
        if !kinds.iter().any(|(known, _)| *known == kind) {
            kinds.push((kind, layout.file.to_string()));
        }
    }
    match kinds.as_slice() {
        [(kind, _)] => Ok(*kind),
        [(first, file), (second, other), ..] => Err(DatasetError::Kinds {
            first: first.as_str(),
            file: file.clone(),
            second: second.as_str(),
            other: other.clone(),
        }),
        [] => Err(DatasetError::NothingLeft { record: "row", table: examples.ledger.to_table() }),
    }
}
