//! A condition over columns of known kinds, and its verdicts on rows.

use std::path::PathBuf;

use polars::prelude::{DataType, Engine, IntoLazy as _, PolarsResult};
use serde_json::Value;

use super::Filter;
use super::parse::plain;
use super::sound::{in_words, require_alike, require_exact};
use crate::error::DatasetError;
use crate::guard::caught;
use crate::rows::RowUnit;
use crate::table::{Kind, frame};

/// The column of verdicts. Where a column of the file has this name too, it is read before it is written over.
const VERDICT: &str = "verdict";
/// Columns without a value whose kinds are looked for together.
const SEARCHED: u32 = 3;

/// A condition that can be asked of the rows of one file. Its verdict on a row depends on no other row.
#[derive(Debug)]
pub(crate) struct Condition<'f> {
    filter: &'f Filter,
    path: PathBuf,
    unit: RowUnit,
    kinds: Vec<(String, Kind)>,
}

impl<'f> Condition<'f> {
    /// An error if nothing can be asked so of columns of these kinds.
    pub(super) fn new(
        filter: &'f Filter,
        (path, unit): (PathBuf, RowUnit),
        kinds: Vec<(String, Kind)>,
    ) -> Result<Self, DatasetError> {
        let kinds = resolved(filter, kinds)
            .map_err(|message| filter.fault(format!("{}: {message}", path.display())))?;
        Ok(Self { filter, path, unit, kinds })
    }

    /// Whether each row is kept, by the cells of its columns.
    pub(crate) fn verdicts<'r>(
        &self,
        numbers: &[u64],
        cell: impl Fn(usize, &str) -> Option<&'r Value>,
    ) -> Result<Vec<bool>, DatasetError> {
        let of_all = self.evaluate(numbers.len(), &cell);
        of_all.map_err(|message| {
            // Which row it is, polars does not say.
            let alone = numbers.iter().enumerate().find_map(|(row, number)| {
                let verdict = self.evaluate(1, |_, name| cell(row, name));
                verdict.err().map(|message| (number, message))
            });
            let file = self.path.display().to_string();
            self.filter.fault(match alone {
                Some((number, message)) => {
                    format!("{}: {message}", self.unit.place(&file, *number))
                }
                None => format!("{file}: {message}"),
            })
        })
    }

    fn evaluate<'r>(
        &self,
        num_rows: usize,
        cell: impl Fn(usize, &str) -> Option<&'r Value>,
    ) -> Result<Vec<bool>, String> {
        polars(|| {
            let verdict = self.filter.expr.clone().alias(VERDICT);
            let rows = frame(&self.kinds, num_rows, cell)?.lazy().with_columns([verdict]);
            let judged = rows.collect_with_engine(Engine::InMemory)?.unwrap_single();
            let verdicts = judged.column(VERDICT)?;
            if verdicts.dtype() == &DataType::Null {
                return Ok(vec![false; num_rows]);
            }
            Ok(verdicts.bool()?.iter().map(|verdict| verdict == Some(true)).collect())
        })
    }
}

/// The kinds, of which those without a value are any for which the expression makes sense: all their cells are null.
fn resolved(filter: &Filter, kinds: Vec<(String, Kind)>) -> Result<Vec<(String, Kind)>, String> {
    let Err(message) = require_condition(filter, &kinds) else { return Ok(kinds) };
    let is_nothing = |(_, kind): &&(String, Kind)| *kind == Kind::Nothing;
    let num_empty = u32::try_from(kinds.iter().filter(is_nothing).count()).unwrap_or(u32::MAX);
    if num_empty == 0 || num_empty > SEARCHED {
        return Err(message);
    }
    let candidates = Kind::samples();
    let tried = (0..candidates.len().pow(num_empty)).map(|mut choice| {
        let mut tried = kinds.clone();
        for (_, kind) in tried.iter_mut().filter(|(_, kind)| *kind == Kind::Nothing) {
            *kind = candidates[choice % candidates.len()].clone();
            choice /= candidates.len();
        }
        tried
    });
    let mut fitting = tried.filter(|kinds| require_condition(filter, kinds).is_ok());
    fitting.next().ok_or(message)
}

/// An error if the expression is no condition over columns of these kinds.
fn require_condition(filter: &Filter, kinds: &[(String, Kind)]) -> Result<(), String> {
    let rows = polars(|| frame(kinds, 0, |_, _| None))?;
    require_alike(&filter.expr, rows.schema())?;
    let (dtype, plan) = polars(|| {
        let mut judged = rows.lazy().select([filter.expr.clone().alias(VERDICT)]);
        let dtype = judged.collect_schema()?.get(VERDICT).cloned();
        // It is evaluated too, for not all is checked before.
        judged.clone().collect_with_engine(Engine::InMemory)?;
        // As the parts stand: what stands twice would be a column of its own.
        Ok((dtype, judged.without_optimizations().to_alp_optimized()?))
    })?;
    match dtype {
        Some(DataType::Boolean | DataType::Null) => require_exact(&plan, kinds),
        Some(other) => Err(format!("it is {}, not a condition", in_words(&other))),
        None => Err("it is not a condition".to_owned()),
    }
}

/// Runs polars; its errors and its panics are messages.
fn polars<T>(run: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match caught(run) {
        Ok(result) => result.map_err(|error| plain(&error)),
        Err(panic) => Err(format!("polars fails: {panic}")),
    }
}
