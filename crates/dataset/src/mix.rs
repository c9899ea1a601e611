//! Several sources into one list of examples: duplicates, caps, proportions and order, all by one seed.

mod duplicates;
mod mixed;
mod select;
mod settings;

use forethought_schema::RecordKind;
use forethought_seed::Seed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use duplicates::{Deduplicate, DuplicateBy, NearDuplicates, count_duplicates, prompt_of};
pub use mixed::{Mixed, RowFate};

use crate::error::DatasetError;
use crate::probe::FirstContact;
use crate::records::{Beside, Examples, Met, Reader, Source, num_samples, read_into};
pub(crate) use select::Candidates;

crate::mix_settings! {
    /// Sources, and how they become one list.
    ///
    /// What is kept and in which order depends on the seed and on the set of rows of each source, never on the order of
    /// files or rows.
    #[derive(Default)]
    pub struct MixConfig {
        ..
    }
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
    pub fn of(sources: Vec<Source>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// Checks what can be checked before a file is opened.
    ///
    /// # Errors
    ///
    /// If there is no source, a weight or threshold is out of its range, only some sources have a weight, or a filter is
    /// no expression.
    pub fn check(&self) -> Result<(), DatasetError> {
        self.problems().into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Everything that [`MixConfig::check`] would find, each with the key it is about, such as `sources.1.weight`.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, DatasetError)> {
        if self.sources.is_empty() {
            return vec![("sources".to_owned(), DatasetError::NoSources("sources"))];
        }
        let mut problems = Vec::new();
        let num_weights = self.sources.iter().filter(|source| source.weight.is_some()).count();
        if num_weights > 0 && num_weights < self.sources.len() {
            let found = format!("{num_weights} of {} sources", self.sources.len());
            let error = setting("weight", "set for every source or for none", found);
            problems.push(("sources".to_owned(), error));
        }
        for (index, source) in self.sources.iter().enumerate() {
            let of_source = source.problems().into_iter();
            problems
                .extend(of_source.map(|(key, error)| (format!("sources.{index}.{key}"), error)));
        }
        if self.max_rows == Some(0) {
            problems.push(("max_rows".to_owned(), no_rows()));
        }
        let near = self.deduplicate.as_ref().map_or(Ok(()), Deduplicate::check).err();
        problems.extend(near.map(|error| ("deduplicate.near".to_owned(), error)));
        problems
    }

    /// Whether rows are taken as they are read, so that none has to wait for another.
    pub(crate) fn is_plain(&self) -> Result<bool, DatasetError> {
        for source in &self.sources {
            let is_chosen = source.max_rows.is_some() || source.weight.is_some();
            if is_chosen || num_samples(source)?.is_some() {
                return Ok(false);
            }
        }
        let takes_all = self.max_rows.is_none() && self.deduplicate.is_none();
        Ok(takes_all && self.order == MixOrder::AsRead)
    }
}

impl Source {
    fn problems(&self) -> Vec<(&'static str, DatasetError)> {
        let mut problems = Vec::new();
        if self.path.is_empty() {
            problems.push(("path", DatasetError::NoSources("path")));
        }
        if let Some(weight) = self.weight.filter(|weight| !(weight.is_finite() && *weight > 0.0)) {
            let error = setting("weight", "finite and greater than 0", weight.to_string());
            problems.push(("weight", error));
        }
        if self.max_rows == Some(0) {
            problems.push(("max_rows", no_rows()));
        }
        let filter = self.filter.as_deref().map(crate::filter::Filter::parse);
        problems.extend(filter.and_then(Result::err).map(|error| ("where", error)));
        problems
    }
}

fn no_rows() -> DatasetError {
    setting("max_rows", "at least 1", "0".to_owned())
}

pub(crate) fn setting(field: &'static str, rule: &str, found: String) -> DatasetError {
    DatasetError::Setting { field, rule: rule.to_owned(), found }
}

/// Who reads, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The stage, for the ledger.
    pub stage: &'a str,
    /// Draws rows and their order.
    pub seed: Seed,
    /// Who reads a parquet or Arrow file first.
    pub contact: &'a FirstContact,
}

/// What a mix is made for.
#[derive(Clone, Copy, Debug)]
pub struct Mixing<'a> {
    /// Who reads, and with what.
    pub reading: Reading<'a>,
    /// What examples become. Default: what all sources hold.
    pub kind: Option<RecordKind>,
}

/// Reads the sources and mixes them.
///
/// # Errors
///
/// As [`MixConfig::check`] and [`read_examples`](crate::read_examples); if sources hold different kinds that are not
/// asked to become one; if nothing is left.
pub fn mix(config: &MixConfig, mixing: Mixing<'_>) -> Result<Mixed, DatasetError> {
    config.check()?;
    let Reading { stage, seed, contact } = mixing.reading;
    let mut examples = Examples::new(stage);
    let mut candidates = Candidates::new(config, seed)?;
    let (on_bad_row, wanted) = (config.on_bad_row, mixing.kind);
    let reader = Reader { contact, on_bad_row, beside: Beside::Kept, wanted };
    read_into(&mut examples, &config.sources, reader, &mut |met: Met<'_>| candidates.add(&met))?;
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
