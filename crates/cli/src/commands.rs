//! What each command does, and the exit code it ends with.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use forethought_parity::ParityError;
use forethought_pipeline::{
    Console, Document, Outcome, PipelineConfig, PipelineError, Resume, RunFolder, RunOptions,
    Signal, StopFlag, find_pipeline, parse_devices, redact, render_report, report_json,
    report_table, write_file,
};

use crate::arguments::{Evaluate, Pipeline, Report};
use crate::rows::RowError;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The work failed.
    Pipeline(PipelineError),
    /// The golden cases could not be replayed.
    Parity(ParityError),
    /// Something of the system failed.
    Io(PathBuf, std::io::Error),
    /// A row of the input cannot be used.
    Row(RowError),
    /// Two things that must agree do not.
    Disagreement(String),
    /// The command line asks for something that cannot be.
    Usage(String),
}

impl From<RowError> for Failure {
    fn from(error: RowError) -> Self {
        Self::Row(error)
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        Self::Pipeline(error)
    }
}

impl Failure {
    /// Says what went wrong on standard error; 2 is for bad usage or config, 1 for everything else.
    pub(crate) fn show(self) -> ExitCode {
        let (text, code) = match self {
            Self::Pipeline(error) => (error.to_string(), if error.is_usage() { 2 } else { 1 }),
            Self::Parity(error) => (error.to_string(), 2),
            Self::Io(path, error) => (format!("{}: {error}", path.display()), 1),
            Self::Row(error) => (error.to_string(), 1),
            Self::Disagreement(text) => (text, 1),
            Self::Usage(text) => (text, 2),
        };
        Console::Stderr.line(format!("error: {}", redact(&text)));
        ExitCode::from(code)
    }
}

/// Says what is wrong with a command line, which repeats a part of it; help and version go where they always do.
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render();
    let is_seen = std::io::stderr().is_terminal();
    let text = if is_seen { text.ansi().to_string() } else { text.to_string() };
    // A closed standard error changes nothing about the exit code.
    let _ = write!(std::io::stderr(), "{}", redact(&text));
    ExitCode::from(2)
}

/// The file of a pipeline, and the folder where the relative paths in it start.
pub(crate) fn locate(name: &str) -> Result<(PathBuf, PathBuf), Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::Io(".".into(), error))?;
    Ok(find_pipeline(name, &here)?)
}

/// `forethought pipeline`
pub(crate) fn pipeline(arguments: &Pipeline) -> Result<ExitCode, Failure> {
    let console = console(arguments)?;
    let here = std::env::current_dir().map_err(|error| Failure::Io(".".into(), error))?;
    let (file, base) = match (&arguments.config, &arguments.name) {
        (Some(file), _) => (file.clone(), here.clone()),
        (None, name) => find_pipeline(name.as_deref().unwrap_or_default(), &here)?,
    };
    let document = Document::read(&file, &arguments.set).map_err(PipelineError::from)?;
    let config = PipelineConfig::from_document(&document).map_err(PipelineError::from)?;
    let out = arguments.out.as_ref().map(|out| here.join(out));
    let root = out.unwrap_or_else(|| base.join("runs").join(&config.name));
    // Relative paths of a file in configs/pipelines start beside configs/, wherever the command is called.
    std::env::set_current_dir(&base).map_err(|error| Failure::Io(base.clone(), error))?;
    let (stop, said) = stop_flag(console)?;
    let devices = parse_devices(arguments.devices.as_ref().unwrap_or(&arguments.device))?;
    let options = RunOptions {
        folder: RunFolder::new(root.clone()),
        // A folder of one's own choice is not searched for other runs.
        runs: root.parent().filter(|parent| **parent == base.join("runs")).map(Path::to_owned),
        device: devices.main,
        replicas: devices.replicas,
        from: arguments.from.clone(),
        until: arguments.until.clone(),
        resume: if arguments.resume { Resume::Continue } else { Resume::Fresh },
        stop: &stop,
        console,
        first_contact: crate::examine::first_contact()?,
    };
    let outcome = forethought_pipeline::run(&config, &options);
    let outcome = outcome.map_err(|error| error.in_document(&document))?;
    if matches!(outcome, Outcome::Interrupted { .. }) {
        // What is said of the signal comes before what came of it.
        let _ = said.recv_timeout(Duration::from_secs(1));
    }
    let is_whole = arguments.until.as_deref().is_none_or(|until| until == "report");
    finish(&outcome, &root, if is_whole { Shown::Report } else { Shown::Nothing })
}

