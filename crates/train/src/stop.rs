//! Asking a run to stop: Ctrl-C and `kill` become a flag that is read between steps.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`, Ctrl-C.
    Interrupt,
    /// `SIGTERM`, what `kill` and batch systems send.
    Terminate,
}

impl Signal {
    /// Exit code of a process that this signal ended, 128 + its number: 130 or 143.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    /// `SIGINT` or `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
        }
    }
}

/// Whether and why a run should stop. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct StopFlag {
    /// Number of the last signal, 0 before any: the one thing a signal handler may write.
    received: Arc<AtomicUsize>,
    /// Reads left until the flag raises itself, and as which signal; for tests.
    counted: Option<(Arc<AtomicU64>, Signal)>,
}

impl StopFlag {
    /// A flag that no signal sets, for tests and for callers with handlers of their own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that raises itself the `reads`-th time it is read, for tests of what happens when a signal comes at a place
    /// where it is noticed.
    ///
    /// # Panics
    ///
    /// If `reads` is 0.
    #[must_use]
    pub fn after_reads(signal: Signal, reads: u64) -> Self {
        assert!(reads > 0, "the first read is number 1");
        Self { counted: Some((Arc::new(AtomicU64::new(reads)), signal)), ..Self::default() }
    }

    /// A flag set by the first `SIGINT` or `SIGTERM` of this process. The second one, of either kind, ends the process
    /// at once with exit code 130 or 143: whoever presses Ctrl-C twice does not want to wait for a checkpoint.
    ///
    /// Call it once, in `main`.
    ///
    /// # Errors
    ///
    /// If the operating system refuses the handlers.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::new();
        refuse_to_die_of_a_full_file()?;
        let has_been_asked = Arc::new(AtomicBool::new(false));
        for signal in [Signal::Interrupt, Signal::Terminate] {
            // Handlers of one signal run in the order of their registration, so the shutdown sees `has_been_asked` as
            // the signal before left it.
            let code = i32::from(signal.exit_code());
            flag::register_conditional_shutdown(signal.number(), code, has_been_asked.clone())?;
            flag::register(signal.number(), has_been_asked.clone())?;
            let number = usize::try_from(signal.number()).map_err(io::Error::other)?;
            flag::register_usize(signal.number(), stop.received.clone(), number)?;
        }
        Ok(stop)
    }

    /// As [`StopFlag::on_signals`], and `say` is told of the first signal at once, from a thread of its own: a step may take
    /// long to finish, and whoever pressed Ctrl-C should know that it was heard.
    ///
    /// # Errors
    ///
    /// If the operating system refuses the handlers or the thread.
    pub fn on_signals_saying(say: impl FnOnce(Signal) + Send + 'static) -> io::Result<Self> {
        let stop = Self::on_signals()?;
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let listen = move || {
            let first = signals.forever().next();
            let known = [Signal::Interrupt, Signal::Terminate];
            let signal = known.into_iter().find(|signal| Some(signal.number()) == first);
            if let Some(signal) = signal {
                say(signal);
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(stop)
    }

    /// Asks for a stop, as `signal` would.
    pub fn raise(&self, signal: Signal) {
        let number = usize::try_from(signal.number()).unwrap_or_default();
        self.received.store(number, Ordering::SeqCst);
    }

    /// Whether a stop was asked for. Unlike [`StopFlag::signal`] it may be asked as often as one likes, for it does not count
    /// as one of the reads of [`StopFlag::after_reads`].
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.received.load(Ordering::SeqCst) != 0
    }

    /// The signal that asked for a stop, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        if let Some((left, signal)) = &self.counted
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                == Ok(1)
        {
            self.raise(*signal);
        }
        let number = i32::try_from(self.received.load(Ordering::SeqCst)).ok()?;
        [Signal::Interrupt, Signal::Terminate].into_iter().find(|signal| signal.number() == number)
    }
}

/// A file that grows beyond the limit of the process (`ulimit -f`) ends it by default, without a word. With a handler the
/// write fails instead, and the error names the file.
fn refuse_to_die_of_a_full_file() -> io::Result<()> {
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_flag_is_raised_by_being_read() {
        let flag = StopFlag::after_reads(Signal::Interrupt, 2);
        assert_eq!(flag.clone().signal(), None);
        assert_eq!(flag.signal(), Some(Signal::Interrupt));
        assert_eq!(flag.signal(), Some(Signal::Interrupt));
    }

    #[test]
    fn a_flag_remembers_which_signal_asked_and_shares_it_with_its_clones() {
        let flag = StopFlag::new();
        let clone = flag.clone();
        assert_eq!(clone.signal(), None);
        assert!(!clone.is_raised());
        flag.raise(Signal::Terminate);
        assert!(clone.is_raised());
        assert_eq!(clone.signal(), Some(Signal::Terminate));
        assert_eq!(clone.signal().map(Signal::exit_code), Some(143));
    }
}
