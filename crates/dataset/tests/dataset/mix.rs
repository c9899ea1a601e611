//! Several sources into one list of examples.

use std::path::Path;

use forethought_dataset::{
    DatasetError, Deduplicate, DuplicateBy, Ledger, MixConfig, MixOrder, Mixing, NearDuplicates,
    Reading, Source, mix,
};
use forethought_schema::{Example, Record, RecordKind};
use forethought_seed::Seed;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::reading;

fn write(folder: &Path, name: &str, rows: &[Value]) -> String {
    let path = folder.join(name);
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).expect("written");
    path.display().to_string()
}

fn row(prompt: &str) -> Value {
    json!({"prompt": prompt, "completion": format!("answer to {prompt}")})
}

fn numbered(name: &str, count: usize) -> Vec<Value> {
    (0..count).map(|index| row(&format!("{name}{index}"))).collect()
}

/// A mix of which every example was kept.
#[derive(Debug)]
struct Done {
    rows: Vec<Example>,
    ledger: Ledger,
}

fn mixed(config: &MixConfig, kind: Option<RecordKind>, seed: u64) -> Result<Done, DatasetError> {
    let reading = Reading { seed: Seed::new(seed), ..reading() };
    let (rows, ledger) = mix(config, Mixing { reading, kind })?.collect()?;
    Ok(Done { rows, ledger })
}

fn run(config: &MixConfig, seed: u64) -> Result<Done, DatasetError> {
    mixed(config, None, seed)
}

fn prompts(done: &Done) -> Vec<String> {
    let prompt = |record: &Record| match record {
        Record::PromptCompletion(one) => serde_json::to_value(&one.prompt).expect("plain data"),
        other => panic!("{other:?}"),
    };
    let rows = done.rows.iter().map(|example| prompt(&example.record));
    rows.map(|prompt| prompt.as_str().expect("a text").to_owned()).collect()
}

fn source(path: &str, weight: Option<f64>, max_rows: Option<usize>) -> Source {
    Source { weight, max_rows, ..Source::new(path) }
}

#[test]
fn weights_and_caps_decide_how_many_rows_of_each_source_are_taken() {
    let folder = TempDir::new().expect("a folder");
    let a = write(folder.path(), "a.jsonl", &numbered("a", 20));
    let b = write(folder.path(), "b.jsonl", &numbered("b", 50));
    let config = MixConfig::of(vec![source(&a, Some(2.0), None), source(&b, Some(1.0), Some(8))]);
    let mixed = run(&config, 1).expect("a mix");
    let count = |name: &str| prompts(&mixed).iter().filter(|one| one.starts_with(name)).count();
    // 8 of b are as many as 16 of a go with.
    assert_eq!((count("a"), count("b")), (16, 8));
    assert_eq!(mixed.ledger.entries[0].dropped["over_its_share"].count, 4);
    assert_eq!(mixed.ledger.entries[1].dropped["over_max_rows"].count, 42);
    assert_eq!((mixed.ledger.read(), mixed.ledger.kept()), (70, 24));
    assert_eq!(prompts(&run(&config, 1).expect("a mix")), prompts(&mixed));
    assert_ne!(prompts(&run(&config, 2).expect("a mix")), prompts(&mixed), "another seed");
}

#[test]
fn the_earlier_source_keeps_what_two_hold_and_near_duplicates_go() {
    let folder = TempDir::new().expect("a folder");
    let long = "Ellen has six more balls than Marin. Marin has nine balls. How many has Ellen?";
    let nearly = "Ellen has six more balls than Martin. Martin has nine balls. How many has Ellen?";
    let a = write(folder.path(), "a.jsonl", &[row("a"), row(long), row("a")]);
    let b = write(folder.path(), "b.jsonl", &[row(nearly), row("a"), row("other")]);
    let near = NearDuplicates { threshold: 0.6, ..NearDuplicates::default() };
    let config = MixConfig {
        deduplicate: Some(Deduplicate { by: DuplicateBy::Prompt, near: Some(near) }),
        ..MixConfig::of(vec![source(&a, None, None), source(&b, None, None)])
    };
    let mixed = run(&config, 3).expect("a mix");
    assert_eq!(prompts(&mixed), ["a", long, "other"].map(String::from));
    let dropped = |entry: usize, reason: &str| {
        mixed.ledger.entries[entry].dropped.get(reason).map(|rows| rows.rows.clone())
    };
    assert_eq!(dropped(1, "near_duplicate"), Some(vec![1]));
    assert_eq!(dropped(1, "duplicate"), Some(vec![2]));
    assert_eq!(dropped(0, "duplicate").map(|rows| rows.len()), Some(1));
}

