//! Burn's dashboard in the terminal, fed with the steps of a run.
//!
//! It draws on standard output and takes the keyboard: `q`, then `s`, asks for a stop as Ctrl-C does elsewhere, which ends the
//! step and writes a checkpoint; `q`, then `k`, ends the run at once, at its last checkpoint.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger as _;
use burn::train::metric::{
    MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer as _, MetricsRendererTraining as _};

use crate::progress::Span;
use crate::record::StepRecord;
use crate::stop::{Signal, StopFlag};

/// How often it is asked whether somebody pressed the keys that stop a run.
const POLL: Duration = Duration::from_millis(100);

/// The dashboard of one run.
pub(crate) struct Dashboard {
    /// None once it is closed.
    renderer: Option<TuiMetricsRendererWrapper>,
    metrics: BTreeMap<String, MetricId>,
    num_steps: usize,
    /// Sentences that must not be missed: they are said when the screen is given back.
    notices: Vec<String>,
    is_over: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dashboard").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

/// Somebody pressed the keys that end a run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Killed;

impl Dashboard {
    /// Takes the terminal over. The keys that stop a run raise `stop`.
    pub(crate) fn open(stage: &str, span: Span, stop: StopFlag) -> Self {
        let interrupter = Interrupter::new();
        let mut renderer = TuiMetricsRendererWrapper::new(interrupter.clone(), None);
        let count = |steps: u64| usize::try_from(steps).unwrap_or(usize::MAX);
        let num_steps = count(span.num_steps);
        // One epoch of all steps, the first: Burn counts epochs from 1 and subtracts one without looking.
        renderer.start(1, 1, Some(num_steps), Some(stage));
        renderer.start_split("train", num_steps);
        renderer.update_split(count(span.first_step));
        let is_over = Arc::new(AtomicBool::new(false));
        let is_over_too = is_over.clone();
        let listener = thread::spawn(move || {
            while !is_over_too.load(Ordering::SeqCst) {
                if interrupter.should_stop() {
                    return stop.raise(Signal::Interrupt);
                }
                thread::sleep(POLL);
            }
        });
        Self {
            renderer: Some(renderer),
            metrics: BTreeMap::new(),
            num_steps,
            notices: Vec::new(),
            is_over,
            listener: Some(listener),
        }
    }

    /// Shows a finished step.
    pub(crate) fn step(&mut self, record: &StepRecord) -> Result<(), Killed> {
        let values = values(record);
        let Self { renderer, metrics, num_steps, .. } = self;
        let Some(renderer) = renderer else { return Err(Killed) };
        let done = usize::try_from(record.step).unwrap_or(usize::MAX).min(*num_steps);
        // Burn ends a run at once by a panic in the thread that shows it.
        let shown = catch_unwind(AssertUnwindSafe(|| {
            for (name, value) in values {
                let id = metrics.entry(name.to_owned()).or_insert_with(|| register(renderer, name));
                let entry = SerializedEntry::new(short(value), value.to_string());
                let entry = MetricEntry::new(id.clone(), entry);
                renderer
                    .update_train(MetricState::Numeric(entry, Some(NumericEntry::Value(value))));
            }
            renderer.update_split(done);
        }));
        shown.map_err(|_| {
            self.close();
            Killed
        })
    }

    /// Keeps a sentence until the screen is given back.
    pub(crate) fn notice(&mut self, text: String) {
        self.notices.push(text);
    }

    /// Gives the screen back, and hands over what is to be said.
    pub(crate) fn close(&mut self) -> Vec<String> {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(renderer) = self.renderer.take() {
            // It panics here too where the run is to end at once; the screen is given back by then.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(renderer)));
        }
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        std::mem::take(&mut self.notices)
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is looked at most, of the numbers of any method. The list beside the curves has room for a few, and shows the first.
const FIRST: [&str; 6] =
    ["loss", "reward", "objective/rlhf_reward", "kl", "objective/kl", "tokens_per_second"];

/// The numbers of a step, those that are looked at most first.
fn values(record: &StepRecord) -> Vec<(&str, f64)> {
    let mut values: Vec<(&str, f64)> = record.scalars().collect();
    let place = |name: &str| FIRST.iter().position(|first| *first == name);
    values.sort_by_key(|(name, _)| place(name).unwrap_or(FIRST.len()));
    values
}

/// A number in a few characters: learning rates are far below 1, and speeds far above.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e4 => format!("{value:.0}"),
        size if size != 0.0 && size < 1e-3 => format!("{value:.3e}"),
        _ => format!("{value:.6}"),
    }
}

/// Makes a metric known to the dashboard.
fn register(renderer: &mut TuiMetricsRendererWrapper, name: &str) -> MetricId {
    let name = Arc::new(name.to_owned());
    let id = MetricId::new(name.clone());
    let higher_is_better = !name.ends_with("loss");
    renderer.register_metric(MetricDefinition {
        metric_id: id.clone(),
        name,
        description: None,
        attributes: MetricAttributes::Numeric(NumericAttributes { unit: None, higher_is_better }),
    });
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_and_divergences_stand_before_what_is_looked_at_less() {
        let metrics = [("entropy", 1.0), ("kl", 0.25), ("reward", 6.5), ("std", f64::NAN)];
        let metrics = metrics.map(|(name, value)| (name.to_owned(), value));
        let (loss, grad_norm, tokens_per_second) = (0.5, 2.0, 812.0);
        let own = StepRecord { loss, grad_norm, tokens_per_second, ..StepRecord::new("grpo", 1) };
        let record = StepRecord { metrics: metrics.into(), ..own };
        let names: Vec<&str> = values(&record).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["loss", "reward", "kl", "tokens_per_second", "grad_norm", "entropy"]);
    }

    #[test]
    fn small_and_large_numbers_are_no_rows_of_zeros() {
        let numbers = [4.7e-7, 0.0, -0.25, 22_664.324_064].map(short);
        assert_eq!(numbers, ["4.700e-7", "0.000000", "-0.250000", "22664"]);
    }
}
