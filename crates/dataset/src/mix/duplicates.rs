//! Rows that say the same, word for word or nearly.

use std::collections::{BTreeSet, HashSet};

use forethought_schema::{Message, Prompt, Record, Role};
use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher64V1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::setting;
use crate::error::DatasetError;
use crate::question::Fingerprint;
use crate::records::ExampleRows;

/// Hash functions of a signature.
const NUM_HASHES: usize = 128;
/// How likely two rows at the threshold are compared at least.
const RECALL: f64 = 0.99;

/// Which rows count as the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deduplicate {
    /// What is compared. Default `record`.
    #[serde(default)]
    pub by: DuplicateBy,
    /// Whether rows that are nearly the same are, too. Default: no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<NearDuplicates>,
}

/// What of two rows is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateBy {
    /// All that they hold, but no fields beside it.
    #[default]
    Record,
    /// What is to be completed; of a text, all of it.
    Prompt,
}

/// When rows are nearly the same: by the share of the sequences of characters that they have in common.
///
/// Candidates are found by `MinHash` signatures and then compared exactly, so that nothing below the threshold is dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NearDuplicates {
    /// The share of common sequences (Jaccard's coefficient) from which on rows are the same: above 0, at most 1.
    /// Default 0.8.
    pub threshold: f64,
    /// The length of a sequence, in characters; white space counts as one space, and case does not count. At least 1.
    /// Default 5.
    pub shingle: usize,
}

impl Default for NearDuplicates {
    fn default() -> Self {
        Self { threshold: 0.8, shingle: 5 }
    }
}

impl Deduplicate {
    pub(super) fn check(&self) -> Result<(), DatasetError> {
        let Some(near) = &self.near else { return Ok(()) };
        if !(0.0 < near.threshold && near.threshold <= 1.0) {
            let found = near.threshold.to_string();
            return Err(setting("threshold", "above 0 and at most 1", found));
        }
        if near.shingle == 0 {
            return Err(setting("shingle", "at least 1", "0".to_owned()));
        }
        Ok(())
    }
}

/// How many of these rows say what another one before them says: exactly, and nearly.
///
/// # Errors
///
/// If a row cannot be read.
pub fn count_duplicates(
    rows: &mut ExampleRows,
    places: &[usize],
    near: &NearDuplicates,
) -> Result<(usize, usize), DatasetError> {
    let config = Deduplicate { by: DuplicateBy::Record, near: Some(near.clone()) };
    let mut order = Vec::with_capacity(places.len());
    for place in places {
        order.push((*place, fingerprint(&rows.get(*place)?.example.record, config.by)));
    }
    let fates = find(rows, &order, &config)?;
    let count = |reason| fates.iter().filter(|fate| **fate == Some(reason)).count();
    Ok((count(EXACT), count(NEAR)))
}

const EXACT: &str = "duplicate";
const NEAR: &str = "near_duplicate";

/// The reason to drop each of these rows, in this order: that one before it says the same.
pub(super) fn find(
    rows: &mut ExampleRows,
    order: &[(usize, Fingerprint)],
    config: &Deduplicate,
) -> Result<Vec<Option<&'static str>>, DatasetError> {
    let mut seen = HashSet::new();
    let mut near = config.near.as_ref().map(Index::new);
    let mut fate = |(index, compared): &(usize, Fingerprint)| {
        if !seen.insert(*compared) {
            return Ok(Some(EXACT));
        }
        let Some(near) = &mut near else { return Ok(None) };
        let mut words = |index| Ok(in_words(&rows.get(index)?.example.record, config.by));
        Ok(near.has(*index, &mut words)?.then_some(NEAR))
    };
    order.iter().map(&mut fate).collect()
}

/// What is compared, so short that all of them can be remembered.
pub(super) fn fingerprint(record: &Record, by: DuplicateBy) -> Fingerprint {
    Fingerprint::of(exactly(record, by).as_bytes())
}

/// What is compared, as one text that is equal where the records are.
fn exactly(record: &Record, by: DuplicateBy) -> String {
    let json = match (by, prompt_of(record)) {
        (DuplicateBy::Prompt, Some(prompt)) => serde_json::to_string(&prompt),
        _ => serde_json::to_string(record),
    };
    json.unwrap_or_default()
}

/// What is compared, without the names of its parts.
fn in_words(record: &Record, by: DuplicateBy) -> String {
    let mut words = prompt_of(record).map(|prompt| prompt_words(&prompt)).unwrap_or_default();
    if by == DuplicateBy::Record || words.is_empty() {
        for part in completions(record) {
            words.push('\n');
            words.push_str(&part);
        }
    }
    words
}

/// What of a record is to be completed; a conversation is completed from its first turn of the assistant on. A text has
/// no such part.
#[must_use]
pub fn prompt_of(record: &Record) -> Option<Prompt> {
    match record {
        Record::Text(_) => None,
        Record::Messages(turns) => {
            let first = turns.iter().position(|turn| turn.role == Role::Assistant);
            Some(Prompt::Messages(turns[..first.unwrap_or(turns.len())].to_vec()))
        }
        Record::Prompt(prompt) => Some(prompt.clone()),
        Record::PromptCompletion(one) => Some(one.prompt.clone()),
        Record::Preference(pair) => Some(pair.prompt.clone()),
        Record::Unpaired(one) => Some(one.prompt.clone()),
        Record::Exercise(exercise) => Some(exercise.question.as_str().into()),
    }
}

