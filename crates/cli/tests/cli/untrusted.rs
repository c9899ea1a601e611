//! Data files that nobody vouched for: the command reads them in a process of its own first.

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
    let sources = "ingest.sources=[{path: a.parquet, columns: {prompt: prompt}}]";
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
