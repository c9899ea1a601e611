//! Records as JSON lines, one in memory at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use rayon::prelude::*;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

use crate::PipelineError;

/// Bytes of lines that are parsed together, about: enough work for all threads.
const CHUNK: usize = 1 << 22;

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

    /// Writes lines that are text already, each with its end.
    fn write_text(&mut self, lines: &[u8]) -> Result<(), PipelineError> {
        self.file.write_all(lines).map_err(PipelineError::io(&self.path))
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
    /// The next values, of about so many bytes; none at the end. All threads parse.
    fn chunk(&mut self, bytes: usize) -> Result<Vec<T>, PipelineError> {
        let (mut lines, mut length) = (Vec::new(), 0);
        while length < bytes
            && let Some(line) = self.line()
        {
            let line = line?;
            length += line.1.len();
            lines.push(line);
        }
        // In two steps: of several broken lines the first is named, whichever thread comes to its own first.
        let values: Vec<Result<T, _>> = lines.par_iter().map(|line| self.parse(line)).collect();
        values.into_iter().collect()
    }

    /// Hands over all values, some at a time. While they are worked on, the next ones are read.
    pub(crate) fn for_each_chunk(
        mut self,
        mut take: impl FnMut(Vec<T>) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || {
                loop {
                    let chunk = self.chunk(CHUNK);
                    let is_last = chunk.as_ref().map_or(true, Vec::is_empty);
                    // Where nobody listens any more, `take` failed.
                    if sender.send(chunk).is_err() || is_last {
                        return;
                    }
                }
            });
            for chunk in receiver {
                let chunk = chunk?;
                if !chunk.is_empty() {
                    take(chunk)?;
                }
            }
            Ok(())
        })
    }
}

impl<T: for<'de> Deserialize<'de>> Iterator for LineReader<T> {
    type Item = Result<T, PipelineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line()?;
        Some(line.and_then(|line| self.parse(&line)))
    }
}

/// Reads the lines of a file in any order. Where each begins is remembered, and nothing else.
#[derive(Debug)]
pub(crate) struct LinePicker {
    path: PathBuf,
    file: File,
    /// Where each line begins, and where the last one ends.
    bounds: Vec<u64>,
}

impl LinePicker {
    pub(crate) fn open(path: &Path) -> Result<Self, PipelineError> {
        let failed = PipelineError::io(path);
        let read = || -> std::io::Result<(File, Vec<u64>)> {
            let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
            let mut bounds = vec![0];
            let mut end = 0;
            loop {
                let length = reader.skip_until(b'\n')?;
                if length == 0 {
                    return Ok((reader.into_inner(), bounds));
                }
                end += length as u64;
                bounds.push(end);
            }
        };
        let (file, bounds) = read().map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, bounds })
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// A line with its end, by its place counted from 0.
    ///
    /// # Panics
    ///
    /// If there are fewer lines.
    fn line(&mut self, place: usize) -> std::io::Result<Vec<u8>> {
        let (start, end) = (self.bounds[place], self.bounds[place + 1]);
        self.file.seek(SeekFrom::Start(start))?;
        let mut line = Vec::new();
        (&mut self.file).take(end - start).read_to_end(&mut line)?;
        Ok(line)
    }

    /// Writes these lines, in this order, as they are.
    pub(crate) fn copy(&mut self, places: &[usize], to: &Path) -> Result<(), PipelineError> {
        let mut writer = LineWriter::create(to)?;
        for place in places {
            writer.write_text(&self.line(*place).map_err(PipelineError::io(&self.path))?)?;
        }
        writer.finish()
    }

    /// The value of a line.
    pub(crate) fn value<T: for<'de> Deserialize<'de>>(
        &mut self,
        place: usize,
    ) -> Result<T, PipelineError> {
        let line = self.line(place).map_err(PipelineError::io(&self.path))?;
        let place = format!("{}:{}", self.path.display(), place + 1);
        serde_json::from_slice(&line).map_err(PipelineError::json(place))
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

/// Writes the values as one indented JSON array, each as it comes.
pub(crate) fn write_array<T: Serialize>(
    path: &Path,
    values: impl Iterator<Item = Result<T, PipelineError>>,
) -> Result<(), PipelineError> {
    let mut file = BufWriter::new(File::create(path).map_err(PipelineError::io(path))?);
    let failed = || PipelineError::json(path.display());
    let mut serializer = serde_json::Serializer::pretty(&mut file);
    let mut array = serializer.serialize_seq(None).map_err(failed())?;
    for value in values {
        array.serialize_element(&value?).map_err(failed())?;
    }
    array.end().map_err(failed())?;
    file.write_all(b"\n").and_then(|()| file.flush()).map_err(PipelineError::io(path))
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
        assert_eq!(reader.chunk(9).expect("two"), ["one\n", "two"]);
        assert_eq!(reader.chunk(9).expect("one"), ["three"]);
        assert!(reader.chunk(9).expect("none").is_empty());
        let error = read_lines::<u32>(&path).expect_err("text is no number").to_string();
        assert!(error.contains("a.jsonl:1"), "{error}");
    }

    #[test]
    fn lines_are_picked_in_any_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.jsonl");
        write_lines(&path, &["one", "two\n", "drei", "é"]).expect("written");
        let mut lines = LinePicker::open(&path).expect("readable");
        assert_eq!(lines.value::<String>(3).expect("the last line"), "é");
        let picked = folder.path().join("b.jsonl");
        lines.copy(&[2, 0, 2, 1], &picked).expect("written");
        let picked = read_lines::<String>(&picked).expect("readable");
        assert_eq!(picked, ["drei", "one", "drei", "two\n"]);
        let error = lines.value::<u32>(1).expect_err("text is no number").to_string();
        assert!(error.contains("a.jsonl:2"), "{error}");
    }

    #[test]
    fn an_array_is_what_serde_json_writes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.json");
        for values in [vec![], vec![serde_json::json!({"a": [1, "é"]}), serde_json::json!(2)]] {
            write_array(&path, values.iter().map(Ok)).expect("written");
            let expected = serde_json::to_string_pretty(&values).expect("it is JSON") + "\n";
            assert_eq!(std::fs::read_to_string(&path).expect("readable"), expected);
        }
        let failing = [Ok(1), Err(PipelineError::stage("convert", "no more"))];
        assert!(write_array(&path, failing.into_iter()).is_err());
    }

    #[test]
    fn all_values_come_in_chunks_until_one_is_broken_or_not_wanted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.jsonl");
        let long = "x".repeat(CHUNK / 3);
        let values: Vec<String> = (0..10).map(|number| format!("{number}{long}")).collect();
        write_lines(&path, &values).expect("written");
        let open = || LineReader::<String>::open(&path).expect("readable");
        let (mut read, mut sizes) = (Vec::new(), Vec::new());
        let all = open().for_each_chunk(|chunk| {
            sizes.push(chunk.len());
            read.extend(chunk);
            Ok(())
        });
        assert!(all.is_ok() && read == values);
        assert_eq!(sizes, [3, 3, 3, 1]);
        let stopped = open().for_each_chunk(|_| Err(PipelineError::Interrupted));
        assert!(matches!(stopped, Err(PipelineError::Interrupted)));
        let broken = LineReader::<u32>::open(&path).expect("readable").for_each_chunk(|_| Ok(()));
        assert!(broken.is_err_and(|error| error.to_string().contains("a.jsonl:1")));
    }
}
