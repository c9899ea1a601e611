//! Trains a byte-level BPE tokenizer of Qwen2's kind.
//!
//! Normaliser, pre-tokeniser and decoder are Qwen2's, and so is the order of ids: bytes first, merges next, special
//! tokens last. The words are counted before anything is merged, and pairs of equal count merge in the order of their
//! ids, so that the files are the same bytes whatever the order of the texts or the number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior, TokenizerBuilder, TokenizerImpl,
};

use crate::folder::{Folder, GENERATION_CONFIG, TOKENIZER, TOKENIZER_CONFIG};
use crate::{Encoder, TokenizeError};

/// The words of Qwen2: contractions, letters with one leading sign, single digits, signs, line breaks, blanks.
pub(crate) const WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const END_OF_TEXT: &str = "<|endoftext|>";
const TURN_START: &str = "<|im_start|>";
const TURN_END: &str = "<|im_end|>";
const CHAT_TEMPLATE: &str = include_str!("chatml.jinja");
/// One token per byte.
const BYTES: usize = 256;
/// The trainer counts pairs in 32 bits.
const MAX_TEXT: usize = 1 << 30;

type Bpe = TokenizerImpl<BPE, NFC, Sequence, ByteLevel, ByteLevel>;

/// How a tokenizer is trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BpeConfig {
    /// Most tokens it may have, bytes and special tokens included: at least 259. It ends up with fewer when no pair is
    /// left that occurs often enough. No default: it sets the size of the embedding.
    pub vocab_size: usize,
    /// How often a pair must occur to become a token: at least 1, by default 2, as in `ByteLevelBPETokenizer.train` of
    /// the tokenizers package.
    #[serde(default = "default_min_frequency")]
    pub min_frequency: u64,
    /// Special tokens beside `<|endoftext|>`, `<|im_start|>` and `<|im_end|>`, by default none.
    #[serde(default)]
    pub special_tokens: Vec<String>,
}

fn default_min_frequency() -> u64 {
    2
}

impl BpeConfig {
    /// A vocabulary of this size, with the defaults.
    #[must_use]
    pub fn new(vocab_size: usize) -> Self {
        Self { vocab_size, min_frequency: default_min_frequency(), special_tokens: Vec::new() }
    }

    /// All special tokens in the order of their ids.
    fn specials(&self) -> Vec<&str> {
        let extra = self.special_tokens.iter().map(String::as_str);
        [END_OF_TEXT, TURN_START, TURN_END].into_iter().chain(extra).collect()
    }

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// If the vocabulary cannot hold the bytes and the special tokens, or a pair need not occur.
    pub fn validate(&self) -> Result<(), BpeError> {
        let specials = self.specials();
        let needed = BYTES + specials.len();
        if self.vocab_size < needed || u32::try_from(self.vocab_size).is_err() {
            return Err(BpeError::VocabSize { found: self.vocab_size, needed });
        }
        if self.min_frequency < 1 {
            return Err(BpeError::MinFrequency(self.min_frequency));
        }
        let mut seen = BTreeSet::new();
        match specials.iter().find(|token| token.is_empty() || !seen.insert(**token)) {
            Some(token) => Err(BpeError::SpecialToken((*token).to_owned())),
            None => Ok(()),
        }
    }
}

/// A tokenizer that cannot be trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BpeError {
    /// The bytes and the special tokens alone need more room, or an id would not fit 32 bits.
    #[error("vocab_size must be at least {needed} and below 2^32, got {found}")]
    VocabSize {
        /// The size asked for.
        found: usize,
        /// The least size.
        needed: usize,
    },
    /// A pair that never occurs cannot become a token.
    #[error("min_frequency must be at least 1, got {0}")]
    MinFrequency(u64),
    /// A special token is empty or listed twice.
    #[error("special_tokens must be different from each other and not empty, got {0:?}")]
    SpecialToken(String),
    /// There is nothing to learn from.
    #[error("there is no text to train a tokenizer on")]
    NoText,
    /// The counts of pairs would not fit.
    #[error(
        "a tokenizer is trained on at most {MAX_TEXT} bytes of text, got {0}; train it on fewer texts, or take one that is \
         trained already"
    )]
    TooMuchText(usize),
    /// It was left off, as was asked.
    #[error("the training of the tokenizer was left off")]
    LeftOff,
    /// The trainer failed.
    #[error("training the tokenizer failed: {0}")]
    Trainer(String),
    /// The trained files could not be read back.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
}

