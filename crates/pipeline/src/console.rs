//! What a run shows while it works: lines, and bars with an ETA where somebody is looking.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::secret::redact;

/// Where a run reports to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// Standard error: bars on a terminal, plain lines elsewhere.
    Stderr,
    /// As `Stderr`, and the steps of a training on Burn's dashboard where there is a terminal.
    Dashboard,
    /// Nothing is shown.
    Silent,
}

/// How often a plain log repeats the state of long work.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

impl Console {
    /// Shows one line, without secrets.
    pub fn line(self, text: impl AsRef<str>) {
        if self != Self::Silent {
            // A closed standard error is no reason to stop a training run.
            let _ = writeln!(std::io::stderr(), "{}", redact(text.as_ref()));
        }
    }

    /// Shows one line in the middle of whatever is drawn: on a terminal it takes the line of a bar, which is drawn again below.
    pub fn interjection(self, text: impl AsRef<str>) {
        let is_drawn = self != Self::Silent && std::io::stderr().is_terminal();
        let start = if is_drawn { "\r\x1b[2K" } else { "" };
        self.line(format!("{start}{}", text.as_ref()));
    }

    /// A bar over `length` units of work.
    #[must_use]
    pub fn bar(self, length: usize, what: &str) -> Bar {
        self.draw(Some(length), what)
    }

    /// A count of units of work of which nobody knows how many there are.
    #[must_use]
    pub fn count(self, what: &str) -> Bar {
        self.draw(None, what)
    }

    fn draw(self, length: Option<usize>, what: &str) -> Bar {
        let is_drawn = self != Self::Silent && std::io::stderr().is_terminal();
        let target =
            if is_drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(length.map(|length| length as u64), target);
        let template = match length {
            Some(_) => "  {msg:<28} {wide_bar} {pos}/{len}  ETA {eta}",
            None => "  {msg:<28} {spinner} {pos} in {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        let plain = (self == Self::Stderr && !is_drawn).then(Instant::now);
        Bar { drawn: bar, what: what.to_owned(), started: Instant::now(), plain }
    }
}

/// The progress of one piece of work.
#[derive(Debug)]
pub struct Bar {
    drawn: ProgressBar,
    what: String,
    started: Instant,
    /// When the last plain line was written, where lines stand for the bar.
    plain: Option<Instant>,
}

impl Bar {
    /// Says that `done` units are done.
    pub fn set(&mut self, done: usize) {
        self.drawn.set_position(done as u64);
        let is_due = self.plain.is_some_and(|last| last.elapsed() >= PLAIN_INTERVAL);
        if is_due && done > 0 {
            self.plain = Some(Instant::now());
            let (what, elapsed) = (&self.what, self.started.elapsed());
            Console::Stderr.line(match self.drawn.length() {
                Some(length) => {
                    let left = elapsed.mul_f64((length as f64 / done as f64 - 1.0).max(0.0));
                    format!("  {what} {done}/{length}, ETA {} s", left.as_secs())
                }
                None => format!("  {what} {done} in {} s", elapsed.as_secs()),
            });
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.drawn.finish_and_clear();
    }
}
