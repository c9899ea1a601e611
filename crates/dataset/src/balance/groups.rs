//! Rows grouped by question, and drawn a group at a time.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::question::Fingerprint;

/// A side of the split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Train,
    Validation,
}

/// Why a row is in neither split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    ClassTooSmall,
    ClassTooLarge,
    ClassOverMaxTrain,
    /// Its class has its share, and the question is not needed.
    BeyondClassShare,
    /// Its class has its share in the split its question went to.
    QuestionInTrain,
    QuestionInValidation,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ClassTooSmall => "class_too_small",
            Self::ClassTooLarge => "class_too_large",
            Self::ClassOverMaxTrain => "class_over_max_train",
            Self::BeyondClassShare => "beyond_class_share",
            Self::QuestionInTrain => "question_in_train",
            Self::QuestionInValidation => "question_in_validation",
        }
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Kept(Side),
    Dropped(Reason),
}

/// A number for each class.
pub(super) type PerClass = BTreeMap<u32, usize>;

/// What is remembered of a row: enough to draw it and to name it, and none of its text.
///
/// The order of the fields is the order of the draw: questions by a key of the seed, the rows of one question side by
/// side, and the rest only so that the order the rows came in never shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub(super) draw: u64,
    pub(super) question: Fingerprint,
    pub(super) class: u32,
    pub(super) amount: u32,
    /// The place of its file among the names of all files.
    pub(super) file: usize,
    /// Its number in the file.
    pub(super) row: u64,
    /// Its place among the rows that are balanced.
    pub(super) index: usize,
}

/// All rows in an order that depends on the seed and on nothing else, those of one question side by side.
pub(super) struct Questions {
    pub(super) rows: Vec<Told>,
    pub(super) fates: Vec<Fate>,
    /// The rows of each question.
    groups: Vec<Range<usize>>,
}

impl Questions {
    pub(super) fn new(mut rows: Vec<Told>) -> Self {
        rows.sort_unstable();
        let mut groups: Vec<Range<usize>> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            match groups.last_mut().filter(|group| rows[group.start].question == row.question) {
                Some(group) => group.end = index + 1,
                None => groups.push(index..index + 1),
            }
        }
        Self { fates: vec![Fate::Open; rows.len()], rows, groups }
    }

    /// The rows of each class, whatever their fate.
    pub(super) fn counts(&self) -> PerClass {
        count(self.rows.iter().map(|row| row.class))
    }

    /// The rows of each class that are kept on this side.
    pub(super) fn kept(&self, side: Side) -> PerClass {
        let rows = self.rows.iter().zip(&self.fates);
        count(rows.filter(|(_, fate)| **fate == Fate::Kept(side)).map(|(row, _)| row.class))
    }

    /// The open rows of each class. A draw leaves no row of a question it takes open, so their questions are on no side.
    pub(super) fn available(&self) -> PerClass {
        let rows = self.rows.iter().zip(&self.fates);
        count(rows.filter(|(_, fate)| **fate == Fate::Open).map(|(row, _)| row.class))
    }

    /// Drops the rows of these classes that are not dropped yet, on either side.
    pub(super) fn drop_classes(&mut self, reason: Reason, is_dropped: impl Fn(u32) -> bool) {
        for (row, fate) in self.rows.iter().zip(&mut self.fates) {
            if is_dropped(row.class) && !matches!(fate, Fate::Dropped(_)) {
                *fate = Fate::Dropped(reason);
            }
        }
    }

    /// Drops every row that is still open.
    pub(super) fn drop_open(&mut self, reason: Reason) {
        for fate in self.fates.iter_mut().filter(|fate| **fate == Fate::Open) {
            *fate = Fate::Dropped(reason);
        }
    }

    /// Fills one side, question by question, until every class has its quota or no question is left.
    ///
    /// A question is taken as soon as one of its classes lacks rows, so each class gets its quota exactly wherever it
    /// has that many rows available. Rows of a taken question whose class has its quota are dropped: the other side
    /// must not have the question.
    pub(super) fn draw(&mut self, side: Side, mut quota: PerClass) {
        let full = match side {
            Side::Train => Fate::Dropped(Reason::QuestionInTrain),
            Side::Validation => Fate::Dropped(Reason::QuestionInValidation),
        };
        for group in &self.groups {
            let open: Vec<usize> =
                group.clone().filter(|row| self.fates[*row] == Fate::Open).collect();
            let lacks =
                |row: &usize| quota.get(&self.rows[*row].class).is_some_and(|left| *left > 0);
            if !open.iter().any(lacks) {
                continue;
            }
            for row in open {
                let left = quota.entry(self.rows[row].class).or_default();
                self.fates[row] = if *left > 0 { Fate::Kept(side) } else { full };
                *left = left.saturating_sub(1);
            }
        }
    }

    /// The places of the rows of one side, in the order of the draw.
    pub(super) fn places(&self, side: Side) -> Vec<usize> {
        let rows = self.rows.iter().zip(&self.fates);
        rows.filter(|(_, fate)| **fate == Fate::Kept(side)).map(|(row, _)| row.index).collect()
    }
}

fn count(classes: impl Iterator<Item = u32>) -> PerClass {
    let mut counts = PerClass::new();
    for class in classes {
        *counts.entry(class).or_default() += 1;
    }
    counts
}

/// Divides a total among classes as evenly as what each has allows: a class with less than its part gives all it has,
/// and the others fill up.
pub(super) fn spread(total: usize, available: &PerClass) -> PerClass {
    let mut scarcest: Vec<(usize, u32)> =
        available.iter().map(|(class, count)| (*count, *class)).collect();
    scarcest.sort_unstable();
    let mut left = total;
    let mut parts = PerClass::new();
    for (index, &(count, class)) in scarcest.iter().enumerate() {
        let part = count.min(left / (scarcest.len() - index));
        parts.insert(class, part);
        left -= part;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_spread_evenly_as_far_as_it_goes() {
        let available = PerClass::from([(1, 10), (2, 1), (3, 10), (4, 0)]);
        let parts = |total| spread(total, &available).into_values().collect::<Vec<_>>();
        assert_eq!(parts(9), [4, 1, 4, 0]);
        assert_eq!(parts(10), [4, 1, 5, 0]);
        assert_eq!(parts(2), [1, 0, 1, 0]);
        assert_eq!(parts(100), [10, 1, 10, 0]);
        assert_eq!(parts(0), [0, 0, 0, 0]);
    }
}
