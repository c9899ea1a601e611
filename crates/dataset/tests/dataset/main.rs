//! The public behaviour of the crate; one program, because each would link polars again.

mod balance;
mod clean;
mod columns;
mod containers;
mod corpus;
mod faults;
mod hostile;
mod index;
mod ingest;
mod mistaken;
mod mix;
mod problems;
mod shapes;
mod table;

use forethought_dataset::{FirstContact, MixConfig, Reading, Source};
use forethought_seed::Seed;

/// These files are made by the tests themselves.
pub(crate) static HERE: FirstContact = FirstContact::Here;

pub(crate) fn reading() -> Reading<'static> {
    Reading { stage: "ingest", seed: Seed::new(42), contact: &HERE }
}

pub(crate) fn of(source: Source) -> MixConfig {
    MixConfig::of(vec![source])
}
