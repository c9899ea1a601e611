//! Text files, plain or compressed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::DatasetError;

/// The mark some editors put before UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What a gzip file begins with.
const GZIP: &[u8] = b"\x1f\x8b";
/// What a zstd file begins with.
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// Bytes read from the file at once.
const BUFFER: usize = 1 << 17;

/// The text of a file, decompressed as it is read. Its first bytes say how it is compressed, whatever its name says.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, DatasetError> {
    let failed = |source| DatasetError::read(path, source);
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let start = reader.fill_buf().map_err(failed)?;
    if start.starts_with(GZIP) {
        Ok(buffered(MultiGzDecoder::new(reader)))
    } else if start.starts_with(ZSTD) {
        Ok(buffered(zstd::Decoder::with_buffer(reader).map_err(failed)?))
    } else {
        Ok(Box::new(reader))
    }
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(BUFFER, reader))
}

/// Steps over a byte order mark.
pub(super) fn skip_mark(reader: &mut dyn BufRead) -> std::io::Result<()> {
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    Ok(())
}
