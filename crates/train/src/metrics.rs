//! `metrics.jsonl`: one line per finished step, each step once however often the run was interrupted; and `TensorBoard`'s file
//! beside it, where one is wanted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::record::StepRecord;
use crate::tensorboard::EventFile;

const FILE: &str = "metrics.jsonl";

/// The open file of metrics.
#[derive(Debug)]
pub(crate) struct MetricsLog {
    path: PathBuf,
    file: File,
    events: Option<EventFile>,
}

impl MetricsLog {
    /// Opens the file in `folder` for `stage`, of whose steps the first `num_kept` are finished.
    ///
    /// Lines of later steps, which the resumed run will write again, and a last line that was cut off are dropped.
    /// Lines of other stages stay. Returns the records of the finished steps.
    pub(crate) fn open(
        folder: &Path,
        stage: &str,
        num_kept: u64,
    ) -> Result<(Self, Vec<StepRecord>), TrainError> {
        let path = folder.join(FILE);
        let records = read(&path)?;
        let (of_stage, of_others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.stage == stage);
        let history: Vec<_> =
            of_stage.into_iter().filter(|record| record.step <= num_kept).collect();
        let fail = |source| TrainError::Metrics { path: path.clone(), source };
        replace(&path, of_others.iter().chain(&history)).map_err(fail)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(fail)?;
        Ok((Self { path, file, events: None }, history))
    }

    /// Writes what follows to an event file in `folder` too; the first `num_kept` steps are in older ones.
    pub(crate) fn with_events(mut self, folder: &Path, num_kept: u64) -> Result<Self, TrainError> {
        self.events = Some(EventFile::create(folder, num_kept)?);
        Ok(self)
    }

    /// Appends one line.
    pub(crate) fn append(&mut self, record: &StepRecord) -> Result<(), TrainError> {
        let written = line(record).and_then(|line| self.file.write_all(line.as_bytes()));
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

fn line(record: &StepRecord) -> io::Result<String> {
    Ok(serde_json::to_string(record)? + "\n")
}

fn read(path: &Path) -> Result<Vec<StepRecord>, TrainError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(TrainError::Metrics { path: path.to_owned(), source }),
    };
    // What follows the last line break is a line whose writer was killed.
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
    let staged_path = path.with_extension("jsonl.tmp");
    let mut staged = File::create(&staged_path)?;
    for record in records {
        staged.write_all(line(record)?.as_bytes())?;
    }
    staged.sync_all()?;
    fs::rename(staged_path, path)
}
