//! Runs that are killed, signalled, starved of disk and damaged, hundreds of times: what comes of them must be, bit for bit,
//! what comes of a run that was left alone.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod bed;
mod disk;
mod flips;
mod kills;
mod runs;
mod signals;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bed::Bed;
use tally::Tally;

const USAGE: &str = "\
usage: chaos BINARY [--short | kills | signals | limits | flips]

BINARY is the forethought command. Without --short: 200 kills, 100 signals, 100 limits of the file size, 1,000 flipped
or cut checkpoint files, or only one of these; with it a twentieth of that, in about a minute.";

/// How often each thing is done.
struct Amounts {
    kills: u64,
    signals: u64,
    limits: u64,
    flips: u64,
}

const FULL: Amounts = Amounts { kills: 200, signals: 100, limits: 100, flips: 1_000 };
const NONE: Amounts = Amounts { kills: 0, signals: 0, limits: 0, flips: 0 };
const SHORT: Amounts = Amounts { kills: 12, signals: 8, limits: 8, flips: 24 };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (binary, amounts) = match words.as_slice() {
        [disk::LIMITED, limit, command @ ..] => return disk::become_limited(limit, command),
        [binary] if !binary.starts_with('-') => (PathBuf::from(binary), FULL),
        [binary, "--short"] | ["--short", binary] => (PathBuf::from(binary), SHORT),
        [binary, "kills"] => (PathBuf::from(binary), Amounts { kills: FULL.kills, ..NONE }),
        [binary, "signals"] => (PathBuf::from(binary), Amounts { signals: FULL.signals, ..NONE }),
        [binary, "limits"] => (PathBuf::from(binary), Amounts { limits: FULL.limits, ..NONE }),
        [binary, "flips"] => (PathBuf::from(binary), Amounts { flips: FULL.flips, ..NONE }),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&binary, &amounts) {
        Ok(tallies) => conclude(&tallies),
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Does one kind of harm so many times.
type Part = fn(&Bed, u64) -> Result<Tally, String>;

/// Does everything in turn.
fn run(binary: &Path, amounts: &Amounts) -> Result<Vec<Tally>, String> {
    let started = Instant::now();
    let bed = Bed::new(binary)?;
    println!("a run left alone takes {:.1} s", bed.duration.as_secs_f64());
    let mut tallies = Vec::new();
    let parts: [(Part, u64); 4] = [
        (kills::run, amounts.kills),
        (signals::run, amounts.signals),
        (disk::run, amounts.limits),
        (flips::run, amounts.flips),
    ];
    for (part, amount) in parts.into_iter().filter(|(_, amount)| *amount > 0) {
        let begun = Instant::now();
        let tally = part(&bed, amount)?;
        println!("{tally}  in {:.0} s", begun.elapsed().as_secs_f64());
        tallies.push(tally);
    }
    println!("all in {:.0} s", started.elapsed().as_secs_f64());
    Ok(tallies)
}

/// Nothing may have gone wrong.
fn conclude(tallies: &[Tally]) -> ExitCode {
    let wrong: Vec<&String> = tallies.iter().flat_map(|tally| &tally.wrong).collect();
    for problem in &wrong {
        eprintln!("WRONG: {problem}");
    }
    println!("{} wrong", wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
