//! What the page says of problems that policies solve: a table, diagrams, answers.

use serde::Serialize;

use super::RenderError;
use super::figures::{Figure, LegendItem, SWATCHES};
use super::view::{Estimate, cut};
use crate::plot::{self, Estimates};
use crate::{Chart, MeanInterval, Series, Solved, SolvedSample, Solving, numbers};

/// The section.
#[derive(Debug, Serialize)]
pub(super) struct SolvedSection {
    note: String,
    header: Vec<String>,
    rows: Vec<SolvedRow>,
    changes: Vec<String>,
    figures: Vec<Figure>,
    samples: Vec<SampleRow>,
}

#[derive(Debug, Serialize)]
struct SolvedRow {
    name: String,
    cells: Vec<Estimate>,
}

#[derive(Debug, Serialize)]
struct SampleRow {
    kind: &'static str,
    problem: String,
    answer: String,
    completion: String,
    reasons: Vec<(String, String)>,
}

impl SolvedSection {
    pub(super) fn of(solved: &Solved) -> Result<Self, RenderError> {
        let (num_problems, num_samples) =
            solved.policies.last().map_or((0, 0), |one| (one.num_problems, one.num_samples));
        Ok(Self {
            note: format!(
                "{} test problems, {num_samples} answers to each, drawn with {}. 95% intervals stand below the values; their \
                 unit is the problem, since answers to one problem resemble each other.",
                numbers::grouped(num_problems),
                solved.sampling,
            ),
            header: header(solved),
            rows: solved.policies.iter().map(SolvedRow::of).collect(),
            changes: solved.changes(),
            figures: figures(solved)?,
            samples: solved.samples.iter().map(SampleRow::of).collect(),
        })
    }
}

fn header(solved: &Solved) -> Vec<String> {
    let Some(last) = solved.policies.last() else { return Vec::new() };
    let passes = last.pass_at.iter().filter(|one| one.k > 1).map(|one| format!("pass@{}", one.k));
    let rewards = last.rewards.iter().map(|reward| format!("reward: {}", reward.name));
    std::iter::once("accuracy".to_owned())
        .chain(passes)
        .chain(["majority".to_owned()])
        .chain(rewards)
        .chain(["finished", "tokens"].map(str::to_owned))
        .collect()
}

impl SolvedRow {
    fn of(policy: &Solving) -> Self {
        let passes = policy.pass_at.iter().filter(|one| one.k > 1).map(|one| one.chance);
        let shares = [policy.accuracy].into_iter().chain(passes).chain([policy.majority]);
        let mut cells: Vec<Estimate> = shares.map(Estimate::mean_share).collect();
        cells.extend(policy.rewards.iter().map(|one| Estimate::precise(Some(one.mean))));
        cells.push(Estimate::mean_share(policy.finished));
        cells.push(Estimate::mean(Some(policy.tokens)));
        Self { name: policy.name.clone(), cells }
    }
}

impl SampleRow {
    fn of(sample: &SolvedSample) -> Self {
        Self {
            kind: sample.kind.as_str(),
            problem: cut(&sample.problem),
            answer: sample.answer.clone().unwrap_or_else(|| "–".to_owned()),
            completion: cut(&sample.completion),
            reasons: sample.reasons.clone(),
        }
    }
}

/// Accuracy and majority, pass@k, and every reward, policy by policy.
fn figures(solved: &Solved) -> Result<Vec<Figure>, RenderError> {
    let mut figures = vec![
        shares(solved, "Accuracy", |one| one.accuracy)?,
        shares(solved, "Majority of the answers", |one| one.majority)?,
    ];
    figures.extend(pass(solved)?);
    let names: Vec<&str> = solved
        .policies
        .last()
        .map_or(Vec::new(), |last| last.rewards.iter().map(|one| one.name.as_str()).collect());
    for name in names {
        figures.push(reward(solved, name)?);
    }
    Ok(figures)
}

fn shares(
    solved: &Solved,
    title: &str,
    value: fn(&Solving) -> MeanInterval,
) -> Result<Figure, RenderError> {
    let rows = solved.policies.iter().map(|policy| (policy.name.as_str(), value(policy)));
    let svg = plot::estimates(&Estimates {
        rows: rows.collect(),
        range: Some((0.0, 1.0)),
        label: |share| format!("{:.0}%", 100.0 * share),
        description: &format!("{title} of each policy with its 95% interval."),
    })?;
    Ok(Figure { title: title.to_owned(), svg, legend: Vec::new(), caption: String::new() })
}

fn reward(solved: &Solved, name: &str) -> Result<Figure, RenderError> {
    let of_policy = |policy: &'_ Solving| {
        policy.rewards.iter().find(|reward| reward.name == name).map(|reward| reward.mean)
    };
    let rows = solved
        .policies
        .iter()
        .filter_map(|policy| Some((policy.name.as_str(), of_policy(policy)?)));
    let title = format!("Reward: {name}");
    let svg = plot::estimates(&Estimates {
        rows: rows.collect(),
        range: None,
        label: numbers::significant,
        description: &format!("Mean reward {name} of each policy with its 95% interval."),
    })?;
    Ok(Figure { title, svg, legend: Vec::new(), caption: String::new() })
}

/// The curve of pass@k; none of fewer than two `k`.
fn pass(solved: &Solved) -> Result<Option<Figure>, RenderError> {
    let curve = |policy: &Solving| {
        let points = policy.pass_at.iter().map(|one| (one.k as u64, 100.0 * one.chance.mean));
        Series::new(policy.name.clone(), points)
    };
    let series: Vec<Series> = solved.policies.iter().map(curve).collect();
    if series.iter().all(|one| one.points.len() < 2) {
        return Ok(None);
    }
    let legend = series.iter().zip(SWATCHES.into_iter().cycle());
    let legend = legend.map(|(one, swatch)| LegendItem::new(swatch, &one.name)).collect();
    let title = "At least one right answer among k".to_owned();
    let chart = Chart { title: title.clone(), y_label: "% of problems".to_owned(), series };
    let svg = plot::curves(&chart, "k", "pass@k of each policy.")?;
    let caption = "pass@k without bias: all choices of k of the answers count.".to_owned();
    Ok(Some(Figure { title, svg, legend, caption }))
}
