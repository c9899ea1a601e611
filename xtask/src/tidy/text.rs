//! Rules for every text file that a person writes.

use super::has_extension;
use crate::finding::Finding;

/// Folders that exist on one machine only. They are put together so that this file does not break its own rule.
const PRIVATE_FOLDERS: [&str; 6] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "tmp/"),
    concat!("/", "Users/"),
    concat!("/", "mnt/"),
    concat!("/", "work/"),
];

/// Whether a person writes this file: sources, documents and settings, but no data and no fixtures.
pub(super) fn is_ours(path: &str) -> bool {
    let is_written = ["rs", "md", "toml", "yaml", "yml", "sh"];
    is_written.iter().any(|extension| has_extension(path, extension)) || path.starts_with(".ci/")
}

/// Checks one file.
pub(super) fn check(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        let mut find = |problem: String| findings.push(Finding::at(path, index + 1, problem));
        if line.contains('\t') {
            find("a tab: indent with spaces".into());
        }
        if line.ends_with(' ') {
            find("white space at the end of the line".into());
        }
        if let Some(folder) = private_folder(line) {
            find(format!(
                "`{folder}` names a folder of one machine: use a relative path, or an environment variable"
            ));
        }
    }
    if !content.is_empty() && !content.ends_with('\n') {
        findings.push(Finding::new(path, "the last line has no line break"));
    }
    findings
}

/// The private folder that an absolute path in this line starts with.
fn private_folder(line: &str) -> Option<&'static str> {
    PRIVATE_FOLDERS.into_iter().find(|folder| {
        // Inside a longer path or a URL the folder is somebody else's.
        let starts_a_path = |at: usize| {
            !line[..at]
                .ends_with(|before: char| before.is_alphanumeric() || "._-~}/$".contains(before))
        };
        line.match_indices(folder).any(|(at, _)| starts_a_path(at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(content: &str) -> Vec<String> {
        check("notes.md", content).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tabs_and_trailing_spaces_are_found_where_they_are() {
        assert_eq!(problems("a\n\tb\n"), ["notes.md:2: a tab: indent with spaces"]);
        assert_eq!(problems("a \n"), ["notes.md:1: white space at the end of the line"]);
        assert_eq!(problems("a"), ["notes.md: the last line has no line break"]);
        assert!(problems("a\n\nb\n").is_empty());
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_a_url_is_not() {
        let private = format!("see `{}alice/model`\n", PRIVATE_FOLDERS[0]);
        let expected = format!("notes.md:1: `{}` names a folder", PRIVATE_FOLDERS[0]);
        assert!(problems(&private)[0].starts_with(&expected));
        assert!(problems("https://example.org/home/alice and target/tmp/x\n").is_empty());
    }

    #[test]
    fn data_and_fixtures_may_hold_what_they_like() {
        assert!(is_ours("crates/seed/src/lib.rs"));
        assert!(is_ours(".ci/run"));
        assert!(!is_ours("datasets/x/train.parquet"));
        assert!(!is_ours("crates/grpo/tests/golden.json"));
    }
}
