//! Whether all that an Arrow file says to hold lies within it.
//!
//! The decoder allocates what the file asks for, and a flipped bit can ask for more than there is. So lengths are
//! compared with the file's before the decoder sees any of them. The format is that of
//! <https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc>.

use std::io::{Read, Seek, SeekFrom};

use polars_arrow_format::ipc::planus::{ReadAsRoot as _, Result as Planus};
use polars_arrow_format::ipc::{
    BlockRef, FieldRef, FooterRef, MessageHeaderRef, MessageRef, SchemaRef, TypeRef,
};

use super::MAGIC;

/// What stands before the length of a message, since format version 5.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// Footer length and magic at the end of a file.
const TAIL_BYTES: usize = 10;
const TAIL: u64 = TAIL_BYTES as u64;
/// Bytes of a magic with its padding, at the beginning of a file.
pub(super) const HEAD: u64 = 8;

/// Whether the columns of batches are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Packed,
}

impl Packing {
    /// Packed where one of both is.
    fn and(self, other: Self) -> Self {
        if self == Self::Packed { self } else { other }
    }
}

/// Walks through the messages of a stream without reading their bodies.
pub(super) fn check_stream(file: &mut (impl Read + Seek)) -> Result<Packing, String> {
    let length = length(file)?;
    let (mut at, mut index, mut packing) = (0, 0_u64, Packing::Plain);
    loop {
        let Some((metadata_at, metadata_length)) = message_length(file, at, length)? else {
            return if index > 0 {
                Ok(packing)
            } else {
                Err("an Arrow stream without a schema".to_owned())
            };
        };
        let (body, packed) = body(file, (metadata_at, metadata_length), length, index)?;
        packing = packing.and(packed);
        at = metadata_at
            .checked_add(metadata_length)
            .and_then(|end| end.checked_add(body))
            .filter(|end| *end <= length)
            .ok_or_else(|| truncated(index))?;
        index += 1;
    }
}

/// Where the metadata of the message at this place begins and how long it is; `None` at the end of the stream.
fn message_length(
    file: &mut (impl Read + Seek),
    at: u64,
    length: u64,
) -> Result<Option<(u64, u64)>, String> {
    let missing = "truncated: it ends without the mark that ends an Arrow stream".to_owned();
    let mut word = [0; 4];
    let mut next = at;
    for _ in 0..2 {
        if next + 4 > length {
            return Err(if at == 0 {
                format!("{length} bytes are too few for an Arrow stream")
            } else {
                missing
            });
        }
        read_at(file, next, &mut word)?;
        next += 4;
        if word != CONTINUATION {
            break;
        }
    }
    match u64::try_from(i32::from_le_bytes(word)) {
        Ok(0) => Ok(None),
        Ok(metadata) if metadata <= length - next => Ok(Some((next, metadata))),
        _ if at == 0 => {
            let start = word.escape_ascii();
            Err(format!(
                "not Arrow: it begins with `{start}`, not with `ARROW1` or the schema of a stream"
            ))
        }
        _ => Err(missing),
    }
}

/// The length of the body that follows a message's metadata, and whether it is packed. The first message is the schema.
fn body(
    file: &mut (impl Read + Seek),
    (at, metadata_length): (u64, u64),
    length: u64,
    index: u64,
) -> Result<(u64, Packing), String> {
    let corrupt = |what: &str| format!("corrupt: message {index} {what}");
    let mut metadata = vec![0; usize::try_from(metadata_length.min(length)).unwrap_or(0)];
    read_at(file, at, &mut metadata)?;
    let unreadable = |_| match index {
        0 => "not Arrow: it does not begin with a schema".to_owned(),
        _ => corrupt("cannot be read"),
    };
    let message = MessageRef::read_as_root(&metadata).map_err(unreadable)?;
    let packed = match (index, message.header().map_err(unreadable)?) {
        (0, Some(MessageHeaderRef::Schema(schema))) => check_types(schema).map(|()| None)?,
        (0, _) => return Err("not an Arrow stream: its first message is no schema".to_owned()),
        (_, Some(MessageHeaderRef::RecordBatch(batch))) => {
            batch.compression().map_err(unreadable)?
        }
        (_, Some(MessageHeaderRef::DictionaryBatch(batch))) => {
            let data = batch.data().map_err(unreadable)?;
            data.map_or(Ok(None), |data| data.compression()).map_err(unreadable)?
        }
        _ => return Err(corrupt("is of a kind that holds no rows")),
    };
    let packing = if packed.is_some() { Packing::Packed } else { Packing::Plain };
    let length = message.body_length().map_err(unreadable)?;
    let length = u64::try_from(length).map_err(|_| corrupt("has a negative length"))?;
    Ok((length, packing))
}

