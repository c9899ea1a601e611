//! Values that hold no others: numbers, texts, bytes, and moments in their own module.

use polars::prelude::pf16;
use polars_arrow::array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray,
    Utf8Array, Utf8ViewArray,
};
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::types::{NativeType, i256};

use super::{Fault, Json, moments};

/// The array as what its type says that it is.
pub(super) fn cast<A: 'static>(array: &dyn Array) -> Result<&A, Fault> {
    array.as_any().downcast_ref().ok_or_else(|| unknown(array.dtype()))
}

fn unknown(of: &ArrowDataType) -> Fault {
    format!("its type {of:?} is not read")
}

/// The values of an array of this type.
pub(super) fn values(array: &dyn Array, of: &ArrowDataType) -> Result<Vec<Json>, Fault> {
    use ArrowDataType as D;
    match of {
        D::Null => Ok(vec![Json::Null; array.len()]),
        D::Boolean => {
            let flags = cast::<BooleanArray>(array)?.iter();
            Ok(flags.map(|flag| flag.map_or(Json::Null, Json::Boolean)).collect())
        }
        D::Int8 => each(array, |number: i8| Json::Number(number.into())),
        D::Int16 => each(array, |number: i16| Json::Number(number.into())),
        D::Int32 => each(array, |number: i32| Json::Number(number.into())),
        D::Int64 => each(array, |number: i64| Json::Number(number.into())),
        D::Int128 => each(array, |number: i128| Json::number(number.to_string())),
        D::UInt8 => each(array, |number: u8| Json::Number(number.into())),
        D::UInt16 => each(array, |number: u16| Json::Number(number.into())),
        D::UInt32 => each(array, |number: u32| Json::Number(number.into())),
        D::UInt64 => each(array, |number: u64| Json::Number(number.into())),
        D::UInt128 => each(array, |number: u128| Json::number(number.to_string())),
        D::Float16 => each(array, |number: pf16| Json::float(number.0.to_f64())),
        D::Float32 => each(array, |number: f32| Json::float(f64::from(number))),
        D::Float64 => each(array, Json::float),
        D::Decimal32(_, scale) => each(array, |number: i32| decimal(&number, *scale)),
        D::Decimal64(_, scale) => each(array, |number: i64| decimal(&number, *scale)),
        D::Decimal(_, scale) => each(array, |number: i128| decimal(&number, *scale)),
        D::Decimal256(_, scale) => match cast::<FixedSizeBinaryArray>(array) {
            Ok(bytes) => wide_decimals(bytes, *scale),
            Err(_) => each(array, |number: i256| decimal(&number, *scale)),
        },
        D::Utf8 => texts(cast::<Utf8Array<i32>>(array)?.iter()),
        D::LargeUtf8 => texts(cast::<Utf8Array<i64>>(array)?.iter()),
        D::Utf8View => texts(cast::<Utf8ViewArray>(array)?.iter()),
        D::Binary => bytes(cast::<BinaryArray<i32>>(array)?.iter()),
        D::LargeBinary => bytes(cast::<BinaryArray<i64>>(array)?.iter()),
        D::BinaryView => bytes(cast::<BinaryViewArray>(array)?.iter()),
        D::FixedSizeBinary(_) => bytes(cast::<FixedSizeBinaryArray>(array)?.iter()),
        _ => moments::values(array, of)?.ok_or_else(|| unknown(of)),
    }
}

/// The numbers of an array, each as what it stands for.
pub(super) fn each<T: NativeType>(
    array: &dyn Array,
    value: impl Fn(T) -> Json,
) -> Result<Vec<Json>, Fault> {
    let numbers = cast::<PrimitiveArray<T>>(array)?.iter();
    Ok(numbers.map(|number| number.map_or(Json::Null, |number| value(*number))).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Result<Vec<Json>, Fault> {
    Ok(texts.map(|text| text.map_or(Json::Null, |text| Json::Text(text.to_owned()))).collect())
}

/// Bytes that are UTF-8 are a text: some programs write no others, and call them bytes.
#[expect(clippy::unnecessary_wraps, reason = "an arm among others that can fail")]
fn bytes<'a>(bytes: impl Iterator<Item = Option<&'a [u8]>>) -> Result<Vec<Json>, Fault> {
    let value = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => Json::Text(text.to_owned()),
        Err(_) => Json::Foreign("bytes that are no UTF-8".to_owned()),
    };
    Ok(bytes.map(|bytes| bytes.map_or(Json::Null, value)).collect())
}

/// A number with this many digits after its point.
fn decimal(number: &impl ToString, scale: usize) -> Json {
    let number = number.to_string();
    let (sign, digits) = number.strip_prefix('-').map_or(("", number.as_str()), |rest| ("-", rest));
    if scale == 0 {
        return Json::number(number);
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    Json::number(format!("{sign}{whole}.{rest}"))
}

/// Decimals of 256 bits by their bytes.
fn wide_decimals(array: &FixedSizeBinaryArray, scale: usize) -> Result<Vec<Json>, Fault> {
    let value = |bytes: &[u8]| {
        let number = i256::from_le_bytes(bytes.try_into().ok()?);
        Some(decimal(&number, scale))
    };
    let all = array.iter().map(|bytes| bytes.map_or(Some(Json::Null), value)).collect();
    Option::<Vec<Json>>::ok_or(all, "its values are no decimals of 32 bytes".to_owned())
}

/// Sixteen bytes as a UUID is written.
pub(super) fn uuids(array: &FixedSizeBinaryArray) -> Result<Vec<Json>, Fault> {
    let value = |bytes: &[u8]| {
        let digits = format!("{:032x}", u128::from_be_bytes(bytes.try_into().ok()?));
        let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
        Some(Json::Text(groups.join("-")))
    };
    let all = array.iter().map(|bytes| bytes.map_or(Some(Json::Null), value)).collect();
    Option::<Vec<Json>>::ok_or(all, "its values are no UUIDs of 16 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_decimal_is_a_number_where_one_is_equal_to_it_and_else_its_digits() {
        let value = |number: i128, scale| decimal(&number, scale).into_value();
        assert_eq!(value(-5, 2), Ok(json!(-0.05)));
        assert_eq!(value(123_400, 2), Ok(json!(1234.0)));
        assert_eq!(value(72, 0), Ok(json!(72)));
        let long = 12_345_678_901_234_567_890_123;
        assert_eq!(value(long, 3), Ok(json!("12345678901234567890.123")));
        assert_eq!(value(long, 0), Ok(json!("12345678901234567890123")));
        assert_eq!(value(-9_007_199_254_740_993, 0), Ok(json!(-9_007_199_254_740_993_i64)));
        assert_eq!(value(9_007_199_254_740_993, 1), Ok(json!(900_719_925_474_099.3)));
        assert_eq!(value(90_071_992_547_409_931, 1), Ok(json!("9007199254740993.1")));
    }
}
