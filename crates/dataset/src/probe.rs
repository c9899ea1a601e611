//! First contact with a file that nobody has vouched for, in a process that may die of it.
//!
//! Decoders of binary formats believe what a file says of itself. A flipped bit can make them ask for 2^61 bytes, which
//! ends the process whatever is caught in it. A [`Probe`] has another process read the file first, with a limit of
//! memory and of time; only a file that was read to its end there is read here.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::error::DatasetError;
use crate::known::KnownFiles;
use crate::rows::{RowFile, Selection};
use crate::source::{Format, sha256};

/// Memory of the child beside the file itself, in bytes.
const MEMORY: u64 = 4 << 30;
/// Time of the child for a file of no length.
const TIME: Duration = Duration::from_mins(1);
/// Bytes that a child reads in a second, at least.
const BYTES_PER_SECOND: u64 = 10 << 20;
/// How often it is looked whether the child is done, at first; later less often.
const LOOK: Duration = Duration::from_millis(1);
/// Bytes of a message that are kept.
const MESSAGE: u64 = 1 << 16;

/// Who reads a file of a binary format first. Text is read line by line and needs no such care.
///
/// Whatever reads such a file asks for it, so that nobody forgets.
#[derive(Clone, Debug)]
pub enum FirstContact {
    /// This process, after its structure has been checked. A file that is damaged within its pages may still end it: for
    /// files that this program made, and for tests.
    Here,
    /// A child process.
    Child(Probe),
}

impl FirstContact {
    /// Has the file read by whom it is to be read first.
    pub(crate) fn meet(&self, path: &Path, format: Format) -> Result<(), DatasetError> {
        match self {
            Self::Here => Ok(()),
            Self::Child(probe) => probe.examine(path, format),
        }
    }

    /// Says that a file of this SHA-256, in lower case, was written here and needs no first contact.
    pub fn vouch(&self, sha256: &str) {
        if let Self::Child(Probe { known: Some(known), .. }) = self {
            known.add(sha256);
        }
    }
}

/// A program that reads a file to see whether that can be survived.
///
/// The program is started with the format and the path as its last two arguments. It calls [`examine`], writes the error, if any, to its
/// standard output, and ends with 0 if there was none, else with 1.
#[derive(Clone, Debug)]
pub struct Probe {
    program: PathBuf,
    arguments: Vec<OsString>,
    time: Duration,
    known: Option<Arc<KnownFiles>>,
}

impl Probe {
    /// A program and the arguments before format and path.
    ///
    /// It may take a minute, and a second more for each ten megabytes of the file.
    #[must_use]
    pub fn new(program: PathBuf, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self { program, arguments: arguments.into_iter().collect(), time: TIME, known: None }
    }

    /// Sets the time that a file of no length may take.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Files that need not be read by the program; those that it has read to their end become such.
    #[must_use]
    pub fn with_known(mut self, known: Arc<KnownFiles>) -> Self {
        self.known = Some(known);
        self
    }

    /// Has the program read the file, unless it is known.
    ///
    /// # Errors
    ///
    /// The error that it found; or that it died, or that it took too long, which is the fault of the file.
    pub fn examine(&self, path: &Path, format: Format) -> Result<(), DatasetError> {
        let Some(known) = &self.known else { return self.have_read(path, format) };
        let failed = |error| DatasetError::read(path, error);
        let before = stamp(path).map_err(failed)?;
        let hash = sha256(path).map_err(failed)?;
        if known.has(&hash) {
            return Ok(());
        }
        self.have_read(path, format)?;
        // What was written meanwhile is another file.
        if stamp(path).map_err(failed)? == before {
            known.add(&hash);
        }
        Ok(())
    }

    fn have_read(&self, path: &Path, format: Format) -> Result<(), DatasetError> {
        let fault = |message: String| DatasetError::Untrusted { path: path.to_owned(), message };
        let length =
            std::fs::metadata(path).map_err(|error| DatasetError::read(path, error))?.len();
        let started =
            |error| fault(format!("{} cannot be started: {error}", self.program.display()));
        let mut child = self.start(path, format).map_err(started)?;
        let limit = self.time + Duration::from_secs(length / BYTES_PER_SECOND);
        let Some(status) = wait(&mut child, limit).map_err(|error| fault(error.to_string()))?
        else {
            return Err(fault(format!(
                "reading it took more than {} s and was stopped",
                limit.as_secs()
            )));
        };
        verdict(status, &mut child).map_err(|reply| match reply {
            Reply::Error(message) => fault(message),
            Reply::Died(how) => fault(format!(
                "corrupt: a process that read it was ended by {how}; it may ask for more memory than there is"
            )),
        })
    }

    /// What the child says beside its verdict, such as the panics of decoders, is nobody's business.
    fn start(&self, path: &Path, format: Format) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(format.as_str()).arg(path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    }
}

/// The length of a file and when it was written last.
fn stamp(path: &Path) -> std::io::Result<(u64, Option<SystemTime>)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}

enum Reply {
    /// What is wrong with the file.
    Error(String),
    /// The child said nothing.
    Died(String),
}

/// Waits for the child to end; ends it and returns nothing if it takes longer.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = LOOK;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn verdict(status: ExitStatus, child: &mut Child) -> Result<(), Reply> {
    if status.success() {
        return Ok(());
    }
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        // A message that cannot be read is none.
        let _ = output.take(MESSAGE).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    match status.code() {
        Some(1) if !text.is_empty() => Err(Reply::Error(text)),
        _ => Err(Reply::Died(status.to_string())),
    }
}

/// Reads a file to its end and forgets it, with a limit of memory for **this whole process**: what a program does that
/// was started by a [`Probe`]. Returns the number of rows.
///
/// The limit is 4 GB of address space beside what is in use and the length of the file. Where the system knows no such
/// limit (it is a matter of Unix), there is none.
///
/// # Errors
///
/// The message says what is wrong with the file, without its path.
pub fn examine(path: &Path, format: Format) -> Result<u64, String> {
    let message = |error: DatasetError| {
        let text = error.to_string();
        text.strip_prefix(&format!("{}: ", path.display())).map(str::to_owned).unwrap_or(text)
    };
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    limit_memory(MEMORY.saturating_add(length)).map_err(|error| error.to_string())?;
    let file = RowFile::open(&FirstContact::Here, path, format).map_err(message)?;
    let mut num_rows = 0;
    let counted = file.for_each(Selection::ALL, |_| {
        num_rows += 1;
        Ok(())
    });
    counted.map_err(message)?;
    Ok(num_rows)
}

#[cfg(unix)]
fn limit_memory(beside: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let lower = |resource: Resource, limit: u64| {
        let maximum = getrlimit(resource).maximum;
        let current = Some(maximum.map_or(limit, |maximum| maximum.min(limit)));
        setrlimit(resource, Rlimit { current, maximum })
    };
    lower(Resource::As, used_memory().saturating_add(beside))?;
    // A core of some gigabytes for each damaged file would be no help.
    lower(Resource::Core, 0)?;
    Ok(())
}

#[cfg(not(unix))]
fn limit_memory(_: u64) -> std::io::Result<()> {
    Ok(())
}

/// Address space in use, where the system tells it: an allocator may have reserved much that it does not need.
#[cfg(unix)]
fn used_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap_or_default();
    let kilobytes: u64 = line.trim_end_matches("kB").trim().parse().unwrap_or(0);
    kilobytes * 1024
}
