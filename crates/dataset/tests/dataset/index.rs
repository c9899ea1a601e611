//! Files that an index of LLaMA-Factory names.

use std::path::Path;

use forethought_dataset::{
    DatasetError, Examples, MixConfig, MixOrder, Mixing, Reading, Source, Unfinished, mix,
    read_examples, read_traces,
};
use forethought_schema::{Example, Prompt, Record};
use forethought_seed::Seed;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{HERE, reading};

/// A folder with an index and four rows in `d.jsonl`.
struct Indexed(TempDir);

impl Indexed {
    fn new(entries: &Value) -> Self {
        let folder = TempDir::new().expect("a folder");
        let row = |number| json!({"frage": format!("q{number}"), "antwort": "<think>t</think>a"});
        let rows: Vec<String> = (0..4).map(|number| row(number).to_string()).collect();
        std::fs::write(folder.path().join("d.jsonl"), rows.join("\n")).expect("written");
        let place = Self(folder);
        std::fs::write(place.index(), entries.to_string()).expect("written");
        place
    }

    fn index(&self) -> String {
        self.0.path().join("dataset_info.json").display().to_string()
    }

    fn read(&self, dataset: Option<&str>) -> Result<Examples, String> {
        let dataset = dataset.map(str::to_owned);
        let source = Source { dataset, ..Source::new(self.index()) };
        read_examples("inspect", &[source], &HERE).map_err(|error| self.nameless(&error))
    }

    fn error(&self, dataset: Option<&str>) -> String {
        self.read(dataset).expect_err("wrong")
    }

    fn nameless(&self, error: &DatasetError) -> String {
        error.to_string().replace(&self.0.path().display().to_string(), "DIR")
    }
}

fn entry(more: &Value) -> Value {
    let columns = json!({"prompt": "frage", "response": "antwort"});
    let mut entry = json!({"file_name": "d.jsonl", "columns": columns});
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        entry[key] = value;
    }
    entry
}

