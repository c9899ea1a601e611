//! Properties of readers: every fault of a row is named with its place, and no damage makes one panic.

use forethought_dataset::{Format, Source, Unfinished, read_objects, read_traces};
use forethought_preference::{Part, Shape};
use proptest::prelude::*;
use serde_json::json;

use super::hostile::seeds;
use super::{HERE, of, reading};

/// What can be wrong with one field of a row.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Missing,
    Misspelt,
    Null,
    Number,
    Duplicate,
    Extra,
}

const FAULTS: [(Fault, Option<&str>); 6] = [
    (Fault::Missing, Some("missing_field")),
    (Fault::Misspelt, Some("missing_field")),
    (Fault::Null, Some("null")),
    (Fault::Number, Some("wrong_type")),
    (Fault::Duplicate, Some("duplicate_key")),
    (Fault::Extra, None),
];

/// A row of two columns of which one has the fault.
fn faulty(columns: &[String; 2], texts: [&str; 2], at: usize, fault: Fault) -> String {
    let text = |index: usize| json!(texts[index]).to_string();
    let field = |name: &str, value: &str| format!("{}: {value}", json!(name));
    let name = &columns[at];
    let damaged = match fault {
        Fault::Missing => String::new(),
        Fault::Misspelt => field(&format!("{name}_"), &text(at)),
        Fault::Null => field(name, "null"),
        Fault::Number => field(name, "12"),
        Fault::Duplicate => format!("{}, {}", field(name, &text(at)), field(name, &text(at))),
        Fault::Extra => format!("{}, {}", field(name, &text(at)), field("another", "[1]")),
    };
    let whole = field(&columns[1 - at], &text(1 - at));
    let fields: Vec<String> =
        [damaged, whole].into_iter().filter(|field| !field.is_empty()).collect();
    format!("{{{}}}", fields.join(", "))
}

#[test]
fn a_carriage_return_alone_ends_a_line_of_a_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "a,b\r1,2\r3,4\r\n\n5,6\n7,8\r9,10").expect("written");
    let rows = read_objects(&HERE, &path, Format::Auto).expect("rows");
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [2, 3, 5, 6, 7]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_fault_of_a_field_is_named_with_its_line_and_the_sums_agree(
        names in ("[a-z ]{1,8}", "[A-Zäß\"\\\\]{1,8}"),
        texts in (".*[a-z]", ".*[a-z]"),
        faults in prop::collection::vec((0..2_usize, 0..FAULTS.len()), 1..8),
    ) {
        let columns = [names.0, names.1];
        let parts = [(Part::Prompt, columns[0].clone()), (Part::Completion, columns[1].clone())];
        let good = faulty(&columns, ["q", "</think>a"], 0, Fault::Extra);
        let texts = [texts.0.as_str(), texts.1.as_str()];
        let mut lines = vec![good];
        lines.extend(faults.iter().map(|(at, fault)| faulty(&columns, texts, *at, FAULTS[*fault].0)));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, lines.join("\n")).expect("written");
        let shape = Some(Shape::PromptCompletion);
        let source = Source { shape, columns: parts.into(), ..Source::new(path.display().to_string()) };
        let read = read_traces(&of(source), Unfinished::Keep, reading());
        let ledger = read.expect("one row is good").ledger;
        ledger.check().expect("sums that agree");
        let entry = &ledger.entries[0];
        prop_assert_eq!(entry.read, lines.len() as u64);
        prop_assert!(entry.about.ends_with("another") || entry.about.contains("; not read: "));
        for (index, (at, fault)) in faults.iter().enumerate() {
            let row = index as u64 + 2;
            let Some(reason) = FAULTS[*fault].1 else { continue };
            prop_assert!(entry.dropped[reason].rows.contains(&row), "{reason}: {}", lines[index + 1]);
            let error = entry.row_errors.iter().find(|error| error.row == row).expect("its error");
            let column = error.column.expect("its column");
            prop_assert!(column <= lines[index + 1].len());
            let text = error.to_string();
            let place = format!("{}:{row}:{column}: ", path.display());
            prop_assert!(text.starts_with(&place), "{}", text);
            let field = format!("`{}`", columns[*at]);
            prop_assert!(text.contains(&field), "{}", text);
        }
    }

    #[test]
    fn no_damage_to_a_text_file_makes_a_reader_panic(
        seed in 0..6_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12),
    ) {
        let names = ["rows.jsonl", "rows.json", "rows.csv", "rows.tsv", "rows.jsonl.gz", "rows.jsonl.zst"];
        let mut bytes = std::fs::read(seeds().join(names[seed])).expect("a seed");
        for (place, byte, kind) in edits {
            let index = place.index(bytes.len().max(1));
            match kind {
                0 if !bytes.is_empty() => bytes[index] = byte,
                1 if !bytes.is_empty() => { bytes.remove(index); }
                2 => bytes.insert(index, byte),
                _ => bytes.truncate(index.max(bytes.len() / 2)),
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(names[seed]);
        std::fs::write(&path, &bytes).expect("written");
        match read_objects(&HERE, &path, Format::Auto) {
            Err(error) => prop_assert!(error.to_string().contains(names[seed]), "{error}"),
            Ok(rows) => {
                let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
                prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
                for error in rows.into_iter().filter_map(|row| row.value.err()) {
                    prop_assert!(error.to_string().contains(names[seed]), "{error}");
                }
            }
        }
    }

    #[test]
    fn kept_and_skipped_rows_are_all_rows_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.jsonl");
        // An array that is called lines is an array.
        prop_assume!(!bytes.trim_ascii_start().starts_with(b"["));
        std::fs::write(&path, &bytes).expect("written");
        let rows = read_objects(&HERE, &path, Format::Auto).expect("readable");
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii_end().is_empty());
        prop_assert_eq!(rows.len(), lines.count());
    }
}
