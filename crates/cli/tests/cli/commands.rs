//! Runs from the command line, and the commands that read them.

use std::fs;
use std::path::Path;

use forethought_tests::{Project, repository};
use serde_json::Value;

use crate::{forethought, outcome, pipeline};

#[test]
fn a_run_is_0_shows_ledger_and_table_and_is_read_back_by_evaluate_and_report() {
    let project = Project::new();
    let (code, table, log) = outcome(&mut pipeline(&project, &[]));
    assert_eq!(code, Some(0), "{log}");
    let run = project.path("runs/parrots");
    assert!(log.contains("ingest: 131 rows read = 126 kept + 5 dropped"), "{log}");
    assert!(log.contains("[9/9] report") && log.contains("report: "), "{log}");
    assert!(table.contains("after SFT") && table.contains("after GRPO"), "{table}");

    let read = |arguments: &[&str]| outcome(forethought(&project.path("")).args(arguments));
    assert_eq!(read(&["evaluate", "runs/parrots"]), (Some(0), table.clone(), String::new()));
    let (code, json, _) = read(&["evaluate", "runs/parrots", "--json"]);
    assert_eq!(code, Some(0));
    let entries: Value = serde_json::from_str(&json).expect("JSON");
    // What the example of the help reads.
    for entry in entries.as_array().expect("a list") {
        assert!(entry["name"].is_string() && entry["metrics"]["within_1"]["value"].is_number());
    }
    let page = fs::read(run.join("report.html")).expect("a page");
    let (code, _, _) = read(&["report", "runs/parrots", "--out", "page.html"]);
    assert_eq!(code, Some(0));
    assert!(fs::read(project.path("page.html")).expect("a page") == page);

    let (code, again, log) = outcome(&mut pipeline(&project, &[]));
    assert_eq!((code, again), (Some(0), table));
    assert_eq!(log.matches(": unchanged (").count(), 9, "{log}");
    let (code, nothing, _) = outcome(&mut pipeline(&project, &["--until", "label"]));
    assert_eq!((code, nothing.as_str()), (Some(0), ""), "the report is not what was asked for");
}

#[test]
fn one_thread_and_three_compute_the_same_bits() {
    let project = Project::new();
    let run = |threads: &str| {
        let mut command = pipeline(&project, &["--out", threads]);
        let (code, _, log) = outcome(command.env("RAYON_NUM_THREADS", threads));
        assert_eq!(code, Some(0), "{log}");
        let file = |name: &str| fs::read(project.path(threads).join("artifacts").join(name));
        [
            "model/model/tokenizer.json",
            "sft/model/model.safetensors",
            "grpo/model/model.safetensors",
            "predict/grpo.jsonl",
        ]
        .map(|name| file(name).expect(name))
    };
    assert!(run("1") == run("3"));
}

#[test]
fn a_pipeline_is_found_by_name_from_a_folder_below_and_its_paths_start_beside_configs() {
    let project = Project::new();
    let text =
        project.pipeline_with(&project.path("prompt.txt").display().to_string(), "prompt.txt");
    fs::create_dir_all(project.path("configs/pipelines")).expect("a folder");
    fs::create_dir_all(project.path("deep/down")).expect("a folder");
    project.write("configs/pipelines/parrots.yaml", text);
    let mut command = forethought(&project.path("deep/down"));
    let (code, _, log) = outcome(command.args(["pipeline", "parrots", "--until", "convert"]));
    assert_eq!(code, Some(0), "{log}");
    assert!(project.path("runs/parrots/artifacts/convert/train.jsonl").is_file());
}

#[test]
fn every_row_of_the_shipped_data_is_a_trace() {
    let project = Project::new();
    let out = project.path("run");
    let mut command = forethought(&repository());
    command.args(["pipeline", "configs/ci/think.yaml", "--until", "ingest", "--out"]).arg(&out);
    let (code, _, log) = outcome(&mut command);
    assert_eq!(code, Some(0), "{log}");
    let ledger: Value = read_json(&out.join("artifacts/ingest/ledger.json"));
    let entries = ledger["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 2, "a file of each language");
    for entry in entries {
        assert!(entry["read"].as_u64() > Some(1000) && entry["kept"]["traces"] == entry["read"]);
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it is there")).expect("JSON")
}
