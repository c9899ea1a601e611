//! The parts that Burn's learner demands and this crate does not use: loaders of nothing, a renderer that shows nothing.

use std::marker::PhantomData;
use std::sync::Arc;

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::MetricDefinition;
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

/// A loader of no items: batches come from a [`BatchSource`](crate::BatchSource), which sees the live weights.
pub(crate) struct NoItems<I>(PhantomData<fn() -> I>);

impl<I: 'static> NoItems<I> {
    pub(crate) fn loader() -> Arc<dyn DataLoader<I>> {
        Arc::new(Self(PhantomData))
    }
}

impl<I: 'static> DataLoader<I> for NoItems<I> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<I> + 'a> {
        Box::new(Self(PhantomData))
    }

    fn num_items(&self) -> usize {
        0
    }

    fn to_device(&self, _device: &Device) -> Arc<dyn DataLoader<I>> {
        Self::loader()
    }

    fn slice(&self, _start: usize, _end: usize) -> Arc<dyn DataLoader<I>> {
        Self::loader()
    }
}

impl<I> Iterator for NoItems<I> {
    type Item = Result<I, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl<I> DataLoaderIterator<I> for NoItems<I> {
    fn progress(&self) -> Progress {
        Progress::new(0, 0, None)
    }
}

/// Shows nothing: Burn's own renderers print to standard output, which belongs to the program's results.
pub(crate) struct Quiet;

impl MetricsRendererTraining for Quiet {
    fn update_train(&mut self, _state: MetricState) {}
    fn update_valid(&mut self, _state: MetricState) {}
}

impl MetricsRendererEvaluation for Quiet {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl TrainingProgressLogger for Quiet {
    fn start(&mut self, _: usize, _: usize, _: Option<usize>, _: Option<&str>) {}
    fn update_epoch(&mut self, _epoch: usize) {}
    fn start_split(&mut self, _split: &str, _total_items: usize) {}
    fn update_split(&mut self, _items_processed: usize) {}
    fn end_split(&mut self) {}
    fn end(&mut self) {}
    fn log_event_training(&mut self, _event: String) {}
}

impl EvaluationProgressLogger for Quiet {
    fn start_global_progress(&mut self, _total_tests: usize) {}
    fn start_test(&mut self, _name: &str, _total_items: usize) {}
    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}

impl MetricsRenderer for Quiet {
    fn manual_close(&mut self) {}
    fn register_metric(&mut self, _definition: MetricDefinition) {}
}
