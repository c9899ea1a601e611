//! Damaged files of every container: no process ends, nothing panics, and every error names the file and the place.
//!
//! The seeds were written by the programs of the field (`tests/seeds/make.py`).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use forethought_dataset::{
    DatasetError, FirstContact, Format, Json, KnownFiles, MixConfig, OnBadRow, Probe, RowFile,
    Selection, Source, Unfinished, find_files, for_each_trace, read_objects, read_traces,
};
use forethought_preference::Shape;
use serde_json::{Value, json};

use super::{HERE, of, reading};

pub(crate) fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds")
}

/// The rows of the seeds, without the column that text cannot hold.
fn expected() -> Vec<Value> {
    let row = |prompt: &str, completion: &str, score: Option<f64>, good: Option<bool>| json!({"prompt": prompt, "completion": completion, "score": score, "good": good});
    vec![
        row("2 + 2, \"quoted\"\nand more?", "<think>two and two</think>4", Some(0.5), Some(true)),
        row("Größe — 多少？", "<think>hm</think>many", Some(2.25), Some(false)),
        row("third", "<think>t</think>c", None, None),
    ]
}

fn child() -> FirstContact {
    FirstContact::Child(Probe::new(env!("CARGO_BIN_EXE_forethought-examine").into(), []))
}

/// Reads all rows; the error names the file.
fn read(path: &Path, contact: &FirstContact) -> Result<Vec<Json>, String> {
    let mut rows = Vec::new();
    let result = RowFile::open(contact, path, Format::Auto).and_then(|file| {
        file.for_each(Selection::ALL, |row| {
            rows.extend(row.value);
            Ok(())
        })
    });
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    match result {
        Ok(()) => Ok(rows),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&name), "{text}");
            // What a child says is its own; decoders of this process work on threads of all tests, and say so here.
            let is_of_child = matches!(error, DatasetError::Untrusted { .. });
            if !is_of_child && text.contains("the decoder failed") {
                PANICS.fetch_add(1, Ordering::Relaxed);
            }
            Err(text)
        }
    }
}

#[test]
fn the_files_of_other_programs_hold_the_same_rows() {
    let files = [
        "rows.jsonl",
        "rows.json",
        "rows.jsonl.gz",
        "rows.jsonl.zst",
        "rows.csv",
        "rows.tsv",
        "rows.parquet",
        "dictionary.parquet",
        "rows.arrow",
        "rows.feather",
    ];
    for name in files {
        let rows = read_objects(&HERE, &seeds().join(name), Format::Auto).expect("readable");
        let rows = rows.into_iter().map(|row| row.value.expect("a whole row"));
        let rows: Vec<Value> = rows
            .zip(expected())
            .map(|(mut row, expected)| {
                if let Some(messages) = row.as_object_mut().expect("an object").remove("messages") {
                    let turn =
                        |role, column: &str| json!({"role": role, "content": expected[column]});
                    let turns = [turn("user", "prompt"), turn("assistant", "completion")];
                    assert_eq!(messages, json!(turns), "{name}");
                }
                row
            })
            .collect();
        assert_eq!(rows, expected(), "{name}");
    }
}

#[test]
fn what_datasets_saved_is_read_split_by_split() {
    let saved = seeds().join("saved").display().to_string();
    let questions = |split: &str| {
        let shape = Some(Shape::Messages);
        let source = Source { split: Some(split.into()), shape, ..Source::new(&saved) };
        let read = read_traces(&of(source), Unfinished::Drop, reading());
        let traces = read.expect("readable").traces;
        traces.into_iter().map(|trace| trace.question).collect::<Vec<_>>()
    };
    let prompts = |rows: &[Value]| -> Vec<String> {
        rows.iter().map(|row| row["prompt"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(questions("train"), prompts(&expected()[..2]));
    assert_eq!(questions("test"), prompts(&expected()[2..]));
}

/// Panics of decoders in this process.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or("", std::panic::Location::file);
            // Other tests of this program damage files without a child, on threads of their own.
            let thread = std::thread::current();
            let is_ours = thread.name().is_some_and(|name| name.starts_with("hostile::"));
            if is_ours && (place.contains("polars") || place.contains("arrow")) {
                PANICS.fetch_add(1, Ordering::Relaxed);
            }
            before(info);
        }));
    });
}

