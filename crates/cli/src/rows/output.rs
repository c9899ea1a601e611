//! Rows on their way to a file or to standard output.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use forethought_pipeline::Console;

use super::reader::STANDARD;
use super::row::Row;
use crate::commands::{Failure, make_folder};

/// Where rows are written.
pub(super) struct Output {
    target: Target,
    num_rows: usize,
    is_closed: bool,
}

enum Target {
    Standard(BufWriter<std::io::Stdout>),
    /// The file has another name until it is whole.
    File {
        path: PathBuf,
        partial: PathBuf,
        writer: BufWriter<File>,
    },
}

impl Output {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let target = if path == Path::new(STANDARD) {
            Target::Standard(BufWriter::new(std::io::stdout()))
        } else {
            let mut partial = path.as_os_str().to_owned();
            partial.push(".partial");
            let partial = PathBuf::from(partial);
            make_folder(path)?;
            let file =
                File::create(&partial).map_err(|error| Failure::Io(path.to_owned(), error))?;
            Target::File { path: path.to_owned(), partial, writer: BufWriter::new(file) }
        };
        Ok(Self { target, num_rows: 0, is_closed: false })
    }

    /// Writes a row as one line.
    pub(super) fn write(&mut self, row: &Row) -> Result<(), Failure> {
        self.num_rows += 1;
        self.attempt(|writer| {
            serde_json::to_writer(&mut *writer, row.fields())?;
            writer.write_all(b"\n")
        })
    }

    /// Hands what was written on to the system.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.attempt(|writer| writer.flush())
    }

    /// Whether the reader of standard output has gone away: nobody wants more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Gives the whole file its name.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        let Target::File { path, partial, writer } = self.target else { return Ok(()) };
        writer
            .get_ref()
            .sync_all()
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|error| Failure::Io(path, error))
    }

    /// Says where the rows are that were done before the work failed; without any, nothing is left behind.
    pub(super) fn abandon(mut self) {
        let is_flushed = self.flush().is_ok();
        let Target::File { partial, .. } = self.target else { return };
        if self.num_rows == 0 {
            // An empty file that stays is no second failure.
            let _ = std::fs::remove_file(partial);
        } else if is_flushed {
            let (number, partial) = (self.num_rows, partial.display());
            Console::Stderr.line(format!("the {number} rows that were done are in {partial}"));
        }
    }

    fn attempt(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        let (writer, path): (&mut dyn Write, &Path) = match &mut self.target {
            Target::Standard(writer) => (writer, Path::new("standard output")),
            Target::File { writer, partial, .. } => (writer, partial),
        };
        match write(writer) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.is_closed = true,
            Err(error) => return Err(Failure::Io(path.to_owned(), error)),
            Ok(()) => {}
        }
        Ok(())
    }
}
