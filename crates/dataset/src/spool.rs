//! Texts in the order they came: in memory while they are few, in a temporary file once they are many.

use std::io::{Read, Result, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

/// Bytes that are held in memory.
const IN_MEMORY: usize = 16 << 20;
/// Bytes that are gathered before they are written.
const GATHERED: usize = 1 << 18;

/// Texts of any number. Of each, 8 bytes are in memory; the rest is read when it is asked for.
pub(crate) struct Spool {
    file: SpooledTempFile,
    /// Where each text begins.
    starts: Vec<u64>,
    /// Bytes in the file.
    written: u64,
    /// What comes after them.
    gathered: Vec<u8>,
}

impl Spool {
    pub(crate) fn new() -> Self {
        Self::with_memory(IN_MEMORY)
    }

    fn with_memory(bytes: usize) -> Self {
        let file = SpooledTempFile::new(bytes);
        Self { file, starts: Vec::new(), written: 0, gathered: Vec::new() }
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Adds a text.
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<()> {
        self.starts.push(self.written + self.gathered.len() as u64);
        self.gathered.extend_from_slice(text);
        if self.gathered.len() < GATHERED { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(&self.gathered)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// A text, by its place in the order they came.
    ///
    /// # Panics
    ///
    /// If there are fewer texts.
    pub(crate) fn get(&mut self, index: usize) -> Result<Vec<u8>> {
        self.write()?;
        let start = self.starts[index];
        let end = self.starts.get(index + 1).copied().unwrap_or(self.written);
        self.file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        (&mut self.file).take(end - start).read_to_end(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_from_memory_and_from_a_file() {
        for memory in [0, 1 << 19, 1 << 30] {
            let mut spool = Spool::with_memory(memory);
            let text = |number: usize| format!("{number} \u{1f4a7}\n").repeat(997 * (number % 7));
            for number in 0..120 {
                spool.push(text(number).as_bytes()).expect("written");
                // Reading between writes changes nothing.
                let back = spool.get(number / 2).expect("readable");
                assert_eq!(back, text(number / 2).into_bytes());
            }
            for number in (0..120).rev() {
                assert_eq!(spool.get(number).expect("readable"), text(number).into_bytes());
            }
            assert_eq!(spool.len(), 120);
        }
    }
}
