//! The table of methods.

use serde::Serialize;

use super::view::Estimate;
use crate::{MethodRow, Report, numbers};

/// A row of the table.
#[derive(Debug, Serialize)]
pub(super) struct MethodLine {
    name: String,
    from: String,
    /// Strict, within one, each reward, divergence.
    cells: Vec<Estimate>,
    seconds: String,
}

/// The rewards of any row, in the order they first appear.
pub(super) fn reward_names(report: &Report) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for reward in report.methods.iter().flat_map(|row| &row.rewards) {
        if !names.contains(&reward.name) {
            names.push(reward.name.clone());
        }
    }
    names
}

impl MethodLine {
    pub(super) fn of(row: &MethodRow, reward_names: &[String]) -> Self {
        let reward = |name: &String| {
            let found = row.rewards.iter().find(|reward| reward.name == *name);
            Estimate::precise(found.map(|reward| reward.mean))
        };
        let mut cells = vec![Estimate::share(row.strict), Estimate::share(row.within_1)];
        cells.extend(reward_names.iter().map(reward));
        cells.push(Estimate::precise(row.divergence));
        let from = if row.from.is_empty() { String::new() } else { format!("from {}", row.from) };
        let seconds = row.seconds.map_or_else(|| "–".to_owned(), numbers::duration);
        Self { name: row.name.clone(), from, cells, seconds }
    }
}
