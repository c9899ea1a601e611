//! The public behaviour of the crate, in one binary: linking is what its tests cost most.

mod folder;
mod golden;
mod hostile_files;
mod hostile_templates;
mod masks;
mod overflow;
mod templates;
mod train;
mod upstream;

use std::time::Duration;

/// What this thread has taken of the processor, so that a busy machine makes no test fail; where the system does not say,
/// nothing.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    // The second field is a name in brackets; the 14th and 15th are hundredths of a second.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap_or(0));
    Duration::from_millis(10 * ticks.sum::<u64>())
}
