//! Data files that nobody vouched for: the command reads them in a process of its own first.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use forethought_tests::Project;

use super::rows::Workplace;
use super::{forethought, outcome, pipeline};

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dataset/tests/seeds")
}

fn seed() -> PathBuf {
    seeds().join("rows.parquet")
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

/// How many bits are flipped for each command and format; `FORETHOUGHT_FLIPS` asks for more.
fn num_flips() -> usize {
    let asked = std::env::var("FORETHOUGHT_FLIPS").ok();
    asked.and_then(|number| number.parse().ok()).unwrap_or(3)
}

/// Everything that reads a file of rows, of which `FILE` is one with a column for whatever it asks for. Each replaces what it
/// wrote before.
const READERS: [&str; 13] = [
    "data inspect FILE --shape prompt_completion",
    "data convert FILE --shape prompt_completion --to openai --output converted.json",
    "data convert FILE --shape preference --to alpaca_ranking --output pairs.json",
    "verify --input FILE --output verified.jsonl",
    "reward --name format --input FILE --output rewarded.jsonl",
    "reward diff rewards.yaml rewards.yaml --input FILE",
    "generate writer --max-new-tokens 2 --input FILE --output generated.jsonl",
    "logprobs writer --input FILE --output scored.jsonl",
    "score judge --input FILE --output judged.jsonl",
    "pipeline ingest.yaml --out run",
    "pipeline examples.yaml --out run",
    "pipeline pairs.yaml --out run",
    "check ingest.yaml",
];

/// The models and the files that the readers name.
fn place_of_readers(file: &str) -> Project {
    let project = Project::new();
    for (name, fixture) in [("writer", "tiny-qwen2"), ("judge", "tiny-qwen2-reward")] {
        let place = Workplace::with(fixture);
        std::fs::create_dir(project.path(name)).expect("a folder");
        for entry in std::fs::read_dir(place.path("model")).expect("a model").flatten() {
            let copy = project.path(name).join(entry.file_name());
            std::fs::copy(entry.path(), copy).expect("a copy");
        }
    }
    project.write("rewards.yaml", "rewards: [format]\n");
    let stages = [
        ("ingest", format!("ingest: {{sources: [{{path: {file}, shape: prompt_completion}}]}}")),
        (
            "examples",
            format!(
                "examples: {{files: {{sources: [{{path: {file}, shape: prompt_completion}}]}}}}"
            ),
        ),
        (
            "pairs",
            format!(
                "pairs: {{source: {{files: {{sources: [{{path: {file}, shape: preference}}]}}}}}}"
            ),
        ),
    ];
    for (name, stage) in stages {
        let text = format!("name: {name}\nstages:\n  - {stage}\n");
        project.write(&format!("{name}.yaml"), text);
    }
    project
}

#[test]
fn no_damage_to_a_file_ends_a_command_or_a_stage_that_reads_it_or_makes_it_panic() {
    let (mut num_done, mut num_refused) = (0, 0);
    for file in ["judged.parquet", "judged.arrow"] {
        let project = place_of_readers(file);
        let whole = std::fs::read(seeds().join(file)).expect("a seed");
        let run = |reader: &str, bytes: &[u8]| {
            project.write(file, bytes);
            let arguments = reader.split(' ').map(|one| if one == "FILE" { file } else { one });
            let (code, _, shown) = outcome(forethought(&project.path("")).args(arguments));
            assert!(!shown.contains("panicked"), "{reader}: {shown}");
            (code, shown)
        };
        for (number, reader) in READERS.iter().enumerate() {
            let (code, shown) = run(reader, &whole);
            assert_eq!(code, Some(0), "{reader}: {shown}");
            let flipped = (0..num_flips()).map(|flip| {
                let bit = ((flip * READERS.len() + number) * 7919 + 13) % (whole.len() * 8);
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                (format!("bit {bit}"), bytes)
            });
            let length = whole.len() * (number + 1) / (READERS.len() + 1);
            let cut = (format!("{length} bytes"), whole[..length].to_vec());
            for (damage, bytes) in flipped.chain([cut]) {
                match run(reader, &bytes) {
                    (Some(0), _) => num_done += 1,
                    (Some(1 | 2), shown) => {
                        assert!(shown.contains(file), "{damage}, {reader}: {shown}");
                        num_refused += 1;
                    }
                    (code, shown) => panic!("{damage}, {reader}: {code:?}: {shown}"),
                }
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "{num_done} read, {num_refused} refused");
    assert!(
        num_done > 0 && num_refused >= 2 * READERS.len(),
        "every file that is cut off is refused"
    );
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
