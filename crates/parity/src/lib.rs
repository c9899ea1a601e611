//! Replays golden numbers of the Python stack and says how far ours are from them.
//!
//! A folder of goldens holds JSON files of cases with their inputs, safetensors beside them, and the models they were
//! computed with in `models/`. A file's place and name say of which [kind](kinds) it is; nothing depends on particular
//! shapes, seeds or names of cases. What no kind knows is listed as not run.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use burn::tensor::Device;
//!
//! let mut show = |case: &forethought_parity::Case| eprintln!("{case}");
//! let summary = forethought_parity::replay(Path::new("goldens"), &Device::flex(), &[], &mut show)?;
//! assert_eq!(summary.num_failed, 0);
//! # Ok::<(), forethought_parity::ParityError>(())
//! ```

mod check;
mod forward;
mod goldens;
mod gradients;
mod kind;
mod losses;
mod lr_schedules;
mod math_verify;
mod reference;
mod report;
mod rewards;
mod task_metrics;
mod tokenizer;

use std::path::{Path, PathBuf};

use burn::tensor::Device;

pub use check::Worst;
use goldens::{Goldens, Missed};
pub use kind::kinds;
pub use report::{Case, Outcome, Summary};

/// Why nothing could be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParityError {
    /// The folder, or a folder in it, cannot be read.
    #[error("cannot read {path}: {error}")]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A folder without golden files would agree with everything.
    #[error("{0} holds no JSON file of golden cases")]
    NoCases(PathBuf),
    /// A kind that does not exist was asked for.
    #[error("there is no kind `{kind}`; the kinds are {known}")]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// All kinds.
        known: String,
    },
}

/// Replays the cases of a folder, those of some kinds only if any are named, and shows each as soon as it is done.
///
/// # Errors
///
/// If the folder cannot be read or holds no golden file, or a kind does not exist. A case that cannot be computed is no
/// error but a failed case.
pub fn replay(
    folder: &Path,
    device: &Device,
    only: &[String],
    show: &mut dyn FnMut(&Case),
) -> Result<Summary, ParityError> {
    kind::refuse_unknown(only)?;
    let goldens = Goldens::new(folder, device);
    let mut summary = Summary::default();
    for file in golden_files(folder)? {
        let kind = kind::kind_of(&file);
        if !only.is_empty() && kind.is_none_or(|kind| !only.iter().any(|name| name == kind.name)) {
            continue;
        }
        let mut replay = Replay { file: &file, summary: &mut summary, show };
        match kind {
            None => replay.not_run("", "no kind is known for this file"),
            Some(kind) => {
                if let Err(missed) = (kind.run)(&goldens, &mut replay) {
                    replay.push("", outcome(missed));
                }
            }
        }
    }
    Ok(summary)
}

/// The cases of one file, shown as they are done.
pub(crate) struct Replay<'a> {
    /// The file, relative to the folder.
    pub(crate) file: &'a str,
    summary: &'a mut Summary,
    show: &'a mut dyn FnMut(&Case),
}

impl Replay<'_> {
    /// Compares the numbers of one case.
    pub(crate) fn case(
        &mut self,
        name: &str,
        compare: impl FnOnce(&mut check::Checks) -> Result<(), Missed>,
    ) {
        let mut checks = check::Checks::default();
        let compared = compare(&mut checks);
        self.push(
            name,
            match (compared, checks.finish()) {
                (Err(missed), _) => outcome(missed),
                (Ok(()), Some((worst, count))) => Outcome::Compared { worst, count },
                (Ok(()), None) => Outcome::Failed("nothing was compared".to_owned()),
            },
        );
    }

    /// Says that a case is left out.
    pub(crate) fn not_run(&mut self, name: &str, reason: &str) {
        self.push(name, Outcome::NotRun(reason.to_owned()));
    }

    fn push(&mut self, name: &str, outcome: Outcome) {
        let case = Case { file: self.file.to_owned(), name: name.to_owned(), outcome };
        self.summary.count(&case);
        (self.show)(&case);
    }
}

fn outcome(missed: Missed) -> Outcome {
    match missed {
        Missed::NotRun(reason) => Outcome::NotRun(reason),
        Missed::Failed(reason) => Outcome::Failed(reason),
    }
}

/// Folders that hold what the cases need, not cases.
const MATERIAL: [&str; 2] = ["models", "lora"];

/// The JSON files of the folder and of the folders in it, relative to it, sorted.
fn golden_files(root: &Path) -> Result<Vec<String>, ParityError> {
    let mut files = json_files(root, "")?;
    for folder in entries(root)? {
        if root.join(&folder).is_dir() && !MATERIAL.contains(&folder.as_str()) {
            files.extend(json_files(&root.join(&folder), &format!("{folder}/"))?);
        }
    }
    files.sort();
    if files.is_empty() { Err(ParityError::NoCases(root.to_owned())) } else { Ok(files) }
}

fn json_files(folder: &Path, prefix: &str) -> Result<Vec<String>, ParityError> {
    let is_json = |name: &String| Path::new(name).extension().is_some_and(|end| end == "json");
    let names = entries(folder)?.into_iter().filter(is_json);
    Ok(names.map(|name| format!("{prefix}{name}")).collect())
}

fn entries(folder: &Path) -> Result<Vec<String>, ParityError> {
    let failed = |error| ParityError::Io { path: folder.to_owned(), error };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    entries
        .map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned()))
        .collect()
}
