//! Rules for Rust files and for the names of crates and modules.

use crate::finding::Finding;

/// Lines a file may have; beyond it, it does two things.
const MAX_LINES: usize = 400;

/// Names that fit anything, and so collect everything.
const EMPTY_NAMES: [&str; 6] = ["common", "utils", "util", "core", "types", "helpers"];

/// What unfinished work leaves behind, and why it may not stay. The words are put together so that this file does not
/// break its own rule.
const LEFTOVERS: [(&str, &str); 4] = [
    (concat!("to", "do!("), "unfinished: write it, or leave it out"),
    (concat!("unimple", "mented!("), "unfinished: write it, or leave it out"),
    (concat!("db", "g!("), "a trace of debugging"),
    (
        concat!("#[ig", "nore"),
        "a test that never runs: gate it by a feature or an environment variable",
    ),
];

/// Checks one Rust file.
pub(super) fn check(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !content.starts_with("//! ") {
        findings.push(Finding::at(
            path,
            1,
            "does not open with a `//!` sentence that says what it is for",
        ));
    }
    let num_lines = content.lines().count();
    if num_lines > MAX_LINES {
        let problem =
            format!("{num_lines} lines, at most {MAX_LINES} are allowed: split it by topic");
        findings.push(Finding::new(path, problem));
    }
    for (number, line) in code_lines(content) {
        for (leftover, reason) in LEFTOVERS {
            if line.contains(leftover) {
                findings.push(Finding::at(path, number, format!("`{leftover}`: {reason}")));
            }
        }
    }
    findings
}

/// Checks the names of all crates and modules.
pub(super) fn check_names(files: &[String]) -> Vec<Finding> {
    let is_empty = |name: &str| EMPTY_NAMES.contains(&name);
    let rust = files.iter().filter(|path| super::has_extension(path, "rs"));
    let named = rust.filter_map(|path| {
        let mut names = path.trim_end_matches(".rs").split('/');
        names.find(|name| is_empty(name)).map(|name| (path, name))
    });
    named
        .map(|(path, name)| {
            Finding::new(path, format!("`{name}` fits anything: name it by what is in it"))
        })
        .collect()
}

/// The lines of a file with their numbers from 1, without comments. A `//` inside a string ends the line too, which
/// hides code behind a URL but never invents any.
pub(crate) fn code_lines(content: &str) -> impl Iterator<Item = (usize, &str)> {
    let without_comment = |line| str::split_once(line, "//").map_or(line, |(code, _)| code);
    content.lines().enumerate().map(move |(index, line)| (index + 1, without_comment(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(content: &str) -> Vec<String> {
        check("a.rs", content).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        assert!(problems("//! Adds.\n").is_empty());
        assert!(problems("// Adds.\n")[0].starts_with("a.rs:1: does not open with a `//!`"));
        assert_eq!(problems("").len(), 1);
    }

    #[test]
    fn the_four_hundred_and_first_line_is_one_too_many() {
        let content = |num_lines: usize| format!("//! Long.\n{}", "x\n".repeat(num_lines - 1));
        assert!(problems(&content(400)).is_empty());
        assert_eq!(
            problems(&content(401)),
            ["a.rs: 401 lines, at most 400 are allowed: split it by topic"]
        );
    }

    #[test]
    fn leftovers_are_found_in_code_and_not_in_comments() {
        for (leftover, _) in LEFTOVERS {
            let found = problems(&format!("//! Adds.\n\n    {leftover}\n"));
            assert!(found[0].starts_with(&format!("a.rs:3: `{leftover}`")), "{found:?}");
            assert!(problems(&format!("//! Never {leftover}.\n")).is_empty());
        }
    }

    #[test]
    fn names_that_fit_anything_are_refused_for_files_folders_and_crates() {
        let files =
            ["crates/utils/src/lib.rs", "crates/a/src/types.rs", "crates/a/tests/common/mod.rs"];
        let found = check_names(&files.map(String::from));
        let names = ["`utils`", "`types`", "`common`"];
        assert!(found.iter().zip(names).all(|(finding, name)| finding.to_string().contains(name)));
        assert_eq!(found.len(), 3);
        let fine = ["crates/a/src/utilisation.rs", "docs/common.md"].map(String::from);
        assert!(check_names(&fine).is_empty());
    }
}