fn prompt(example: &Example) -> String {
    match &example.record {
        Record::PromptCompletion(one) => match &one.prompt {
            Prompt::Text(text) => text.clone(),
            turns @ Prompt::Messages(_) => panic!("{turns:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_index_lays_out_its_files() {
    let place = Indexed::new(&json!({"demo": entry(&json!({}))}));
    let mut read = place.read(None).expect("an index");
    assert_eq!(read.layouts[0].recognised.layout.describe(), "alpaca (frage, antwort)");
    let row = read.rows.get(1).expect("a row");
    assert_eq!((read.rows.len(), row.row, prompt(&row.example).as_str()), (4, 2, "q1"));
    assert_eq!(
        place.error(Some("dem")),
        "DIR/dataset_info.json: no data set `dem` (did you mean `demo`?); there are: demo"
    );
    let place = Indexed::new(&json!({"a": {"file_name": "e.jsonl"},
        "b": {"file_name": "d.jsonl", "columns": {"prompt": "fragen"}}}));
    assert_eq!(place.error(None), "DIR/dataset_info.json: set `dataset` to one of: a, b");
    assert_eq!(
        place.error(Some("a")),
        "DIR/dataset_info.json: a: its file DIR/e.jsonl is not there (did you mean `d.jsonl`?)"
    );
    assert_eq!(
        place.error(Some("b")),
        "DIR/d.jsonl: no column `fragen` (did you mean `frage`?); it has: frage, antwort"
    );
}

#[test]
fn an_entry_that_cannot_be_read_hides_no_other() {
    let entries = json!({"new": {"file_name": "d.jsonl", "formatting": "tomorrow"}, "demo": entry(&json!({}))});
    let place = Indexed::new(&entries);
    assert_eq!(place.read(Some("demo")).expect("the other entry").rows.len(), 4);
    let error = place.error(Some("new"));
    assert!(error.starts_with("DIR/dataset_info.json: new: unknown variant `tomorrow`"), "{error}");
    let none = Indexed::new(&json!({"citation": "", "features": {}}));
    let error = none.error(None);
    assert!(error.contains("no index of LLaMA-Factory") && error.contains("`citation`"), "{error}");
}

/// `sha1sum d.jsonl`.
#[test]
fn a_file_of_another_hash_than_the_index_says_is_not_read() {
    let place = Indexed::new(&json!({"demo": entry(&json!({"file_sha1": "0000"}))}));
    let error = place.error(None);
    let found = "its SHA-1 is 5a41356ed90be53a69598bcd2efa3d4bf762dba3";
    let expected = format!("DIR/d.jsonl: {found}, expected 0000: it was changed or damaged");
    assert_eq!(error, expected);
    let hash = found.rsplit(' ').next().expect("a word");
    let place = Indexed::new(&json!({"demo": entry(&json!({"file_sha1": hash.to_uppercase()}))}));
    assert_eq!(place.read(None).expect("the same file").rows.len(), 4);
}

fn drawn(number: u64, seed: u64, order: MixOrder) -> (Vec<String>, forethought_dataset::Ledger) {
    let place = Indexed::new(&json!({"demo": entry(&json!({"num_samples": number}))}));
    let config = MixConfig { order, ..MixConfig::of(vec![Source::new(place.index())]) };
    let reading = Reading { seed: Seed::new(seed), ..reading() };
    let mixed = mix(&config, Mixing { reading, kind: None }).expect("a mix");
    let (rows, ledger) = mixed.collect().expect("sums that agree");
    (rows.iter().map(prompt).collect(), ledger)
}

/// LLaMA-Factory takes the first of a permutation; where there are fewer rows, all and some again.
#[test]
fn as_many_rows_are_drawn_as_the_index_says() {
    let (rows, ledger) = drawn(3, 1, MixOrder::AsRead);
    assert_eq!((rows.len(), ledger.kept(), ledger.written), (3, 3, None));
    assert_eq!(ledger.entries[0].dropped["over_num_samples"].count, 1);
    assert_eq!(drawn(3, 1, MixOrder::AsRead).0, rows);
    assert!((2..9).any(|seed| drawn(3, seed, MixOrder::AsRead).0 != rows), "the seed draws");

    for order in [MixOrder::AsRead, MixOrder::Shuffle, MixOrder::Interleave] {
        let (mut rows, ledger) = drawn(11, 1, order);
        assert_eq!((rows.len(), ledger.kept(), ledger.written), (11, 4, Some(11)));
        rows.sort();
        rows.dedup();
        assert_eq!(rows, ["q0", "q1", "q2", "q3"], "every row, and some again");
    }
}

#[test]
fn traces_of_an_index_are_drawn_too_and_a_cap_leaves_out_the_repeats() {
    let place = Indexed::new(&json!({"demo": entry(&json!({"num_samples": 6}))}));
    let source = Source::new(place.index());
    let config = MixConfig::of(vec![source.clone()]);
    let read = read_traces(&config, Unfinished::Drop, reading()).expect("traces");
    assert_eq!((read.traces.len(), read.ledger.kept(), read.ledger.written), (6, 4, Some(6)));
    let config = MixConfig::of(vec![Source { max_rows: Some(2), ..source }]);
    let read = read_traces(&config, Unfinished::Drop, reading()).expect("traces");
    assert_eq!((read.traces.len(), read.ledger.written), (2, None));
    assert_eq!(read.ledger.entries[0].dropped["over_max_rows"].count, 2);
}

#[test]
fn a_number_of_samples_is_of_one_index() {
    let place = Indexed::new(&json!({"demo": entry(&json!({"num_samples": 6}))}));
    let data = Path::new(&place.index()).with_file_name("d.jsonl").display().to_string();
    let source = Source { path: vec![place.index(), data], ..Source::default() };
    let error = read_traces(&MixConfig::of(vec![source]), Unfinished::Drop, reading());
    let error = error.expect_err("two paths").to_string();
    assert!(
        error.starts_with("path must be the dataset_info.json alone, whose entry draws 6 rows"),
        "{error}"
    );
    let none = Indexed::new(&json!({"demo": entry(&json!({"num_samples": 0}))}));
    assert!(none.error(None).ends_with("demo: `num_samples` must be at least 1, got 0"));
}
