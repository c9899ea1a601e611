//! Where the micro-batches of a step come from, and what a step on one of them reports.

use burn::module::Module;
use burn::tensor::{ExecutionError, Tensor};
use burn::train::{ItemLazy, TrainOutput, TrainStep};
use serde::Serialize;

use crate::checkpoint::Cursor;

/// Any error of a [`BatchSource`]; it is shown to the user under the step's number.
pub type BatchError = Box<dyn std::error::Error + Send + Sync>;

/// Why a source made no batches: the run is to stop, and it left off. What later steps depend on is as it was before.
///
/// It is for batches that take long to make, such as samples: the step has not begun then, and a resumed run makes them
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batches were not finished, for the run is to stop")]
pub struct Abandoned;

/// Source of the micro-batches of each optimiser step.
///
/// What [`batches`](Self::batches) returns may depend on nothing but the source's own configuration and seed, the step,
/// the weights of `model`, and what [`state`](Self::state) says: a resumed run asks for the steps after its checkpoint
/// and must get what the uninterrupted run got. Nothing else of a source is stored.
pub trait BatchSource<M: TrainStep> {
    /// Number of optimiser steps of a whole run.
    fn num_steps(&self) -> u64;

    /// Micro-batches of optimiser step `step`, counted from 0.
    ///
    /// `model` holds the live weights on the plain device (no autodiff): supervised sources ignore it, reinforcement
    /// learning samples from it.
    ///
    /// # Errors
    ///
    /// If the step has no batch; the run ends with this error, its last checkpoint untouched. [`Abandoned`], if the run was
    /// asked to stop: it then stops before this step.
    fn batches(&mut self, step: u64, model: &M) -> Result<StepBatches<M::Input>, BatchError>;

    /// Where in the data optimiser step `step`, counted from 0, begins; it stands in every checkpoint, and a run whose data
    /// stand elsewhere does not resume from it.
    fn cursor(&self, step: u64) -> Option<Cursor> {
        let _ = step;
        None
    }

    /// The rows of a step whose batches were made, for a person who asks why it went wrong.
    ///
    /// # Errors
    ///
    /// If they cannot be found or decoded.
    fn rows(&mut self, step: u64) -> Result<Vec<BatchRow>, BatchError> {
        let _ = step;
        Ok(Vec::new())
    }

    /// Numbers that follow from what each micro-batch of a finished step reported, under TRL's names; `reported` holds the
    /// metrics of each. They are logged with the step.
    fn finished(&mut self, step: u64, reported: &[Reported]) -> Vec<(String, f64)> {
        let _ = (step, reported);
        Vec::new()
    }

    /// What the steps so far left behind and later ones depend on, such as completions that were sampled and are not
    /// used up. It is stored in every checkpoint. Most sources have no such thing.
    fn state(&self) -> Option<String> {
        None
    }

    /// Takes back what [`state`](Self::state) gave after the last step of a checkpoint.
    ///
    /// # Errors
    ///
    /// If the text is none of its own.
    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        let _ = state;
        Err("this source keeps no state".into())
    }
}

/// One row of a step, for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BatchRow {
    /// Where it comes from, e.g. its line in a file.
    pub id: String,
    /// What is in it.
    pub text: String,
}

