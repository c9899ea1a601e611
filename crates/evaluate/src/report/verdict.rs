//! The one question a reader has first: does the model beat the baselines?

use super::{Entry, EntryKind, Report};
use crate::{PairResult, Proportion, Target, apart, numbers};

/// How the last model compares with every baseline, on strict and on within-1 accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Better than each baseline on both measures, with intervals apart.
    Beats,
    /// Better than each on both, but an interval overlaps: it may be luck.
    Ahead,
    /// Not better than each on both.
    NotAhead,
    /// There is no baseline to compare with.
    NoBaseline,
}

impl Standing {
    /// The standing in a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beats => "Beats every baseline",
            Self::Ahead => "Ahead, but within the margin of error",
            Self::NotAhead => "Does not beat the baselines",
            Self::NoBaseline => "No baseline to compare with",
        }
    }
}

/// The comparison behind the headline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict<'a> {
    /// What is predicted.
    pub target: Target,
    /// The last model of the report.
    pub model: &'a Entry,
    /// The model before it, if there are two.
    pub previous: Option<&'a Entry>,
    /// How it compares.
    pub standing: Standing,
    /// The baseline with the highest strict accuracy, the first of equals.
    pub best_strict: Option<&'a Entry>,
    /// The baseline with the highest within-1 accuracy, the first of equals.
    pub best_within_1: Option<&'a Entry>,
}

impl Report {
    /// Compares the last model with the baselines; none where there is no model.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict<'_>> {
        let mut models = self.entries_of(EntryKind::Model).rev();
        let model = models.next()?;
        Some(Verdict {
            target: self.target,
            model,
            previous: models.next(),
            standing: standing(model, self.entries_of(EntryKind::Baseline)),
            best_strict: best(self, strict),
            best_within_1: best(self, within_1),
        })
    }

    /// What the report says, in a few sentences.
    #[must_use]
    pub fn headline(&self) -> String {
        self.sentences().join(" ")
    }

    /// The sentences of the headline: the result, the comparison with the baselines, the change by the last training.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let pairs = self.pairs.iter().map(ranking).chain(self.solved_sentences());
        let Some(verdict) = self.verdict() else {
            let mut sentences: Vec<String> = pairs.collect();
            if sentences.is_empty() {
                sentences.push("No model was evaluated.".to_owned());
            }
            return sentences;
        };
        // Where several models started from one, the last two are no before and after.
        let change = verdict.change().filter(|_| self.methods.is_empty());
        let sentences = [Some(verdict.result()), verdict.comparison(), change];
        sentences.into_iter().flatten().chain(pairs).collect()
    }
}

impl Verdict<'_> {
    fn result(&self) -> String {
        let metrics = &self.model.metrics;
        let words = self.target.quantity.words();
        format!(
            "The model ({}) predicts the exact {} for {} of {} validation questions and is at most one {} off for {}.",
            self.model.name,
            words.class,
            numbers::percent(metrics.strict.value()),
            numbers::grouped(metrics.n),
            words.unit_class,
            numbers::percent(metrics.within_1.value()),
        )
    }

    fn comparison(&self) -> Option<String> {
        let claim = match self.standing {
            Standing::Beats => "It beats every baseline on both, with 95% intervals apart",
            Standing::Ahead => "It is ahead of every baseline on both, but 95% intervals overlap",
            Standing::NotAhead => "It is not ahead of every baseline on both",
            Standing::NoBaseline => return None,
        };
        let (strict, within_1) = (self.best_strict?, self.best_within_1?);
        let shares = [strict.metrics.strict, within_1.metrics.within_1];
        let [exact, near] = shares.map(|share| numbers::percent(share.value()));
        let best = if strict.name == within_1.name {
            format!("the best baseline, {}, reaches {exact} and {near}", strict.name)
        } else {
            format!(
                "the best baselines reach {exact} ({}) and {near} ({})",
                strict.name, within_1.name
            )
        };
        Some(format!("{claim}; {best}."))
    }

    fn change(&self) -> Option<String> {
        let previous = self.previous?;
        let (before, after) = (within_1(previous), within_1(self.model));
        let significance = if apart(before.interval(), after.interval()) {
            "intervals apart"
        } else {
            "intervals overlap"
        };
        Some(format!(
            "From \u{201c}{}\u{201d} to \u{201c}{}\u{201d} the accuracy within one {} went from {} to {} ({significance}).",
            previous.name,
            self.model.name,
            self.target.quantity.words().unit_class,
            numbers::percent(before.value()),
            numbers::percent(after.value()),
        ))
    }
}

/// How a model that scores ranks pairs.
fn ranking(result: &PairResult) -> String {
    let accuracy = result.accuracy;
    format!(
        "The reward model ({}) ranks {} of {} unseen pairs as they should be (95% interval {}; chance is 50%).",
        result.name,
        numbers::percent(accuracy.value()),
        numbers::grouped(accuracy.n()),
        numbers::percent_interval(accuracy.interval()),
    )
}

fn strict(entry: &Entry) -> Proportion {
    entry.metrics.strict
}

fn within_1(entry: &Entry) -> Proportion {
    entry.metrics.within_1
}

fn standing<'a>(model: &Entry, baselines: impl Iterator<Item = &'a Entry>) -> Standing {
    let pairs: Vec<(Proportion, Proportion)> = baselines
        .flat_map(|other| [strict, within_1].map(|measure| (measure(model), measure(other))))
        .collect();
    let is_ahead = pairs.iter().all(|(own, other)| own.value() > other.value());
    let is_apart = pairs.iter().all(|(own, other)| own.interval().low > other.interval().high);
    match (pairs.is_empty(), is_ahead, is_apart) {
        (true, ..) => Standing::NoBaseline,
        (_, true, true) => Standing::Beats,
        (_, true, false) => Standing::Ahead,
        (_, false, _) => Standing::NotAhead,
    }
}

fn best(report: &Report, measure: impl Fn(&Entry) -> Proportion) -> Option<&Entry> {
    // `max_by` keeps the last of equals; reversed, that is the first.
    report
        .entries_of(EntryKind::Baseline)
        .rev()
        .max_by(|a, b| measure(a).value().total_cmp(&measure(b).value()))
}
