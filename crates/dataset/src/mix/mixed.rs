//! The examples of a mix, handed over one after the other, and booked by what became of each.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use forethought_preference::{RowFault, convert, pair_of, pair_up, pairing_key};
use forethought_schema::{Example, RecordKind};

use crate::error::DatasetError;
use crate::ledger::Ledger;
use crate::question::Fingerprint;
use crate::records::{Examples, FileLayout, is_regrouped};

/// What became of rows that were handed over.
#[derive(Clone, Debug, PartialEq)]
pub enum RowFate {
    /// They are kept as this, without what is named.
    Kept(&'static str, BTreeSet<String>),
    /// They cannot be used.
    Refused(RowFault),
}

/// Examples in the order of a mix. Of each, its place is in memory; it is read when its turn comes.
pub struct Mixed {
    examples: Examples,
    units: Vec<Unit>,
    kind: RecordKind,
    /// Of each row, whether the ledger has it: a row that is drawn again does not count again.
    is_booked: Vec<bool>,
    /// Examples that were taken.
    written: u64,
}

/// Rows that are used together or not at all, by their places as they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Row(usize),
    Pair { chosen: usize, rejected: usize },
}

impl Mixed {
    /// Puts labelled completions together where pairs are asked for; those without a counterpart are dropped.
    pub(super) fn new(
        mut examples: Examples,
        order: &[usize],
        kind: RecordKind,
    ) -> Result<Self, DatasetError> {
        let mut units = Vec::with_capacity(order.len());
        // The labelled completions: where they are, and what tells which belong together.
        let (mut labelled, mut keys) = (Vec::new(), Vec::new());
        let mut is_met = vec![false; examples.rows.len()];
        for index in order {
            let is_again = std::mem::replace(&mut is_met[*index], true);
            let key = match kind {
                RecordKind::Preference => pairing_key(&examples.rows.get(*index)?.example),
                _ => None,
            };
            match key {
                // A completion that is drawn again is no counterpart of another one.
                Some(_) if is_again => {}
                Some((key, label)) => {
                    labelled.push(*index);
                    keys.push((Fingerprint::of(key.as_bytes()), label));
                }
                None => units.push(Unit::Row(*index)),
            }
        }
        let paired = pair_up(keys);
        for place in paired.left {
            let (file, row) = examples.rows.place(labelled[place]);
            let file = file.clone();
            examples.fault(&file, row, &RowFault::Alone);
        }
        units.extend(paired.pairs.into_iter().map(|[chosen, rejected]| Unit::Pair {
            chosen: labelled[chosen],
            rejected: labelled[rejected],
        }));
        if units.is_empty() {
            return Err(examples.nothing_left());
        }
        let is_booked = vec![false; examples.rows.len()];
        Ok(Self { examples, units, kind, is_booked, written: 0 })
    }

    /// What the examples are.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// How each file was read.
    #[must_use]
    pub fn layouts(&self) -> &[FileLayout] {
        &self.examples.layouts
    }

    /// Hands over the examples, those that one row became together, and books the row as `take` says.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be read, and the first error of `take`.
    pub fn for_each<E: From<DatasetError>>(
        &mut self,
        mut take: impl FnMut(&[Example]) -> Result<RowFate, E>,
    ) -> Result<(), E> {
        for index in 0..self.units.len() {
            let unit = self.units[index];
            let (made, lost) = self.made(unit)?;
            let fate = take(&made)?;
            if matches!(fate, RowFate::Kept(..)) {
                self.written += made.len() as u64;
            }
            self.book(unit, &lost, fate);
        }
        Ok(())
    }

    /// What the rows of a unit become, and what of them has no place in it.
    fn made(&mut self, unit: Unit) -> Result<(Vec<Example>, BTreeSet<String>), DatasetError> {
        let mut example = |index| Ok::<_, DatasetError>(self.examples.rows.get(index)?.example);
        match unit {
            Unit::Pair { chosen, rejected } => {
                let pair = pair_of(example(chosen)?, example(rejected)?);
                Ok((pair.into_iter().collect(), BTreeSet::new()))
            }
            Unit::Row(index) => {
                let example = example(index)?;
                if !is_regrouped(example.record.kind(), self.kind) {
                    return Ok((vec![example], BTreeSet::new()));
                }
                let made = convert(example, self.kind).map_err(|fault| {
                    let (file, row) = self.examples.rows.place(index);
                    let source = std::io::Error::other(format!("row {row}: {fault}"));
                    DatasetError::read(Path::new(file.as_ref()), source)
                })?;
                Ok((made.examples, made.lost.into_iter().map(Into::into).collect()))
            }
        }
    }

    fn book(&mut self, unit: Unit, lost: &BTreeSet<String>, fate: RowFate) {
        let (rows, first) = match unit {
            Unit::Row(index) => (vec![index], index),
            Unit::Pair { chosen, rejected } => (vec![chosen, rejected], chosen.min(rejected)),
        };
        if std::mem::replace(&mut self.is_booked[first], true) {
            return;
        }
        let place = |mixed: &Self, index| {
            let (file, row): (&Arc<str>, u64) = mixed.examples.rows.place(index);
            (file.clone(), row)
        };
        match fate {
            RowFate::Kept(what, unwritten) => {
                for index in rows {
                    let (file, _) = place(self, index);
                    self.examples.ledger.entry(&file).keep(what);
                }
                let (file, row) = place(self, first);
                self.examples.note_lost(&file, row, lost.union(&unwritten));
            }
            RowFate::Refused(fault) => {
                for index in rows {
                    let (file, row) = place(self, index);
                    self.examples.fault(&file, row, &fault);
                }
            }
        }
    }

    /// What became of every row; once all examples were handed over.
    ///
    /// # Errors
    ///
    /// If the sums of the ledger are wrong.
    pub fn finish(self) -> Result<Ledger, DatasetError> {
        let Examples { mut ledger, .. } = self.examples;
        ledger.count_written(self.written);
        ledger.forget_dropped();
        ledger.check()?;
        Ok(ledger)
    }

    /// All examples, each kept; for mixes that are small.
    ///
    /// # Errors
    ///
    /// As [`Mixed::for_each`] and [`Mixed::finish`].
    pub fn collect(mut self) -> Result<(Vec<Example>, Ledger), DatasetError> {
        let (mut all, kind) = (Vec::new(), self.kind);
        self.for_each(|examples| {
            all.extend_from_slice(examples);
            Ok::<_, DatasetError>(RowFate::Kept(kind.as_str(), BTreeSet::new()))
        })?;
        Ok((all, self.finish()?))
    }
}

impl fmt::Debug for Mixed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Mixed");
        shown.field("kind", &self.kind).field("units", &self.units.len());
        shown.field("examples", &self.examples).field("written", &self.written);
        shown.finish_non_exhaustive()
    }
}
