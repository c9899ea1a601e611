//! The pipelines that come with the project.

use std::path::PathBuf;

use forethought_model::DecoderConfig;
use forethought_pipeline::{Document, PipelineConfig};
use forethought_tests::repository;

/// The YAML files of a folder of `configs/`, in the order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = repository().join("configs").join(folder);
    let entries = std::fs::read_dir(&folder).expect("a folder of the repository");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|one| one == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no YAML", folder.display());
    files
}

#[test]
fn every_pipeline_that_comes_with_the_project_is_valid_and_survives_being_written_out() {
    for file in [files("pipelines"), files("ci")].concat() {
        let config = PipelineConfig::read(&file, &[]).expect("a valid pipeline");
        let text = serde_json::to_string(&config).expect("JSON, which is YAML");
        let document = Document::parse(&file, &text, &[]).expect("YAML");
        assert_eq!(PipelineConfig::from_document(&document).expect("what was read"), config);
    }
}

#[test]
fn the_names_of_pipelines_are_those_of_their_files() {
    for file in files("pipelines") {
        let config = PipelineConfig::read(&file, &[]).expect("a valid pipeline");
        assert_eq!(Some(config.name.as_str()), file.file_stem().and_then(|stem| stem.to_str()));
    }
}

#[test]
fn every_architecture_that_comes_with_the_project_is_valid() {
    for file in [files("models"), files("ci/models")].concat() {
        let document = Document::read(&file, &[]).expect("YAML");
        let config: DecoderConfig = document.to_config().expect("an architecture");
        let filled = DecoderConfig { vocab_size: 512, ..config };
        filled.validate().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

#[test]
fn the_pipelines_of_ci_have_the_stages_of_those_they_stand_for() {
    let stages = |file: &str| -> Vec<String> {
        let file = repository().join("configs").join(file);
        let config = PipelineConfig::read(&file, &[]).expect("a valid pipeline");
        config.stages.iter().map(|stage| stage.name().to_owned()).collect()
    };
    for name in ["think.yaml", "step.yaml"] {
        assert_eq!(stages(&format!("ci/{name}")), stages(&format!("pipelines/{name}")));
    }
}