/// Binary files of every layout.
const BINARY: [&str; 5] = [
    "rows.parquet",
    "dictionary.parquet",
    "rows.arrow",
    "rows.feather",
    "saved/train/data-00000-of-00001.arrow",
];

#[test]
fn a_binary_file_cut_off_anywhere_is_an_error_that_names_it() {
    count_panics();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in BINARY {
        let whole = std::fs::read(seeds().join(name)).expect("a seed");
        let path = folder.path().join(Path::new(name).file_name().expect("a file"));
        // At least 150 lengths, the last bytes among them.
        let step = (whole.len() / 150).max(1);
        for length in (0..whole.len()).step_by(step).chain(whole.len() - 12..whole.len()) {
            std::fs::write(&path, &whole[..length]).expect("written");
            let error = read(&path, &child()).expect_err("it is cut off");
            assert!(error.starts_with(&path.display().to_string()), "{length}: {error}");
        }
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}

/// Flips of one bit for each binary file: a thousand of all five, and with `FORETHOUGHT_FLIPS` as many of each as it says.
fn num_flips() -> usize {
    std::env::var("FORETHOUGHT_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// What became of a file whose bits were flipped, one at a time: refused, read as it was, read as something else.
fn flip(name: &str, folder: &Path) -> [usize; 3] {
    let mut fates = [0; 3];
    let whole = std::fs::read(seeds().join(name)).expect("a seed");
    let path = folder.join(Path::new(name).file_name().expect("a file"));
    std::fs::write(&path, &whole).expect("written");
    let rows = read(&path, &child()).expect("the seed is whole");
    for flip in 0..num_flips() {
        // A generator of odd steps reaches every bit once before any twice.
        let bit = (flip * 7919 + 13) % (whole.len() * 8);
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).expect("written");
        let fate = match read(&path, &child()) {
            Err(_) => 0,
            Ok(read) if read == rows => 1,
            Ok(_) => 2,
        };
        fates[fate] += 1;
    }
    fates
}

#[test]
fn a_flipped_bit_ends_a_child_at_most() {
    count_panics();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fates = std::thread::scope(|scope| {
        let start = |name: &'static str| {
            let thread = std::thread::Builder::new().name(format!("hostile::{name}"));
            let folder = folder.path();
            thread.spawn_scoped(scope, move || flip(name, folder)).expect("a thread")
        };
        let threads: Vec<_> = BINARY.into_iter().map(start).collect();
        let fates = threads.into_iter().map(|thread| thread.join().expect("it ends"));
        fates.fold([0; 3], |all, one| [all[0] + one[0], all[1] + one[1], all[2] + one[2]])
    });
    let [refused, same, other] = fates;
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "this process saw a panic of a decoder");
    assert_eq!(refused + same + other, BINARY.len() * num_flips());
    assert!(refused > 0, "no damage was noticed");
    // Shown with --nocapture.
    let _ = writeln!(
        std::io::stderr(),
        "{refused} refused, {same} without effect, {other} read as other data"
    );
}

#[test]
fn with_a_known_hash_every_flip_is_noticed() {
    use sha2::{Digest as _, Sha256};

    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = std::fs::read(seeds().join("rows.parquet")).expect("a seed");
    let bytes = Sha256::digest(&whole);
    let sha256 = bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
    let path = folder.path().join("a.parquet");
    let shape = Some(Shape::PromptCompletion);
    let source = Source { sha256: Some(sha256), shape, ..Source::new(path.display().to_string()) };
    let read = || read_traces(&of(source.clone()), Unfinished::Drop, reading());
    std::fs::write(&path, &whole).expect("written");
    assert_eq!(read().expect("whole").traces.len(), 3);
    for flip in 0..1000 {
        let bit = (flip * 7919 + 13) % (whole.len() * 8);
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).expect("written");
        let error = read().expect_err("changed");
        assert!(error.to_string().contains(": its SHA-256 is "), "{error}");
    }
    let two = Source { path: vec![seeds().join("rows.*").display().to_string()], ..source };
    let error = find_files(&two).expect_err("a hash is of one file").to_string();
    assert!(
        error.starts_with("sha256 must be the hash of one file, but the source has "),
        "{error}"
    );
}

