//! `TensorBoard`'s event files: records of `TFRecord`, each a protobuf message of a step.
//!
//! ```text
//! record:  length u64 | masked CRC of the length u32 | message | masked CRC of the message u32      little-endian
//! message: Event { wall_time, step, file_version | summary | session_log }
//! ```
//!
//! Sources: `tensorboard/compat/proto/{event,summary}.proto` of `TensorBoard` 2.21, `tensorflow/core/lib/io/record_writer.h`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::TrainError;
use crate::record::StepRecord;

/// The open event file of a stage.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Starts a file in `folder`, for the steps after `num_kept`.
    ///
    /// A run that goes on starts a second file; its first message tells `TensorBoard` to forget what older files say of
    /// steps that are run again.
    pub(crate) fn create(folder: &Path, num_kept: u64) -> Result<Self, TrainError> {
        let now = wall_time();
        let name = format!("events.out.tfevents.{now:.0}.forethought.{}", std::process::id());
        let path = folder.join(name);
        let fail = |source| TrainError::Metrics { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(fail)?;
        let file = File::options().create(true).append(true).open(&path).map_err(fail)?;
        let mut events = Self { path: path.clone(), file };
        let version = Message::event(now).text(3, "brain.Event:2");
        let start = Message::event(now)
            .number(2, num_kept + 1)
            .message(7, &Message::default().number(1, SESSION_START));
        events.write(&version).and_then(|()| events.write(&start)).map_err(fail)?;
        Ok(events)
    }

    /// Adds the numbers of a step, under the names that transformers' callback gives them: `train/loss`.
    pub(crate) fn append(&mut self, record: &StepRecord) -> Result<(), TrainError> {
        let summary = record.scalars().fold(Message::default(), |summary, (name, value)| {
            let value = Message::default().text(1, &format!("train/{name}")).float(2, value);
            summary.message(1, &value)
        });
        let event = Message::event(wall_time()).number(2, record.step).message(5, &summary);
        let written = self.write(&event);
        written.map_err(|source| TrainError::Metrics { path: self.path.clone(), source })
    }

    /// One record, in one call, so that a reader sees whole records.
    fn write(&mut self, message: &Message) -> io::Result<()> {
        let length = (message.0.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(message.0.len() + 16);
        record.extend(length);
        record.extend(masked(crc32c::crc32c(&length)).to_le_bytes());
        record.extend(&message.0);
        record.extend(masked(crc32c::crc32c(&message.0)).to_le_bytes());
        self.file.write_all(&record)
    }
}

/// `SessionLog.SessionStatus.START`.
const SESSION_START: u64 = 1;

/// Seconds since 1970.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The checksum as `TFRecord` stores it, lest data that holds checksums has weak ones.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A protobuf message in the making.
#[derive(Clone, Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    /// An `Event` with its time.
    fn event(wall_time: f64) -> Self {
        let mut message = Self::default();
        message.key(1, 1);
        message.0.extend(wall_time.to_le_bytes());
        message
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.key(field, 0);
        self.varint(value);
        self
    }

    #[expect(clippy::cast_possible_truncation, reason = "TensorBoard stores scalars in 32 bits")]
    fn float(mut self, field: u64, value: f64) -> Self {
        self.key(field, 5);
        self.0.extend((value as f32).to_le_bytes());
        self
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    /// Seven bits a byte, the lowest first.
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_masked_as_tensorflow_masks_them() {
        // tensorboard.compat.tensorflow_stub.pywrap_tensorflow.masked_crc32c(b"123456789"), TensorBoard 2.21
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked(0xe306_9283), 0xc78a_b0e5);
    }

    #[test]
    fn numbers_are_written_as_protobuf_writes_them() {
        // The examples of protobuf.dev/programming-guides/encoding: field 1 = 150, field 2 = "testing".
        assert_eq!(Message::default().number(1, 150).0, [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing").0;
        assert_eq!(text, *b"\x12\x07testing");
        // struct.pack("<f", 0.5)
        assert_eq!(Message::default().float(2, 0.5).0, [0x15, 0, 0, 0, 0x3f]);
    }

    #[test]
    fn a_file_is_a_list_of_whole_records() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut events = EventFile::create(folder.path(), 3).expect("a file");
        let record = StepRecord {
            loss: 0.5,
            metrics: vec![("reward".to_owned(), 2.0), ("kl".to_owned(), f64::NAN)],
            ..StepRecord::new("grpo", 4)
        };
        events.append(&record).expect("written");
        let bytes = fs::read(&events.path).expect("the file");
        let mut rest = bytes.as_slice();
        let mut messages = Vec::new();
        while let Some((head, tail)) = rest.split_first_chunk::<12>() {
            let (length, checksum) = head.split_at(8);
            assert_eq!(masked(crc32c::crc32c(length)).to_le_bytes(), checksum);
            let length = u64::from_le_bytes(length.try_into().expect("8 bytes"));
            let (message, tail) = tail.split_at(usize::try_from(length).expect("short"));
            let (checksum, tail) = tail.split_at(4);
            assert_eq!(masked(crc32c::crc32c(message)).to_le_bytes(), checksum);
            messages.push(message.to_vec());
            rest = tail;
        }
        assert!(rest.is_empty());
        assert_eq!(messages.len(), 3);
        assert!(messages[0].ends_with(b"brain.Event:2"));
        // Step 4, session log, status START.
        assert_eq!(messages[1][9..], [0x10, 4, 0x3a, 2, 0x08, 1]);
        let has = |text: &[u8]| messages[2].windows(text.len()).any(|window| window == text);
        assert!(has(b"\x0a\x0atrain/loss\x15\0\0\0\x3f") && has(b"train/reward\x15\0\0\0\x40"));
        assert!(!has(b"train/kl"), "what is no number is left out");
    }
}