/// What the first SIGINT or SIGTERM raises, which is answered at once, for a step may take long to finish; and who learns that it
/// was. The second one ends the process.
pub(crate) fn stop_flag(console: Console) -> Result<(StopFlag, Receiver<()>), Failure> {
    let (tell, said) = channel();
    let say = move |signal: Signal| {
        // A dashboard has the screen to itself, and its own words.
        if console != Console::Dashboard {
            let text = "the step that is running is finished and a checkpoint written; a second Ctrl-C leaves at once";
            console.interjection(format!("{}: {text}", signal.name()));
        }
        // Nobody listens any more where the command is over.
        let _ = tell.send(());
    };
    let stop = StopFlag::on_signals_saying(say);
    Ok((stop.map_err(|error| Failure::Io("signal handlers".into(), error))?, said))
}

/// Where a run is shown. Not every binary has a dashboard.
fn console(arguments: &Pipeline) -> Result<Console, Failure> {
    match (arguments.tui, cfg!(feature = "tui")) {
        (false, _) => Ok(Console::Stderr),
        (true, true) => Ok(Console::Dashboard),
        (true, false) => Err(Failure::Usage(WITHOUT_DASHBOARD.to_owned())),
    }
}

const WITHOUT_DASHBOARD: &str = "this binary has no dashboard: `cargo xtask pipeline ... --tui` builds one that has, and so does `cargo install --path crates/cli --features tui`; without --tui there are a bar and lines, and `forethought watch RUN` shows curves";

/// What a run shows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// The table of its report.
    Report,
    /// Nothing: it was asked to stop before the report, and one that lies there is of another run.
    Nothing,
}

/// Shows the table of a finished run, or how an interrupted one goes on.
fn finish(outcome: &Outcome, root: &Path, shown: Shown) -> Result<ExitCode, Failure> {
    if let Outcome::Interrupted { stage, step, signal } = outcome {
        let place = match step {
            Some(step) => format!("{stage} stopped after step {step}, checkpoint written"),
            None => format!("stopped before {stage} was done"),
        };
        Console::Stderr.line(format!("{place}; run the same command with --resume to go on"));
        return Ok(ExitCode::from(signal.exit_code()));
    }
    let page = root.join("report.html");
    if shown == Shown::Report && page.is_file() {
        print(&report_table(root)?)?;
        Console::Stderr.line(format!("report: {}", page.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// `forethought evaluate`
pub(crate) fn evaluate(arguments: &Evaluate) -> Result<ExitCode, Failure> {
    let text =
        if arguments.json { report_json(&arguments.run)? } else { report_table(&arguments.run)? };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// `forethought report`
pub(crate) fn report(arguments: &Report) -> Result<ExitCode, Failure> {
    let page = arguments.out.clone().unwrap_or_else(|| arguments.run.join("report.html"));
    let html = render_report(&arguments.run)?;
    write_file(&page, html.as_bytes()).map_err(|error| Failure::Io(page.clone(), error))?;
    Console::Stderr.line(format!("report: {}", page.display()));
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder that a file is to be written into, if it is not there.
pub(crate) fn make_folder(of_file: &Path) -> Result<(), Failure> {
    let folder = of_file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Some(folder) = folder else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| Failure::Io(folder.to_owned(), error))
}

/// Standard output; a reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Io("standard output".into(), error))
        }
        _ => Ok(()),
    }
}
