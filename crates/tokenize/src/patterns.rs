//! Whether the regular expressions of a tokenizer come to an end on a text.
//!
//! The engine gives up on a search that backtracks a million times, and the tokenizer takes that for the end of the
//! matches: the rest of the text would be one word, and nobody would know. So every pattern that is not one of the usual
//! ones searches the text once beforehand, in smaller bounds, and what does not end is an error.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fancy_regex::{Regex, RegexBuilder};
use serde_json::Value;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::split::SplitPattern;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer};

/// Patterns whose searches are linear in the text: no alternative is repeated over another repetition. They are those of
/// Qwen2, Llama 3 and GPT-2, and stand for nearly every byte-level tokenizer there is.
pub(crate) const USUAL: [&str; 3] = [
    crate::bpe::WORDS,
    LLAMA_3,
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
];
/// The words of Llama 3: as Qwen2's, with numbers of up to three digits.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Longest that all patterns of a tokenizer may be together, in bytes: they take time to compile. The usual ones have
/// some hundred.
const MAX_LENGTH: usize = 16 * 1024;
/// Backtracking steps of one search, a tenth of what the tokenizer allows itself: some milliseconds.
const MAX_STEPS: usize = 100_000;
/// What all searches in one text may take.
const MAX_TIME: Duration = Duration::from_secs(1);

/// The unusual patterns of a tokenizer, each compiled with the smaller bound.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    unusual: BTreeMap<String, Regex>,
    of_normalizer: Vec<String>,
}

impl Patterns {
    /// Compiles the patterns of a parsed `tokenizer.json`; the first that does not compile comes back with the reason.
    pub(crate) fn new(json: &Value) -> Result<Self, (String, String)> {
        let mut unusual = BTreeMap::new();
        let mut length = 0;
        for pattern in listed(json) {
            length += pattern.len();
            if MAX_LENGTH < length {
                let start = pattern.chars().take(40).collect();
                return Err((
                    start,
                    format!("with it the patterns are longer than {MAX_LENGTH} bytes"),
                ));
            }
            if USUAL.contains(&pattern.as_str()) || unusual.contains_key(&pattern) {
                continue;
            }
            match RegexBuilder::new(&pattern).backtrack_limit(MAX_STEPS).build() {
                Ok(regex) => unusual.insert(pattern, regex),
                Err(error) => return Err((pattern, error.to_string())),
            };
        }
        let mut of_normalizer = Vec::new();
        collect(&json["normalizer"], &mut of_normalizer);
        // The tokenizer would look for the byte behind the last.
        let replaces_nothing = |pattern: &&String| {
            unusual.get(*pattern).is_some_and(|regex| regex.is_match("").unwrap_or(true))
        };
        if let Some(pattern) = of_normalizer.iter().find(replaces_nothing) {
            let reason = "it matches where nothing is, and cannot be replaced";
            return Err((pattern.clone(), reason.to_owned()));
        }
        Ok(Self { unusual, of_normalizer })
    }

    /// Searches a text as the tokenizer will, and says which pattern does not end.
    pub(crate) fn check(&self, tokenizer: &Tokenizer, text: &str) -> Result<(), String> {
        if self.unusual.is_empty() {
            return Ok(());
        }
        let end = Instant::now() + MAX_TIME;
        for pattern in &self.of_normalizer {
            self.search(pattern, text, end)?;
        }
        let Some(pre_tokenizer) = tokenizer.get_pre_tokenizer() else { return Ok(()) };
        let added = tokenizer.get_added_vocabulary();
        let mut pieces = added.extract_and_normalize(tokenizer.get_normalizer(), text);
        self.walk(pre_tokenizer, &mut pieces, end)
    }

    /// Divides the pieces as the pre-tokenizer does, each pattern searched before it is used.
    fn walk(
        &self,
        pre_tokenizer: &PreTokenizerWrapper,
        pieces: &mut PreTokenizedString,
        end: Instant,
    ) -> Result<(), String> {
        if let PreTokenizerWrapper::Sequence(all) = pre_tokenizer {
            return all.as_ref().iter().try_for_each(|one| self.walk(one, pieces, end));
        }
        if let PreTokenizerWrapper::Split(split) = pre_tokenizer
            && let SplitPattern::Regex(pattern) = &split.pattern
        {
            let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::None);
            for (piece, _, _) in splits.iter().filter(|(_, _, tokens)| tokens.is_none()) {
                self.search(pattern, piece, end)?;
            }
        }
        pre_tokenizer.pre_tokenize(pieces).map_err(|error| error.to_string())
    }

    fn search(&self, pattern: &str, text: &str, end: Instant) -> Result<(), String> {
        let Some(regex) = self.unusual.get(pattern) else { return Ok(()) };
        for found in regex.find_iter(text) {
            let failure = match found {
                Ok(_) if Instant::now() < end => continue,
                Ok(_) => format!("takes more than {} s", MAX_TIME.as_secs()),
                Err(error) => format!("does not come to an end ({error})"),
            };
            return Err(format!("the search for `{pattern}` {failure}"));
        }
        Ok(())
    }
}

/// Every regular expression of a parsed `tokenizer.json`, wherever it stands.
pub(crate) fn listed(json: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["normalizer", "pre_tokenizer", "decoder"] {
        collect(&json[part], &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("Regex").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect(field, found));
        }
        _ => {}
    }
}
