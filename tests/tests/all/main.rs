//! Whole pipelines on small data: what they leave, what they skip, how they stop and go on, and what they refuse.

mod attempt;
mod bad_steps;
mod configs;
mod devices;
mod everywhere;
mod examples;
mod faults;
mod golden_losses;
mod hostile_configs;
#[allow(dead_code, reason = "one server for the tests of several crates")]
#[path = "../../../crates/endpoint/tests/support/http.rs"]
mod http;
mod interrupt;
mod lora;
mod methods;
mod reason;
mod refused_configs;
mod refused_data;
mod refused_models;
mod reuse;
mod rewards;
mod schema;
mod served;
mod shared_counts;
mod shared_prompts;
mod step;
mod vllm;
mod whole;
