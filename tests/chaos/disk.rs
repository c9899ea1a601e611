//! Files that may not grow beyond a random size, as on a full disk: an error that says so, and nothing saved is lost.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use forethought_seed::Seed;
use rand::RngExt as _;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::bed::Bed;
use crate::runs::{self, Saved};
use crate::tally::Tally;

const FOLDER: &str = "starved";

/// Runs into one folder before it is finished without a limit.
const CHAIN: u64 = 5;

/// The largest limit, beyond every file of a run.
const LARGEST: f64 = 1.0e6;

/// The first argument with which this program becomes another one with a limit.
pub(crate) const LIMITED: &str = "--limited";

/// Becomes `command`, whose files may have `limit` bytes.
pub(crate) fn become_limited(limit: &str, command: &[&str]) -> ExitCode {
    let (Ok(bytes), [program, arguments @ ..]) = (limit.parse::<u64>(), command) else {
        eprintln!("usage: chaos {LIMITED} BYTES PROGRAM ARGUMENT...");
        return ExitCode::from(2);
    };
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    if let Err(error) = setrlimit(Resource::Fsize, limit) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    let error = Command::new(program).args(arguments).exec();
    eprintln!("error: {program}: {error}");
    ExitCode::FAILURE
}

/// Runs with so many limits.
pub(crate) fn run(bed: &Bed, amount: u64) -> Result<Tally, String> {
    let mut tally = Tally::new(format!("{amount} limits"));
    let myself = std::env::current_exe().map_err(|error| error.to_string())?;
    for number in 0..amount {
        if number.is_multiple_of(CHAIN) {
            bed.fresh(FOLDER)?;
        }
        let mut random = Seed::new(3).stream("limit", &[number]);
        let share: f64 = random.random();
        // As many limits of a hundred bytes as of a hundred thousand.
        let limit = LARGEST.powf(share).round().to_string();
        let mut arguments = vec![LIMITED.to_owned(), limit.clone()];
        arguments.extend(bed.arguments(FOLDER));
        let before = Saved::of(bed, FOLDER);
        let mut command = bed.command_of(&myself.display().to_string(), &arguments, FOLDER)?;
        let status = command.status().map_err(|error| error.to_string())?;
        let (log, after) = (bed.log(FOLDER), Saved::of(bed, FOLDER));
        let place = format!("of {limit} bytes, from {before:?}");
        tally.check(&place, runs::check(&log, before));
        if after < before {
            tally.check(&place, Err(format!("{after:?} is left")));
        }
        // The log is a file too: of a tiny one the end is missing.
        match (status.code(), log.contains("File too large")) {
            (Some(0), _) => tally.count("roomy enough"),
            (Some(1), true) => tally.count("named in the error"),
            (Some(1), false) if log.len().to_string() == limit => {
                tally.count("too small for words");
            }
            (code, _) => tally.check(&place, Err(format!("{code:?}: {log}"))),
        }
        let is_last = (number + 1).is_multiple_of(CHAIN) || number + 1 == amount;
        if is_last {
            tally.check(&place, bed.succeed(FOLDER, &[]).and_then(|()| bed.compare(FOLDER)));
            tally.count("finished runs");
        }
    }
    Ok(tally)
}
