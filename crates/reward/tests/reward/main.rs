//! The public behaviour of the crate, in one binary.

mod faults;
mod form;
mod mathematics;
mod number;
mod parity;
mod set;
mod strings;
mod tiered;
