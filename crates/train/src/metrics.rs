//! `metrics.jsonl`: one line per finished step, each step once however often the run was interrupted; and `TensorBoard`'s file
//! beside it, where one is wanted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checkpoint::{LogMark, Replacement, RunState};
use crate::error::TrainError;
use crate::record::StepRecord;
use crate::seal::hexadecimal;
use crate::tensorboard::EventFile;

const FILE: &str = "metrics.jsonl";

/// The open file of metrics.
#[derive(Debug)]
pub(crate) struct MetricsLog {
    path: PathBuf,
    file: File,
    events: Option<EventFile>,
    sum: LogSum,
}

impl MetricsLog {
    /// Opens the file in `folder` for `stage`, which stands where `state` says.
    ///
    /// Lines of later steps, which the resumed run will write again, and a last line that was cut off are dropped.
    /// Lines of other stages stay. Returns the records of the finished steps.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written, or holds something else of the finished steps than it did.
    pub(crate) fn open(
        folder: &Path,
        stage: &str,
        state: &RunState,
    ) -> Result<(Self, Vec<StepRecord>), TrainError> {
        let path = folder.join(FILE);
        let records = read_log(&path)?;
        let (of_stage, of_others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.stage == stage);
        let history: Vec<_> =
            of_stage.into_iter().filter(|record| record.step <= state.step).collect();
        let fail = |source| TrainError::Metrics { path: path.clone(), source };
        let sum = LogSum::of(&history).map_err(fail)?;
        require_same(&path, state, &sum.mark())?;
        replace(&path, of_others.iter().chain(&history)).map_err(fail)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(fail)?;
        Ok((Self { path, file, events: None, sum }, history))
    }

    /// What is in the file of the stage.
    pub(crate) fn mark(&self) -> LogMark {
        self.sum.mark()
    }

    /// Writes what follows to an event file in `folder` too; the first `num_kept` steps are in older ones.
    pub(crate) fn with_events(mut self, folder: &Path, num_kept: u64) -> Result<Self, TrainError> {
        self.events = Some(EventFile::create(folder, num_kept)?);
        Ok(self)
    }

    /// Appends one line.
    pub(crate) fn append(&mut self, record: &StepRecord) -> Result<(), TrainError> {
        let written = line(record).and_then(|line| self.file.write_all(line.as_bytes()));
        let written = written.and_then(|()| self.sum.add(record));
        written.map_err(|source| self.fail(source))?;
        self.events.as_mut().map_or(Ok(()), |events| events.append(record))
    }

    /// Makes the lines durable: they must be on the disk before a checkpoint that says their steps are finished.
    pub(crate) fn sync(&mut self) -> Result<(), TrainError> {
        self.file.sync_data().map_err(|source| self.fail(source))
    }

    fn fail(&self, source: io::Error) -> TrainError {
        TrainError::Metrics { path: self.path.clone(), source }
    }
}

/// Fails unless the log holds of the finished steps what it held when the checkpoint was written.
fn require_same(path: &Path, state: &RunState, found: &LogMark) -> Result<(), TrainError> {
    // At the start of a run nothing is expected.
    if state.step == 0 || state.log == *found {
        return Ok(());
    }
    let (step, expected, found) = (state.step, state.log.lines, found.lines);
    Err(TrainError::OtherLog { path: path.to_owned(), step, expected, found })
}

/// Lines that were counted and hashed one by one.
#[derive(Clone, Debug, Default)]
struct LogSum {
    lines: u64,
    hash: Sha256,
}

impl LogSum {
    fn of(records: &[StepRecord]) -> io::Result<Self> {
        let mut sum = Self::default();
        records.iter().try_for_each(|record| sum.add(record))?;
        Ok(sum)
    }

    fn add(&mut self, record: &StepRecord) -> io::Result<()> {
        let timeless = StepRecord { tokens_per_second: 0.0, ..record.clone() };
        self.hash.update(line(&timeless)?);
        self.lines += 1;
        Ok(())
    }

    fn mark(&self) -> LogMark {
        LogMark { lines: self.lines, sha256: hexadecimal(&self.hash.clone().finalize()) }
    }
}

fn line(record: &StepRecord) -> io::Result<String> {
    Ok(serde_json::to_string(record)? + "\n")
}

/// The steps of a log; none where there is no such file. A last line without an end is left out: its writer was killed, or is
/// about to go on.
///
/// # Errors
///
/// If the file or one of its lines cannot be read.
pub fn read_log(path: &Path) -> Result<Vec<StepRecord>, TrainError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(TrainError::Metrics { path: path.to_owned(), source }),
    };
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |(index, line)| {
        serde_json::from_str(line).map_err(|source| TrainError::MetricsLine {
            path: path.to_owned(),
            line: index + 1,
            source,
        })
    };
    complete.lines().enumerate().map(parse).collect()
}

/// Replaces the file at once, so that a kill leaves the old lines or the new ones.
fn replace<'a>(path: &Path, records: impl Iterator<Item = &'a StepRecord>) -> io::Result<()> {
    let mut records = records;
    Replacement::of(path)
        .fill(&mut |file| records.try_for_each(|record| file.write_all(line(record)?.as_bytes())))
}
