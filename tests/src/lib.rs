//! End-to-end and golden tests across crates.
