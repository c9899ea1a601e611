//! Files into thinking traces, with the fate of every row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use forethought_schema::Trace;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::ColumnMap;
use crate::error::DatasetError;
use crate::ledger::{Ledger, LedgerEntry};
use crate::rows::{Recognise, Record, RowError, RowFile};
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
    let reader = Reader { recognise: ColumnMap::recognise, columns: Columns::Read };
    let ledger = reader.read(sources, |row, record, entry| {
        traces.extend(judge(row, record, entry, unfinished));
    })?;
    if traces.is_empty() {
        return Err(DatasetError::NothingLeft { record: "trace", table: ledger.to_table() });
    }
    Ok(Ingested { traces, ledger })
}

/// Which columns the account of a file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Those that are read.
    Read,
    /// Those, and those that are not.
    All,
}

/// Reads files row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    /// Tells the columns of a file without a map.
    pub(crate) recognise: Recognise,
    pub(crate) columns: Columns,
}

impl Reader {
    /// Hands over every record of all sources with its row and the account of its file, in which it is to be booked.
    pub(crate) fn read(
        self,
        sources: &[Source],
        mut take: impl FnMut(u64, &Record<'_>, &mut LedgerEntry),
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
        Ok(ledger)
    }

    fn read_file(
        self,
        path: &Path,
        source: &Source,
        entry: &mut LedgerEntry,
        take: &mut impl FnMut(u64, &Record<'_>, &mut LedgerEntry),
    ) -> Result<(), DatasetError> {
        let file = RowFile::open(path, source.format)?;
        let unit = file.unit();
        let map = file.map(source.columns.as_ref(), self.recognise)?;
        if let Some(map) = &map {
            let how = if source.columns.is_some() { "as given" } else { "recognised" };
            let left = match self.columns {
                Columns::Read => String::new(),
                Columns::All => map.leaves(file.columns().unwrap_or_default()),
            };
            entry.about = format!("{}, {how}{left}", map.describe());
        }
        // Without a record every row is broken before its columns matter.
        let map = map.unwrap_or_else(ColumnMap::prompt_completion);
        file.for_each(&map, |row, json| {
            entry.count_read(1);
            let fate = json.and_then(|json| {
                take(row, &Record::read(&json, &map)?, entry);
                Ok(())
            });
            if let Err(problem) = fate {
                let file = entry.file.clone();
                entry.drop_broken(RowError { file, unit, row, problem });
            }
        })
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
