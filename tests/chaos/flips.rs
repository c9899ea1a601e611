//! Flipped bits and cut ends in every file of the newest checkpoint: each is noticed, and the one before serves.

use std::fs;
use std::thread;
use std::time::Duration;

use forethought_seed::Seed;
use rand::RngExt as _;

use crate::bed::{Bed, TRAININGS};
use crate::runs::{Saved, checkpoints};
use crate::tally::Tally;

const FOLDER: &str = "damaged";

/// The step whose checkpoint is damaged; answers are used up to a part there.
const STEP: u64 = 7;

const FILES: [&str; 4] = ["model.safetensors", "optimizer.bpk.zst", "state.json", "manifest.json"];

/// One in so many files is cut instead.
const CUT: u64 = 10;

/// Damages as many checkpoints, one after the other, of both trainings.
pub(crate) fn run(bed: &Bed, amount: u64) -> Result<Tally, String> {
    let mut tally = Tally::new(format!("{amount} flips"));
    for (index, stage) in TRAININGS.into_iter().enumerate() {
        let template = format!("killed-in-{stage}");
        prepare(bed, &template, index, stage)?;
        let numbers = (0..amount).filter(|number| *number % TRAININGS.len() as u64 == index as u64);
        for number in numbers {
            bed.copy(&template, FOLDER)?;
            let (file, what) = damage(bed, stage, number)?;
            tally.count(what);
            let place = format!("number {number}, {what} {file} of {stage}");
            tally.check(&place, once(bed, stage, file));
        }
    }
    Ok(tally)
}

/// A run that was killed with checkpoints of [`STEP`] and the step before.
fn prepare(bed: &Bed, folder: &str, index: usize, stage: &str) -> Result<(), String> {
    let wanted = Saved { num_trainings: index, step: STEP };
    for _ in 0..100 {
        bed.fresh(folder)?;
        let mut child = bed.command(folder)?.spawn().map_err(|error| error.to_string())?;
        while child.try_wait().map_err(|error| error.to_string())?.is_none() {
            if wanted <= Saved::of(bed, folder) {
                break;
            }
            thread::sleep(Duration::from_micros(100));
        }
        child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
        let there =
            |step: u64| checkpoints(bed, folder, stage).contains(&format!("step-{step:06}"));
        if Saved::of(bed, folder) == wanted && there(STEP - 1) {
            return Ok(());
        }
    }
    Err(format!("{stage} is too fast to be killed after step {STEP}"))
}

/// Damages one file, and says which and how.
fn damage(bed: &Bed, stage: &str, number: u64) -> Result<(&'static str, &'static str), String> {
    let mut random = Seed::new(4).stream("flip", &[number]);
    let file = FILES[random.random_range(0..FILES.len())];
    let folder = bed.path(FOLDER).join("training").join(stage).join("checkpoints");
    let path = folder.join(format!("step-{STEP:06}")).join(file);
    let mut bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let place = random.random_range(0..bytes.len());
    let what = if number % CUT == CUT - 1 {
        bytes.truncate(place);
        "cut"
    } else {
        bytes[place] ^= 1 << random.random_range(0..8);
        "flipped"
    };
    fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((file, what))
}

/// The damage is named, the checkpoint before serves, the damaged one is still there, and the end is as it should be.
fn once(bed: &Bed, stage: &str, file: &str) -> Result<(), String> {
    bed.succeed(FOLDER, &["--until", stage])?;
    let log = bed.log(FOLDER);
    let is_noticed = log.lines().any(|line| line.contains(" is damaged (") && line.contains(file));
    if !is_noticed {
        return Err(format!("nobody noticed: {log}"));
    }
    if !log.contains(&format!("{stage}: resumed after step {} of ", STEP - 1)) {
        return Err(format!("not resumed from the one before: {log}"));
    }
    if !checkpoints(bed, FOLDER, stage).contains(&format!("step-{STEP:06}.bad")) {
        return Err("the damaged checkpoint is gone".to_owned());
    }
    bed.compare_one(FOLDER, stage)
}
