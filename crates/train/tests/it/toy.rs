//! A small model with every kind of parameter, its batches, and runs of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig, RmsNorm, RmsNormConfig};
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use forethought_train::{
    Abandoned, BatchError, BatchRow, BatchSource, Cursor, Fitted, Origins, Progress, Resume, Run,
    Signal, StepBatches, StepOutput, StopFlag, TrainConfig, TrainError, fit,
};

const ROWS: usize = 4;
const WIDTH: usize = 3;

/// `project(norm(tanh(embed(x))))`.
#[derive(Module, Debug)]
pub(crate) struct Toy {
    embed: Linear,
    norm: RmsNorm,
    project: Linear,
}

/// Numbers in (-1, 1) that look random and are the same everywhere.
fn wave<const D: usize>(shape: [usize; D], phase: f32, device: &Device) -> Tensor<D> {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> =
        (0..count).map(|index| (phase + 1.7 * index as f32).sin() * 0.9).collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape(shape)
}

impl Toy {
    /// The model on an autodiff device; `phase` makes its weights.
    pub(crate) fn new(phase: f32) -> Self {
        let device = Device::flex().autodiff();
        let linear = |phase: f32| {
            let mut linear = LinearConfig::new(WIDTH, WIDTH).init(&device);
            linear.weight = Param::from_tensor(wave([WIDTH, WIDTH], phase, &device));
            linear.bias = Some(Param::from_tensor(wave([WIDTH], phase + 0.5, &device)));
            linear
        };
        let norm = RmsNormConfig::new(WIDTH).init(&device);
        Self { embed: linear(phase), norm, project: linear(phase + 1.0) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.project.forward(self.norm.forward(self.embed.forward(x).tanh())) // [row, width]
    }

    /// Every parameter, bit for bit, under its name.
    pub(crate) fn bits(&self) -> Vec<(&'static str, Vec<u32>)> {
        let bits = |data: TensorData| data.iter::<f32>().map(f32::to_bits).collect();
        let bias_of = |linear: &Linear| {
            let param = linear.bias.as_ref().expect("made with one");
            bits(param.val().into_data())
        };
        vec![
            ("embed.weight", bits(self.embed.weight.val().into_data())),
            ("embed.bias", bias_of(&self.embed)),
            ("norm.gamma", bits(self.norm.gamma.val().into_data())),
            ("project.weight", bits(self.project.weight.val().into_data())),
            ("project.bias", bias_of(&self.project)),
        ]
    }

    pub(crate) fn frozen_embedding(mut self) -> Self {
        self.embed = self.embed.no_grad();
        self
    }
}

/// Inputs and targets of one micro-batch, and what its loss is multiplied by.
#[derive(Clone, Debug)]
pub(crate) struct ToyBatch {
    x: Tensor<2>,
    y: Tensor<2>,
    share: f32,
}

impl TrainStep for Toy {
    type Input = ToyBatch;
    type Output = StepOutput;

    fn step(&self, ToyBatch { x, y, share }: ToyBatch) -> TrainOutput<StepOutput> {
        let errors = (self.forward(x) - y).square(); // [row, width]
        let metrics = vec![("largest_error", errors.clone().max().detach())];
        StepOutput::backward(self, errors.mean().mul_scalar(share), 1.0, metrics)
    }
}

impl InferenceStep for Toy {
    type Input = ();
    type Output = ();

    fn step(&self, (): ()) {}
}

/// What a source does when it is asked for the batches of a step.
#[derive(Clone, Debug, Default)]
pub(crate) enum Trouble {
    #[default]
    None,
    /// Raises the flag while the step (counted from 0) is made, as Ctrl-C during a step does.
    Stop { during: u64, flag: StopFlag },
    /// Fails.
    Fail { at: u64 },
    /// Makes a loss that is not a number.
    Nan { at: u64 },
    /// Makes a loss that is not a number in this step and all after it.
    NanFrom { at: u64 },
    /// Makes a loss a thousand times as large.
    Spike { at: u64 },
    /// Makes the losses of this step and of all after it a thousand times as large.
    SpikeFrom { at: u64 },
    /// Leaves off, as a sampler does when it is asked to stop.
    Abandon { at: u64, flag: StopFlag },
    /// Takes a while for every step, and leaves a file that says it has begun.
    Slow { each: Duration, begun: PathBuf },
    /// Returns no micro-batch.
    Empty { at: u64 },
}

/// Two micro-batches per step. The targets depend on the live weights, as rollouts do, and on the rewards of all steps so
/// far, as a controller does.
#[derive(Clone, Debug)]
pub(crate) struct ToySource {
    pub(crate) num_steps: u64,
    pub(crate) num_micro_batches: usize,
    pub(crate) trouble: Trouble,
    pub(crate) total_reward: f32,
}

impl ToySource {
    pub(crate) fn new(num_steps: u64) -> Self {
        Self { num_steps, num_micro_batches: 2, trouble: Trouble::None, total_reward: 0.0 }
    }

