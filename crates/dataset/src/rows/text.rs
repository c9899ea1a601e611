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
/// What files begin with that are no text, and what they are.
const OTHERS: [(&[u8], &str); 7] = [
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
    (
        b"PAR1",
        "this is parquet, and not text; set `format: parquet`, or give it the extension .parquet",
    ),
    (
        b"ARROW1",
        "this is Arrow, and not text; set `format: arrow`, or give it the extension .arrow",
    ),
    (b"PK\x03\x04", "this is a zip archive, and not text; unpack it first"),
    (b"\xfd7zXZ\0", "this is compressed with xz; gzip and zstd are read, or text"),
    (b"BZh91AY&SY", "this is compressed with bzip2; gzip and zstd are read, or text"),
];
const UTF_16: &str = "this is UTF-16, and text is read as UTF-8; convert it, for example with `iconv -f UTF-16 -t UTF-8`";
/// Bytes read from the file at once.
const BUFFER: usize = 1 << 17;

/// The text of a file, decompressed as it is read. Its first bytes say how it is compressed, whatever its name says.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, DatasetError> {
    let failed = |source| DatasetError::read(path, source);
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let start = reader.fill_buf().map_err(failed)?;
    let mut text: Box<dyn BufRead> = if start.starts_with(GZIP) {
        buffered(MultiGzDecoder::new(reader))
    } else if start.starts_with(ZSTD) {
        buffered(zstd::Decoder::with_buffer(reader).map_err(failed)?)
    } else {
        Box::new(reader)
    };
    match other(text.fill_buf().map_err(failed)?) {
        Some(what) => Err(DatasetError::other_format(path, what)),
        None => Ok(text),
    }
}

/// What a file is that begins with these bytes and is no text in UTF-8.
fn other(start: &[u8]) -> Option<&'static str> {
    let known = OTHERS.iter().find(|(bytes, _)| start.starts_with(bytes));
    // Characters of ASCII in UTF-16 without a mark: every other byte is 0.
    let is_wide = matches!(start, [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..]);
    known.map(|(_, what)| *what).or(is_wide.then_some(UTF_16))
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
