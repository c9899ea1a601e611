//! The devices that `--device` and `--devices` name.

use burn::tensor::Device;

use crate::PipelineError;
use crate::memory::Sizes;
use crate::stages::Context;

/// The device of a name: `cpu`, `cuda` or `cuda:N`.
///
/// # Errors
///
/// If the name is none of these, or names CUDA in a binary that was built without it.
pub fn parse_device(name: &str) -> Result<Device, PipelineError> {
    match name.split_once(':').unwrap_or((name, "0")) {
        ("cpu", "0") => Ok(Device::flex()),
        ("cuda", index) => {
            let message =
                || PipelineError::Device(format!("`{name}`: N in cuda:N is a number from 0"));
            cuda(index.parse().map_err(|_| message())?)
        }
        _ => Err(PipelineError::Device(format!("`{name}` is unknown: use cpu, cuda or cuda:N"))),
    }
}

/// The devices of a run.
#[derive(Clone, Debug)]
pub struct Devices {
    /// Where models live, completions are sampled and weights are updated.
    pub main: Device,
    /// Where micro-batches are computed besides; with gradients.
    pub replicas: Vec<Device>,
}

/// The devices of a list such as `cuda:0,cuda:1`: the first is the main one. `cpu` may stand there several times, each of
/// which is some threads of it; so this can be tried without a GPU.
///
/// # Errors
///
/// If a name is none of [`parse_device`], the devices are not of one kind, or a GPU is named twice.
pub fn parse_devices(names: &str) -> Result<Devices, PipelineError> {
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let kind = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let refuse = |message: String| Err(PipelineError::Device(message));
    if let Some(other) = names.iter().find(|name| kind(name) != kind(names[0])) {
        let first = names[0];
        return refuse(format!(
            "`{other}` is of another kind than `{first}`: name devices of one kind"
        ));
    }
    let devices = names.iter().map(|name| parse_device(name));
    let devices: Vec<Device> = devices.collect::<Result<_, _>>()?;
    let twice = (1..devices.len()).find(|index| devices[..*index].contains(&devices[*index]));
    if let Some(index) = twice.filter(|_| kind(names[0]) != "cpu") {
        return refuse(format!("`{}` is named twice", names[index]));
    }
    let replicas = devices[1..].iter().map(|device| device.clone().autodiff()).collect();
    Ok(Devices { main: devices[0].clone(), replicas })
}

/// Refuses more devices than a step of the stage has micro-batches: each is computed on one.
pub(crate) fn require_work_for_all(
    context: &Context<'_>,
    sizes: &Sizes<'_>,
) -> Result<(), PipelineError> {
    let (devices, micro_batches) = (context.replicas.len() + 1, sizes.micro_batches);
    if devices == 1 || devices <= micro_batches {
        return Ok(());
    }
    let setting = sizes.lowerable.at_once.map_or("micro-batch", |(setting, _)| setting);
    let message = format!(
        "a step has {micro_batches} micro-batches for {devices} devices, and each is computed on one; make more of them (a \
         smaller {setting}, a larger step), or name fewer devices"
    );
    Err(PipelineError::stage(context.name, message))
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<Device, PipelineError> {
    Ok(Device::cuda(index))
}

#[cfg(not(feature = "cuda"))]
fn cuda(_index: usize) -> Result<Device, PipelineError> {
    let message = "`cuda` is not in this binary: build it with --features cuda";
    Err(PipelineError::Device(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_burns_flex_backend() {
        assert_eq!(parse_device("cpu").expect("always there"), Device::flex());
    }

    #[test]
    fn the_first_of_several_devices_is_the_main_one_and_all_are_of_one_kind() {
        let devices = parse_devices("cpu, cpu").expect("threads of the CPU");
        assert_eq!(
            (devices.main, devices.replicas),
            (Device::flex(), vec![Device::flex().autodiff()])
        );
        assert_eq!(parse_devices("cpu").expect("one").replicas, []);
        let error = parse_devices("cpu,cuda:1").expect_err("two kinds").to_string();
        assert!(error.contains("`cuda:1` is of another kind than `cpu`"), "{error}");
        assert!(parse_devices("cpu,").is_err());
    }

    #[test]
    fn an_unknown_device_is_refused_with_the_names_there_are() {
        for name in ["gpu", "cpu:1", "cuda:x"] {
            let error = parse_device(name).expect_err("not a device").to_string();
            assert!(error.contains(name) && error.contains("cuda"), "{error}");
        }
    }
}
