//! Telling a person how a run is doing: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::TrainError;
use crate::fit::Run;
use crate::record::StepRecord;

/// Where progress is shown. It goes to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// A bar if standard error is a terminal, else lines.
    #[default]
    Auto,
    /// Burn's dashboard where standard output and standard error are terminals and the crate has the feature `tui`, else as
    /// [`Progress::Auto`].
    Dashboard,
    /// A line every `logging_steps` steps.
    Lines,
    /// Nothing.
    Silent,
}

/// Shows the steps of one run.
#[derive(Debug)]
pub(crate) struct Reporter {
    display: Display,
    stage: String,
    num_steps: u64,
    first_step: u64,
    logging_steps: u64,
    started: Instant,
    /// The last step that sampled: steps after it train on the same answers.
    sampled: Option<StepRecord>,
    /// What is made of a sentence before it is shown.
    shown: fn(&str) -> String,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    #[cfg(feature = "tui")]
    Dashboard(Box<crate::dashboard::Dashboard>),
    Lines,
    Silent,
}

/// The steps that a [`Reporter`] shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Steps finished before.
    pub(crate) first_step: u64,
    /// Steps of the whole run.
    pub(crate) num_steps: u64,
    /// Steps between lines.
    pub(crate) logging_steps: u64,
}

impl Reporter {
    pub(crate) fn new(run: &Run<'_>, span: Span) -> Self {
        let Run { progress, stage, shown, .. } = *run;
        let is_seen = io::stderr().is_terminal();
        let display = match progress {
            #[cfg(feature = "tui")]
            Progress::Dashboard if is_seen && io::stdout().is_terminal() => {
                let dashboard = crate::dashboard::Dashboard::open(stage, span, run.stop.clone());
                Display::Dashboard(Box::new(dashboard))
            }
            Progress::Auto | Progress::Dashboard if is_seen => Display::Bar(bar(stage, span)),
            Progress::Auto | Progress::Dashboard | Progress::Lines => Display::Lines,
            Progress::Silent => Display::Silent,
        };
        let Span { first_step, num_steps, logging_steps } = span;
        let started = Instant::now();
        Self {
            display,
            stage: stage.to_owned(),
            num_steps,
            first_step,
            logging_steps,
            started,
            sampled: None,
            shown,
        }
    }

    /// Takes note of the steps that a resumed run has behind it.
    pub(crate) fn recall(&mut self, history: &[StepRecord]) {
        self.sampled = history.iter().rev().find(|record| has_answers(record)).cloned();
    }

    /// Shows a finished step.
    ///
    /// # Errors
    ///
    /// If somebody pressed the keys of the dashboard that end a run at once.
    #[cfg_attr(
        not(feature = "tui"),
        expect(clippy::unnecessary_wraps, reason = "only the dashboard has such keys")
    )]
    pub(crate) fn step(&mut self, record: &StepRecord) -> Result<(), TrainError> {
        if has_answers(record) {
            self.sampled = Some(record.clone());
        }
        #[cfg(feature = "tui")]
        if let Display::Dashboard(dashboard) = &mut self.display {
            let step = record.step;
            return dashboard.step(record).map_err(|_| TrainError::Killed { step });
        }
        match &self.display {
            Display::Bar(bar) => {
                bar.set_position(record.step);
                bar.set_message(summary(record, self.sampled.as_ref()));
            }
            Display::Lines if self.is_due(record.step) => say(&self.line(record)),
            _ => {}
        }
        Ok(())
    }

    /// Shows a sentence that must not be missed.
    pub(crate) fn notice(&mut self, text: &str) {
        let line = (self.shown)(&format!("{}: {text}", self.stage));
        match &mut self.display {
            #[cfg(feature = "tui")]
            Display::Dashboard(dashboard) => dashboard.notice(line),
            Display::Bar(bar) => bar.suspend(|| say(&line)),
            Display::Lines => say(&line),
            Display::Silent => {}
        }
    }

    /// Leaves the bar as it stands and goes on to the next line, or gives the screen back.
    pub(crate) fn finish(&mut self) {
        match &mut self.display {
            Display::Bar(bar) => bar.abandon(),
            #[cfg(feature = "tui")]
            Display::Dashboard(dashboard) => dashboard.close().iter().for_each(|text| say(text)),
            Display::Lines | Display::Silent => {}
        }
    }

    fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.logging_steps) || step == self.num_steps
    }

    fn line(&self, record: &StepRecord) -> String {
        let done = record.step - self.first_step;
        let eta = eta(self.started.elapsed(), done, self.num_steps - record.step);
        let (stage, num_steps) = (&self.stage, self.num_steps);
        let answers = self.sampled.as_ref().unwrap_or(record);
        let summary = [summary(record, Some(answers)), rewards(answers)].concat();
        format!("{stage}: {}/{num_steps}, {summary}, {eta} left", record.step)
    }
}

