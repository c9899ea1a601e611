//! The ledger as a table for the terminal.

use super::{Ledger, LedgerEntry, Rows, plural};

/// Rows listed for each reason; all of them are in the JSON.
const LISTED_ROWS: usize = 5;
/// Row errors printed for each file; all of them are in the JSON.
const LISTED_ERRORS: usize = 3;

/// One line of the table: what, how many, and which.
struct Line {
    label: String,
    count: u64,
    rows: String,
}

pub(super) fn render(ledger: &Ledger) -> String {
    let rows = plural(ledger.read(), "row");
    let [read, kept, dropped] = [ledger.read(), ledger.kept(), ledger.dropped()].map(thousands);
    let changed = match ledger.changed() {
        0 => String::new(),
        changed => format!(", {} of the kept changed", thousands(changed)),
    };
    let written = ledger.written.map_or_else(String::new, |written| {
        format!("; {} {} written", thousands(written), plural(written, "row"))
    });
    let stage = &ledger.stage;
    let mut text = vec![format!(
        "{stage}: {read} {rows} read = {kept} kept + {dropped} dropped{changed}{written}"
    )];
    for entry in &ledger.entries {
        text.push(title(entry));
        text.extend(aligned(&lines(entry)));
        text.extend(errors(entry));
    }
    text.push(String::new());
    text.join("\n")
}

fn title(entry: &LedgerEntry) -> String {
    if entry.about.is_empty() {
        format!("  {}", entry.file)
    } else {
        format!("  {} ({})", entry.file, entry.about)
    }
}

fn lines(entry: &LedgerEntry) -> Vec<Line> {
    let line = |kind: &str, what: &str, count, rows| Line {
        label: format!("{kind} {what}").trim_end().to_owned(),
        count,
        rows,
    };
    let mut lines = vec![line("read", "", entry.read, String::new())];
    lines.extend(entry.kept.iter().map(|(what, count)| line("kept", what, *count, String::new())));
    let lists = [("changed", &entry.changed), ("dropped", &entry.dropped), ("note", &entry.notes)];
    for (kind, lists) in lists {
        lines.extend(lists.iter().map(|(what, rows)| line(kind, what, rows.count, listed(rows))));
    }
    lines
}

/// Labels to the left and counts to the right, each as wide as the widest of its entry.
fn aligned(lines: &[Line]) -> Vec<String> {
    let counts: Vec<String> = lines.iter().map(|line| thousands(line.count)).collect();
    let label_width = lines.iter().map(|line| line.label.chars().count()).max().unwrap_or(0);
    let count_width = counts.iter().map(String::len).max().unwrap_or(0);
    let text = |(line, count): (&Line, &String)| {
        format!("    {:label_width$}  {count:>count_width$}  {}", line.label, line.rows)
            .trim_end()
            .to_owned()
    };
    lines.iter().zip(&counts).map(text).collect()
}

fn listed(rows: &Rows) -> String {
    // The first of them, in whatever order they were met.
    let mut sorted = rows.rows.clone();
    sorted.sort_unstable();
    let mut shown: Vec<String> = sorted.iter().take(LISTED_ROWS).map(ToString::to_string).collect();
    if rows.rows.len() > LISTED_ROWS {
        shown.push("…".to_owned());
    }
    let tokens: u64 = rows.tokens.iter().sum();
    let tokens = match rows.tokens.len() {
        0 => String::new(),
        _ => format!(" ({} {})", thousands(tokens), plural(tokens, "token")),
    };
    let word = plural(rows.rows.len() as u64, "row");
    format!("{word} {}{tokens}", shown.join(", "))
}

fn errors(entry: &LedgerEntry) -> Vec<String> {
    let shown = entry.row_errors.iter().take(LISTED_ERRORS);
    let mut text: Vec<String> = shown.map(|error| format!("    {error}")).collect();
    let more = entry.row_errors.len().saturating_sub(LISTED_ERRORS) as u64;
    if more > 0 {
        text.push(format!("    and {} more {}", thousands(more), plural(more, "row error")));
    }
    text
}

/// Digits in groups of three: 1,234,567.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_sums_reasons_rows_and_errors() {
        let expected = "\
ingest: 1,234 rows read = 1,225 kept + 9 dropped, 1 of the kept changed
  a.jsonl (prompt + completion)
    read                   1,234
    kept traces            1,225
    changed truncated          1  row 2 (1,500 tokens)
    dropped not_an_object      1  row 12
    dropped unfinished         8  rows 3, 4, 5, 6, 7, …
    note empty_answer          1  row 1
    a.jsonl:12:1: expected an object, found a list
  b.json
    read  0
";
        assert_eq!(super::super::tests::sample().to_table(), expected);
    }

    #[test]
    fn rows_stand_in_their_order_whenever_they_were_met() {
        let mut ledger = Ledger::new("mix");
        let entry = ledger.entry("a");
        entry.count_read(6);
        for row in [5, 4, 1, 8, 2, 7] {
            entry.drop_row(row, "near_duplicate");
        }
        let text = ledger.to_table();
        assert!(text.ends_with("dropped near_duplicate  6  rows 1, 2, 4, 5, 7, …\n"), "{text}");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let grouped = [0, 999, 1_000, 123_456, 1_234_567].map(thousands);
        assert_eq!(grouped, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
