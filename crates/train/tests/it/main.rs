//! The crate as its users see it: whole runs of a small model, interrupted and damaged in every way.

mod checkpoints;
#[cfg(feature = "tui")]
mod dashboard;
mod failures;
mod guards;
mod releases;
mod replicas;
mod resume;
mod schedules;
mod signals;
mod toy;
mod update;