/// Compares the places that the footer of a file names with the file.
pub(super) fn check_file(file: &mut (impl Read + Seek)) -> Result<Packing, String> {
    let length = length(file)?;
    if length < HEAD + TAIL {
        return Err(format!("{length} bytes are too few for an Arrow file"));
    }
    let mut tail = [0; TAIL_BYTES];
    read_at(file, length - TAIL, &mut tail)?;
    let (footer_length, magic) = tail.split_at(4);
    if magic != MAGIC {
        return Err(format!("truncated: it ends with `{}`, not `ARROW1`", magic.escape_ascii()));
    }
    let footer_length = i32::from_le_bytes(footer_length.try_into().unwrap_or_default());
    let footer_length =
        u64::try_from(footer_length).ok().filter(|footer| *footer <= length - HEAD - TAIL);
    let footer_length = footer_length.ok_or("corrupt: its footer does not lie within it")?;
    let end = length - TAIL - footer_length;
    let mut footer = vec![0; usize::try_from(footer_length).unwrap_or(0)];
    read_at(file, end, &mut footer)?;
    let unreadable = |error| format!("corrupt: its footer: {error}");
    let schema = FooterRef::read_as_root(&footer).and_then(|footer| footer.schema());
    schema.map_err(unreadable)?.map_or(Ok(()), check_types)?;
    let blocks = blocks(&footer).map_err(unreadable)?;
    let mut packing = Packing::Plain;
    for (index, block) in blocks.into_iter().enumerate() {
        let outside = || format!("corrupt: batch {} does not lie within it", index + 1);
        let start =
            end_of(block).filter(|block_end| *block_end <= end).and(u64::try_from(block.0).ok());
        let metadata = message_length(file, start.ok_or_else(outside)?, end)?;
        let (_, packed) = body(file, metadata.ok_or_else(outside)?, end, index as u64 + 1)?;
        packing = packing.and(packed);
    }
    Ok(packing)
}

/// Refuses types that the decoder does not know, by the name of their column.
fn check_types(schema: SchemaRef<'_>) -> Result<(), String> {
    let Ok(fields) = schema.fields() else { return Err("corrupt: its schema".to_owned()) };
    // A field that cannot be read is one for the decoder to refuse.
    let unknown = fields.into_iter().flatten().flatten().find(has_unknown_type);
    let Some(field) = unknown else { return Ok(()) };
    let name = field.name().ok().flatten().unwrap_or_default();
    Err(format!(
        "column `{name}` holds runs or views of lists, which are not read; write it as plain values"
    ))
}

fn has_unknown_type(field: &FieldRef<'_>) -> bool {
    let of = field.type_().ok().flatten();
    let is_unknown = matches!(
        of,
        Some(TypeRef::RunEndEncoded(_) | TypeRef::ListView(_) | TypeRef::LargeListView(_))
    );
    let children = field.children().ok().flatten().into_iter().flatten().flatten();
    is_unknown || children.into_iter().any(|child| has_unknown_type(&child))
}

/// Where the dictionaries and batches of a file are: offset, length of the metadata, length of the body.
fn blocks(footer: &[u8]) -> Planus<Vec<(i64, i64, i64)>> {
    let footer = FooterRef::read_as_root(footer)?;
    let block = |block: BlockRef<'_>| {
        (block.offset(), i64::from(block.meta_data_length()), block.body_length())
    };
    let dictionaries = footer.dictionaries()?.into_iter().flatten();
    let batches = footer.record_batches()?.into_iter().flatten();
    Ok(dictionaries.chain(batches).map(block).collect())
}

/// Where a block ends; `None` if one of its numbers is negative or the sum is too large.
fn end_of((offset, metadata, body): (i64, i64, i64)) -> Option<u64> {
    let [offset, metadata, body] =
        [offset, metadata, body].map(|number| u64::try_from(number).ok());
    offset?.checked_add(metadata?)?.checked_add(body?)
}

fn truncated(index: u64) -> String {
    format!("truncated: message {index} is longer than what is left of the file")
}

fn length(file: &mut impl Seek) -> Result<u64, String> {
    file.seek(SeekFrom::End(0)).map_err(|error| format!("cannot be read: {error}"))
}

fn read_at(file: &mut (impl Read + Seek), at: u64, buffer: &mut [u8]) -> Result<(), String> {
    let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(buffer));
    read.map_err(|error| format!("cannot be read: {error}"))
}
