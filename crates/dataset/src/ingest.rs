//! Files into thinking traces, with the fate of every row.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use forethought_schema::Trace;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::ColumnMap;
use crate::error::DatasetError;
use crate::ledger::{Ledger, LedgerEntry};
use crate::probe::FirstContact;
use crate::rows::{Json, Recognise, Record, RowError, RowFile, RowProblem, Selection};
use crate::source::Source;
use crate::thinking::{ThinkingNote, split_thinking};

/// The name of the stage in its ledger.
const STAGE: &str = "ingest";
/// What a kept row is kept as.
const TRACES: &str = "traces";

/// What becomes of a trace without `</think>`, whose length is only a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    let mut traces = Vec::new();
    let ledger = for_each_trace(sources, unfinished, &ReadOptions::default(), |trace| {
        traces.push(trace);
        Ok(())
    })?;
    Ok(Ingested { traces, ledger })
}

/// Hands over the traces of [`read_traces`] one after the other, so that no file is in memory as a whole, and returns
/// the account of every row.
///
/// # Errors
///
/// As [`read_traces`]; the first bad row, where the options say so; and the first error of `sink`, after which no row is
/// read.
pub fn for_each_trace(
    sources: &[Source],
    unfinished: Unfinished,
    options: &ReadOptions,
    mut sink: impl FnMut(Trace) -> Result<(), DatasetError>,
) -> Result<Ledger, DatasetError> {
    let reader = Reader { recognise: ColumnMap::recognise, record: "trace", options };
    reader.read(sources, |row, record, entry| {
        judge(row, record, entry, unfinished).map_or(Ok(()), &mut sink)
    })
}

/// How files are read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Who reads a parquet or Arrow file first.
    pub first_contact: FirstContact,
    /// What becomes of a row that cannot be read.
    pub on_bad_row: OnBadRow,
}

/// What becomes of a row that cannot be read: broken, or without what its columns should hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRow {
    /// It is passed over and counted in the ledger with its error.
    #[default]
    Skip,
    /// It ends the reading with its error.
    Error,
}

/// Reads files row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// Tells the columns of a file without a map.
    pub(crate) recognise: Recognise,
    /// What the rows should be: `trace` or `problem`.
    pub(crate) record: &'static str,
    pub(crate) options: &'a ReadOptions,
}

impl Reader<'_> {
    /// Hands over every record of all sources with its row and the account of its file, in which it is to be booked.
    pub(crate) fn read(
        self,
        sources: &[Source],
        mut take: impl FnMut(u64, &Record<'_>, &mut LedgerEntry) -> Result<(), DatasetError>,
    ) -> Result<Ledger, DatasetError> {
        if sources.is_empty() {
            return Err(DatasetError::NoSources("sources"));
        }
        let mut seen = BTreeSet::new();
        let mut ledger = Ledger::new(STAGE);
        for source in sources {
            for path in source.files()? {
                if !seen.insert(identity(&path)) {
                    return Err(DatasetError::NamedTwice(path));
                }
                let entry = ledger.entry(&path.display().to_string());
                self.read_file(&path, source, entry, &mut take)?;
            }
        }
        ledger.check()?;
        if ledger.kept() == 0 {
            let table = ledger.to_table();
            return Err(DatasetError::NothingLeft { record: self.record, table });
        }
        Ok(ledger)
    }

    fn read_file(
        self,
        path: &Path,
        source: &Source,
        entry: &mut LedgerEntry,
        take: &mut impl FnMut(u64, &Record<'_>, &mut LedgerEntry) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        source.verify(path)?;
        let file = RowFile::open_after(&self.options.first_contact, path, source.format)?;
        let map = file.map(source.columns.as_ref(), self.recognise)?;
        let how = if source.columns.is_some() { "as given" } else { "recognised" };
        let about = map.as_ref().map(|map| format!("{}, {how}", map.describe()));
        // Without a record every row is broken before its columns matter.
        let map = map.unwrap_or_else(ColumnMap::prompt_completion);
        let mut extra = Extra::new(&map, file.columns().unwrap_or_default());
        file.for_each(Selection::Text(&map.names()), |mut row| {
            entry.count_read(1);
            let json = std::mem::replace(&mut row.value, Ok(Json::Null));
            let record = json.as_ref().map_err(RowProblem::clone).and_then(|json| {
                extra.look_at(json);
                Record::read(json, &map)
            });
            match record {
                Ok(record) => take(row.number, &record, entry),
                Err(problem) => {
                    let column = row.column_of(&problem);
                    self.refuse(file.error(row.number, column, problem), entry)
                }
            }
        })?;
        entry.about = about.map_or(String::new(), |about| about + &extra.to_string());
        Ok(())
    }
}

impl Reader<'_> {
    fn refuse(self, error: RowError, entry: &mut LedgerEntry) -> Result<(), DatasetError> {
        match self.options.on_bad_row {
            OnBadRow::Error => Err(DatasetError::BadRow(Box::new(error))),
            OnBadRow::Skip => {
                entry.drop_broken(error);
                Ok(())
            }
        }
    }
}

/// The columns of a file that are not read.
struct Extra<'m> {
    read: Vec<&'m str>,
    others: Vec<String>,
}

impl<'m> Extra<'m> {
    fn new(map: &'m ColumnMap, columns: &[String]) -> Self {
        let read = map.names();
        let others =
            columns.iter().filter(|name| !read.contains(&name.as_str())).cloned().collect();
        Self { read, others }
    }

    /// A key may first appear far down.
    fn look_at(&mut self, row: &Json) {
        for (key, _) in row.fields().unwrap_or_default() {
            if !self.read.contains(&key.as_str()) && !self.others.contains(key) {
                self.others.push(key.clone());
            }
        }
    }
}

impl fmt::Display for Extra<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.others.is_empty() {
            return Ok(());
        }
        write!(formatter, "; not read: {}", self.others.join(", "))
    }
}

/// Two spellings of a path, or a link and its target, are one file.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Keeps the record as a trace, or drops it for what its text says.
fn judge(
    row: u64,
    record: &Record<'_>,
    entry: &mut LedgerEntry,
    unfinished: Unfinished,
) -> Option<Trace> {
    let question = record.question.trim();
    let thinking = split_thinking(record.completion.unwrap_or_default());
    match thinking {
        _ if question.is_empty() => entry.drop_row(row, "empty_question"),
        None => entry.drop_row(row, "no_think_tags"),
        Some(thinking) if !thinking.is_finished && unfinished == Unfinished::Drop => {
            entry.drop_row(row, ThinkingNote::Unfinished.as_str());
        }
        Some(thinking) => {
            thinking.notes.iter().for_each(|note| entry.note(row, note.as_str()));
            entry.keep(TRACES);
            return Some(Trace {
                file: entry.file.clone(),
                row,
                question: question.to_owned(),
                thinking: thinking.text.to_owned(),
                answer: thinking.answer.to_owned(),
                is_finished: thinking.is_finished,
            });
        }
    }
    None
}
