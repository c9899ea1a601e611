//! The results on a terminal.

use unicode_width::UnicodeWidthStr;

use crate::{ClassMetrics, Entry, MeanInterval, MethodRow, Proportion, Report, numbers};

/// The table of results with its headline, for a terminal. Each entry takes two lines: its values, and below them
/// their 95 % intervals.
#[must_use]
pub fn table(report: &Report) -> String {
    let header = ["", "strict", "+-0.5", "+-1", "+-2", "MAE, tokens", "unparseable"];
    let mut rows = Vec::new();
    for entry in &report.entries {
        rows.extend(entry_rows(entry));
    }
    let mut parts = vec![report.title.clone()];
    if !report.entries.is_empty() {
        let width = report.class_width;
        let note = "shares of all validation questions, 95% intervals below; a class is";
        parts.push(format!(
            "{}\n{note} {width} tokens of thinking wide",
            text_table(&header, &rows)
        ));
    }
    if !report.methods.is_empty() {
        parts.push(methods(report));
    }
    parts.push(report.headline());
    parts.join("\n\n") + "\n"
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
        cells.into_iter().map(|cell| cell.replace('–', "-")).collect()
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

fn entry_rows(entry: &Entry) -> [Vec<String>; 2] {
    let ClassMetrics { strict, within_half, within_1, within_2, unparseable, .. } = entry.metrics;
    let shares = [strict, within_half, within_1, within_2];
    let error = entry.metrics.mean_absolute_error_tokens;
    let mut values = Vec::new();
    values.extend(shares.map(|share| numbers::percent(share.value())));
    values.push(error.map_or_else(|| "-".to_owned(), |error| numbers::measured(error.mean)));
    values.push(numbers::percent(unparseable.value()));
    let mut intervals: Vec<String> =
        shares.map(|share: Proportion| numbers::percent_interval(share.interval())).into();
    let interval = error.and_then(|error| error.interval);
    intervals.push(interval.map(numbers::measured_interval).unwrap_or_default());
    intervals.push(String::new());
    [(entry.name.as_str(), values), ("", intervals)].map(|(name, cells)| {
        // Plain ASCII: not every terminal has a dash.
        let cells = cells.into_iter().map(|cell| cell.replace('–', "-"));
        std::iter::once(name.to_owned()).chain(cells).collect()
    })
}
