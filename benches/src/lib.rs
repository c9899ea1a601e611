//! Nothing: the benchmarks are the examples of this package, and `cargo xtask bench` runs them.