#[test]
fn interleaving_spreads_sources_and_shuffling_mixes_them() {
    let folder = TempDir::new().expect("a folder");
    let a = write(folder.path(), "a.jsonl", &numbered("a", 9));
    let b = write(folder.path(), "b.jsonl", &numbered("b", 3));
    let of = |order| {
        let sources = vec![source(&a, None, None), source(&b, None, None)];
        prompts(&run(&MixConfig { order, ..MixConfig::of(sources) }, 5).expect("a mix"))
    };
    let as_read = of(MixOrder::AsRead);
    assert_eq!((as_read[0].as_str(), as_read[11].as_str()), ("a0", "b2"));
    let interleaved: String =
        of(MixOrder::Interleave).iter().map(|one| one[..1].to_owned()).collect();
    // 3 of 12: one in each run of four.
    let places: Vec<usize> = interleaved.match_indices('b').map(|(place, _)| place / 4).collect();
    assert_eq!(places, [0, 1, 2], "{interleaved}");
    let mut shuffled = of(MixOrder::Shuffle);
    assert_ne!(shuffled, as_read);
    shuffled.sort();
    let mut sorted = as_read;
    sorted.sort();
    assert_eq!(shuffled, sorted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_taken_depends_on_the_set_of_rows_and_not_on_their_order(
        names in prop::collection::vec("[a-d]{1,2}", 2..20),
        max_rows in 1_usize..12,
        seed in 0_u64..4,
    ) {
        let folder = TempDir::new().expect("a folder");
        let rows: Vec<Value> = names.iter().map(|name| row(name)).collect();
        let whole = write(folder.path(), "whole.jsonl", &rows);
        let turned: Vec<Value> = rows.iter().rev().cloned().collect();
        let (first, second) = turned.split_at(turned.len() / 2);
        write(folder.path(), "z-part.jsonl", first);
        let part = write(folder.path(), "a-part.jsonl", second);
        let parts = part.replace("a-part", "*-part");
        let config = |path: &str| MixConfig {
            order: MixOrder::Shuffle,
            deduplicate: Some(Deduplicate::default()),
            ..MixConfig::of(vec![source(path, None, Some(max_rows))])
        };
        let one = run(&config(&whole), seed).expect("a mix");
        let other = run(&config(&parts), seed).expect("a mix");
        prop_assert_eq!(prompts(&one), prompts(&other));
        prop_assert_eq!(one.ledger.kept(), other.ledger.kept());
    }
}

#[test]
fn a_condition_keeps_rows_and_the_ledger_counts_the_others() {
    let folder = TempDir::new().expect("a folder");
    let rows = [
        json!({"prompt": "a", "completion": "x", "score": 0.9}),
        json!({"prompt": "bb", "completion": "x", "score": 0.1}),
        json!({"prompt": "ccc", "completion": "x"}),
    ];
    let path = write(folder.path(), "a.jsonl", &rows);
    let filter = Some("length(prompt) < 3 AND score > 0.5".to_owned());
    let config = MixConfig::of(vec![Source { filter, ..Source::new(&path) }]);
    let mixed = run(&config, 1).expect("a mix");
    assert_eq!(prompts(&mixed), ["a"]);
    assert_eq!(mixed.ledger.entries[0].dropped["filtered_out"].rows, [2, 3]);
    let filter = Some("scor > 0.5".to_owned());
    let config = MixConfig::of(vec![Source { filter, ..Source::new(&path) }]);
    let error = run(&config, 1).expect_err("no such column").to_string();
    assert!(error.starts_with("where `scor > 0.5`: "), "{error}");
    assert!(
        error.ends_with(
            "no column `scor` (did you mean `score`?); it has: prompt, completion, score"
        ),
        "{error}"
    );
}

#[test]
fn rows_that_wait_for_a_verdict_keep_their_order_among_those_that_are_broken() {
    let folder = TempDir::new().expect("a temporary folder");
    // More rows than are judged together, of which each seventh is no JSON and each eleventh of no shape.
    let line = |number: u32| match number {
        _ if number.is_multiple_of(7) => "{".to_owned(),
        _ if number.is_multiple_of(11) => json!({"prompt": 1, "n": number}).to_string(),
        _ => json!({"prompt": format!("p{number}"), "completion": "c", "n": number}).to_string(),
    };
    let lines: Vec<String> = (1..=10_000).map(line).collect();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, lines.join("\n")).expect("written");
    let filter = Some("n % 2 = 0".to_owned());
    let config = MixConfig::of(vec![Source { filter, ..Source::new(path.display().to_string()) }]);
    let mixed = run(&config, 1).expect("a mix");
    let rows =
        |keep: &dyn Fn(u64) -> bool| (1..=10_000).filter(|row| keep(*row)).collect::<Vec<u64>>();
    let (broken, even) = (|row: u64| row.is_multiple_of(7), |row: u64| row.is_multiple_of(2));
    let entry = &mixed.ledger.entries[0];
    assert_eq!(entry.read, 10_000);
    let filtered = rows(&|row| !broken(row) && !even(row));
    assert_eq!(entry.dropped["filtered_out"].rows, filtered);
    let faulty = rows(&|row| broken(row) || (even(row) && row.is_multiple_of(11)));
    assert_eq!(entry.row_errors.iter().map(|error| error.row).collect::<Vec<_>>(), faulty);
    assert_eq!(
        entry.row_errors[1]
            .to_string()
            .rsplit_once("a.jsonl:")
            .map(|(_, rest)| rest[..5].to_owned()),
        Some("14:1:".to_owned())
    );
    let kept = rows(&|row| !broken(row) && even(row) && !row.is_multiple_of(11));
    assert_eq!(prompts(&mixed), kept.iter().map(|row| format!("p{row}")).collect::<Vec<_>>());
}

