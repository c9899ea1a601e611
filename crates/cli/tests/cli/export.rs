//! `forethought export` on a small model folder.

use std::fs;

use forethought_tests::{Project, repository};
use serde_json::Value;

use crate::{forethought, outcome};

#[test]
fn an_export_has_the_type_the_shards_and_the_companions_that_were_asked_for() {
    let project = Project::new();
    let source = repository().join("crates/model/tests/fixtures/models/tiny-qwen2");
    fs::create_dir(project.path("in")).expect("a folder");
    for entry in fs::read_dir(source).expect("the fixture") {
        let entry = entry.expect("an entry");
        project.write(
            &format!("in/{}", entry.file_name().to_string_lossy()),
            fs::read(entry.path()).expect("the fixture"),
        );
    }
    project.write("in/tokenizer.json", "{\r\n}");
    let export =
        |arguments: &[&str]| outcome(forethought(&project.path("")).arg("export").args(arguments));
    let (code, nothing, log) =
        export(&["in", "out", "--dtype", "bf16", "--max-shard-size", "100KB"]);
    assert_eq!((code, nothing.as_str()), (Some(0), ""), "{log}");
    let config = fs::read_to_string(project.path("out/config.json")).expect("written");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    assert_eq!(config["torch_dtype"], "bfloat16");
    assert!(project.path("out/model.safetensors.index.json").is_file());
    assert_eq!(fs::read(project.path("out/tokenizer.json")).expect("carried"), b"{\r\n}");

    let (code, _, log) = export(&["out", "out"]);
    assert_eq!(code, Some(1));
    assert!(log.contains("out: a folder cannot be exported onto itself"), "{log}");
    let (code, _, log) = export(&["in", "other", "--max-shard-size", "huge"]);
    assert_eq!(code, Some(2), "{log}");
    let (code, _, log) = export(&["absent", "other"]);
    assert_eq!(code, Some(1));
    assert!(log.contains("config.json: "), "{log}");
}
