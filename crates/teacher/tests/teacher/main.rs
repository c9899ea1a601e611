//! The client against a server on 127.0.0.1 that does whatever a test tells it.

mod faults;
mod server;
