//! The public behaviour of the crate; one program, because each would link polars again.

mod balance;
mod clean;
mod containers;
mod faults;
mod hostile;
mod ingest;
mod mix;
mod problems;
mod table;
