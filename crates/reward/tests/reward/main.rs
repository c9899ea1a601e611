//! The public behaviour of the crate, in one binary.

mod number;
mod parity;
mod set;
mod tiered;