#[test]
fn sources_of_different_kinds_are_mixed_where_they_become_the_same() {
    let folder = TempDir::new().expect("a folder");
    let pairs = [json!({"question": "q", "chosen": "a", "rejected": "b", "margin": 1.0})];
    let pairs = write(folder.path(), "pairs.jsonl", &pairs);
    let labelled = [
        json!({"prompt": "p", "completion": "good", "label": true}),
        json!({"prompt": "p", "completion": "bad", "label": false}),
    ];
    let labelled = write(folder.path(), "labelled.jsonl", &labelled);
    let config = MixConfig::of(vec![source(&pairs, None, None), source(&labelled, None, None)]);
    let error = run(&config, 1).expect_err("two kinds").to_string();
    assert!(
        error.contains("preference records and") && error.contains("say what they shall become"),
        "{error}"
    );
    let become_kind = |kind| mixed(&config, Some(kind), 1);
    let completed = become_kind(RecordKind::PromptCompletion).expect("a mix");
    assert_eq!(prompts(&completed), ["q", "p"]);
    assert_eq!(completed.ledger.entries[0].notes["lost: rejected"].rows, [1]);
    assert_eq!(completed.ledger.entries[1].dropped["undesirable_completion"].rows, [2]);
    let error = become_kind(RecordKind::Text).expect_err("no way").to_string();
    assert!(error.ends_with("holds preference records, of which no text can be made"), "{error}");
}

