//! Headers of safetensors files, checked before a byte of the tensors is read.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::weight_type::WeightType;

/// Bytes of the largest header that is read: a hundred thousand tensors fit.
const MAX_HEADER: u64 = 16 << 20;

/// Bytes of the length that comes before the header.
const LENGTH: u64 = 8;

/// The entry that is no tensor.
const METADATA: &str = "__metadata__";

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The type as the file names it.
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    /// First byte, from the beginning of the file.
    pub(crate) start: u64,
    /// Byte behind the last, from the beginning of the file.
    pub(crate) end: u64,
}

impl Entry {
    /// The type, if weights may have it.
    pub(crate) fn weight_type(&self) -> Option<WeightType> {
        WeightType::parse(&self.dtype)
    }
}

#[derive(Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// An entry of the header: a tensor, or anything under the key of the metadata.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawValue {
    Tensor(RawEntry),
    Other(IgnoredAny),
}

/// Reads and checks the header: every byte behind it belongs to exactly one tensor, and each tensor has as many as its
/// type and shape ask for.
pub(crate) fn read_header(file: &mut File) -> Result<Vec<(String, Entry)>, String> {
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    if size < LENGTH {
        return Err(format!("{size} bytes are too few for a header"));
    }
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|error| error.to_string())?;
    let length = u64::from_le_bytes(length);
    if size - LENGTH < length {
        return Err(format!("a header of {length} bytes does not fit a file of {size} bytes"));
    }
    if MAX_HEADER < length {
        return Err(format!("a header of {length} bytes is larger than {MAX_HEADER}"));
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).map_err(|error| error.to_string())?;
    let UniqueKeys(raw) =
        serde_json::from_slice::<UniqueKeys<RawValue>>(&text).map_err(|error| error.to_string())?;
    let data = LENGTH + length;
    let mut entries = Vec::new();
    for (name, value) in raw.into_iter().filter(|(name, _)| name != METADATA) {
        let RawValue::Tensor(raw) = value else {
            return Err(format!("tensor {name} has no dtype, shape and data_offsets"));
        };
        let entry = check(&name, raw, data, size)?;
        entries.push((name, entry));
    }
    check_layout(&mut entries, data, size)?;
    Ok(entries)
}

fn check(name: &str, raw: RawEntry, data: u64, size: u64) -> Result<Entry, String> {
    let RawEntry { dtype, shape, data_offsets: [start, end] } = raw;
    if end < start || size - data < end {
        let bytes = size - data;
        return Err(format!("tensor {name} lies at {start}..{end} of {bytes} bytes"));
    }
    if let Some(weights) = WeightType::parse(&dtype) {
        let needed = shape.iter().try_fold(weights.width(), |all, one| all.checked_mul(*one));
        if needed.is_none_or(|needed| needed as u64 != end - start) {
            let bytes = end - start;
            return Err(format!(
                "tensor {name} of type {dtype} and shape {shape:?} has {bytes} bytes"
            ));
        }
    }
    Ok(Entry { dtype, shape, start: data + start, end: data + end })
}

/// Sorts the entries by their place, and refuses overlaps and gaps.
fn check_layout(entries: &mut [(String, Entry)], data: u64, size: u64) -> Result<(), String> {
    entries.sort_by(|(left, a), (right, b)| (a.start, a.end, left).cmp(&(b.start, b.end, right)));
    let mut end = data;
    for (name, entry) in entries.iter() {
        if entry.start < end {
            return Err(format!("tensor {name} overlaps the one before it"));
        }
        if end < entry.start {
            let gap = entry.start - end;
            return Err(format!("{gap} bytes before tensor {name} belong to no tensor"));
        }
        end = entry.end;
    }
    if end < size {
        return Err(format!("{} bytes at the end belong to no tensor", size - end));
    }
    Ok(())
}

/// The entries of a JSON object, in its order. JSON lets a key occur twice and readers keep the last; which of the two
/// is meant is not ours to guess.
#[derive(Debug)]
pub(crate) struct UniqueKeys<V>(pub(crate) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueKeys<V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueKeysVisitor(PhantomData))
    }
}

struct UniqueKeysVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueKeysVisitor<V> {
    type Value = UniqueKeys<V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys<V>, A::Error> {
        let (mut names, mut entries) = (BTreeSet::new(), Vec::new());
        while let Some((name, value)) = map.next_entry::<String, V>()? {
            if !names.insert(name.clone()) {
                return Err(serde::de::Error::custom(format!("{name} is there twice")));
            }
            entries.push((name, value));
        }
        Ok(UniqueKeys(entries))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    /// What is wrong with a file of this header and so many bytes of tensors.
    fn error(header: &str, num_bytes: usize) -> String {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + num_bytes, 0);
        read(&bytes).expect_err("the header is wrong")
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, Entry)>, String> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        file.rewind().expect("a file");
        read_header(&mut file)
    }

    fn tensor(name: &str, shape: &str, offsets: &str) -> String {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#)
    }

    #[test]
    fn a_header_that_does_not_fit_the_file_is_never_allocated() {
        assert_eq!(read(b"short").expect_err("too short"), "5 bytes are too few for a header");
        let endless = [u64::MAX.to_le_bytes().as_slice(), b"{}"].concat();
        let message = read(&endless).expect_err("too long");
        assert!(message.starts_with("a header of 18446744073709551615 bytes does not fit"));
    }

    #[test]
    fn every_byte_belongs_to_one_tensor() {
        let (a, b) = (tensor("a", "[2]", "[0,8]"), tensor("b", "[1]", "[8,12]"));
        assert_eq!(error(&format!("{{{a},{b}}}"), 13), "1 bytes at the end belong to no tensor");
        let late = tensor("b", "[1]", "[9,13]");
        let message = "1 bytes before tensor b belong to no tensor";
        assert_eq!(error(&format!("{{{a},{late}}}"), 13), message);
        let early = tensor("b", "[1]", "[4,8]");
        let message = "tensor b overlaps the one before it";
        assert_eq!(error(&format!("{{{a},{early}}}"), 8), message);
        let behind = tensor("b", "[1]", "[8,12]");
        let message = "tensor b lies at 8..12 of 8 bytes";
        assert_eq!(error(&format!("{{{a},{behind}}}"), 8), message);
        let backwards = tensor("b", "[1]", "[8,4]");
        assert_eq!(error(&format!("{{{backwards}}}"), 8), "tensor b lies at 8..4 of 8 bytes");
    }

    #[test]
    fn bytes_follow_from_type_and_shape_without_overflow() {
        let message = "tensor a of type F32 and shape [3] has 8 bytes";
        assert_eq!(error(&format!("{{{}}}", tensor("a", "[3]", "[0,8]")), 8), message);
        let huge = tensor("a", "[4294967296,4294967296]", "[0,0]");
        let message = error(&format!("{{{huge}}}"), 0);
        assert!(message.ends_with("[4294967296, 4294967296] has 0 bytes"), "{message}");
    }

    #[test]
    fn what_is_no_tensor_and_what_is_there_twice_is_named() {
        let a = tensor("a", "[0]", "[0,0]");
        assert!(error(&format!("{{{a},{a}}}"), 0).starts_with("a is there twice"));
        let message = "tensor a has no dtype, shape and data_offsets";
        assert_eq!(error(r#"{"a":{"dtype":"F32"}}"#, 0), message);
        assert!(error("[]", 0).contains("expected an object"));
    }
}