/// The metrics of one micro-batch.
pub type Reported = Vec<(&'static str, f64)>;

/// The micro-batches of one optimiser step.
#[derive(Clone, Debug)]
pub struct StepBatches<I> {
    /// Inputs of [`TrainStep::step`], at least one. Their gradients are summed, so each loss must already be divided by
    /// what the whole step is averaged over.
    pub inputs: Vec<I>,
    /// Tokens that the step trains on, for the speed.
    pub num_tokens: usize,
    /// What is in the step, for the error when its loss is not finite, e.g. `examples 4, 17, 31`.
    pub description: String,
    /// Numbers known before the step, such as rewards, under TRL's names.
    pub metrics: Vec<(String, f64)>,
    /// Sentences for the user, said before the step.
    pub notices: Vec<String>,
}

/// What a step on one micro-batch reports: the [`TrainStep::Output`] of every model that [`fit`](crate::fit) trains.
#[derive(Clone, Debug)]
pub struct StepOutput {
    /// `[1]`, detached. The step's loss is the sum over its micro-batches.
    pub loss: Tensor<1>,
    /// Weight of this micro-batch in the means of `metrics`, `>= 0`: its number of tokens, or 1.
    pub weight: f64,
    /// Detached `[1]` tensors under TRL's names. The step's metric is their mean, weighted by `weight`; of a name that ends in
    /// `/min` or `/max` the least or the greatest, as TRL takes them over all that was sampled at once.
    pub metrics: Vec<(&'static str, Tensor<1>)>,
}

impl StepOutput {
    /// Runs the backward pass of `loss` (`[1]`) and pairs the gradients of `model` with the report.
    #[must_use]
    pub fn backward<M: Module>(
        model: &M,
        loss: Tensor<1>,
        weight: f64,
        metrics: Vec<(&'static str, Tensor<1>)>,
    ) -> TrainOutput<Self> {
        let grads = loss.backward();
        TrainOutput::new(model, grads, Self { loss: loss.detach(), weight, metrics })
    }
}

impl ItemLazy for StepOutput {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

/// The loss of each micro-batch.
pub(crate) fn losses(outputs: &[StepOutput]) -> Vec<f64> {
    outputs.iter().map(|output| read(output.loss.clone())).collect()
}

/// The metrics of each micro-batch.
pub(crate) fn reported(outputs: &[StepOutput]) -> Vec<Reported> {
    let of = |output: &StepOutput| {
        output.metrics.iter().map(|(name, value)| (*name, read(value.clone()))).collect()
    };
    outputs.iter().map(of).collect()
}

/// Sum of the losses, and each metric in order of first appearance.
///
/// A step whose weights are all zero has plain means: nothing in it counted, and its metrics say so themselves.
pub(crate) fn reduce(outputs: Vec<StepOutput>) -> (f64, Vec<(String, f64)>) {
    let total: f64 = outputs.iter().map(|output| output.weight).sum();
    let mut loss = 0.0;
    let mut reduced: Vec<Reduced> = Vec::new();
    for output in outputs {
        loss += read(output.loss);
        let weight = if total > 0.0 { output.weight } else { 1.0 };
        for (name, value) in output.metrics {
            let value = read(value);
            match reduced.iter_mut().find(|known| known.name == name) {
                Some(known) => known.add(value, weight),
                None => reduced.push(Reduced { name, value, sum: value * weight, weight }),
            }
        }
    }
    (loss, reduced.into_iter().map(|one| (one.name.to_owned(), one.result())).collect())
}

/// A metric of the micro-batches so far.
struct Reduced {
    name: &'static str,
    /// The least or the greatest.
    value: f64,
    sum: f64,
    weight: f64,
}

impl Reduced {
    fn add(&mut self, value: f64, weight: f64) {
        self.value = match Extreme::of(self.name) {
            // NaN is that of a micro-batch in which nothing counted.
            Some(Extreme::Least) => self.value.min(value),
            _ => self.value.max(value),
        };
        self.sum += value * weight;
        self.weight += weight;
    }

    fn result(&self) -> f64 {
        match Extreme::of(self.name) {
            Some(_) => self.value,
            None => self.sum / self.weight,
        }
    }
}

/// Metrics that are no means.
#[derive(Clone, Copy)]
enum Extreme {
    Least,
    Greatest,
}

impl Extreme {
    fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('/') {
            Some((_, "min")) => Some(Self::Least),
            Some((_, "max")) => Some(Self::Greatest),
            _ => None,
        }
    }
}

fn read(scalar: Tensor<1>) -> f64 {
    f64::from(scalar.into_scalar::<f32>())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn output(loss: f32, weight: f64, entropy: f32) -> StepOutput {
        let scalar = |value: f32| Tensor::from_floats([value], &Device::flex());
        StepOutput { loss: scalar(loss), weight, metrics: vec![("entropy", scalar(entropy))] }
    }

    #[test]
    fn losses_add_up_and_metrics_average_by_weight() {
        let (loss, metrics) = reduce(vec![output(0.25, 1.0, 4.0), output(0.5, 3.0, 8.0)]);
        assert!((loss - 0.75).abs() < 1e-12);
        assert_eq!(metrics, [("entropy".to_owned(), 7.0)]);
    }

    #[test]
    fn the_least_and_the_greatest_of_a_step_are_no_means() {
        let output = |least: f32, greatest: f32| {
            let scalar = |value: f32| Tensor::from_floats([value], &Device::flex());
            let metrics = vec![("ratio/min", scalar(least)), ("ratio/max", scalar(greatest))];
            StepOutput { loss: scalar(0.0), weight: 1.0, metrics }
        };
        let (_, metrics) =
            reduce(vec![output(0.5, 2.0), output(0.25, 1.5), output(0.75, f32::NAN)]);
        assert_eq!(metrics, [("ratio/min".to_owned(), 0.25), ("ratio/max".to_owned(), 2.0)]);
    }

    #[test]
    fn a_metric_of_a_step_without_weight_is_the_plain_mean() {
        let (_, metrics) = reduce(vec![output(0.0, 0.0, 4.0), output(0.0, 0.0, 8.0)]);
        assert_eq!(metrics, [("entropy".to_owned(), 6.0)]);
    }
}