impl From<tokenizers::Error> for BpeError {
    fn from(error: tokenizers::Error) -> Self {
        Self::Trainer(error.to_string())
    }
}

/// Trains a tokenizer. Special tokens that stand in the texts are left out of them.
///
/// The encoder is made of `tokenizer.json`, `tokenizer_config.json` (`<|im_end|>` ends, `<|endoftext|>` fills, a ChatML
/// template) and `generation_config.json`, as [`Encoder::save`] writes them for transformers.
///
/// # Errors
///
/// If the config is out of range, or there is no text, or more than 1 GiB of it.
pub fn train_bpe<T: AsRef<str> + Sync>(
    texts: &[T],
    config: &BpeConfig,
) -> Result<Encoder, BpeError> {
    train_bpe_while(texts, config, &|| true)
}

/// As [`train_bpe`], and no further text is read once nobody wants the tokenizer any more: reading them takes most of the time.
///
/// # Errors
///
/// As [`train_bpe`], and if it is not wanted any more.
pub fn train_bpe_while<T: AsRef<str> + Sync>(
    texts: &[T],
    config: &BpeConfig,
    is_wanted: &(dyn Fn() -> bool + Sync),
) -> Result<Encoder, BpeError> {
    config.validate()?;
    match texts.iter().map(|text| text.as_ref().len()).sum() {
        0 => return Err(BpeError::NoText),
        bytes if MAX_TEXT < bytes => return Err(BpeError::TooMuchText(bytes)),
        _ => {}
    }
    let specials = config.specials();
    let mut tokenizer = untrained()?;
    let mut trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(config.vocab_size - specials.len())
        .min_frequency(config.min_frequency)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let texts = texts.iter().take_while(|_| is_wanted());
    let parts = texts.flat_map(|text| without(text.as_ref(), &specials));
    tokenizer.train(&mut trainer, parts)?;
    if !is_wanted() {
        return Err(BpeError::LeftOff);
    }
    let added = specials.iter().map(|token| AddedToken::from(*token, true));
    tokenizer.add_special_tokens(added)?;
    Ok(Encoder::from_folder(files(&tokenizer, &specials)?)?)
}

fn untrained() -> Result<Bpe, BpeError> {
    let words = SplitPattern::Regex(WORDS.to_owned());
    let words = Split::new(words, SplitDelimiterBehavior::Isolated, false)?;
    let bytes = ByteLevel::new(false, false, false);
    let pre_tokenizer = Sequence::new(vec![
        PreTokenizerWrapper::Split(words),
        PreTokenizerWrapper::ByteLevel(bytes),
    ]);
    Ok(TokenizerBuilder::new()
        .with_model(BPE::default())
        .with_normalizer(Some(NFC))
        .with_pre_tokenizer(Some(pre_tokenizer))
        .with_post_processor(Some(bytes))
        .with_decoder(Some(bytes))
        .build()?)
}

/// The parts of a text between special tokens.
fn without<'t>(text: &'t str, specials: &[&str]) -> Vec<&'t str> {
    specials.iter().fold(vec![text], |parts, special| {
        parts.into_iter().flat_map(|part| part.split(special)).collect()
    })
}

fn files(tokenizer: &Bpe, specials: &[&str]) -> Result<Folder, BpeError> {
    let id = |token: &str| tokenizer.token_to_id(token);
    let added: serde_json::Map<String, Value> = specials
        .iter()
        .filter_map(|token| Some((id(token)?.to_string(), added_token(token))))
        .collect();
    let config = json!({
        "add_prefix_space": false,
        "added_tokens_decoder": added,
        "additional_special_tokens": specials[1..],
        "bos_token": null,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": false,
        "eos_token": TURN_END,
        "errors": "replace",
        "pad_token": END_OF_TEXT,
        "split_special_tokens": false,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": null,
    });
    let generation = json!({
        "eos_token_id": [id(TURN_END), id(END_OF_TEXT)],
        "pad_token_id": id(END_OF_TEXT),
    });
    let files = BTreeMap::from([
        (TOKENIZER, tokenizer.to_string(true)?.into_bytes()),
        (TOKENIZER_CONFIG, format!("{config:#}\n").into_bytes()),
        (GENERATION_CONFIG, format!("{generation:#}\n").into_bytes()),
    ]);
    Ok(Folder::new(Path::new("trained tokenizer"), files))
}

fn added_token(token: &str) -> Value {
    json!({
        "content": token,
        "lstrip": false,
        "normalized": false,
        "rstrip": false,
        "single_word": false,
        "special": true,
    })
}