    pub(crate) fn with(num_steps: u64, trouble: Trouble) -> Self {
        Self { trouble, ..Self::new(num_steps) }
    }
}

impl BatchSource<Toy> for ToySource {
    fn num_steps(&self) -> u64 {
        self.num_steps
    }

    fn batches(&mut self, step: u64, model: &Toy) -> Result<StepBatches<ToyBatch>, BatchError> {
        let mut share = 1.0 / self.num_micro_batches as f32;
        match &self.trouble {
            Trouble::Stop { during, flag } if *during == step => flag.raise(Signal::Interrupt),
            Trouble::Fail { at } if *at == step => return Err("the rollout lost a prompt".into()),
            Trouble::Slow { each, begun } => {
                fs::write(begun, "")?;
                thread::sleep(*each);
            }
            Trouble::Nan { at } if *at == step => share = f32::NAN,
            Trouble::NanFrom { at } if *at <= step => share = f32::NAN,
            Trouble::Spike { at } if *at == step => share *= 1000.0,
            Trouble::SpikeFrom { at } if *at <= step => share *= 1000.0,
            Trouble::Abandon { at, flag } if *at == step => {
                flag.raise(Signal::Terminate);
                return Err(Abandoned.into());
            }
            _ => {}
        }
        let plain = Device::flex();
        let rows = ROWS * self.num_micro_batches;
        let x = wave([rows, WIDTH], 0.3 + step as f32, &plain); // [row, width]
        let y = model.forward(x.clone()).mul_scalar(0.5) + x.clone().mul_scalar(0.25);
        let y = y.add_scalar(0.001 * self.total_reward);
        let reward = y.clone().mean().into_scalar::<f32>();
        self.total_reward += reward;
        let device = plain.autodiff();
        let lift = |tensor: Tensor<2>| Tensor::from_data(tensor.into_data(), &device);
        let per_batch = rows / self.num_micro_batches;
        let is_empty = matches!(self.trouble, Trouble::Empty { at } if at == step);
        let inputs = (0..self.num_micro_batches).map(|index| {
            let rows = index * per_batch..(index + 1) * per_batch;
            let cut = |tensor: &Tensor<2>| lift(tensor.clone().slice([rows.clone(), 0..WIDTH]));
            ToyBatch { x: cut(&x), y: cut(&y), share }
        });
        Ok(StepBatches {
            inputs: if is_empty { vec![] } else { inputs.collect() },
            num_tokens: rows,
            description: format!("rows of phase {step}"),
            metrics: vec![("reward".to_owned(), f64::from(reward))],
            notices: Vec::new(),
        })
    }

    fn cursor(&self, step: u64) -> Option<Cursor> {
        Some(Cursor { epoch: 0, step_of_epoch: step, seed: 7 })
    }

    fn rows(&mut self, step: u64) -> Result<Vec<BatchRow>, BatchError> {
        Ok(vec![BatchRow { id: format!("phase {step}"), text: "a wave".to_owned() }])
    }

    fn state(&self) -> Option<String> {
        Some(self.total_reward.to_bits().to_string())
    }

    fn restore(&mut self, state: &str) -> Result<(), BatchError> {
        self.total_reward = f32::from_bits(state.parse()?);
        Ok(())
    }
}

pub(crate) fn config() -> TrainConfig {
    TrainConfig {
        learning_rate: 0.05,
        weight_decay: 0.1,
        max_grad_norm: 0.1,
        warmup_steps: 2,
        ..TrainConfig::default()
    }
}

/// How a test run differs from the usual one.
pub(crate) struct Setup<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) config: TrainConfig,
    pub(crate) config_hash: &'a str,
    pub(crate) resume: Resume,
    pub(crate) stop: StopFlag,
    pub(crate) replicas: &'a [Device],
    pub(crate) progress: Progress,
}

impl<'a> Setup<'a> {
    pub(crate) fn fresh(folder: &'a Path) -> Self {
        let (resume, stop) = (Resume::Fresh, StopFlag::new());
        let progress = Progress::Silent;
        let config_hash = "c0ffee";
        Self { folder, config: config(), config_hash, resume, stop, replicas: &[], progress }
    }

    pub(crate) fn resumed(folder: &'a Path) -> Self {
        Self { resume: Resume::Continue, ..Self::fresh(folder) }
    }

    pub(crate) fn saving_every(mut self, steps: u64) -> Self {
        self.config.save_steps = steps;
        self
    }

    pub(crate) fn fit(&self, model: Toy, source: ToySource) -> Result<Fitted<Toy>, TrainError> {
        let trainer = self.config.init().expect("parameters are in range");
        let run = Run {
            folder: self.folder,
            stage: "toy",
            config_hash: self.config_hash,
            origins: &Origins::default(),
            resume: self.resume,
            stop: &self.stop,
            replicas: self.replicas,
            progress: self.progress,
            shown: str::to_owned,
            tensorboard: None,
        };
        fit(model, source, &trainer, &run)
    }
}