fn bar(stage: &str, span: Span) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(span.num_steps), ProgressDrawTarget::stderr());
    // The template is a constant that a test parses; a broken one would only cost the layout.
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(stage.to_owned());
    bar.set_position(span.first_step);
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

const TEMPLATE: &str = "{prefix} [{bar:30}] {pos}/{len} {elapsed}, {eta} left, {msg}";

/// Whether answers were sampled before this step, so that it has their rewards.
fn has_answers(record: &StepRecord) -> bool {
    record.metric(MEAN_LENGTH).is_some()
}

const MEAN_LENGTH: &str = "completions/mean_length";

/// The numbers of a step that fit in half a line. What is known of answers is that of the step that sampled them, which is named
/// if it is another one.
fn summary(record: &StepRecord, sampled: Option<&StepRecord>) -> String {
    let part = |text: &str, value: Option<f64>, digits: usize| {
        value.map_or(String::new(), |value| format!(", {text} {}", fixed(value, digits)))
    };
    let of_answers = sampled.filter(|_| !has_answers(record)).unwrap_or(record);
    let first_of = |record: &StepRecord, names: [&str; 2]| {
        names.into_iter().find_map(|name| record.metric(name))
    };
    let reward = part("reward", first_of(of_answers, ["reward", "objective/rlhf_reward"]), 2);
    let length = part("length", of_answers.metric(MEAN_LENGTH), 1);
    let age = if of_answers.step == record.step || (reward.is_empty() && length.is_empty()) {
        String::new()
    } else {
        format!(" (of step {})", of_answers.step)
    };
    let kl = first_of(record, ["objective/kl", "kl"]);
    let kl = part("KL", kl.or_else(|| of_answers.metric("objective/kl")), 3);
    let speed = record.tokens_per_second;
    let loss = fixed(record.loss, 4);
    format!("loss {loss}{reward}{kl}{length}{age}, {speed:.0} tokens/s")
}

/// A number with so many digits; one that rounds to 0 has no sign.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(size) if size.chars().all(|one| one == '0' || one == '.') => size.to_owned(),
        _ => text,
    }
}

/// The mean of each reward, where there are several; they fit in a line, and not beside a bar.
fn rewards(record: &StepRecord) -> String {
    let mean = |(name, value): &(String, f64)| {
        let name = name.strip_prefix("rewards/")?.strip_suffix("/mean")?;
        Some(format!("{name} {}", fixed(*value, 3)))
    };
    let means: Vec<String> = record.metrics.iter().filter_map(mean).collect();
    if means.len() > 1 { format!(", {}", means.join(", ")) } else { String::new() }
}

fn eta(elapsed: Duration, done: u64, left: u64) -> FormattedDuration {
    FormattedDuration(elapsed.div_f64((done as f64).max(1.0)).mul_f64(left as f64))
}

