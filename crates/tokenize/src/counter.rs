//! Counts the tokens of texts without making them, where the tokenizer is of the usual byte-level kind.
//!
//! Making tokens keeps, for every byte, where it came from; counting needs none of that. The text is cut into the same
//! words, and how many tokens a word has is remembered, since most words of a text have been seen before. A word that is
//! not remembered is asked of the tokenizer's own model. Whatever is not covered (another kind of tokenizer, an added
//! token in the text, a word without end) goes the whole way through the tokenizer: both give the same number, which
//! tests hold.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use ahash::AHashMap;
use rayon::prelude::*;
use regex_automata::meta::{Cache, Regex};
use regex_automata::{Anchored, Input};
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::split::SplitPattern;
use tokenizers::{Encoding, Model as _, ModelWrapper, SplitDelimiterBehavior, Token, Tokenizer};
use unicode_normalization_alignments::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use crate::panics::guarded;
use crate::patterns::USUAL;
use crate::{Encoder, TokenizeError};

/// How the usual patterns end: white space before a word, which leaves its last character to the word.
const LOOK_AHEAD: &str = r"|\s+(?!\S)|\s+";
/// Stands in its place.
const BLANK: &str = r"\s+";
/// The longest word that is counted here, in bytes. Longer ones may be more than the tokenizer's engine has stack for.
const LONGEST: usize = 1 << 16;
/// The longest word that is remembered, in bytes.
const LONGEST_REMEMBERED: usize = 48;
/// Words that are remembered, by each thread.
const MOST: usize = 1 << 17;
/// Texts that a thread counts at once: enough that taking a memory costs nothing.
const AT_ONCE: usize = 8;

/// Counts tokens for one tokenizer.
#[derive(Debug)]
pub(crate) struct Counter {
    /// The words of the tokenizer's pattern without its look-ahead, and [`BLANK`] after them.
    words: Regex,
    /// Any added token: texts with one are not counted here.
    added: Option<Regex>,
    normalisation: Normalisation,
    /// The characters that stand for bytes in the model's vocabulary.
    characters: [char; 256],
    /// What threads remember between texts.
    memories: Mutex<Vec<Memory>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Normalisation {
    None,
    Nfc,
}

/// What one thread works with.
#[derive(Debug)]
struct Memory {
    search: Cache,
    /// Tokens of words seen before.
    counts: AHashMap<Box<str>, usize>,
}

impl Counter {
    /// A counter of the same numbers as this tokenizer's; none if it is of a kind that is not known here.
    pub(crate) fn new(tokenizer: &Tokenizer) -> Option<Self> {
        let normalisation = match tokenizer.get_normalizer() {
            None => Normalisation::None,
            Some(NormalizerWrapper::NFC(_)) => Normalisation::Nfc,
            Some(_) => return None,
        };
        let is_usual_model =
            matches!(tokenizer.get_model(), ModelWrapper::BPE(bpe) if bpe.dropout.is_none());
        if !is_usual_model || !keeps_length(tokenizer) {
            return None;
        }
        let words = usual_pattern(tokenizer)?.strip_suffix(LOOK_AHEAD)?;
        Some(Self {
            words: Regex::new_many(&[words, BLANK]).ok()?,
            added: added(tokenizer, normalisation).ok()?,
            normalisation,
            characters: characters(),
            memories: Mutex::default(),
        })
    }

    /// The tokens of each text; nothing for one that has to be tokenised.
    pub(crate) fn count(&self, tokenizer: &Tokenizer, texts: &[&str]) -> Vec<Option<usize>> {
        let chunks = texts.par_chunks(AT_ONCE).flat_map_iter(|texts| {
            let remembered = self.lock().pop();
            let mut memory = remembered.unwrap_or_else(|| Memory::new(&self.words));
            let count = |text: &&str| self.count_one(tokenizer.get_model(), text, &mut memory);
            let counts: Vec<Option<usize>> = texts.iter().map(count).collect();
            self.lock().push(memory);
            counts
        });
        chunks.collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_one(&self, model: &ModelWrapper, text: &str, memory: &mut Memory) -> Option<usize> {
        let normal = self.normalised(text);
        let has_added = |text: &str| self.added.as_ref().is_some_and(|added| added.is_match(text));
        // Some added tokens are looked for before the text is normalised, others after.
        if has_added(text) || (matches!(normal, Cow::Owned(_)) && has_added(&normal)) {
            return None;
        }
        let (mut count, mut rest) = (0, normal.as_ref());
        while !rest.is_empty() {
            let end = self.end_of_word(rest, &mut memory.search)?;
            let (word, after) = rest.split_at(end);
            count += self.count_word(model, word, memory)?;
            rest = after;
        }
        Some(count)
    }

    fn normalised<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let is_normal = self.normalisation == Normalisation::None
            || text.is_ascii()
            || is_nfc_quick(text.chars()) == IsNormalized::Yes;
        if is_normal {
            return Cow::Borrowed(text);
        }
        text.chars().nfc().map(|(character, _)| character).collect::<String>().into()
    }

