//! Data sets by their name, from a small hub on this machine to the problems of a pipeline, with the binary of the feature.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use forethought_dataset::{Ledger, Table};
use forethought_tests::repository;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::hub_server::{COMMIT, HubServer, Manners, data_set};
use crate::{forethought, outcome};

/// Problems of the split that is asked for.
const TRAIN: usize = 40;
/// Where nobody answers.
const NOBODY: &str = "http://127.0.0.1:1";
/// The source as `configs/pipelines/reason-gsm8k.yaml` tells it.
const SOURCE: &str = "ingest.sources=[{path: openai/gsm8k, dataset: main, split: train}]";

/// GSM8K as it lies on the hub: two configurations with two splits each, of which a file is a shard of parquet.
struct Gsm8k {
    server: HubServer,
    folder: TempDir,
}

impl Gsm8k {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut files = vec![(".gitattributes".to_owned(), b"*.parquet filter=lfs".to_vec())];
        files.push(("README.md".to_owned(), b"---\nconfigs:\n---\n# GSM8K".to_vec()));
        for configuration in ["main", "socratic"] {
            for (split, number) in [("test", 7), ("train", TRAIN)] {
                let name = format!("{configuration}/{split}-00000-of-00001.parquet");
                let path = folder.path().join("shard.parquet");
                rows(configuration, split, number).write_parquet(&path).expect("written");
                files.push((name, fs::read(&path).expect("it was written")));
            }
        }
        // Large files bear their SHA-256, which is compared with what came.
        let tags: Vec<String> = files.iter().map(|(_, bytes)| sha256(bytes)).collect();
        let served = files.iter().zip(&tags);
        let served: Vec<(&str, &[u8], &str)> = served
            .map(|((name, bytes), tag)| (name.as_str(), bytes.as_slice(), tag.as_str()))
            .collect();
        let files = data_set("openai/gsm8k", &served);
        Self { server: HubServer::start(files, Manners::default()), folder }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The command with the variables of the hub.
    fn command(&self, (endpoint, home, offline): (&str, &Path, &str)) -> Command {
        let mut command = forethought(&repository());
        for proxy in
            ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        {
            command.env_remove(proxy);
        }
        command.env_remove("HF_HUB_CACHE").env_remove("HF_TOKEN");
        command.env("HF_HOME", home).env("HF_ENDPOINT", endpoint).env("HF_HUB_OFFLINE", offline);
        command
    }

    fn online(&self) -> Command {
        self.command((&self.server.endpoint, &self.home(), ""))
    }

    fn offline(&self, home: &Path) -> Command {
        self.command((NOBODY, home, "1"))
    }

    /// The pipeline of the readme up to its problems, into a folder of the test.
    fn pipeline(
        &self,
        mut command: Command,
        source: &str,
        out: &str,
    ) -> (Option<i32>, PathBuf, String) {
        let out = self.folder.path().join(out);
        command.args(["pipeline", "reason-gsm8k", "--set", source, "--until", "problems", "--out"]);
        let (code, _, shown) = outcome(command.arg(&out));
        (code, out.join("artifacts"), shown)
    }
}

/// The rows of a split: the question says where it is from, the answer follows the marks.
fn rows(configuration: &str, split: &str, number: usize) -> Table {
    let question =
        move |index| format!("{configuration} {split} {index}: how many are {index} and 30?");
    let answer =
        |index| format!("{index} + 30 = <<{index}+30={sum}>>{sum}\n#### {sum}", sum = index + 30);
    Table::new().text("question", (0..number).map(question)).text("answer", (0..number).map(answer))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines(path: &Path) -> Vec<Value> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_name_becomes_the_problems_of_its_split_and_is_there_offline_from_then_on() {
    let hub = Gsm8k::new();
    let (code, artifacts, shown) = hub.pipeline(hub.online(), SOURCE, "first");
    assert_eq!(code, Some(0), "{shown}");
    let problems = lines(&artifacts.join("ingest/problems.jsonl"));
    assert_eq!(problems.len(), TRAIN);
    for (index, problem) in problems.iter().enumerate() {
        assert_eq!(problem["problem"], format!("main train {index}: how many are {index} and 30?"));
        assert_eq!(problem["row"], index + 1);
        assert_eq!(problem["answer"], (index + 30).to_string());
        let file = problem["file"].as_str().expect("a path");
        let place =
            format!("datasets--openai--gsm8k/snapshots/{COMMIT}/main/train-00000-of-00001.parquet");
        assert!(file.ends_with(&place), "{file}");
    }
    let sides = ["train", "validation"]
        .map(|side| lines(&artifacts.join(format!("problems/{side}.jsonl"))).len());
    assert!(
        sides.iter().all(|side| *side > 0) && sides.iter().sum::<usize>() == TRAIN,
        "{sides:?}"
    );
    for stage in ["ingest", "problems"] {
        let text = fs::read(artifacts.join(stage).join("ledger.json")).expect("an account");
        let ledger: Ledger = serde_json::from_slice(&text).expect("a ledger");
        ledger.check().expect("sums that agree");
        assert_eq!((ledger.read(), ledger.kept()), (TRAIN as u64, TRAIN as u64), "{stage}");
    }
    // Of the other splits, of the other configuration and of the card nothing was asked for.
    let asked = hub.server.paths();
    let of_files: Vec<&String> = asked.iter().filter(|path| path.contains("/resolve/")).collect();
    assert!(!of_files.is_empty());
    assert!(
        of_files.iter().all(|path| path.ends_with("/main/train-00000-of-00001.parquet")),
        "{asked:?}"
    );

    let (code, again, shown) = hub.pipeline(hub.offline(&hub.home()), SOURCE, "second");
    assert_eq!(code, Some(0), "{shown}");
    let bytes =
        |artifacts: &Path| fs::read(artifacts.join("ingest/problems.jsonl")).expect("written");
    assert_eq!(bytes(&again), bytes(&artifacts));
    let (code, _, shown) = hub.pipeline(hub.offline(&hub.home()), SOURCE, "first");
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("ingest: unchanged") && shown.contains("problems: unchanged"),
        "{shown}"
    );
    assert_eq!(hub.server.paths(), asked, "nobody was asked offline");
}

