//! The losses against TRL, closed forms and finite differences; their invariances, extremes and refused configs.

mod closed_forms;
mod config;
mod extremes;
mod invariances;
mod support;
mod trl;
