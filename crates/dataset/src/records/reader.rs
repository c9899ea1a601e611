//! The rows of a file into examples, one after the other: the one way from files to records.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use forethought_preference::{Layout, Read, Recognised, RowFault};
use forethought_schema::RecordKind;
use serde_json::Value;

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
        let layout = match rows.columns() {
            Some(columns) => {
                Some(layout_of(&rows, columns, (source, self.wanted), file, filter.as_ref())?)
            }
            None => None,
        };
        let mut beside = BTreeSet::new();
        let mut columns = layout.as_ref().map_or_else(Vec::new, |layout| layout.columns.clone());
        let names = Names::of(layout.as_ref(), filter.as_ref());
        rows.for_each(names.selection(self.beside), |mut row| {
            entry.count_read(1);
            let value = self.value(&mut row, &names, &mut columns, &mut beside);
            let (Ok((value, lost)), Some(layout)) = (&value, &layout) else {
                // Without an object in the file there is no layout.
                let no_columns = || RowProblem::NotAnObject { found: "no columns".to_owned() };
                return self.refuse(&rows, &row, value.err().unwrap_or_else(no_columns), entry);
            };
            if let Some(filter) = &filter
                && !filter.keeps(&file.path, row.number, &judged(value, &mut row.looks))?
            {
                entry.drop_row(row.number, "filtered_out");
                return Ok(());
            }
            let taken = match self.read_row(&layout.recognised.layout, value) {
                Ok(read) => take(layout, row.number, read, entry)?,
                Err(fault) => Taken::Faulty(fault),
            };
            match taken {
                Taken::Whole => {
                    for what in lost {
                        entry.note_lost(row.number, what);
                    }
                    Ok(())
                }
                Taken::Faulty(fault) => self.refuse(&rows, &row, RowProblem::from(&fault), entry),
            }
        })?;
        if let Some(layout) = &layout {
            let others = names.others(&columns, self.beside);
            entry.about = about(&layout.recognised.layout, source, file) + &others;
        }
        Ok(layout.map(|layout| FileLayout { columns, ..layout }))
    }

    /// The row as an object, and what of it JSON has no value for; keys that were not seen before are noted.
    fn value(
        self,
        row: &mut Row<'_>,
        names: &Names<'_>,
        columns: &mut Vec<String>,
        known: &mut BTreeSet<String>,
    ) -> Result<(Value, Vec<String>), RowProblem> {
        let json = std::mem::replace(&mut row.value, Ok(Json::Null))?;
        let Json::Object(fields) = json else {
            return Err(RowProblem::NotAnObject { found: json.kind().to_owned() });
        };
        if known.is_empty() {
            known.extend(columns.iter().cloned());
        }
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
        row: &Row<'_>,
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

/// The columns that are read.
#[derive(Default)]
struct Names<'a> {
    all: Vec<&'a str>,
    /// Those of them that hold text, whatever it looks like.
    texts: Vec<&'a str>,
    /// Those that a condition names.
    judged: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(layout: Option<&'a FileLayout>, filter: Option<&'a Filter>) -> Self {
        let Some(layout) = layout else { return Self::default() };
        let layout = &layout.recognised.layout;
        let of_filter = filter.map(Filter::columns).unwrap_or_default();
        let texts = layout.text_columns().collect();
        let of_layout = layout.columns().values().map(String::as_str);
        let all = of_layout.chain(of_filter.iter().copied()).collect();
        Self { all, texts, judged: of_filter }
    }

    /// The fields that are read; of the others the names alone, for messages.
    fn only(&self, fields: Vec<(String, Json)>) -> Result<Value, RowProblem> {
        let is_read = |(key, _): &(String, Json)| self.all.contains(&key.as_str());
        let (read, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(is_read);
        let mut value = Json::Object(read).into_value()?;
        if let Value::Object(map) = &mut value {
            for (key, _) in others {
                map.entry(key).or_insert(Value::Null);
            }
        }
        Ok(value)
    }

    /// All fields. What JSON has no value for is a fault of a field that is read, and null in another, as is said.
    fn with_others(
        &self,
        mut fields: Vec<(String, Json)>,
    ) -> Result<(Value, Vec<String>), RowProblem> {
        let mut lost = Vec::new();
        for (key, value) in &mut fields {
            if !self.all.contains(&key.as_str())
                && let Some(found) = value.take_foreign()
            {
                lost.push(format!("{key}: {found}"));
            }
        }
        Ok((Json::Object(fields).into_value()?, lost))
    }

    /// What the ledger says of the columns that the layout does not name.
    fn others(&self, columns: &[String], beside: Beside) -> String {
        let others = columns.iter().map(String::as_str);
        let others: Vec<&str> = others.filter(|name| !self.all.contains(name)).collect();
        match (others.is_empty(), beside) {
            (true, _) => String::new(),
            (false, Beside::Kept) => format!("; beside it: {}", others.join(", ")),
            (false, Beside::LeftOut) => format!("; not read: {}", others.join(", ")),
        }
    }

    fn selection(&self, beside: Beside) -> Selection<'_> {
        let only = (beside == Beside::LeftOut).then_some(self.all.as_slice());
        Selection { only, as_text: &self.texts, judged: &self.judged }
    }
}

/// The row as a condition sees it: a cell of text that looks like a number is one.
fn judged<'v>(value: &'v Value, looks: &mut Vec<(String, Json)>) -> Cow<'v, Value> {
    let mut value = Cow::Borrowed(value);
    for (name, look) in looks.drain(..) {
        if let (Value::Object(fields), Ok(look)) = (value.to_mut(), look.into_value()) {
            fields.insert(name, look);
        }
    }
    value
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
    Ok(FileLayout { file, unit: rows.unit(), recognised, columns })
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
