//! Files that are something else than they are called.

use std::path::Path;

use forethought_dataset::{Format, Source, find_files, read_examples, read_objects};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::HERE;

fn write(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    let path = path.display().to_string();
    (folder, path)
}

fn error(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let (folder, path) = write(name, bytes);
    let error = read_examples("inspect", &[Source::new(path)], &HERE).expect_err("mistaken");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

fn values(path: &str, format: Format) -> Result<Vec<Value>, String> {
    let rows = read_objects(&HERE, Path::new(path), format).map_err(|error| error.to_string())?;
    Ok(rows.into_iter().filter_map(|row| row.value.ok()).collect())
}

#[test]
fn an_array_that_is_called_lines_is_read_whole() {
    let [one, two] = [1, 2].map(|number| json!({"prompt": number.to_string()}));
    for text in [
        format!("[\n{one},\n{two}\n]\n"),
        format!("[{one},\n {two}]"),
        format!("\n [{one}, {two}]\n"),
    ] {
        let (_folder, path) = write("a.jsonl", &text);
        assert_eq!(values(&path, Format::Auto), Ok(vec![one.clone(), two.clone()]), "{text}");
        let said = values(&path, Format::Jsonl).expect_err("said to be lines");
        let expected = "this is one JSON array, and not an object a line; set `format: json`";
        assert!(said.ends_with(expected), "{said}");
    }
    // A list in each line is a broken row in each line.
    let (_folder, path) = write("a.jsonl", "[1]\n{\"prompt\": \"1\"}\n");
    assert_eq!(values(&path, Format::Auto), Ok(vec![json!([1]), one.clone()]));
    let (_folder, path) = write("a.jsonl", "[not JSON\n{\"prompt\": \"1\"}\n");
    assert_eq!(values(&path, Format::Auto), Ok(vec![one]));
}

#[test]
fn what_is_no_text_is_called_by_its_name() {
    let wide = |text: &str, with_mark: &[u8]| -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        with_mark.iter().copied().chain(units).collect()
    };
    let row = "{\"prompt\": \"q\", \"completion\": \"a\"}\n";
    let utf_16 = "this is UTF-16, and text is read as UTF-8; convert it, for example with `iconv -f UTF-16 -t UTF-8`";
    assert_eq!(error("a.jsonl", wide(row, b"\xff\xfe")), format!("a.jsonl: {utf_16}"));
    assert_eq!(error("a.jsonl", wide(row, b"")), format!("a.jsonl: {utf_16}"));
    assert_eq!(error("a.csv", wide("a,b\n1,2\n", b"\xff\xfe")), format!("a.csv: {utf_16}"));
    let parquet = error("a.jsonl", b"PAR1\x15\x04\x15");
    assert!(
        parquet.starts_with("a.jsonl: this is parquet, and not text; set `format:"),
        "{parquet}"
    );
    let arrow = error("a.json", b"ARROW1\0\0\xff");
    assert!(arrow.starts_with("a.json: this is Arrow, and not text; set `format:"), "{arrow}");
    assert!(error("a.jsonl", b"PK\x03\x04abc").contains("a zip archive"));
    // A file whose end was never written is another matter.
    let cut = error("a.jsonl", format!("{row}\0\0\0\0").replace("completion", "completoin"));
    assert!(cut.contains("no shape fits"), "{cut}");
}

#[test]
fn a_table_with_other_borders_between_cells_says_so() {
    assert_eq!(
        error("a.csv", "prompt;completion\nq;a\n"),
        "a.csv: the header is one cell, `prompt;completion`: cells are separated by `,` here; write it with commas or tabs"
    );
    let tabs = error("a.csv", "prompt\tcompletion\nq\ta\n");
    assert!(tabs.ends_with("separated by `,` here; set `format: tsv`"), "{tabs}");
    let commas = error("a.tsv", "prompt,completion\nq,a\n");
    assert!(commas.ends_with("separated by `\\t` here; set `format: csv`"), "{commas}");
    let (_folder, path) = write("a.csv", "text\nOne; or two.\n");
    assert_eq!(values(&path, Format::Auto), Ok(vec![json!({"text": "One; or two."})]));
}

#[cfg(unix)]
#[test]
fn links_to_nowhere_and_pipes_are_no_files() {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(path("loop.jsonl"), path("loop.jsonl")).expect("a link");
    let status = std::process::Command::new("mkfifo").arg(path("pipe.jsonl")).status();
    assert!(status.expect("mkfifo is there").success());
    let error = |name: &str| {
        let found = find_files(&Source::new(path(name).display().to_string()));
        let text = found.expect_err("no file").to_string();
        text.replace(&format!("{}/", folder.path().display()), "")
    };
    let link = error("loop.jsonl");
    assert!(link.starts_with("loop.jsonl: this link leads to no file: Too many levels"), "{link}");
    let expected = "rows are read several times, which a pipe or a device cannot be; write them to a file first";
    assert_eq!(error("pipe.jsonl"), format!("pipe.jsonl: {expected}"));
    let input = find_files(&Source::new("-")).expect_err("standard input").to_string();
    assert_eq!(input, format!("-: {expected}"));
    assert!(error("loop.json").contains("did you mean `loop.jsonl`?"), "another name is a hint");
}