#[test]
fn offline_says_what_is_missing() {
    let hub = Gsm8k::new();
    let nothing = tempfile::tempdir().expect("a folder");
    let (code, artifacts, shown) = hub.pipeline(hub.offline(nothing.path()), SOURCE, "run");
    assert_eq!(code, Some(1), "{shown}");
    let missing = "HF_HUB_OFFLINE is set and list of files of openai/gsm8k@main is not in ";
    assert!(shown.contains(missing), "{shown}");
    assert!(shown.contains(&nothing.path().display().to_string()), "{shown}");
    assert!(!artifacts.join("ingest").exists());
    assert!(hub.server.paths().is_empty());
    // With one split in the cache, the other is what is missing.
    let (code, _, shown) = hub.pipeline(hub.online(), SOURCE, "run");
    assert_eq!(code, Some(0), "{shown}");
    let test = SOURCE.replace("split: train", "split: test");
    let (code, _, shown) = hub.pipeline(hub.offline(&hub.home()), &test, "other");
    assert_eq!(code, Some(1), "{shown}");
    let missing = "HF_HUB_OFFLINE is set and main/test-00000-of-00001.parquet of openai/gsm8k@main is not in ";
    assert!(shown.contains(missing), "{shown}");
}

#[test]
fn a_wrong_name_is_told_those_that_exist() {
    let hub = Gsm8k::new();
    let cases = [
        (
            "{path: openai/gsm8k, split: train}",
            "dataset: openai/gsm8k: there are several configurations; choose one with `dataset`; it has: main, socratic",
        ),
        (
            "{path: openai/gsm8k, dataset: mian, split: train}",
            "dataset: openai/gsm8k: there is no configuration `mian` (did you mean `main`?); it has: main, socratic",
        ),
        (
            "{path: openai/gsm8k, dataset: main}",
            "split: openai/gsm8k: there are several splits; choose one with `split`; it has: test, train",
        ),
        (
            "{path: openai/gsm8k, dataset: main, split: trian}",
            "split: openai/gsm8k: there is no split `trian` (did you mean `train`?); it has: test, train",
        ),
    ];
    for (source, expected) in cases {
        let set = format!("ingest.sources=[{source}]");
        let (code, _, shown) = hub.pipeline(hub.online(), &set, "run");
        assert_eq!(code, Some(1), "{shown}");
        let expected = format!("error: --set {set}: stages.0.ingest.sources.0.{expected}\n");
        assert!(shown.ends_with(&expected), "{expected}\n{shown}");
    }
    let set = "ingest.sources=[{path: openai/gsm9k, dataset: main, split: train}]";
    let (code, _, shown) = hub.pipeline(hub.online(), set, "run");
    assert_eq!(code, Some(1), "{shown}");
    let expected = format!("there is no data set openai/gsm9k@main at {}", hub.server.endpoint);
    assert!(shown.contains(&expected), "{shown}");
    assert!(
        hub.server.paths().iter().all(|path| !path.contains("/resolve/")),
        "nothing was fetched"
    );
}

#[test]
fn the_commands_on_data_take_names_too() {
    let hub = Gsm8k::new();
    let fetch = ["data", "fetch", "openai/gsm8k", "--include", "main/train*"];
    let (code, printed, shown) = outcome(hub.online().args(fetch));
    assert_eq!(code, Some(0), "{shown}");
    assert!(Path::new(printed.trim_end()).is_file(), "{printed}");
    assert!(
        shown.contains("main/train-00000-of-00001.parquet: fetched, checksum agrees"),
        "{shown}"
    );
    let inspect = ["data", "inspect", "openai/gsm8k", "--dataset", "main", "--split", "train"];
    let (code, printed, shown) = outcome(hub.offline(&hub.home()).args(inspect));
    assert_eq!(code, Some(0), "{shown}");
    assert!(printed.contains("shape       gsm8k (question, answer)"), "{printed}");
    assert!(printed.contains(&format!("inspect: {TRAIN} rows read = {TRAIN} kept")), "{printed}");
}
