//! How much memory files take: that of a batch, and not that of the file. A binary of its own, for what other tests take
//! would be counted.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use forethought_dataset::{
    BalanceConfig, Balancer, DatasetError, Deduplicate, FirstContact, MixConfig, MixOrder, Mixing,
    Reading, RowFate, RowsAsParquet, Source, Unfinished, for_each_trace, mix,
};
use forethought_schema::LabelledQuestion;
use forethought_seed::Seed;
use serde_json::{Map, Value};

/// Rows of the file, and characters of a completion: 64 MB.
const ROWS: usize = 8_000;
const LENGTH: usize = 8_000;
/// What may be taken beside what the process has before, in MB: a few batches. A file of this size takes more than 150 when
/// its rows are held.
const LIMIT: u64 = 60;

/// The most memory that the process ever had, in MB; none where the system does not tell.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

static HERE: FirstContact = FirstContact::Here;

fn reading() -> Reading<'static> {
    Reading { stage: "mix", seed: Seed::new(1), contact: &HERE }
}

fn write_traces(path: &Path, num_rows: usize) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    for row in 0..num_rows {
        let thought = format!("{row} is a number. ").repeat(LENGTH / 18);
        let line = format!(
            r#"{{"prompt": "What is {row}?", "completion": "<think>{thought}</think>Four.", "score": {}}}"#,
            row % 10
        );
        writeln!(file, "{line}").expect("written");
    }
    file.flush().expect("written");
}

/// Filters, deduplicates and shuffles a file, and hands over what is left.
fn mixed(path: &Path, take: &mut dyn FnMut(&Map<String, Value>)) -> Result<usize, DatasetError> {
    let source = Source {
        filter: Some("score > 0 AND length(prompt) < 100".to_owned()),
        ..Source::new(path.display().to_string())
    };
    let config = MixConfig {
        deduplicate: Some(Deduplicate::default()),
        order: MixOrder::Shuffle,
        ..MixConfig::of(vec![source])
    };
    let mut mixed = mix(&config, Mixing { reading: reading(), kind: None })?;
    let mut count = 0;
    mixed.for_each(|examples| {
        for example in examples {
            let value = serde_json::to_value(&example.record).expect("plain data");
            take(value["prompt_completion"].as_object().expect("an object"));
            count += 1;
        }
        Ok::<_, DatasetError>(RowFate::Kept("kept", std::collections::BTreeSet::new()))
    })?;
    mixed.finish()?;
    Ok(count)
}

/// Reads traces and balances them by the lengths of their questions.
fn balanced(path: &Path) -> Result<usize, DatasetError> {
    let mut balancer = Balancer::new(Seed::new(1));
    let source = Source::new(path.display().to_string());
    for_each_trace(&MixConfig::of(vec![source]), Unfinished::Drop, reading(), |trace| {
        let amount = u32::try_from(trace.question.len()).expect("short");
        let (file, row, question) = (trace.file, trace.row, trace.question);
        balancer.tell(&LabelledQuestion { file, row, question, amount, class: amount % 2 });
        Ok(())
    })?;
    let config = BalanceConfig { min_count: 10, ..BalanceConfig::default() };
    Ok(balancer.draw(&config)?.train.len())
}

#[test]
fn a_file_takes_the_memory_of_a_few_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    // The code and the threads of polars are there once, whatever the file.
    let few = folder.path().join("few.jsonl");
    write_traces(&few, 20);
    assert_eq!(mixed(&few, &mut |_| ()).expect("a mix"), 18);
    let Some(before) = peak() else {
        let _ = std::io::stderr().write_all(b"skipped memory of files: no /proc/self/status\n");
        return;
    };
    let (lines, parquet) = (folder.path().join("a.jsonl"), folder.path().join("a.parquet"));
    write_traces(&lines, ROWS);
    let megabytes = fs::metadata(&lines).expect("written").len() >> 20;
    assert!(megabytes > LIMIT, "a file of {megabytes} MB shows nothing");
    let check = |what: &str| {
        let taken = peak().expect("as before") - before;
        assert!(taken < LIMIT, "{what} took {taken} MB for a file of {megabytes} MB");
    };
    let mut rows = RowsAsParquet::new();
    let mut push = |row: &Map<String, Value>| rows.push(row).expect("written");
    assert_eq!(mixed(&lines, &mut push).expect("a mix"), ROWS / 10 * 9);
    check("a mix of JSON lines");
    assert!(balanced(&lines).expect("balanced") > 1000);
    check("balancing");
    rows.write(&parquet).expect("written");
    let whole = peak().expect("as before");
    assert!(balanced(&parquet).expect("balanced") > 1000);
    let taken = peak().expect("as before") - whole;
    assert!(taken < LIMIT, "parquet took {taken} MB more for a file of {megabytes} MB");
}
