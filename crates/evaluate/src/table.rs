//! The results on a terminal.

use unicode_width::UnicodeWidthStr;

use crate::target::Measure;
use crate::{ClassMetrics, Entry, MeanInterval, MethodRow, Proportion, Quantity, Report, numbers};

/// The table of results with its headline, for a terminal. Each entry takes two lines: its values, and below them
/// their 95 % intervals.
#[must_use]
pub fn table(report: &Report) -> String {
    let measures = report.target.quantity.measures();
    let mut rows = Vec::new();
    for entry in &report.entries {
        rows.extend(entry_rows(entry, measures));
    }
    let mut parts = vec![report.title.clone()];
    if !report.entries.is_empty() {
        let header = header(report.target.quantity);
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let note = ascii(&report.target.table_note());
        parts.push(format!("{}\n{note}", text_table(&header, &rows)));
    }
    if !report.methods.is_empty() {
        parts.push(methods(report));
    }
    parts.extend(report.solved.as_ref().map(crate::Solved::table));
    parts.push(report.headline());
    parts.join("\n\n") + "\n"
}

/// What stands above the columns.
fn header(quantity: Quantity) -> Vec<String> {
    let names = quantity.measures().iter().map(|measure| ascii(measure.name()));
    let error = format!("MAE, {}", quantity.words().unit);
    std::iter::once(String::new()).chain(names).chain([error, "unparseable".to_owned()]).collect()
}

/// Plain ASCII: not every terminal has a dash.
fn ascii(text: &str) -> String {
    text.replace('±', "+-").replace('–', "-").replace(['\u{201c}', '\u{201d}'], "\"")
}

/// Methods side by side.
fn methods(report: &Report) -> String {
    let mut names: Vec<&str> = Vec::new();
    for reward in report.methods.iter().flat_map(|row| &row.rewards) {
        if !names.contains(&reward.name.as_str()) {
            names.push(&reward.name);
        }
    }
    let header = [&["", "strict", "+-1"], names.as_slice(), &["KL, nats", "training"]].concat();
    let mean = |mean: Option<MeanInterval>| {
        mean.map_or_else(|| "-".to_owned(), |mean| numbers::significant(mean.mean))
    };
    let row = |row: &MethodRow| {
        let reward = |name: &&str| {
            mean(row.rewards.iter().find(|one| one.name == **name).map(|one| one.mean))
        };
        let mut cells = vec![row.name.clone()];
        cells.extend([row.strict, row.within_1].map(|share| numbers::percent(share.value())));
        cells.extend(names.iter().map(reward));
        cells.push(mean(row.divergence));
        cells.push(row.seconds.map_or_else(|| "-".to_owned(), numbers::duration));
        cells.iter().map(|cell| ascii(cell)).collect()
    };
    let rows: Vec<Vec<String>> = report.methods.iter().map(row).collect();
    text_table(&header, &rows).trim_end().to_owned()
}

/// Columns aligned by what characters take on a terminal (a Chinese one takes two cells): the first column to the
/// left, the others to the right, with a line under the header.
///
/// # Panics
///
/// If a row has another number of cells than the header.
#[must_use]
pub fn text_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.width()).collect();
    for row in rows {
        assert_eq!(row.len(), header.len(), "cells in {row:?}");
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1));
    let mut text = format!("{}\n{rule}\n", line(&header, &widths));
    for row in rows {
        text.push_str(&line(row, &widths));
        text.push('\n');
    }
    text
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width - cell.width());
        if i == 0 {
            line.extend([cell.as_str(), &padding]);
        } else {
            line.extend(["  ", padding.as_str(), cell]);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

fn entry_rows(entry: &Entry, measures: &[Measure]) -> [Vec<String>; 2] {
    let shares = || measures.iter().map(|measure| measure.of(&entry.metrics));
    let ClassMetrics { mean_absolute_error: error, unparseable, .. } = entry.metrics;
    let mut values: Vec<String> = shares().map(|share| numbers::percent(share.value())).collect();
    values.push(error.map_or_else(|| "-".to_owned(), |error| numbers::measured(error.mean)));
    values.push(numbers::percent(unparseable.value()));
    let mut intervals: Vec<String> = shares().map(interval_of).collect();
    let interval = error.and_then(|error| error.interval);
    intervals.push(interval.map(numbers::measured_interval).unwrap_or_default());
    intervals.push(String::new());
    [(entry.name.as_str(), values), ("", intervals)].map(|(name, cells)| {
        let cells = cells.iter().map(|cell| ascii(cell));
        std::iter::once(name.to_owned()).chain(cells).collect()
    })
}

/// The interval of a share of something.
fn interval_of(share: Proportion) -> String {
    if share.n() == 0 { String::new() } else { numbers::percent_interval(share.interval()) }
}