#[test]
fn pairs_are_taken_apart_and_labelled_completions_put_together() {
    let folder = TempDir::new().expect("a folder");
    let pair = |prompt: &str| json!({"prompt": prompt, "chosen": "a", "rejected": "b"});
    let path = write(folder.path(), "pairs.jsonl", &[pair("p"), pair("q")]);
    let to =
        |path: &str, kind| mixed(&MixConfig::of(vec![source(path, None, None)]), Some(kind), 1);
    let apart = to(&path, RecordKind::Unpaired).expect("a mix");
    assert_eq!((apart.rows.len(), apart.ledger.kept(), apart.ledger.written), (4, 2, Some(4)));
    let unpaired = |prompt: &str, label: bool| json!({"prompt": prompt, "completion": label.to_string(), "label": label});
    let rows = [unpaired("p", true), unpaired("q", true), unpaired("p", false)];
    let path = write(folder.path(), "labelled.jsonl", &rows);
    let together = to(&path, RecordKind::Preference).expect("a mix");
    assert_eq!((together.rows.len(), together.ledger.written), (1, Some(1)));
    assert_eq!(together.ledger.entries[0].kept["preference"], 2);
    assert_eq!(together.ledger.entries[0].dropped["no_counterpart"].rows, [2]);
}

#[test]
fn a_note_on_a_row_that_is_dropped_later_is_none() {
    let folder = TempDir::new().expect("a folder");
    let long = "Ellen has six more balls than Marin. Marin has nine balls. How many has Ellen?";
    let rows = [row(long), row(&long.replace("Marin", "Martin")), row(long), row("other")];
    let path = write(folder.path(), "a.jsonl", &rows);
    let near = NearDuplicates { threshold: 0.6, ..NearDuplicates::default() };
    let config = MixConfig {
        deduplicate: Some(Deduplicate { by: DuplicateBy::Record, near: Some(near) }),
        ..MixConfig::of(vec![source(&path, None, None)])
    };
    let mixed = mixed(&config, Some(RecordKind::Prompt), 3).expect("a mix");
    let entry = &mixed.ledger.entries[0];
    assert_eq!((entry.read, entry.kept["prompt"]), (4, 2));
    let noted = &entry.notes["lost: completion"];
    assert_eq!((noted.count, noted.rows.last()), (2, Some(&4)));
    let mut both = mixed.ledger.clone();
    let dropped = entry.dropped.values().flat_map(|rows| &rows.rows).next().expect("a row");
    both.entries[0].note(*dropped, "lost: completion");
    assert!(both.check().is_err(), "a note on a dropped row");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let error = |config: MixConfig| config.check().expect_err("out of range").to_string();
    let sources = |weights: [Option<f64>; 2]| {
        MixConfig::of(weights.into_iter().map(|weight| source("a", weight, None)).collect())
    };
    assert_eq!(
        error(sources([Some(1.0), None])),
        "weight must be set for every source or for none, got 1 of 2 sources"
    );
    assert_eq!(
        error(sources([Some(1.0), Some(-1.0)])),
        "weight must be finite and greater than 0, got -1"
    );
    assert_eq!(
        error(MixConfig::of(vec![source("a", None, Some(0))])),
        "max_rows must be at least 1, got 0"
    );
    let near = |threshold| Deduplicate {
        near: Some(NearDuplicates { threshold, ..NearDuplicates::default() }),
        ..Deduplicate::default()
    };
    let config = MixConfig { deduplicate: Some(near(1.5)), ..sources([None, None]) };
    assert_eq!(error(config), "threshold must be above 0 and at most 1, got 1.5");
    assert_eq!(error(MixConfig::default()), "no files to read: sources is empty");
}

#[test]
fn an_empty_file_and_one_without_a_shape_say_what_is_wrong() {
    let folder = TempDir::new().expect("a folder");
    let error = |name: &str, rows: &[Value]| {
        let path = write(folder.path(), name, rows);
        let error = run(&MixConfig::of(vec![source(&path, None, None)]), 1).expect_err("wrong");
        error.to_string().replace(&folder.path().display().to_string(), "DIR")
    };
    assert_eq!(
        error("empty.jsonl", &[]),
        "no row is left of what was read:\ningest: 0 rows read = 0 kept + 0 dropped\n  DIR/empty.jsonl\n    read  0\n"
    );
}