    /// Where the word ends with which the text begins.
    ///
    /// The tokenizer's pattern ends in `\s+(?!\S)|\s+`: white space up to a word, but for its last character, which
    /// stays for the word unless there is no other. The usual patterns leave no character out, so that a word begins
    /// where the last one ended, and look at nothing before it.
    fn end_of_word(&self, text: &str, search: &mut Cache) -> Option<usize> {
        let input = Input::new(text).anchored(Anchored::Yes);
        let found = self.words.search_half_with(search, &input)?;
        let end = found.offset();
        let is_blank = found.pattern().as_usize() == 1;
        let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
        match end {
            0 => None,
            _ if LONGEST < end => None,
            _ if is_blank && end < text.len() && last < end => Some(end - last),
            _ => Some(end),
        }
    }

    fn count_word(&self, model: &ModelWrapper, word: &str, memory: &mut Memory) -> Option<usize> {
        if let Some(count) = memory.counts.get(word) {
            return Some(*count);
        }
        let bytes: String = word.bytes().map(|byte| self.characters[usize::from(byte)]).collect();
        // Where the model refuses, the tokenizer will say so.
        let count = model.tokenize(&bytes).ok()?.len();
        if word.len() <= LONGEST_REMEMBERED {
            if MOST <= memory.counts.len() {
                memory.counts.clear();
            }
            memory.counts.insert(word.into(), count);
        }
        Some(count)
    }
}

impl Encoder {
    /// How many ids each text has, in the order of the texts; several threads share the work.
    ///
    /// The numbers are those of [`Encoder::encode_batch`]. With a tokenizer of the usual byte-level kind they are counted
    /// without making the ids, which is many times as fast.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn count_batch(&self, texts: &[impl AsRef<str>]) -> Result<Vec<usize>, TokenizeError> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let counted = match &self.counter {
            Some(counter) => guarded(|| Ok::<_, String>(counter.count(&self.tokenizer, &texts))),
            None => Ok(vec![None; texts.len()]),
        };
        let first = texts.first().copied().unwrap_or_default();
        let counted = counted.map_err(|reason| self.encode_error(first, reason))?;
        let others = texts.iter().zip(&counted).filter(|(_, count)| count.is_none());
        let others: Vec<&str> = others.map(|(text, _)| *text).collect();
        let mut others = self.encode_batch(&others)?.into_iter().map(|ids| ids.len());
        Ok(counted.into_iter().filter_map(|count| count.or_else(|| others.next())).collect())
    }

    /// How many ids a text has.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn count(&self, text: &str) -> Result<usize, TokenizeError> {
        self.encoding(text).map(|encoding| encoding.len())
    }
}

impl Memory {
    fn new(words: &Regex) -> Self {
        Self { search: words.create_cache(), counts: AHashMap::new() }
    }
}

/// The pattern of a tokenizer that cuts words by one of the usual ones and then takes their bytes as they are.
fn usual_pattern(tokenizer: &Tokenizer) -> Option<&'static str> {
    let PreTokenizerWrapper::Sequence(steps) = tokenizer.get_pre_tokenizer()? else { return None };
    let [PreTokenizerWrapper::Split(split), PreTokenizerWrapper::ByteLevel(bytes)] = steps.as_ref()
    else {
        return None;
    };
    let SplitPattern::Regex(pattern) = &split.pattern else { return None };
    let is_usual = split.behavior == SplitDelimiterBehavior::Isolated
        && !split.invert
        && !bytes.add_prefix_space
        && !bytes.use_regex;
    USUAL.into_iter().find(|usual| usual == pattern).filter(|_| is_usual)
}

/// Whether what follows the model leaves every text as many tokens as it has. It looks at none of them, so one text
/// shows it for all.
fn keeps_length(tokenizer: &Tokenizer) -> bool {
    let token = || Token::new(0, String::new(), (0, 0));
    let encoding = Encoding::from_tokens(vec![token(), token(), token()], 0);
    tokenizer.post_process(encoding, None, false).is_ok_and(|processed| processed.len() == 3)
}

/// A pattern of every added token, as it is written and as it is normalised; none if there is none.
fn added(
    tokenizer: &Tokenizer,
    normalisation: Normalisation,
) -> Result<Option<Regex>, Box<regex_automata::meta::BuildError>> {
    let mut contents = Vec::new();
    for token in tokenizer.get_added_vocabulary().get_added_tokens_decoder().values() {
        if normalisation == Normalisation::Nfc {
            contents.push(token.content.chars().nfc().map(|(character, _)| character).collect());
        }
        contents.push(token.content.clone());
    }
    contents.retain(|content| !content.is_empty());
    if contents.is_empty() {
        return Ok(None);
    }
    let patterns: Vec<String> = contents.iter().map(|content| literal(content)).collect();
    Regex::new(&patterns.join("|")).map(Some).map_err(Box::new)
}

/// A pattern of nothing but this text.
fn literal(text: &str) -> String {
    let codes: Vec<String> = text.chars().map(|one| format!("{:x}", u32::from(one))).collect();
    format!(r"\x{{{}}}", codes.join(r"}\x{"))
}

/// GPT-2's characters for bytes: those that can be seen stand for themselves, the others follow U+0100 in order.
fn characters() -> [char; 256] {
    let is_seen = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut hidden = '\u{100}'..;
    let mut characters = ['\0'; 256];
    for byte in 0..=u8::MAX {
        let own = char::from(byte);
        let character = if is_seen(byte) { Some(own) } else { hidden.next() };
        characters[usize::from(byte)] = character.unwrap_or(own);
    }
    characters
}

#[cfg(test)]
mod tests;
