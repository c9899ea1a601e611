//! The device that `--device` names.

use burn::tensor::Device;

use crate::PipelineError;

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
    fn an_unknown_device_is_refused_with_the_names_there_are() {
        for name in ["gpu", "cpu:1", "cuda:x"] {
            let error = parse_device(name).expect_err("not a device").to_string();
            assert!(error.contains(name) && error.contains("cuda"), "{error}");
        }
    }
}
