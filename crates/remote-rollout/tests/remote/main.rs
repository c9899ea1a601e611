//! The client against a server on 127.0.0.1 that speaks vLLM's shapes, and misbehaves where a test tells it to.

mod faults;
#[allow(dead_code, reason = "one server for the tests of several crates")]
#[path = "../../../endpoint/tests/support/http.rs"]
mod http;
