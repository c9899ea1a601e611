//! Data files that nobody vouched for: the command reads them in a process of its own first.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use forethought_tests::Project;

use super::{forethought, outcome, pipeline};

fn seed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dataset/tests/seeds/rows.parquet")
}

#[test]
fn examine_says_on_standard_output_what_is_wrong_with_a_file() {
    let project = Project::new();
    let whole = seed().display().to_string();
    let examine =
        |path: &str| outcome(forethought(&project.path("")).args(["examine", "parquet", path]));
    assert_eq!(examine(&whole), (Some(0), String::new(), String::new()));
    let bytes = std::fs::read(seed()).expect("a seed");
    let cut = project.write("cut.parquet", &bytes[..bytes.len() - 5]);
    let (code, printed, _) = examine(&cut.display().to_string());
    assert_eq!(code, Some(1));
    assert!(printed.starts_with("truncated: it ends with "), "{printed}");
}

#[test]
fn a_damaged_parquet_file_is_an_error_that_names_it_and_shows_no_panic() {
    let project = Project::new();
    let bytes = std::fs::read(seed()).expect("a seed");
    let sources = "ingest.sources=[{path: a.parquet, shape: prompt_completion}]";
    let run = || outcome(&mut pipeline(&project, &["--until", "ingest", "--set", sources]));
    project.write("a.parquet", &bytes);
    let (code, _, shown) = run();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("ingest: 3 rows read = 3 kept + 0 dropped"), "{shown}");
    let mut num_refused = 0;
    // The end of the file is where its structure is told: most flips there are noticed.
    for place in (8..200).step_by(16) {
        let mut damaged = bytes.clone();
        let index = damaged.len() - place;
        damaged[index] ^= 0x40;
        project.write("a.parquet", &damaged);
        let (code, _, shown) = run();
        assert!(!shown.contains("panicked"), "{shown}");
        assert!(shown.contains("a.parquet is not what it was when ingest last read it"), "{shown}");
        if code != Some(0) {
            assert_eq!(code, Some(1), "{shown}");
            assert!(shown.contains("error: a.parquet: "), "{shown}");
            num_refused += 1;
        }
    }
    assert!(num_refused > 0, "no damage was noticed");
}

/// How many bits are flipped one after the other; `FORETHOUGHT_FLIPS` asks for more.
fn num_flips() -> usize {
    let asked = std::env::var("FORETHOUGHT_FLIPS").ok();
    asked.and_then(|number| number.parse().ok()).unwrap_or(24)
}

#[test]
fn no_flipped_bit_ends_a_command_on_rows_or_makes_it_panic() {
    let project = Project::new();
    let bytes = std::fs::read(seed()).expect("a seed");
    let commands: [&[&str]; 4] = [
        &["reward", "--name", "format", "--input", "a.parquet", "--output", "a.jsonl"],
        &["data", "inspect", "a.parquet", "--shape", "prompt_completion"],
        &[
            "data",
            "convert",
            "a.parquet",
            "--shape",
            "messages",
            "--to",
            "openai",
            "--output",
            "b.json",
        ],
        &["verify", "--input", "a.parquet", "--output", "c.jsonl"],
    ];
    let (mut num_done, mut num_refused) = (0, 0);
    for flip in 0..num_flips() {
        let bit = (flip * 7919 + 13) % (bytes.len() * 8);
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        project.write("a.parquet", &damaged);
        let command = commands[flip % commands.len()];
        let (code, _, shown) = outcome(forethought(&project.path("")).args(command));
        assert!(!shown.contains("panicked"), "bit {bit}: {shown}");
        match code {
            Some(0) => num_done += 1,
            Some(1 | 2) => {
                assert!(shown.contains("a.parquet"), "bit {bit}, {command:?}: {shown}");
                num_refused += 1;
            }
            other => panic!("bit {bit}, {command:?}: {other:?}: {shown}"),
        }
    }
    let _ = writeln!(std::io::stderr(), "{num_done} read, {num_refused} refused");
    assert!(num_done > 0 && num_refused > 0);
}

#[test]
fn a_file_that_was_read_to_its_end_is_known_by_its_hash() {
    let project = Project::new();
    project.write("a.parquet", std::fs::read(seed()).expect("a seed"));
    let inspect = ["data", "inspect", "a.parquet", "--shape", "prompt_completion"];
    let known = || std::fs::read_to_string(project.path(".cache/forethought/examined"));
    assert!(known().is_err());
    for _ in 0..2 {
        let mut command = forethought(&project.path(""));
        let cache = project.path(".cache");
        let (code, _, shown) = outcome(command.args(inspect).env("XDG_CACHE_HOME", cache));
        assert_eq!(code, Some(0), "{shown}");
        assert_eq!(known().expect("it was written").lines().count(), 1);
    }
}
