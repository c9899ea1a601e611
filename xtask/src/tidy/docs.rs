//! Rules for the documents: links lead somewhere, decisions say when to reopen them, algorithms are explained.

use crate::finding::Finding;
use crate::layers::ALGORITHMS;

/// What every decision record answers.
const ADR_HEADINGS: [&str; 4] = ["## Context", "## Decision", "## Consequences", "## Reopen when"];

/// Checks one Markdown file; `exists` tells whether a path, relative to the root, is there.
pub(super) fn check(path: &str, content: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = check_links(path, content, exists);
    if path.starts_with("docs/adr/") {
        let is_missing = |heading: &&str| !content.lines().any(|line| line == *heading);
        let missing = ADR_HEADINGS.into_iter().filter(is_missing);
        findings.extend(
            missing.map(|heading| Finding::new(path, format!("has no heading `{heading}`"))),
        );
    }
    findings
}

/// Checks that every algorithm crate has its page.
pub(super) fn check_algorithms(files: &[String]) -> Vec<Finding> {
    let holds = |path: &str| files.iter().any(|file| file == path);
    let is_there = |name: &&&str| holds(&format!("crates/{name}/Cargo.toml"));
    let pages = ALGORITHMS.iter().filter(is_there).map(|name| format!("docs/algorithms/{name}.md"));
    pages
        .filter(|page| !holds(page))
        .map(|page| {
            Finding::new(page, "missing: an algorithm crate has a page with its maths and sources")
        })
        .collect()
}

/// Checks that relative links lead to files.
fn check_links(path: &str, content: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_fenced = false;
    for (index, line) in content.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        for link in links(line).filter(|link| is_relative(link)) {
            let target = link.split('#').next().unwrap_or_default();
            match resolve(path, target) {
                Some(file) if exists(&file) => {}
                Some(_) => findings.push(Finding::at(
                    path,
                    index + 1,
                    format!("the link `{link}` leads nowhere"),
                )),
                None => findings.push(Finding::at(
                    path,
                    index + 1,
                    format!("the link `{link}` leaves the repository"),
                )),
            }
        }
    }
    findings
}

/// The targets of a line's inline links, outside of code spans.
fn links(line: &str) -> impl Iterator<Item = &str> {
    // Every other piece between backticks is code.
    let prose = line.split('`').step_by(2);
    let after_brackets = prose.flat_map(|text| text.split("](").skip(1));
    // A link text that is code, `[`x`](y)`, puts the bracket at the start of the next piece, where `split` sees it too.
    after_brackets.filter_map(|rest| rest.split([')', ' ']).next())
}

/// Whether a link points into the repository and not at a site or a place on the same page.
fn is_relative(link: &str) -> bool {
    !(link.is_empty()
        || link.starts_with('#')
        || link.contains("://")
        || link.starts_with("mailto:"))
}

/// The path of a link, relative to the root; `None` if it leaves the repository.
fn resolve(page: &str, link: &str) -> Option<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(content: &str) -> Vec<String> {
        let exists = |path: &str| ["README.md", "docs/style.md", "docs/adr"].contains(&path);
        check("docs/testing.md", content, exists).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_are_followed_from_the_page_they_stand_on() {
        assert!(
            broken("[a](style.md) [b](../README.md#use) [`c`](./adr/) ![d](style.md \"title\")\n")
                .is_empty()
        );
        assert_eq!(
            broken("\n[a](gone.md)\n"),
            ["docs/testing.md:2: the link `gone.md` leads nowhere"]
        );
        assert_eq!(
            broken("[`a`](gone.md)"),
            ["docs/testing.md:1: the link `gone.md` leads nowhere"]
        );
        assert_eq!(
            broken("[a](../../x.md)"),
            ["docs/testing.md:1: the link `../../x.md` leaves the repository"]
        );
    }

    #[test]
    fn sites_anchors_and_code_are_no_files() {
        assert!(broken("[a](https://example.org/x) [b](#here) `[c](gone.md)`\n").is_empty());
        assert!(broken("```text\n[a](gone.md)\n```\n").is_empty());
    }

    #[test]
    fn a_decision_without_reopen_when_is_found() {
        let content = "# 1\n## Context\n## Decision\n## Consequences\n";
        let found = check("docs/adr/0001-x.md", content, |_| true);
        assert_eq!(found, [Finding::new("docs/adr/0001-x.md", "has no heading `## Reopen when`")]);
    }

    #[test]
    fn an_algorithm_crate_without_its_page_is_found() {
        let files = ["crates/grpo/Cargo.toml", "crates/sft/Cargo.toml", "docs/algorithms/sft.md"];
        let found = check_algorithms(&files.map(String::from));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("docs/algorithms/grpo.md: missing"));
    }
}
