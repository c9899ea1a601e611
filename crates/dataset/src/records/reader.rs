//! The rows of a file into examples, one after the other: the one way from files to records.

use std::collections::BTreeSet;
use std::sync::Arc;

use forethought_preference::{Layout, Read, Recognised, RowFault};
use forethought_schema::RecordKind;
use serde_json::Value;

use super::names::Names;
use super::waiting::{MetRow, ReadRow, Verdict, Waiting};
use super::{FileLayout, Source, SourceFile};
use crate::error::DatasetError;
use crate::filter::Filter;
use crate::ledger::LedgerEntry;
use crate::probe::FirstContact;
use crate::rows::{Json, Row, RowFile, RowProblem, Selection};
use crate::source::{Algorithm, verify};

/// Rows that are looked at to tell the shape of a file.
const SAMPLE: usize = 100;
/// The first rows of a file, of which the sample is taken.
const HEAD: usize = 1000;

/// What becomes of a row that cannot be read.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRow {
    /// It is passed over and counted in the ledger with its error.
    #[default]
    Skip,
    /// It ends the reading with its error.
    Error,
}

/// What becomes of the fields of a row that its shape does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// They stay beside the record.
    Kept,
    /// They are not read.
    LeftOut,
}

/// Reads files row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) contact: &'a FirstContact,
    pub(crate) on_bad_row: OnBadRow,
    pub(crate) beside: Beside,
    /// What the records are to become, where that may tell the shape of a file.
    pub(crate) wanted: Option<RecordKind>,
}

/// What became of an example.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is booked, or will be.
    Whole,
    /// It is not what is wanted, as the fault says.
    Faulty(RowFault),
}

/// Takes an example with the number of its row, and the account of its file, in which it is to be booked.
pub(crate) type Take<'t> =
    dyn FnMut(&FileLayout, u64, Read, &mut LedgerEntry) -> Result<Taken, DatasetError> + 't;

/// Hands over every source with its files, each file once.
pub(crate) fn for_each_file(
    sources: &[Source],
    mut visit: impl FnMut(usize, &Source, &SourceFile) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    if sources.is_empty() {
        return Err(DatasetError::NoSources("sources"));
    }
    let mut seen = BTreeSet::new();
    for (index, source) in sources.iter().enumerate() {
        let mut visit_all = || {
            for file in super::find_files(source)? {
                // Two spellings of a path, or a link and its target, are one file.
                let identity = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
                if !seen.insert(identity) {
                    return Err(DatasetError::NamedTwice(file.path));
                }
                visit(index, source, &file)?;
            }
            Ok(())
        };
        visit_all().map_err(|error: DatasetError| error.of_source(index))?;
    }
    Ok(())
}

impl Reader<'_> {
    /// Hands over every example of a file, and books in `entry` what is none. The layout of the file; none if no row of it
    /// is an object.
    pub(crate) fn read_file(
        self,
        source: &Source,
        file: &SourceFile,
        entry: &mut LedgerEntry,
        take: &mut Take<'_>,
    ) -> Result<Option<FileLayout>, DatasetError> {
        if let Some(hash) = &source.sha256 {
            verify(&file.path, Algorithm::Sha256, hash)?;
        }
        if let Some(hash) = &file.sha1 {
            verify(&file.path, Algorithm::Sha1, hash)?;
        }
        let filter = source.filter.as_deref().map(Filter::parse).transpose()?;
        let rows = RowFile::open(self.contact, &file.path, source.format)?;
        let Some(columns) = rows.columns() else {
            // Without an object in the file there is no layout.
            rows.for_each(Selection::ALL, |row| {
                entry.count_read(1);
                let problem = match &row.value {
                    Ok(json) => RowProblem::NotAnObject { found: json.kind().to_owned() },
                    Err(problem) => problem.clone(),
                };
                self.refuse(&rows, &row, problem, entry)
            })?;
            return Ok(None);
        };
        let layout = layout_of(&rows, columns, (source, self.wanted), file, filter.as_ref())?;
        let condition = filter.as_ref().map(|filter| filter.over(&rows)).transpose()?;
        let names = Names::of(&layout, filter.as_ref());
        let mut columns = layout.columns.clone();
        let mut met: BTreeSet<String> = columns.iter().cloned().collect();
        let mut settling =
            Settling { reader: self, file: &rows, layout: &layout, entry: &mut *entry, take };
        let mut settle = |met: MetRow, verdict| settling.settle(met, verdict);
        let mut waiting = Waiting::new(condition.as_ref());
        rows.for_each(names.selection(self.beside), |mut row| {
            let read = self.value(&mut row, &names, &mut columns, &mut met);
            waiting.add(row, read, &mut settle)
        })?;
        waiting.end(&mut settle)?;
        entry.about =
            about(&layout.recognised.layout, source, file) + &names.others(&columns, self.beside);
        Ok(Some(FileLayout { columns, ..layout }))
    }

    /// The row as an object, and what of it JSON has no value for; keys that were not seen before are noted.
    fn value(
        self,
        row: &mut Row,
        names: &Names<'_>,
        columns: &mut Vec<String>,
        known: &mut BTreeSet<String>,
    ) -> ReadRow {
        let json = std::mem::replace(&mut row.value, Ok(Json::Null))?;
        let Json::Object(fields) = json else {
            return Err(RowProblem::NotAnObject { found: json.kind().to_owned() });
        };
        for (key, _) in &fields {
            if !known.contains(key) {
                known.insert(key.clone());
                columns.push(key.clone());
            }
        }
        match self.beside {
            Beside::Kept => names.with_others(fields),
            Beside::LeftOut => Ok((names.only(fields)?, Vec::new())),
        }
    }

    fn read_row(self, layout: &Layout, value: &Value) -> Result<Read, RowFault> {
        match self.beside {
            Beside::Kept => layout.read(value),
            Beside::LeftOut => {
                let record = layout.read_record(value)?;
                Ok(Read { example: record.into(), notes: BTreeSet::new() })
            }
        }
    }

    fn refuse(
        self,
        file: &RowFile,
        row: &Row,
        problem: RowProblem,
        entry: &mut LedgerEntry,
    ) -> Result<(), DatasetError> {
        let error = file.error(row.number, row.column_of(&problem), problem);
        match self.on_bad_row {
            OnBadRow::Error => Err(DatasetError::BadRow(Box::new(error))),
            OnBadRow::Skip => {
                entry.drop_broken(error);
                Ok(())
            }
        }
    }
}

