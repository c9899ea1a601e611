//! A process with threads that write to it and read from it, so that nobody ever waits for it longer than wanted.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use forethought_reward::ProcessConfig;

use crate::message::{MAX_ANSWER, shown};

/// How much of the end of standard error is kept, in bytes.
const KEPT: usize = 4096;
/// Lines of it that a reason shows.
const SHOWN_LINES: usize = 3;
/// How long the end of standard error, or the status of a process that closed its streams, is waited for.
const GRACE: Duration = Duration::from_millis(200);

/// What came from the process.
#[derive(Debug)]
pub(crate) enum Event {
    /// A line of its standard output.
    Line(Vec<u8>),
    /// A line beyond this many bytes.
    TooLong(usize),
    /// Nothing within the time.
    Nothing,
    /// The end of its standard output.
    End,
}

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    questions: Sender<Vec<u8>>,
    answers: Receiver<Event>,
    said: Arc<Mutex<VecDeque<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(config: &ProcessConfig) -> Result<Self, String> {
        let (program, arguments) = config.command.split_first().ok_or("it has no program")?;
        let mut command = Command::new(program);
        command.args(arguments).envs(&config.environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let failed = |error: std::io::Error| format!("{program} cannot be started: {error}");
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err("its streams are not there".to_owned());
        };
        let (questions, to_write) = channel::<Vec<u8>>();
        thread::spawn(move || write_all(stdin, &to_write));
        let (read, answers) = channel();
        thread::spawn(move || read_lines(stdout, &read));
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&said);
        let listener = Some(thread::spawn(move || keep_end(stderr, &kept)));
        Ok(Self { child, questions, answers, said, listener })
    }

    /// Hands a question to the thread that writes; whether it arrives shows in the answer.
    pub(crate) fn send(&self, question: Vec<u8>) {
        // The writer is gone where the process is, and then the answers have ended too.
        let _ = self.questions.send(question);
    }

    /// The next thing that comes from the process, within a time.
    pub(crate) fn wait(&self, time: Duration) -> Event {
        match self.answers.recv_timeout(time) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => Event::Nothing,
            Err(RecvTimeoutError::Disconnected) => Event::End,
        }
    }

    /// Whether the process is over.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// How the process ended, where it did.
    pub(crate) fn status(&mut self) -> String {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!(" ({status})"),
                Ok(None) if start.elapsed() < GRACE => thread::sleep(Duration::from_millis(5)),
                _ => return String::new(),
            }
        }
    }

    /// Ends the process and what it started; the end of what it said on standard error, ready to stand behind a reason.
    pub(crate) fn kill(mut self) -> String {
        self.end();
        if let Some(listener) = self.listener.take() {
            let start = Instant::now();
            while !listener.is_finished() && start.elapsed() < GRACE {
                thread::sleep(Duration::from_millis(2));
            }
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = said.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        let last: Vec<String> = last.iter().map(|line| shown(line)).collect();
        if last.is_empty() { String::new() } else { format!("; it said: {}", last.join(" / ")) }
    }

    fn end(&mut self) {
        #[cfg(unix)]
        if let Some(group) =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
            && self.child.try_wait().is_ok_and(|status| status.is_none())
        {
            // A group that is gone is no failure: its end is what is wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process never outlives the reward that asks it.
impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn write_all(mut stdin: impl Write, questions: &Receiver<Vec<u8>>) {
    for question in questions {
        if stdin.write_all(&question).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(stdout: impl Read, answers: &Sender<Event>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut stdout).take(MAX_ANSWER as u64 + 1);
        let event = match bounded.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(length) if length > MAX_ANSWER => Event::TooLong(MAX_ANSWER),
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) => Event::Line(line),
        };
        let is_last = matches!(event, Event::TooLong(_));
        if answers.send(event).is_err() || is_last {
            return;
        }
    }
}

/// Reads standard error to its end, so that it never blocks the process, and keeps the last of it.
fn keep_end(mut stderr: impl Read, kept: &Mutex<VecDeque<u8>>) {
    let mut part = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&part[..length]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}
