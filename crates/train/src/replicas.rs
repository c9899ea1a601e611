//! The gradients of a step's micro-batches, computed on one device or on several at once.

use std::thread;

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;
use burn::train::{LearnerModel, TrainOutput, TrainStep};

use crate::source::StepOutput;

/// Sum of the gradients of the micro-batches, in their order and on the device of the model, and what each reported.
///
/// Micro-batches go round the devices: that of the model, then `others`, each of which gets a copy of the weights. A round is
/// awaited before the next begins, so no device holds more than one gradient. Whichever device is done first, gradients
/// are added in the order of their micro-batches: the sum is the one of a single device.
pub(crate) fn accumulate<M>(
    model: &M,
    inputs: Vec<<M as TrainStep>::Input>,
    others: &[Device],
) -> (GradientsParams, Vec<StepOutput>)
where
    M: LearnerModel + TrainStep<Output = StepOutput>,
{
    let mut sum = GradientsAccumulator::new();
    let mut outputs = Vec::with_capacity(inputs.len());
    let mut add = |output: TrainOutput<StepOutput>| {
        sum.accumulate(model, output.grads);
        outputs.push(output.item);
    };
    if others.is_empty() {
        for input in inputs {
            add(TrainStep::step(model, input));
        }
        return (sum.grads(), outputs);
    }
    let copies = others.iter().map(|device| model.clone().fork(device));
    let replicas: Vec<M> = std::iter::once(model.clone()).chain(copies).collect();
    let home = model.devices().into_iter().next();
    let mut inputs = inputs.into_iter().peekable();
    while inputs.peek().is_some() {
        for output in round(&replicas, &mut inputs) {
            let grads = match &home {
                Some(home) => output.grads.to_device(home, model),
                None => output.grads,
            };
            add(TrainOutput { grads, item: output.item });
        }
    }
    (sum.grads(), outputs)
}

/// One micro-batch on each replica, at once; what came of them, in the order of the micro-batches.
fn round<M>(
    replicas: &[M],
    inputs: &mut dyn Iterator<Item = <M as TrainStep>::Input>,
) -> Vec<TrainOutput<StepOutput>>
where
    M: LearnerModel + TrainStep<Output = StepOutput>,
{
    thread::scope(|scope| {
        let started = replicas.iter().zip(inputs).map(|(replica, input)| {
            let replica = replica.clone();
            scope.spawn(move || TrainStep::step(&replica, input))
        });
        let started: Vec<_> = started.collect();
        let joined = started.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
