//! Every fused operation against its stock version, finite differences, extremes, and numbers of threads.
#![allow(clippy::cast_possible_truncation, reason = "test numbers are small")]

mod extremes;
mod finite_differences;
mod fused_equals_stock;
mod layouts;
mod quantised;
mod support;
mod threads;
