//! What was in a step whose numbers are bad, in a file for whoever looks into it.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::checkpoint::write_file;
use crate::source::BatchRow;

/// The folder of the files, in the folder of the run.
const FOLDER: &str = "bad-steps";

/// One bad step.
#[derive(Debug, Serialize)]
pub(crate) struct Dump<'a> {
    pub(crate) stage: &'a str,
    pub(crate) step: u64,
    /// What is wrong, in words.
    pub(crate) problem: &'a str,
    /// As text, for JSON has no NaN.
    pub(crate) loss: String,
    pub(crate) grad_norm: String,
    /// The loss of each micro-batch, in their order.
    pub(crate) micro_batch_losses: Vec<String>,
    pub(crate) description: &'a str,
    pub(crate) rows: Vec<BatchRow>,
    /// Why the rows are not all there, if they are not.
    pub(crate) missing: Option<String>,
}

impl Dump<'_> {
    /// Writes the file and says where it is, or why it is not.
    pub(crate) fn write(&self, run_folder: &Path) -> String {
        let folder = run_folder.join(FOLDER);
        let path = folder.join(format!("{}-{:06}.json", self.stage, self.step));
        let write = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            let text = serde_json::to_string_pretty(self)? + "\n";
            write_file(&path, text.as_bytes())
        };
        match write() {
            Ok(()) => format!("its rows are in {}", path.display()),
            Err(error) => format!("its rows could not be written to {}: {error}", path.display()),
        }
    }
}
