//! The ledger as a table of rows, for those who join it with the data.

use std::collections::BTreeMap;

use super::{Ledger, LedgerEntry, Rows};
use crate::table::Table;

/// One row of the table.
struct Line<'l> {
    /// None where it is about the rows of all files.
    file: Option<&'l str>,
    fate: &'static str,
    what: &'l str,
    count: u64,
    row: Option<u64>,
    tokens: Option<u64>,
    error: Option<String>,
}

pub(super) fn to_table(ledger: &Ledger) -> Table {
    let written = ledger.written.map(|count| sum(None, "written", "", count));
    let lines: Vec<Line<'_>> = ledger.entries.iter().flat_map(lines).chain(written).collect();
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Table::new()
        .text("stage", lines.iter().map(|_| ledger.stage.clone()))
        .text("file", lines.iter().map(|line| line.file.map(str::to_owned)))
        .text("fate", lines.iter().map(|line| line.fate.to_owned()))
        .text("what", lines.iter().map(|line| line.what.to_owned()))
        .integer("count", lines.iter().map(|line| whole(line.count)))
        .integer("row", lines.iter().map(|line| line.row.map(whole)))
        .integer("tokens", lines.iter().map(|line| line.tokens.map(whole)))
        .text("error", lines.iter().map(|line| line.error.clone()))
}

fn sum<'l>(file: Option<&'l str>, fate: &'static str, what: &'l str, count: u64) -> Line<'l> {
    Line { file, fate, what, count, row: None, tokens: None, error: None }
}

fn lines(entry: &LedgerEntry) -> Vec<Line<'_>> {
    let sum = |fate, what, count| sum(Some(&entry.file), fate, what, count);
    let mut lines = vec![sum("read", "", entry.read)];
    lines.extend(entry.kept.iter().map(|(what, count)| sum("kept", what, *count)));
    lines.extend(listed(entry, "changed", &entry.changed));
    lines.extend(listed(entry, "dropped", &entry.dropped));
    lines.extend(listed(entry, "noted", &entry.notes));
    let errors: BTreeMap<u64, &crate::RowError> =
        entry.row_errors.iter().map(|error| (error.row, error)).collect();
    for line in lines.iter_mut().filter(|line| line.fate == "dropped") {
        line.error = line.row.and_then(|row| errors.get(&row)).map(ToString::to_string);
    }
    lines
}

fn listed<'l>(
    entry: &'l LedgerEntry,
    fate: &'static str,
    lists: &'l BTreeMap<String, Rows>,
) -> impl Iterator<Item = Line<'l>> {
    let line = move |what: &'l str, rows: &'l Rows, index: usize| Line {
        file: Some(&entry.file),
        fate,
        what,
        count: 1,
        row: Some(rows.rows[index]),
        tokens: rows.tokens.get(index).copied(),
        error: None,
    };
    lists.iter().flat_map(move |(what, rows)| {
        (0..rows.rows.len()).map(move |index| line(what, rows, index))
    })
}

#[cfg(test)]
mod tests {
    use crate::{ColumnType, Table};

    #[test]
    fn every_row_that_is_not_simply_kept_has_a_line_and_the_sums_agree() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ledger.parquet");
        let ledger = super::super::tests::sample();
        ledger.to_rows().write_parquet(&path).expect("written");
        let columns = [
            ("fate", ColumnType::Text),
            ("what", ColumnType::Text),
            ("count", ColumnType::Integer),
            ("row", ColumnType::Integer),
            ("tokens", ColumnType::Integer),
            ("error", ColumnType::Text),
        ];
        let table =
            Table::read_parquet(&crate::FirstContact::Here, &path, &columns).expect("readable");
        let fates = table.texts("fate");
        let sum = |wanted: &str| -> i64 {
            let rows = fates.iter().zip(table.integers("count"));
            rows.filter(|(fate, _)| fate.as_deref() == Some(wanted))
                .filter_map(|(_, count)| *count)
                .sum()
        };
        assert_eq!((sum("read"), sum("kept"), sum("dropped")), (1234, 1225, 9));
        assert_eq!((sum("changed"), sum("noted")), (1, 1));
        let cut = table.texts("what").iter().position(|what| what.as_deref() == Some("truncated"));
        let cut = cut.expect("a row was cut");
        assert_eq!(
            (table.integers("row")[cut], table.integers("tokens")[cut]),
            (Some(2), Some(1500))
        );
        let errors: Vec<&String> = table.texts("error").iter().flatten().collect();
        assert_eq!(errors, ["a.jsonl:12:1: expected an object, found a list"]);
    }
}
