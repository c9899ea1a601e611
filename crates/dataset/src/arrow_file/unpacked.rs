//! Arrow whose columns are compressed, as feather is by default, into a stream whose columns are not.

use std::io::{Cursor, Read, Seek as _, Write as _};

use polars_arrow_format::ipc::planus::{Builder, ReadAsRoot as _};
use polars_arrow_format::ipc::{
    BodyCompression, Buffer, CompressionType, Message, MessageHeader, MessageRef, RecordBatch,
};
use tempfile::SpooledTempFile;

use super::structure::CONTINUATION;

/// Bytes of the stream that are held in memory; a longer one lies in a temporary file.
const IN_MEMORY: usize = 16 << 20;
/// What begins at a multiple of so many bytes.
const ALIGNED: usize = 8;

/// The messages of a stream, each with the buffers of its columns unpacked.
pub(super) fn unpacked(mut stream: impl Read) -> Result<SpooledTempFile, String> {
    let failed = |error: std::io::Error| format!("it cannot be unpacked: {error}");
    let mut out = SpooledTempFile::new(IN_MEMORY);
    while let Some(metadata) = metadata(&mut stream).map_err(failed)? {
        let corrupt = |error| format!("corrupt: {error}");
        let message = MessageRef::read_as_root(&metadata).map_err(corrupt)?;
        let mut message = Message::try_from(message).map_err(corrupt)?;
        let length = u64::try_from(message.body_length).unwrap_or(0);
        let body = exactly(&mut stream, length).map_err(failed)?;
        let plain = match &mut message.header {
            Some(MessageHeader::RecordBatch(batch)) => unpack(batch, &body),
            Some(MessageHeader::DictionaryBatch(batch)) => {
                batch.data.as_mut().map_or(Ok(None), |data| unpack(data, &body))
            }
            _ => Ok(None),
        };
        let body = plain.map_err(failed)?.unwrap_or(body);
        message.body_length = i64::try_from(body.len()).unwrap_or(i64::MAX);
        let mut builder = Builder::new();
        let mut metadata = builder.finish(&message, None).to_vec();
        pad(&mut metadata);
        let length = i32::try_from(metadata.len()).unwrap_or(i32::MAX).to_le_bytes();
        let parts = [&CONTINUATION, &length, metadata.as_slice(), &body];
        parts.into_iter().try_for_each(|part| out.write_all(part)).map_err(failed)?;
    }
    out.write_all(&[CONTINUATION, [0; 4]].concat()).and_then(|()| out.rewind()).map_err(failed)?;
    Ok(out)
}

/// The metadata of the next message; nothing at the end of the stream.
fn metadata(stream: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut word = [0; 4];
    stream.read_exact(&mut word)?;
    if word == CONTINUATION {
        stream.read_exact(&mut word)?;
    }
    match u64::try_from(i32::from_le_bytes(word)) {
        Ok(0) => Ok(None),
        Ok(length) => exactly(stream, length).map(Some),
        Err(_) => Err(std::io::Error::other("a message of negative length")),
    }
}

/// So many bytes. What the stream does not have is not asked for.
fn exactly(stream: &mut impl Read, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(std::io::Error::other("it ends within a message"))
    }
}

/// The body of a batch with its buffers unpacked, whose places are noted in the batch; nothing where they are not packed.
fn unpack(batch: &mut RecordBatch, body: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
    let Some(compression) = batch.compression.take() else { return Ok(None) };
    let mut plain = Vec::new();
    for buffer in batch.buffers.iter_mut().flatten() {
        let outside = || std::io::Error::other("a buffer does not lie within its batch");
        let start = usize::try_from(buffer.offset).map_err(|_| outside())?;
        let length = usize::try_from(buffer.length).map_err(|_| outside())?;
        let end = start.checked_add(length).ok_or_else(outside)?;
        let bytes = unpacked_buffer(&compression, body.get(start..end).ok_or_else(outside)?)?;
        let place = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        *buffer = Buffer { offset: place(plain.len()), length: place(bytes.len()) };
        plain.extend_from_slice(&bytes);
        pad(&mut plain);
    }
    Ok(Some(plain))
}

/// A buffer: how long it is, −1 where it is not packed after all, and its bytes.
fn unpacked_buffer(compression: &BodyCompression, packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let Some((length, bytes)) = packed.split_first_chunk() else { return Ok(Vec::new()) };
    let length = i64::from_le_bytes(*length);
    let Ok(length) = u64::try_from(length) else { return Ok(bytes.to_vec()) };
    let reader = Cursor::new(bytes);
    match compression.codec {
        CompressionType::Lz4Frame => exactly(&mut lz4::Decoder::new(reader)?, length),
        CompressionType::Zstd => exactly(&mut zstd::Decoder::new(reader)?, length),
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNED), 0);
}
