//! The public behaviour of the crate, in one binary: linking is what its tests cost most.

mod folder;
mod golden;
mod masks;
mod overflow;
mod templates;
mod train;
mod upstream;
