//! SIGINT and SIGTERM in every phase of a run: the last finished step is saved, and the exit code says which signal it was.

use std::fs;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use forethought_seed::Seed;
use rand::RngExt as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::bed::Bed;
use crate::runs::{self, Phase, Saved};
use crate::tally::Tally;

const FOLDER: &str = "signalled";

/// One in so many is followed by a second signal at once.
const TWICE: u64 = 8;

/// Signals runs until there were so many signals.
pub(crate) fn run(bed: &Bed, amount: u64) -> Result<Tally, String> {
    let mut tally = Tally::new(format!("{amount} signals"));
    bed.fresh(FOLDER)?;
    for number in 0..amount {
        // Another attempt draws another moment.
        for attempt in 0.. {
            if once(bed, [number, attempt], &mut tally)? {
                break;
            }
        }
    }
    let before = Saved::of(bed, FOLDER);
    bed.succeed(FOLDER, &[])?;
    tally.check("at the end", runs::check(&bed.log(FOLDER), before));
    tally.check("at the end", bed.compare(FOLDER));
    tally.count("finished runs");
    Ok(tally)
}

/// Starts a run and signals it; false if it came to its end before.
fn once(bed: &Bed, place: [u64; 2], tally: &mut Tally) -> Result<bool, String> {
    let mut random = Seed::new(2).stream("signal", &place);
    let [number, _] = place;
    let before = Saved::of(bed, FOLDER);
    let wanted = Phase::ALL[usize::try_from(number).unwrap_or_default() % Phase::ALL.len()];
    // The phase is looked at so many times before the signal comes, so that it comes at any time of it.
    let mut looks: u32 = random.random_range(1..=40);
    let mut child = bed.command(FOLDER)?.spawn().map_err(|error| error.to_string())?;
    let place = format!("number {number} {}, from {before:?}", wanted.name());
    while looks > 0 {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            tally.check(&place, if status.success() { Ok(()) } else { Err(status.to_string()) });
            tally.check(&place, bed.compare(FOLDER));
            tally.count("finished runs");
            bed.fresh(FOLDER)?;
            return Ok(false);
        }
        if Phase::of(bed, FOLDER) == wanted {
            looks -= 1;
        } else {
            // A phase that is shorter than that is signalled when it is met again.
            looks = looks.saturating_sub(5).max(1);
        }
        thread::sleep(Duration::from_micros(100));
    }
    tally.count(wanted.name());
    let (signal, code) =
        if number.is_multiple_of(2) { (Signal::INT, 130) } else { (Signal::TERM, 143) };
    let pid = Pid::from_child(&child);
    let is_twice = number % TWICE == TWICE - 1;
    // A process that has just ended takes no signal.
    let _ = kill_process(pid, signal);
    if is_twice {
        let _ = kill_process(pid, signal);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    tally.check(&place, runs::check(&bed.log(FOLDER), before));
    let judged = judge(bed, status, (code, is_twice), before, tally);
    tally.check(&place, judged);
    if Saved::of(bed, FOLDER).num_trainings == 2 {
        tally.check(&place, bed.succeed(FOLDER, &[]).and_then(|()| bed.compare(FOLDER)));
        tally.count("finished runs");
        bed.fresh(FOLDER)?;
    }
    Ok(true)
}

/// What a signalled run must have left.
fn judge(
    bed: &Bed,
    status: ExitStatus,
    (code, is_twice): (i32, bool),
    before: Saved,
    tally: &mut Tally,
) -> Result<(), String> {
    let after = Saved::of(bed, FOLDER);
    if after < before {
        return Err(format!("{after:?} is left"));
    }
    match status.code() {
        Some(0) => tally.count("after the last step"),
        // The signal came before the command had begun to listen.
        None => tally.count("before the first"),
        Some(found) if found != code => return Err(format!("exit code {found}, not {code}")),
        Some(_) if is_twice => tally.count("twice"),
        Some(_) => {
            tally.count("orderly");
            return all_is_saved(bed, after);
        }
    }
    Ok(())
}

/// The newest checkpoint is of the last step in the log.
fn all_is_saved(bed: &Bed, after: Saved) -> Result<(), String> {
    let Some(stage) = after.stage() else { return Ok(()) };
    let log = bed.path(FOLDER).join("training").join(stage).join("metrics.jsonl");
    let finished = fs::read_to_string(log).map_or(0, |text| text.lines().count() as u64);
    if finished == after.step {
        return Ok(());
    }
    Err(format!("{finished} steps of {stage} are finished, {} are saved", after.step))
}
