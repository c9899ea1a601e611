//! SIGKILL at random times, half of them while a checkpoint is written.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use forethought_seed::Seed;
use rand::RngExt as _;

use crate::bed::Bed;
use crate::runs::{self, Phase, Saved};
use crate::tally::Tally;

const FOLDER: &str = "killed";

/// Kills runs until there were so many kills; a run that ends is compared, and another begins.
pub(crate) fn run(bed: &Bed, amount: u64) -> Result<Tally, String> {
    let mut tally = Tally::new(format!("{amount} kills"));
    bed.fresh(FOLDER)?;
    for kill in 0..amount {
        // Another attempt draws another moment.
        for attempt in 0.. {
            if once(bed, [kill, attempt], &mut tally)? {
                break;
            }
        }
    }
    // The last one is finished too.
    let before = Saved::of(bed, FOLDER);
    bed.succeed(FOLDER, &[])?;
    tally.check("at the end", runs::check(&bed.log(FOLDER), before));
    tally.check("at the end", bed.compare(FOLDER));
    tally.count("finished runs");
    Ok(tally)
}

/// Starts a run and kills it; false if it came to its end before.
fn once(bed: &Bed, place @ [kill, _]: [u64; 2], tally: &mut Tally) -> Result<bool, String> {
    let before = Saved::of(bed, FOLDER);
    let mut child = bed.command(FOLDER)?.spawn().map_err(|error| error.to_string())?;
    let was_in_time = wait(bed, place, &mut child)?;
    let place = format!("number {kill}, from {before:?}");
    if !was_in_time {
        let status = child.wait().map_err(|error| error.to_string())?;
        let log = bed.log(FOLDER);
        tally.check(&place, runs::check(&log, before));
        if !status.success() {
            tally.check(&place, Err(format!("{status}: {log}")));
        }
        tally.check(&place, bed.compare(FOLDER));
        tally.count("finished runs");
        bed.fresh(FOLDER)?;
        return Ok(false);
    }
    let phase = Phase::of(bed, FOLDER);
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    tally.check(&place, runs::check(&bed.log(FOLDER), before));
    let after = Saved::of(bed, FOLDER);
    if after < before {
        tally.check(&place, Err(format!("{after:?} is left")));
    }
    tally.count(phase.name());
    if runs::is_saving(bed, FOLDER) {
        tally.count("left half a checkpoint");
    }
    Ok(true)
}

/// Waits for the moment of the kill; false if the run ended before it.
fn wait(bed: &Bed, place: [u64; 2], child: &mut Child) -> Result<bool, String> {
    let mut random = Seed::new(1).stream("kill", &place);
    let draw: f64 = random.random();
    // Exponential, as waiting for a failure is; its mean is a third of a run.
    let delay = bed.duration.div_f64(3.0).mul_f64(-(1.0 - draw).ln());
    let is_aimed = place[0] % 2 == 1;
    let started = Instant::now();
    loop {
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(false);
        }
        let is_time = delay <= started.elapsed();
        if is_time && (!is_aimed || runs::is_saving(bed, FOLDER)) {
            return Ok(true);
        }
        thread::sleep(Duration::from_micros(100));
    }
}
