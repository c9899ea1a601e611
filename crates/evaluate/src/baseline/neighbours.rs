//! The k nearest training questions by the cosine of their character n-grams.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::{BaselineError, Labelled, most_frequent};

/// How many training questions, at most, decide which [`Combine`] is the better one.
const TRIALS: usize = 500;

/// How neighbours are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighboursConfig {
    /// How many neighbours decide, at least 1; 5 as in scikit-learn's `KNeighborsClassifier`.
    pub k: usize,
    /// The shortest n-gram, in characters, from 1 to `longest`.
    pub shortest: usize,
    /// The longest n-gram, in characters, from `shortest` to 3.
    pub longest: usize,
}

impl Default for NeighboursConfig {
    fn default() -> Self {
        Self { k: 5, shortest: 3, longest: 3 }
    }
}

/// How neighbours of different classes agree on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// The class with the greatest sum of similarities, the smallest of equals.
    Vote,
    /// The lower median of the classes, weighted by similarity.
    Median,
}

/// Training questions, indexed by their n-grams.
///
/// A question is the vector of its n-grams' `tf · idf`, with `idf = ln((1 + N)/(1 + df)) + 1` as in scikit-learn,
/// scaled to length 1. Texts are compared in lower case.
#[derive(Clone, Debug)]
pub struct Neighbours<'a> {
    train: Vec<Labelled<'a>>,
    config: NeighboursConfig,
    combine: Combine,
    fallback: u32,
    /// The index of each n-gram in `idf` and `postings`.
    terms: HashMap<u64, usize>,
    idf: Vec<f32>,
    /// For each n-gram the training rows that hold it, ascending, with its weight in them.
    postings: Vec<Vec<(usize, f32)>>,
}

impl<'a> Neighbours<'a> {
    /// Indexes the training split and decides between vote and median by leaving out, one at a time, up to 500 evenly
    /// spaced training questions: the one wins that gets more of them exactly right plus within one class. The
    /// validation questions have no say in it.
    ///
    /// # Errors
    ///
    /// If the training split is empty or `config` out of range.
    pub fn fit(train: &[Labelled<'a>], config: &NeighboursConfig) -> Result<Self, BaselineError> {
        let &NeighboursConfig { k, shortest, longest } = config;
        if k == 0 {
            return Err(BaselineError::Neighbours);
        }
        if !(1 <= shortest && shortest <= longest && longest <= 3) {
            return Err(BaselineError::Ngrams { shortest, longest });
        }
        let fallback = most_frequent(train).ok_or(BaselineError::NoTraining)?;
        let mut index = Self {
            train: train.to_vec(),
            config: *config,
            combine: Combine::Vote,
            fallback,
            terms: HashMap::new(),
            idf: Vec::new(),
            postings: Vec::new(),
        };
        index.add_rows();
        index.combine = index.better_combine();
        Ok(index)
    }

    /// How the neighbours agree on a class.
    #[must_use]
    pub fn combine(&self) -> Combine {
        self.combine
    }

    /// The class its neighbours agree on; the most frequent class where no training question shares an n-gram.
    #[must_use]
    pub fn predict(&self, question: &str) -> u32 {
        self.agree(&self.nearest(question, |_| true), self.combine)
    }

    /// The training rows nearest to the question, with their cosines: descending, the earlier row first among equals.
    #[must_use]
    pub fn neighbours(&self, question: &str) -> Vec<(usize, f32)> {
        self.nearest(question, |_| true)
    }

    fn add_rows(&mut self) {
        let counts: Vec<Vec<(u64, f32)>> =
            self.train.iter().map(|row| ngrams(row.question, &self.config)).collect();
        for (row, grams) in counts.iter().enumerate() {
            for &(gram, count) in grams {
                let next = self.postings.len();
                let term = *self.terms.entry(gram).or_insert(next);
                if term == next {
                    self.postings.push(Vec::new());
                }
                self.postings[term].push((row, count));
            }
        }
        let total = self.train.len() as f32 + 1.0;
        let idf = |rows: &Vec<_>| (total / (rows.len() as f32 + 1.0)).ln() + 1.0;
        self.idf = self.postings.iter().map(idf).collect();
        let lengths: Vec<f32> = counts.iter().map(|grams| length(&self.weigh(grams))).collect();
        for (postings, idf) in self.postings.iter_mut().zip(&self.idf) {
            for (row, weight) in postings {
                *weight *= idf / lengths[*row];
            }
        }
    }

    /// The known n-grams among `grams` as `(term, tf · idf)`.
    fn weigh(&self, grams: &[(u64, f32)]) -> Vec<(usize, f32)> {
        let weight = |(gram, count): &(u64, f32)| {
            let term = *self.terms.get(gram)?;
            Some((term, count * self.idf[term]))
        };
        grams.iter().filter_map(weight).collect()
    }

    fn nearest(&self, question: &str, is_allowed: impl Fn(usize) -> bool) -> Vec<(usize, f32)> {
        let weights = self.weigh(&ngrams(question, &self.config));
        let length = length(&weights);
        let mut cosines = vec![0.0_f32; self.train.len()];
        for (term, weight) in weights {
            for &(row, other) in &self.postings[term] {
                cosines[row] += weight / length * other;
            }
        }
        let candidates = cosines.into_iter().enumerate();
        greatest(candidates.filter(|&(row, cosine)| cosine > 0.0 && is_allowed(row)), self.config.k)
    }

    fn agree(&self, nearest: &[(usize, f32)], combine: Combine) -> u32 {
        let mut ballots: Vec<(u32, f32)> =
            nearest.iter().map(|&(row, cosine)| (self.train[row].class, cosine)).collect();
        ballots.sort_by_key(|&(class, _)| class);
        let winner = match combine {
            Combine::Vote => vote(&ballots),
            Combine::Median => weighted_median(&ballots),
        };
        winner.unwrap_or(self.fallback)
    }

    fn better_combine(&self) -> Combine {
        let step = self.train.len().div_ceil(TRIALS);
        let (mut vote, mut median) = (0, 0);
        for left_out in self.train.iter().step_by(step) {
            // The same question, asked of another model, must not give the answer away: splits are by question.
            let nearest = self
                .nearest(left_out.question, |row| self.train[row].question != left_out.question);
            vote += points(self.agree(&nearest, Combine::Vote), left_out.class);
            median += points(self.agree(&nearest, Combine::Median), left_out.class);
        }
        if median > vote { Combine::Median } else { Combine::Vote }
    }
}

/// One point for a prediction within one class, another for the exact one.
fn points(predicted: u32, class: u32) -> u32 {
    u32::from(predicted == class) + u32::from(predicted.abs_diff(class) <= 1)
}

/// The n-grams of a text with their counts, ascending by n-gram.
fn ngrams(text: &str, config: &NeighboursConfig) -> Vec<(u64, f32)> {
    let characters: Vec<u64> =
        text.chars().flat_map(char::to_lowercase).map(|c| u64::from(u32::from(c)) + 1).collect();
    let lengths = config.shortest..=config.longest;
    let mut grams: Vec<u64> =
        lengths.flat_map(|length| characters.windows(length)).map(pack).collect();
    grams.sort_unstable();
    grams.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f32)).collect()
}