/// What becomes of the rows of a file.
struct Settling<'a, 't> {
    reader: Reader<'a>,
    file: &'a RowFile,
    layout: &'a FileLayout,
    entry: &'a mut LedgerEntry,
    take: &'a mut Take<'t>,
}

impl Settling<'_, '_> {
    /// Hands over a row, or books why it is none.
    fn settle(&mut self, met: MetRow, verdict: Verdict) -> Result<(), DatasetError> {
        self.entry.count_read(1);
        let MetRow { row, read } = met;
        let (value, lost) = match read {
            Ok(read) => read,
            Err(problem) => return self.refuse(&row, problem),
        };
        if verdict == Verdict::Filtered {
            self.entry.drop_row(row.number, "filtered_out");
            return Ok(());
        }
        let taken = match self.reader.read_row(&self.layout.recognised.layout, &value) {
            Ok(read) => (self.take)(self.layout, row.number, read, self.entry)?,
            Err(fault) => Taken::Faulty(fault),
        };
        match taken {
            Taken::Whole => {
                for what in lost {
                    self.entry.note_lost(row.number, &what);
                }
                Ok(())
            }
            Taken::Faulty(fault) => self.refuse(&row, RowProblem::from(&fault)),
        }
    }

    fn refuse(&mut self, row: &Row, problem: RowProblem) -> Result<(), DatasetError> {
        self.reader.refuse(self.file, row, problem, self.entry)
    }
}

/// How the file is laid out, by its first rows, or by all of them where these do not tell.
fn layout_of(
    rows: &RowFile,
    columns: &[String],
    (source, wanted): (&Source, Option<RecordKind>),
    file: &SourceFile,
    filter: Option<&Filter>,
) -> Result<FileLayout, DatasetError> {
    let texts = source.declared().text_columns(rows.columns().unwrap_or_default());
    let resolve = |columns: &[String], sample: Vec<Json>| {
        let value = |mut row: Json| {
            row.take_foreign();
            row.into_value().ok()
        };
        let sample: Vec<Value> = sample.into_iter().filter_map(value).collect();
        let recognised = file.layout((source, wanted), columns, &sample)?;
        filter.map_or(Ok(()), |filter| filter.require_columns(&file.path, columns))?;
        Ok((recognised, columns.to_vec()))
    };
    let head = rows.head(HEAD, &texts)?;
    let step = head.len().div_ceil(SAMPLE).max(1);
    let found = resolve(columns, head.into_iter().step_by(step).collect());
    // A column may first appear far down, and the first rows may be unlike the others.
    let found: Result<(Recognised, Vec<String>), DatasetError> = found.or_else(|_| {
        let survey = rows.survey(SAMPLE, &texts)?;
        resolve(&survey.columns, survey.rows)
    });
    let (recognised, columns) = found.map_err(|error| with_delimiter(error, rows, columns))?;
    let file: Arc<str> = file.path.display().to_string().into();
    let (unit, class_names) = (rows.unit(), rows.class_names());
    Ok(FileLayout { file, unit, recognised, columns, class_names })
}

/// The error of a file of one column whose name has what separates cells in other files: these are separated otherwise.
fn with_delimiter(error: DatasetError, rows: &RowFile, columns: &[String]) -> DatasetError {
    let (Some(delimiter), [only]) = (rows.delimiter(), columns) else { return error };
    let other = [(',', "csv"), ('\t', "tsv"), (';', ""), ('|', "")].into_iter();
    let mut other = other.filter(|(one, _)| *one != delimiter && only.contains(*one));
    let advice = match other.next() {
        None => return error,
        Some((_, "")) => "write it with commas or tabs".to_owned(),
        Some((_, format)) => format!("set `format: {format}`"),
    };
    let name = only.escape_debug();
    let message = format!(
        "the header is one cell, `{name}`: cells are separated by `{}` here; {advice}",
        delimiter.escape_debug()
    );
    DatasetError::other_format(rows.path(), message)
}

/// How the file was read, for its ledger.
fn about(layout: &Layout, source: &Source, file: &SourceFile) -> String {
    let how = if file.layout.is_some() {
        "as its index says"
    } else if source.shape.is_some() || !source.columns.is_empty() {
        "as declared"
    } else {
        "recognised"
    };
    format!("{}, {how}", layout.describe())
}
