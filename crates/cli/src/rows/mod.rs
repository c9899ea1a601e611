//! Commands that read JSON lines and write them back with more fields: one object a row, in chunks, in order.
//!
//! Rows may also come from a parquet or Arrow file. Fields that a command does not know pass through. A file is checked to its end before the work begins, so that a bad
//! row costs nothing; what comes through a pipe is checked as it comes.

mod output;
mod reader;
mod row;

use std::path::{Path, PathBuf};

use clap::Args;
use forethought_pipeline::{Bar, Console};

use crate::commands::Failure;
use output::Output;
use reader::Reader;
pub(crate) use row::{Row, RowError, numbers};

/// Where rows come from and where they go.
#[derive(Clone, Debug, Args)]
pub(crate) struct RowFiles {
    /// The rows to read, one JSON object a line, or a .parquet or .arrow file; - is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,
    /// Where the rows go, with all their fields and the new ones; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Replace new fields that a row has already; without it such a row is an error
    #[arg(long)]
    pub(crate) overwrite: bool,
}

impl RowFiles {
    /// The rows of a file, to be read and not written.
    pub(crate) fn reading(input: &Path) -> Self {
        Self { input: input.to_owned(), output: PathBuf::from("-"), overwrite: false }
    }

    /// An error if a row has a field already that is to be new.
    pub(crate) fn spare(&self, row: &Row, fields: &[&str]) -> Result<(), RowError> {
        let there = fields.iter().find(|field| row.fields().contains_key(**field));
        match there.filter(|_| !self.overwrite) {
            None => Ok(()),
            Some(field) => {
                let reason = "is there already; rename it, or give --overwrite to replace it";
                Err(row.refused(field, reason))
            }
        }
    }
}

/// A row and what the command made of its fields.
#[derive(Clone, Debug)]
pub(crate) struct Item<T> {
    pub(crate) row: Row,
    pub(crate) value: T,
}

/// What a command does to a chunk of rows; with the second argument it may say how many of them are done so far.
pub(crate) type Work<'a, T> =
    dyn FnMut(&mut [Item<T>], &mut dyn FnMut(usize)) -> Result<(), Failure> + 'a;

/// Rows to work on: how to read one, and how many there are where that is known.
pub(crate) struct RowWork<'a, T> {
    files: &'a RowFiles,
    parse: &'a dyn Fn(&Row) -> Result<T, RowError>,
    num_rows: Option<usize>,
}

impl<'a, T> RowWork<'a, T> {
    /// Reads a file once, to its end, and stops at the first row that `parse` refuses. A pipe is left alone.
    pub(crate) fn check(
        files: &'a RowFiles,
        parse: &'a dyn Fn(&Row) -> Result<T, RowError>,
    ) -> Result<Self, Failure> {
        let mut num_rows = None;
        if files.input.is_file() {
            let mut reader = Reader::open(&files.input)?;
            let mut count = 0;
            while let Some(row) = reader.next_row()? {
                parse(&row)?;
                count += 1;
            }
            num_rows = Some(count);
        }
        Ok(Self { files, parse, num_rows })
    }

    /// All rows at once.
    pub(crate) fn read(&self) -> Result<Vec<Item<T>>, Failure> {
        self.chunk(&mut Reader::open(&self.files.input)?, usize::MAX)
    }

    /// Gives all rows to `work`, `chunk_size` at a time, and writes them as it leaves them.
    ///
    /// A file of output has its name when it is whole. If the work fails before, the rows that are done stay beside it,
    /// under the name that the last line on standard error says.
    pub(crate) fn run(
        &self,
        what: &str,
        chunk_size: usize,
        work: &mut Work<'_, T>,
    ) -> Result<(), Failure> {
        let mut reader = Reader::open(&self.files.input)?;
        let mut output = Output::open(&self.files.output)?;
        let mut bar = self.bar(what);
        let done = self.work_through(&mut reader, &mut output, (chunk_size, &mut bar), work);
        drop(bar);
        match done {
            Ok(()) => output.finish(),
            Err(failure) => {
                output.abandon();
                Err(failure)
            }
        }
    }

    fn work_through(
        &self,
        reader: &mut Reader,
        output: &mut Output,
        (chunk_size, bar): (usize, &mut Bar),
        work: &mut Work<'_, T>,
    ) -> Result<(), Failure> {
        let mut num_done = 0;
        loop {
            let mut items = self.chunk(reader, chunk_size)?;
            if items.is_empty() || output.is_closed() {
                return Ok(());
            }
            work(&mut items, &mut |rows| bar.set(num_done + rows))?;
            for item in &items {
                output.write(&item.row)?;
            }
            output.flush()?;
            num_done += items.len();
            bar.set(num_done);
        }
    }

    fn chunk(&self, reader: &mut Reader, size: usize) -> Result<Vec<Item<T>>, Failure> {
        let mut items = Vec::new();
        while items.len() < size {
            let Some(row) = reader.next_row()? else { break };
            let value = (self.parse)(&row)?;
            items.push(Item { row, value });
        }
        Ok(items)
    }

    fn bar(&self, what: &str) -> Bar {
        match self.num_rows {
            Some(num_rows) => Console::Stderr.bar(num_rows, what),
            None => Console::Stderr.count(what),
        }
    }
}
