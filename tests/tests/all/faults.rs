//! The page of faults names tests that there are, for every row.

use std::fs;
use std::path::Path;

use forethought_tests::repository;

/// Rows of the page.
const NUM_ROWS: usize = 55;

/// The text of all Rust files below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_row_of_the_page_of_faults_names_tests_that_there_are() {
    let root = repository();
    let page = fs::read_to_string(root.join("docs/faults.md")).expect("the page");
    let mut all = String::new();
    sources(&root.join("crates"), &mut all);
    sources(&root.join("tests"), &mut all);
    let mut rows = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, row, _, held, _] = cells[..] else { continue };
        let Ok(row) = row.parse::<usize>() else { continue };
        rows.push(row);
        // Every second piece stands between backticks; a name of a test has no blank.
        let names: Vec<&str> =
            held.split('`').skip(1).step_by(2).filter(|name| !name.contains(' ')).collect();
        let missing: Vec<&&str> =
            names.iter().filter(|name| !all.contains(&format!("fn {name}("))).collect();
        assert!(missing.is_empty(), "row {row}: there is no test {missing:?}");
        assert!(!names.is_empty() || held.starts_with("not covered"), "row {row}: {held}");
    }
    assert_eq!(rows, (1..=NUM_ROWS).collect::<Vec<_>>());
}

#[test]
fn no_crate_of_the_workspace_unpacks_archives() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).expect("the manifest");
    let dependencies = manifest.split_once("[workspace.dependencies]").expect("a list").1;
    for archive in ["zip", "tar", "unrar", "sevenz-rust", "async_zip", "cab"] {
        assert!(!dependencies.contains(&format!("\n{archive} = ")), "{archive} unpacks archives");
    }
}