/// Up to three characters in one number: a Unicode scalar value plus one takes 21 bits and is never 0.
fn pack(gram: &[u64]) -> u64 {
    gram.iter().fold(0, |packed, character| packed << 21 | character)
}

fn length<T>(weights: &[(T, f32)]) -> f32 {
    weights.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt()
}

/// The `k` greatest, descending; of equals the earlier ones.
fn greatest(candidates: impl Iterator<Item = (usize, f32)>, k: usize) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(k + 1);
    for candidate in candidates {
        let position = best.partition_point(|kept| kept.1 >= candidate.1);
        if position < k {
            best.insert(position, candidate);
            best.truncate(k);
        }
    }
    best
}

/// `ballots` ascend by class.
fn vote(ballots: &[(u32, f32)]) -> Option<u32> {
    let sum = |run: &[(u32, f32)]| run.iter().map(|ballot| ballot.1).sum::<f32>();
    let totals = ballots.chunk_by(|a, b| a.0 == b.0).map(|run| (run[0].0, sum(run)));
    let greater = |a: &(u32, f32), b: &(u32, f32)| match a.1.total_cmp(&b.1) {
        // `max_by` keeps the last of equals; the smaller class shall win.
        Ordering::Equal => b.0.cmp(&a.0),
        order => order,
    };
    totals.max_by(greater).map(|(class, _)| class)
}

/// `ballots` ascend by class.
fn weighted_median(ballots: &[(u32, f32)]) -> Option<u32> {
    let half = ballots.iter().map(|ballot| ballot.1).sum::<f32>() / 2.0;
    let mut below = 0.0;
    let reaches_half = |(_, weight): &&(u32, f32)| {
        below += weight;
        below >= half
    };
    ballots.iter().find(reaches_half).map(|&(class, _)| class)
}
