//! `forethought-examine FORMAT PATH`: reads a data file to its end with a limit of memory, for a
//! [`Probe`](forethought_dataset::Probe) that has no program of its own to start.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use forethought_dataset::{Format, examine};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [format, path] = arguments.as_slice() else { return usage("expected FORMAT and PATH") };
    let format: Format = match format.to_string_lossy().parse() {
        Ok(format) => format,
        Err(error) => return usage(&format!("{error}")),
    };
    match examine(&PathBuf::from(path), format) {
        Ok(_) => ExitCode::SUCCESS,
        Err(message) => {
            // A parent that has gone away needs no message.
            let _ = writeln!(std::io::stdout(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn usage(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {message}");
    ExitCode::from(2)
}
