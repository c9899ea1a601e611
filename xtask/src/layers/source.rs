//! Walls that no dependency tree shows: devices, unsafe code, and files.

use crate::finding::Finding;
use crate::workspace::Workspace;

/// A text that may stand in the library code of some crates only.
struct Rule {
    text: &'static str,
    /// Folders of `crates/` where it may stand.
    allowed: &'static [&'static str],
    reason: &'static str,
}

/// Crates whose job includes files: data, tokenizers and weights, checkpoints, run folders.
const FILES: &[&str] =
    &["cli", "dataset", "endpoint", "hub", "model", "parity", "pipeline", "tokenize", "train"];

const RULES: [Rule; 8] = [
    Rule { text: "Device::default()", allowed: &[], reason: "devices are arguments" },
    Rule { text: "unsafe {", allowed: &["kernels"], reason: "unsafe code stands in kernels alone" },
    Rule {
        text: "unsafe fn",
        allowed: &["kernels"],
        reason: "unsafe code stands in kernels alone",
    },
    Rule {
        text: "unsafe impl",
        allowed: &["kernels"],
        reason: "unsafe code stands in kernels alone",
    },
    Rule {
        text: "(unsafe_code",
        allowed: &["kernels"],
        reason: "unsafe code stands in kernels alone",
    },
    Rule {
        text: "fs::",
        allowed: FILES,
        reason: "this crate computes, others read and write files",
    },
    Rule {
        text: "ureq::",
        allowed: &["endpoint", "external-reward", "hub"],
        reason: "addresses are asked through endpoint, by external rewards, and of the hub",
    },
    Rule {
        text: "FirstContact::Here",
        allowed: &["dataset"],
        reason: "files of others are first read by another process",
    },
];

/// Checks the library code of every crate in `crates/`.
///
/// # Errors
///
/// If a file cannot be listed or read.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for path in workspace.files()? {
        if let Some(name) = library_of(&path) {
            findings.extend(check_file(name, &path, &workspace.read(&path)?));
        }
    }
    Ok(findings)
}

/// The folder in `crates/` that a source file of a library belongs to.
fn library_of(path: &str) -> Option<&str> {
    let (name, file) = path.strip_prefix("crates/")?.split_once("/src/")?;
    let is_test = file.ends_with("tests.rs") || file.contains("tests/");
    (crate::tidy::has_extension(path, "rs") && !is_test).then_some(name)
}

/// Checks one source file, up to its tests.
fn check_file(name: &str, path: &str, content: &str) -> Vec<Finding> {
    let library = content.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let rules: Vec<_> = RULES.iter().filter(|rule| !rule.allowed.contains(&name)).collect();
    let lines = crate::tidy::code_lines(library);
    lines
        .flat_map(|(number, line)| {
            let broken = rules.iter().filter(move |rule| line.contains(rule.text));
            broken.map(move |rule| {
                Finding::at(path, number, format!("`{}`: {}", rule.text, rule.reason))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(name: &str, content: &str) -> Vec<String> {
        check_file(name, "x.rs", content).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_default_device_is_found_in_library_code_only() {
        let library = "//! X.\nlet device = Device::default();\n";
        assert_eq!(
            problems("model", library),
            ["x.rs:2: `Device::default()`: devices are arguments"]
        );
        let test = "//! X.\n#[cfg(test)]\nmod tests { fn f() { Device::default(); } }\n";
        assert!(problems("model", test).is_empty());
        assert!(problems("model", "//! Never `Device::default()`.\n").is_empty());
    }

    #[test]
    fn unsafe_code_stands_in_kernels_alone() {
        for line in [
            "unsafe { f() }",
            "unsafe fn f()",
            "unsafe impl Send for X {}",
            "#[allow(unsafe_code)]",
        ] {
            assert_eq!(problems("rollout", line).len(), 1, "{line}");
            assert!(problems("kernels", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_crate_that_computes_opens_no_files() {
        assert_eq!(problems("grpo", "let text = fs::read(path);\n").len(), 1);
        assert!(problems("dataset", "use std::fs::File;\n").is_empty());
    }

    #[test]
    fn files_of_others_are_first_read_by_another_process() {
        let line = "let file = RowFile::open(&FirstContact::Here, path, format)?;\n";
        assert_eq!(problems("cli", line).len(), 1);
        assert_eq!(problems("pipeline", line).len(), 1);
        assert!(problems("dataset", line).is_empty());
    }

    #[test]
    fn tests_examples_and_other_packages_are_no_libraries() {
        assert_eq!(library_of("crates/grpo/src/loss/clip.rs"), Some("grpo"));
        assert_eq!(library_of("crates/grpo/tests/golden.rs"), None);
        assert_eq!(library_of("crates/grpo/src/loss/tests.rs"), None);
        assert_eq!(library_of("xtask/src/main.rs"), None);
    }
}