fn prompt_words(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => text.clone(),
        Prompt::Messages(turns) => turn_words(turns),
    }
}

fn turn_words(turns: &[Message]) -> String {
    turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>().join("\n")
}

fn completions(record: &Record) -> Vec<String> {
    match record {
        Record::Text(text) => vec![text.clone()],
        Record::Messages(turns) => vec![turn_words(turns)],
        Record::Prompt(_) => Vec::new(),
        Record::PromptCompletion(one) => vec![one.completion.clone()],
        Record::Preference(pair) => vec![pair.chosen.clone(), pair.rejected.clone()],
        Record::Unpaired(one) => vec![one.completion.clone(), one.label.to_string()],
        Record::Exercise(exercise) => {
            [&exercise.solution, &exercise.answer].into_iter().flatten().cloned().collect()
        }
    }
}

/// The rows so far, by their signatures.
struct Index {
    threshold: f64,
    shingle: usize,
    hasher: MinHasher64V1<Hashing>,
    signatures: MinHashIndex<u64, usize>,
}

type Hashing = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

impl Index {
    fn new(config: &NearDuplicates) -> Self {
        let width = band_width(config.threshold);
        let num_bands = NUM_HASHES / width;
        Self {
            threshold: config.threshold,
            shingle: config.shingle,
            hasher: MinHasher64V1::new_with_hasher(num_bands * width, Hashing::default()),
            signatures: MinHashIndex::new(num_bands, width, 0.0),
        }
    }

    /// Whether a row so far is nearly the same; if none is, this one is added. What rows say is read again when their
    /// signatures agree: to remember it would take more than the rows themselves.
    fn has(
        &mut self,
        row: usize,
        words: &mut dyn FnMut(usize) -> Result<String, DatasetError>,
    ) -> Result<bool, DatasetError> {
        let shingles_of = |words: &str| shingles(words, self.shingle);
        let own = shingles_of(&words(row)?);
        if own.is_empty() {
            return Ok(false);
        }
        let signature = self.hasher.create_signature(own.iter());
        for other in self.signatures.query_owned(&signature) {
            if self.threshold <= jaccard(&shingles_of(&words(other)?), &own) {
                return Ok(true);
            }
        }
        self.signatures.insert(row, signature);
        Ok(false)
    }
}

/// Two rows whose signatures agree in all hashes of a band are compared. The widest bands that miss less than one in a
/// hundred pairs at the threshold make the fewest comparisons.
fn band_width(threshold: f64) -> usize {
    let found = |width: &usize| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "up to 128"
        )]
        let (width, num_bands) = (*width as i32, (NUM_HASHES / width) as i32);
        1.0 - (1.0 - threshold.powi(width)).powi(num_bands) >= RECALL
    };
    (1..=NUM_HASHES / 4).rev().find(found).unwrap_or(1)
}

/// The hashes of all sequences of so many characters; a shorter text is one sequence.
fn shingles(text: &str, length: usize) -> BTreeSet<u64> {
    use std::hash::{Hash as _, Hasher as _};
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let characters: Vec<char> = words.chars().collect();
    let hash = |sequence: &[char]| {
        let mut hasher = std::hash::DefaultHasher::new();
        sequence.hash(&mut hasher);
        hasher.finish()
    };
    if characters.len() <= length {
        return characters.chunks(length).map(hash).collect();
    }
    characters.windows(length).map(hash).collect()
}

fn jaccard(one: &BTreeSet<u64>, other: &BTreeSet<u64>) -> f64 {
    let common = one.intersection(other).count();
    common as f64 / (one.len() + other.len() - common) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_of_characters_are_compared_without_case_and_white_space() {
        let near = |a: &str, b: &str| jaccard(&shingles(a, 3), &shingles(b, 3));
        assert!((near("a  B\nc", "A b C") - 1.0).abs() < f64::EPSILON);
        // abcd: abc bcd; abce: abc bce: one of three in common.
        assert!((near("abcd", "abce") - 1.0 / 3.0).abs() < 1e-12);
        assert!(near("天空是蓝的", "天空是绿的") > 0.0);
        assert_eq!((shingles("", 5).len(), shingles("ab", 5).len()), (0, 1));
    }

    #[test]
    fn bands_find_pairs_at_the_threshold() {
        // t = 0.8: 1 - (1 - 0.8^6)^21 = 0.998, 1 - (1 - 0.8^7)^18 = 0.986.
        assert_eq!((band_width(0.8), band_width(0.5)), (6, 3));
        assert_eq!(band_width(1.0), 32);
    }

    #[test]
    fn near_duplicates_are_found_and_others_are_not() {
        let texts = [
            "How many oranges are in the big basket by the door?",
            "How many oranges are in the big basket by the doors",
            "How many apples did Ellen give to her brother on Monday?",
        ];
        let mut index = Index::new(&NearDuplicates { threshold: 0.7, shingle: 3 });
        let found = [0, 1, 2].map(|row| {
            index.has(row, &mut |row| Ok(texts[row].to_owned())).expect("nothing is read")
        });
        assert_eq!(found, [false, true, false]);
    }
}
