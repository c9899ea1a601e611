//! Records as JSON lines, one in memory at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::PipelineError;

/// Writes one JSON value a line.
#[derive(Debug)]
pub(crate) struct LineWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl LineWriter {
    /// Starts an empty file.
    pub(crate) fn create(path: &Path) -> Result<Self, PipelineError> {
        let file = File::create(path).map_err(PipelineError::io(path))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Writes several; all threads turn them into text.
    pub(crate) fn write_all<T: Serialize + Sync>(
        &mut self,
        values: &[T],
    ) -> Result<(), PipelineError> {
        let lines: Result<Vec<Vec<u8>>, _> = values.par_iter().map(serde_json::to_vec).collect();
        for mut line in lines.map_err(PipelineError::json(self.path.display()))? {
            line.push(b'\n');
            self.file.write_all(&line).map_err(PipelineError::io(&self.path))?;
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, value: &impl Serialize) -> Result<(), PipelineError> {
        serde_json::to_writer(&mut self.file, value)
            .map_err(PipelineError::json(self.path.display()))?;
        self.file.write_all(b"\n").map_err(PipelineError::io(&self.path))
    }

    /// Writes what is still in memory; without it the last lines may be missing in silence.
    pub(crate) fn finish(mut self) -> Result<(), PipelineError> {
        self.file.flush().map_err(PipelineError::io(&self.path))
    }
}

/// Reads one JSON value a line.
#[derive(Debug)]
pub(crate) struct LineReader<T> {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    number: usize,
    value: PhantomData<T>,
}

impl<T> LineReader<T> {
    pub(crate) fn open(path: &Path) -> Result<Self, PipelineError> {
        let file = File::open(path).map_err(PipelineError::io(path))?;
        let lines = BufReader::new(file).lines();
        Ok(Self { path: path.to_owned(), lines, number: 0, value: PhantomData })
    }
}

impl<T: for<'de> Deserialize<'de>> LineReader<T> {
    fn line(&mut self) -> Option<Result<(usize, String), PipelineError>> {
        let line = self.lines.next()?.map_err(PipelineError::io(&self.path));
        self.number += 1;
        Some(line.map(|line| (self.number, line)))
    }

    fn parse(&self, (number, line): &(usize, String)) -> Result<T, PipelineError> {
        let place = format!("{}:{number}", self.path.display());
        serde_json::from_str(line).map_err(PipelineError::json(place))
    }
}

impl<T: for<'de> Deserialize<'de> + Send + Sync> LineReader<T> {
    /// The next values, up to so many; none at the end. All threads parse.
    pub(crate) fn chunk(&mut self, size: usize) -> Result<Vec<T>, PipelineError> {
        let lines = std::iter::from_fn(|| self.line()).take(size);
        let lines: Vec<(usize, String)> = lines.collect::<Result<_, _>>()?;
        lines.par_iter().map(|line| self.parse(line)).collect()
    }
}

impl<T: for<'de> Deserialize<'de>> Iterator for LineReader<T> {
    type Item = Result<T, PipelineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line()?;
        Some(line.and_then(|line| self.parse(&line)))
    }
}

/// Reads all of a file with one JSON value a line.
pub(crate) fn read_lines<T: for<'de> Deserialize<'de>>(
    path: &Path,
) -> Result<Vec<T>, PipelineError> {
    LineReader::open(path)?.collect()
}

/// Writes one JSON value a line.
pub(crate) fn write_lines<T: Serialize>(path: &Path, values: &[T]) -> Result<(), PipelineError> {
    let mut writer = LineWriter::create(path)?;
    values.iter().try_for_each(|value| writer.write(value))?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_and_a_broken_line_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.jsonl");
        write_lines(&path, &["one\n", "two", "three"]).expect("written");
        assert_eq!(read_lines::<String>(&path).expect("readable"), ["one\n", "two", "three"]);
        let mut reader = LineReader::<String>::open(&path).expect("readable");
        assert_eq!(reader.chunk(2).expect("two"), ["one\n", "two"]);
        assert_eq!(reader.chunk(2).expect("one"), ["three"]);
        assert!(reader.chunk(2).expect("none").is_empty());
        let error = read_lines::<u32>(&path).expect_err("text is no number").to_string();
        assert!(error.contains("a.jsonl:1"), "{error}");
    }
}
