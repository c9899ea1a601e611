//! `--help` teaches by examples, and its examples are true.

use forethought_tests::repository;

use crate::{forethought, outcome};

/// Every command.
const COMMANDS: &[&str] = &[
    "pipeline",
    "data",
    "data inspect",
    "data convert",
    "data fetch",
    "generate",
    "logprobs",
    "score",
    "evaluate",
    "report",
    "export",
    "merge",
    "parity",
    "reward",
    "verify",
    "schema",
    "completions",
    "check",
    "replay",
    "watch",
];

fn help(command: &[&str]) -> String {
    let (code, text, _) = outcome(forethought(&repository()).args(command).arg("--help"));
    assert_eq!(code, Some(0));
    text
}

#[test]
fn the_help_of_every_command_has_examples() {
    let overview = help(&[]);
    for &command in COMMANDS {
        let words: Vec<&str> = command.split(' ').collect();
        assert!(overview.contains(words[0]), "{overview}");
        let text = help(&words);
        let (_, examples) = text.split_once("Examples:").unwrap_or_else(|| panic!("{text}"));
        assert!(examples.contains(&format!("forethought {command} ")), "{text}");
    }
}

#[test]
fn the_examples_use_only_options_there_are() {
    for &command in COMMANDS {
        let text = help(&command.split(' ').collect::<Vec<_>>());
        let (options, examples) = text.split_once("Examples:").expect("examples");
        // An example may show how to build, too: that is cargo's line and not ours.
        let lines = examples.lines().filter(|line| !line.contains("cargo "));
        let words = lines.flat_map(str::split_whitespace).filter(|word| word.starts_with("--"));
        for option in words {
            assert!(options.contains(option), "{command}: {option} is not among its options");
        }
    }
}

#[test]
fn the_help_of_pipeline_lists_its_exit_codes() {
    let text = help(&["pipeline"]);
    assert!(text.contains("0 done, 1 failed, 2 bad usage or config, 130 interrupted"), "{text}");
    assert!(text.contains("143 terminated"), "{text}");
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("a readme");
    assert!(readme.contains("130 interrupted and 143 terminated"), "both pages say the same");
}
