//! Files into thinking traces, with the fate of every row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forethought_schema::Trace;
use serde::{Deserialize, Serialize};

use crate::columns::ColumnMap;
use crate::error::DatasetError;
use crate::ledger::{Ledger, LedgerEntry};
use crate::rows::{Json, Record, RowError, RowFile, RowProblem, RowUnit};
use crate::source::Source;
use crate::thinking::{ThinkingNote, split_thinking};

/// The name of the stage in its ledger.
const STAGE: &str = "ingest";
/// What a kept row is kept as.
const TRACES: &str = "traces";

/// What becomes of a trace without `</think>`, whose length is only a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unfinished {
    /// It is dropped and counted: taken as finished it would teach a length that is too short.
    #[default]
    Drop,
    /// It is kept and noted, with `is_finished: false`.
    Keep,
}

/// The traces of some files, and the account of every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// The traces, in the order of the files and their rows.
    pub traces: Vec<Trace>,
    /// What became of every row; it also holds the errors of broken rows.
    pub ledger: Ledger,
}

/// Reads the traces of all sources.
///
/// Rows that cannot be read cost no other row: they are in the ledger, each with its error.
///
/// # Errors
///
/// If a path names no file, a file is in two sources, cannot be read as its format, lacks the columns of its map in
/// every row, or fits no record shape or several where no map is given; and if no trace is left.
pub fn read_traces(sources: &[Source], unfinished: Unfinished) -> Result<Ingested, DatasetError> {
    if sources.is_empty() {
        return Err(DatasetError::NoSources("sources"));
    }
    let mut seen = BTreeSet::new();
    let mut ingested = Ingested { traces: Vec::new(), ledger: Ledger::new(STAGE) };
    for source in sources {
        for path in source.files()? {
            if !seen.insert(identity(&path)) {
                return Err(DatasetError::NamedTwice(path));
            }
            let entry = ingested.ledger.entry(&path.display().to_string());
            let mut reading = Reading { traces: &mut ingested.traces, entry, unfinished };
            reading.read_file(&path, source)?;
        }
    }
    ingested.ledger.check()?;
    if ingested.traces.is_empty() {
        return Err(DatasetError::NothingLeft { table: ingested.ledger.to_table() });
    }
    Ok(ingested)
}

/// Two spellings of a path, or a link and its target, are one file.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// One file being read.
struct Reading<'a> {
    traces: &'a mut Vec<Trace>,
    entry: &'a mut LedgerEntry,
    unfinished: Unfinished,
}

impl Reading<'_> {
    fn read_file(&mut self, path: &Path, source: &Source) -> Result<(), DatasetError> {
        let file = RowFile::open(path, source.format)?;
        let unit = file.unit();
        let map = file.map(source.columns.as_ref())?;
        if let Some(map) = &map {
            let how = if source.columns.is_some() { "as given" } else { "recognised" };
            self.entry.about = format!("{}, {how}", map.describe());
        }
        // Without a record every row is broken before its columns matter.
        let map = map.unwrap_or_else(ColumnMap::prompt_completion);
        file.for_each(&map, |row, json| self.take(row, unit, json, &map))
    }

    fn take(&mut self, row: u64, unit: RowUnit, json: Result<Json, RowProblem>, map: &ColumnMap) {
        self.entry.count_read(1);
        let fate = json.and_then(|json| {
            let record = Record::read(&json, map)?;
            self.judge(row, &record);
            Ok(())
        });
        if let Err(problem) = fate {
            let file = self.entry.file.clone();
            self.entry.drop_broken(RowError { file, unit, row, problem });
        }
    }

    /// Keeps the record as a trace, or drops it for what its text says.
    fn judge(&mut self, row: u64, record: &Record<'_>) {
        let question = record.question.trim();
        let thinking = split_thinking(record.completion);
        match thinking {
            _ if question.is_empty() => self.entry.drop_row(row, "empty_question"),
            None => self.entry.drop_row(row, "no_think_tags"),
            Some(thinking) if !thinking.is_finished && self.unfinished == Unfinished::Drop => {
                self.entry.drop_row(row, ThinkingNote::Unfinished.as_str());
            }
            Some(thinking) => {
                thinking.notes.iter().for_each(|note| self.entry.note(row, note.as_str()));
                self.entry.keep(TRACES);
                self.traces.push(Trace {
                    file: self.entry.file.clone(),
                    row,
                    question: question.to_owned(),
                    thinking: thinking.text.to_owned(),
                    answer: thinking.answer.to_owned(),
                    is_finished: thinking.is_finished,
                });
            }
        }
    }
}