#[test]
fn a_child_that_hangs_or_dies_is_the_fault_of_the_file() {
    let path = seeds().join("rows.parquet");
    let message = |probe: Probe| {
        let error = probe.examine(&path, Format::Parquet).expect_err("no verdict").to_string();
        error.strip_prefix(&format!("{}: ", path.display())).expect("the path").to_owned()
    };
    let shell = |script: &str| Probe::new("/bin/sh".into(), ["-c".into(), script.into()]);
    let slow = shell("sleep 60").with_time(std::time::Duration::ZERO);
    assert_eq!(message(slow), "reading it took more than 0 s and was stopped");
    let killed = message(shell("kill -ABRT $$"));
    assert!(
        killed.starts_with("corrupt: a process that read it was ended by signal: 6"),
        "{killed}"
    );
    assert_eq!(message(shell("echo that is wrong; exit 1")), "that is wrong");
    let missing = message(Probe::new("/no/such/program".into(), []));
    assert!(missing.starts_with("/no/such/program cannot be started: "), "{missing}");
    Probe::new("/bin/true".into(), []).examine(&path, Format::Parquet).expect("no fault");
}

#[test]
fn a_file_that_was_read_to_its_end_is_not_read_by_a_child_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.parquet");
    std::fs::copy(seeds().join("rows.parquet"), &path).expect("a copy");
    let known = std::sync::Arc::new(KnownFiles::default());
    let good = Probe::new(env!("CARGO_BIN_EXE_forethought-examine").into(), []);
    let bad = Probe::new("/bin/false".into(), []);
    let examine = |probe: &Probe| {
        probe.clone().with_known(known.clone()).examine(&path, Format::Parquet).is_ok()
    };
    assert!(!examine(&bad), "nobody has read it");
    assert!(examine(&good));
    assert!(examine(&bad), "it is known");
    let mut bytes = std::fs::read(&path).expect("a copy");
    bytes[9] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    assert!(!examine(&bad), "it is another file");
}

#[test]
fn nul_bytes_a_half_line_and_marks_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.jsonl");
    let good = r#"{"prompt": "q", "completion": "</think>"}"#;
    let errors = |text: &[u8]| {
        std::fs::write(&path, text).expect("written");
        let rows = read_objects(&HERE, &path, Format::Auto).expect("readable");
        let errors = rows.into_iter().filter_map(|row| row.value.err());
        errors
            .map(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
            .collect::<Vec<_>>()
    };
    let nothing: [&str; 0] = [];
    assert_eq!(errors(format!("\u{feff}{good}\r\n{good}\r\n").as_bytes()), nothing);
    assert_eq!(
        errors(format!("{good}\n{}\0\0\0", &good[..7]).as_bytes()),
        ["a.jsonl:2:8: 3 NUL bytes from byte 8 on: the file was not written to its end"]
    );
    assert_eq!(
        errors(format!("{good}\n{}", &good[..20]).as_bytes()),
        [
            "a.jsonl:2:20: the last line ends in the middle of the row, near `{\"prompt\": \"q\", \"com`: \
          the file was cut off"
        ]
    );
    assert_eq!(
        errors(&[good.as_bytes(), b"\n{\"prompt\": \"\xc3\x28\"}\n"].concat()),
        ["a.jsonl:2:13: not valid UTF-8 from byte 13 on"]
    );
}

#[test]
fn the_first_bad_row_ends_the_reading_where_that_is_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.jsonl");
    let good = r#"{"prompt": "q", "completion": "</think>"}"#;
    std::fs::write(&path, format!("{good}\n{{\"prompt\": 1}}\n{good}\n")).expect("written");
    let mut num_read = 0;
    let mut read = |on_bad_row| {
        let shape = Some(Shape::PromptCompletion);
        let source = Source { shape, ..Source::new(path.display().to_string()) };
        let config = MixConfig { on_bad_row, ..of(source) };
        for_each_trace(&config, Unfinished::Drop, reading(), |_| {
            num_read += 1;
            Ok(())
        })
    };
    let error = read(OnBadRow::Error).expect_err("row 2 is bad").to_string();
    assert_eq!(
        error,
        format!("{}:2:1: field `completion` is missing; there are: prompt", path.display())
    );
    let ledger = read(OnBadRow::Skip).expect("two rows are good");
    assert_eq!((ledger.read(), ledger.kept(), num_read), (3, 2, 3));
}
