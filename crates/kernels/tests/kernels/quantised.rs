//! Quantised matrices: their codes against bitsandbytes, their products against stock operations.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use forethought_kernels::{
    Quantisation, QuantisedMatrix, dequantise_rows, quantised_linear, stock,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_close, gradients, numbers, random_leaf, values};

const KINDS: [Quantisation; 2] = [Quantisation::Nf4, Quantisation::Int8];

fn matrix(seed: u64, dims: [usize; 2], kind: Quantisation) -> QuantisedMatrix {
    QuantisedMatrix::quantise(&numbers(seed, dims[0] * dims[1]), dims, kind, &Device::flex())
}

/// What `make_quantised.py` quantised.
fn golden_matrix(kind: Quantisation) -> QuantisedMatrix {
    let cubes: Vec<f32> =
        numbers(5, 130 * 130).into_iter().map(|value| value * value * value).collect();
    QuantisedMatrix::quantise(&cubes, [130, 130], kind, &Device::flex())
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../fixtures/quantised.json")).expect("the fixture is JSON")
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("a string");
    let byte = |index| u8::from_str_radix(&hex[index..index + 2], 16).expect("a byte");
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn floats(values: &Value) -> Vec<f32> {
    serde_json::from_value(values.clone()).expect("numbers")
}

#[test]
fn codes_and_scales_of_nf4_equal_those_of_bitsandbytes() {
    let golden = &golden()["nf4"];
    let matrix = golden_matrix(Quantisation::Nf4);
    let [codes, block_codes, scales] = matrix.to_data();
    assert_eq!(codes.try_to_vec::<u8>().expect("bytes"), bytes(&golden["codes"]));
    assert_eq!(block_codes.try_to_vec::<u8>().expect("bytes"), bytes(&golden["block_codes"]));
    let scales = scales.try_to_vec::<f32>().expect("floats");
    assert_close(&scales, &floats(&golden["scales"]), 1e-6);
    let dequantised = values(dequantise_rows(&matrix, 0, 130));
    let some: Vec<f32> = dequantised.into_iter().step_by(89).collect();
    assert_close(&some, &floats(&golden["dequantised"]), 1e-6);
}

#[test]
fn codes_and_scales_of_int8_equal_those_of_bitsandbytes() {
    let golden = &golden()["int8"];
    let [codes, _, scales] = golden_matrix(Quantisation::Int8).to_data();
    let codes = codes.try_to_vec::<i8>().expect("bytes");
    let expected: Vec<i8> = bytes(&golden["codes"]).into_iter().map(u8::cast_signed).collect();
    assert_eq!(codes, expected);
    let largest: Vec<f32> =
        scales.try_to_vec::<f32>().expect("floats").iter().map(|scale| scale * 127.0).collect();
    assert_close(&largest, &floats(&golden["largest"]), 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn products_and_gradients_equal_those_of_stock_operations(
        tokens in 1..9usize, inputs in 1..300usize, outputs in 1..300usize, seed in any::<u32>(),
    ) {
        for kind in KINDS {
            let x = random_leaf(seed.into(), [tokens, inputs]);
            let matrix = matrix(u64::from(seed) + 1, [outputs, inputs], kind);
            let fused = quantised_linear(x.clone(), &matrix);
            let expected = stock::quantised_linear(&x, &matrix);
            assert_close(&values(fused.clone()), &values(expected.clone()), 1e-5);
            assert_close(&gradients(&fused, &[&x])[0], &gradients(&expected, &[&x])[0], 1e-5);
        }
    }

    #[test]
    fn any_rows_equal_those_of_stock_operations(
        inputs in 1..200usize, outputs in 1..200usize, start in any::<prop::sample::Index>(), seed in any::<u32>(),
    ) {
        for kind in KINDS {
            let matrix = matrix(seed.into(), [outputs, inputs], kind);
            let start = start.index(outputs);
            let rows = dequantise_rows(&matrix, start, outputs - start);
            let expected = stock::dequantise_rows(&matrix, start, outputs - start);
            prop_assert_eq!(values(rows), values(expected));
        }
    }
}

/// More than one tile: 1,000 rows of 700 numbers are 2.7 MB.
#[test]
fn a_product_is_that_with_the_dequantised_matrix() {
    for kind in KINDS {
        let matrix = matrix(3, [1000, 700], kind);
        let x = random_leaf(4, [5, 700]);
        let dense = Tensor::from_inner(dequantise_rows(&matrix, 0, 1000)); // [out, in]
        let expected = x.clone().matmul(dense.transpose());
        let product = quantised_linear(x.clone(), &matrix);
        assert_close(&values(product.clone()), &values(expected.clone()), 1e-5);
        assert_close(&gradients(&product, &[&x])[0], &gradients(&expected, &[&x])[0], 1e-5);
    }
}

#[test]
fn what_is_lost_is_at_most_half_a_step_of_the_format() {
    let numbers = numbers(9, 64 * 64);
    let lost = |kind| {
        let matrix = QuantisedMatrix::quantise(&numbers, [64, 64], kind, &Device::flex());
        let kept = values(dequantise_rows(&matrix, 0, 64));
        let lost = kept.iter().zip(&numbers).map(|(kept, number)| (kept - number).abs());
        lost.fold(0f32, f32::max)
    };
    // The widest gap of the code book is 0.304, and a scale is off by up to 1 % of the largest.
    assert!(lost(Quantisation::Nf4) < 0.152 + 0.02, "{}", lost(Quantisation::Nf4));
    assert!(lost(Quantisation::Int8) <= 0.5 / 127.0 + 1e-6, "{}", lost(Quantisation::Int8));
}

#[test]
fn a_matrix_takes_the_bits_that_its_format_says() {
    let bytes = |kind| matrix(1, [512, 512], kind).num_bytes();
    let numbers = 512 * 512;
    assert_eq!(bytes(Quantisation::Nf4), numbers / 2 + numbers / 64 + 4 * (numbers / 64 / 256 + 1));
    assert_eq!(bytes(Quantisation::Int8), numbers + 4 * 512);
}

#[test]
fn a_record_a_device_and_validation_keep_every_code() {
    for kind in KINDS {
        let source = matrix(1, [70, 33], kind);
        let expected = source.to_data();
        let restored = matrix(2, [70, 33], kind).load_record(source.clone().into_record());
        assert_eq!(restored.to_data(), expected);
        let moved = source.clone().to_device(&Device::flex().autodiff()).valid().train();
        assert_eq!(moved.to_data(), expected);
        let frozen = source.train().set_require_grad(true).valid();
        assert_eq!(frozen.to_data(), expected);
    }
}

#[test]
fn a_format_is_read_by_its_name() {
    let read = |name: &str| serde_json::from_str::<Quantisation>(&format!("\"{name}\""));
    assert_eq!(read("nf4").expect("a format"), Quantisation::Nf4);
    assert_eq!(read("int8").expect("a format"), Quantisation::Int8);
    assert!(read("fp4").is_err());
}