/// Writes a line to standard error. A closed standard error must not end a run, so its failure is ignored.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Origins, Resume, StopFlag};

    fn record(step: u64, metrics: Vec<(String, f64)>) -> StepRecord {
        StepRecord {
            step,
            stage: "grpo".to_owned(),
            loss: 0.123_456,
            grad_norm: 1.0,
            learning_rate: 1e-3,
            tokens_per_second: 811.6,
            metrics,
            diagnosis: Vec::new(),
        }
    }

    fn reporter(first_step: u64) -> Reporter {
        let span = Span { first_step, num_steps: 100, logging_steps: 10 };
        let (stop, origins) = (StopFlag::new(), Origins::default());
        let run = Run {
            folder: Path::new("."),
            stage: "grpo",
            config_hash: "",
            origins: &origins,
            resume: Resume::Fresh,
            stop: &stop,
            replicas: &[],
            progress: Progress::Lines,
            shown: str::to_owned,
            tensorboard: None,
        };
        Reporter::new(&run, span)
    }

    #[test]
    fn a_line_has_step_loss_reward_divergence_speed_and_time_left() {
        let line = reporter(0).line(&record(100, vec![("reward".to_owned(), 6.5)]));
        assert_eq!(line, "grpo: 100/100, loss 0.1235, reward 6.50, 812 tokens/s, 00:00:00 left");
        let metrics = vec![("kl".to_owned(), 0.0625), ("reward".to_owned(), 6.5)];
        let line = reporter(0).line(&record(100, metrics));
        assert!(line.contains("loss 0.1235, reward 6.50, KL 0.062, 812 tokens/s"), "{line}");
        let of_one = ("rewards/accuracy/mean".to_owned(), 0.25);
        let metrics = vec![of_one.clone(), ("completions/mean_length".to_owned(), 31.25)];
        let line = reporter(0).line(&record(100, metrics.clone()));
        assert!(line.contains("loss 0.1235, length 31.2, 812 tokens/s, 00"), "{line}");
        let others = [("rewards/accuracy/std".to_owned(), 0.5), ("rewards/form/mean".into(), 1.0)];
        let line = reporter(0).line(&record(100, [&metrics[..], &others].concat()));
        assert!(line.contains("812 tokens/s, accuracy 0.250, form 1.000, 00"), "{line}");
    }

    #[test]
    fn a_step_on_answers_of_an_earlier_one_shows_their_reward_and_whose_it_is() {
        let answers = [("reward".to_owned(), 6.5), ("completions/mean_length".to_owned(), 31.25)];
        let mut reporter = reporter(0);
        reporter.step(&record(3, answers.to_vec())).expect("shown");
        let line = reporter.line(&record(4, vec![("kl".to_owned(), 0.0625)]));
        let expected = "loss 0.1235, reward 6.50, KL 0.062, length 31.2 (of step 3), 812 tokens/s";
        assert!(line.contains(expected), "{line}");
        // A resumed run knows it from its log.
        let mut resumed = super::tests::reporter(3);
        resumed.recall(&[record(2, vec![]), record(3, answers.to_vec())]);
        let line = resumed.line(&record(4, vec![]));
        assert!(line.contains("reward 6.50, length 31.2 (of step 3), 812"), "{line}");
    }

    #[test]
    fn a_number_that_rounds_to_zero_has_no_sign() {
        let tiny = StepRecord { loss: -0.000_01, ..record(1, vec![("kl".to_owned(), -0.0)]) };
        let line = reporter(0).line(&tiny);
        assert!(line.contains("loss 0.0000, KL 0.000, 812"), "{line}");
        assert_eq!(fixed(-0.126, 2), "-0.13");
    }

    #[test]
    fn the_time_left_counts_only_the_steps_of_this_process() {
        let eta = eta(Duration::from_secs(20), 10, 45);
        assert_eq!(eta.to_string(), "00:01:30");
    }

    #[test]
    fn lines_come_every_logging_steps_and_at_the_end() {
        let due: Vec<u64> = (1..=100).filter(|&step| reporter(0).is_due(step)).collect();
        assert_eq!(due, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    }

    #[test]
    fn the_template_of_the_bar_parses() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
