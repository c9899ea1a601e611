//! What a stage is run for: its artifact, a check that it could be made, or one of its steps again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use forethought_train::StepRecord;

use crate::memory::MemoryPlan;
use crate::rebuilt::Batch;

/// What a stage is run for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// Its artifact.
    Artifact,
    /// Whether it could be made: on a sample of the data, with a model of the same form and next to no width. A training
    /// makes its first batch and learns nothing.
    Check(&'a Findings),
    /// One of its optimiser steps, computed anew.
    Replay(&'a Rebuilding),
}

/// The most tokens that a check samples of a completion.
const CHECKED_TOKENS: usize = 8;

impl Purpose<'_> {
    /// Whether nothing is made that lasts.
    pub(crate) fn is_check(self) -> bool {
        matches!(self, Self::Check(_))
    }

    /// How many tokens are sampled of a completion, where `wanted` are allowed.
    pub(crate) fn new_tokens(self, wanted: usize) -> usize {
        if self.is_check() { wanted.min(CHECKED_TOKENS) } else { wanted }
    }
}

/// The most questions that a check asks at once.
const CHECKED_QUESTIONS: usize = 24;

impl Purpose<'_> {
    /// How many of `found` questions are asked at once, where `wanted` are in a run.
    pub(crate) fn questions(self, wanted: usize, found: usize) -> usize {
        if self.is_check() { wanted.min(found).min(CHECKED_QUESTIONS) } else { wanted }
    }

    /// Whether a run may have more rows than there are here.
    pub(crate) fn sees_a_sample(self) -> bool {
        matches!(self, Self::Check(findings) if findings.is_sample.load(Ordering::SeqCst))
    }
}

/// The most of anything that a check asks for several times.
const CHECKED_AMOUNT: usize = 2;

impl Purpose<'_> {
    /// How many are asked for, where `wanted` are in a run.
    pub(crate) fn at_most(self, wanted: usize) -> usize {
        if self.is_check() { wanted.min(CHECKED_AMOUNT) } else { wanted }
    }

    /// How many of something a run will have, of which `found` are there: a check sees a sample, and a run has `most` at most.
    pub(crate) fn number_of(self, found: usize, most: usize) -> usize {
        if self.is_check() { most } else { found.min(most) }
    }
}

/// What a check has found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Mutex<Vec<String>>,
    notices: Mutex<Vec<String>>,
    plans: Mutex<Vec<(String, MemoryPlan)>>,
    /// Whether a run has more rows to train on than the check has.
    is_sample: AtomicBool,
}

impl Findings {
    /// Rows that a run trains on were left out.
    pub(crate) fn leave_rows_out(&self) {
        self.is_sample.store(true, Ordering::SeqCst);
    }

    pub(crate) fn problem(&self, stage: &str, message: impl std::fmt::Display) {
        let text = format!("stage {stage}: {message}");
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// What could not be looked at, and why.
    pub(crate) fn notice(&self, stage: &str, message: impl std::fmt::Display) {
        let text = format!("stage {stage}: {message}");
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    pub(crate) fn plan(&self, stage: &str, plan: MemoryPlan) {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).push((stage.to_owned(), plan));
    }

    /// Takes out what was found: problems, notices, plans.
    pub(crate) fn into_parts(self) -> (Vec<String>, Vec<String>, Vec<(String, MemoryPlan)>) {
        let [problems, notices] = [self.problems, self.notices]
            .map(|list| list.into_inner().unwrap_or_else(PoisonError::into_inner));
        (problems, notices, self.plans.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A step that is computed anew.
#[derive(Debug)]
pub(crate) struct Rebuilding {
    /// The step, counted from 1.
    pub(crate) step: u64,
    /// What came of it.
    pub(crate) found: Mutex<Option<(StepRecord, Batch)>>,
}
