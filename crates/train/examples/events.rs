//! Writes what `tests/interop/events.py` reads: the event files of a run that was interrupted and went on.
//!
//! `cargo run -p forethought-train --example events -- DIR`

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_train::{
    BatchError, BatchSource, Origins, Progress, Resume, Run, Signal, StepBatches, StepOutput,
    StopFlag, TrainConfig, fit,
};

/// `y = weight x`
#[derive(Module, Debug)]
struct Slope {
    weight: Param<Tensor<1>>,
}

impl TrainStep for Slope {
    type Input = (Tensor<1>, Tensor<1>);
    type Output = StepOutput;

    fn step(&self, (x, y): Self::Input) -> TrainOutput<StepOutput> {
        let loss = (self.weight.val() * x - y).square().mean();
        let weight = self.weight.val().detach();
        StepOutput::backward(self, loss, 1.0, vec![("weight/of slope", weight)])
    }
}

impl InferenceStep for Slope {
    type Input = ();
    type Output = ();
    fn step(&self, (): ()) {}
}

/// Points on `y = 3 x`; asks for a stop at one of its steps.
struct Line {
    device: Device,
    last: u64,
    stop: StopFlag,
}

impl BatchSource<Slope> for Line {
    fn num_steps(&self) -> u64 {
        30
    }

    fn batches(
        &mut self,
        step: u64,
        _: &Slope,
    ) -> Result<StepBatches<(Tensor<1>, Tensor<1>)>, BatchError> {
        if step == self.last {
            self.stop.raise(Signal::Interrupt);
        }
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        let x = Tensor::from_floats([(1.0 + (step % 3) as f64) as f32], &self.device);
        let y = x.clone() * 3.0;
        Ok(StepBatches {
            inputs: vec![(x, y)],
            num_tokens: 1,
            description: format!("point {step}"),
            metrics: vec![("reward".to_owned(), step as f64), ("kl".to_owned(), f64::NAN)],
            notices: Vec::new(),
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: events DIR")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let config = TrainConfig { learning_rate: 0.3, save_steps: 10, ..TrainConfig::default() };
    for (resume, last) in [(Resume::Fresh, 19), (Resume::Continue, u64::MAX)] {
        let (device, stop) = (Device::flex().autodiff(), StopFlag::new());
        let model = Slope { weight: Param::from_data([0.0], &device) };
        let line = Line { device, last, stop: stop.clone() };
        let run = Run {
            folder,
            stage: "line",
            config_hash: "example",
            origins: &Origins::default(),
            resume,
            stop: &stop,
            replicas: &[],
            progress: Progress::Silent,
            shown: str::to_owned,
            tensorboard: Some(&folder.join("tensorboard")),
        };
        fit(model, line, &config.init()?, &run)?;
    }
    Ok(())
}
