//! A tokenizer folder, ready to encode.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use forethought_schema::{Message, Role};
use serde_json::{Map, Value};
use tokenizers::{Encoding, Tokenizer};

use crate::counter::Counter;
use crate::folder::{CHAT_TEMPLATE, Folder, TOKENIZER, TOKENIZER_CONFIG};
use crate::panics::guarded;
use crate::patterns::{Patterns, listed};
use crate::{ChatTemplate, Conversation, TokenizeError, specials};

/// The name of the template that is used when none is named.
const DEFAULT_TEMPLATE: &str = "default";
/// An answer that no template writes by itself.
const PROBE: &str = "forethought-probe";

/// The tokenizer of a model folder: vocabulary, chat template, and the tokens that end a turn.
pub struct Encoder {
    folder: Folder,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) counter: Option<Counter>,
    patterns: Patterns,
    templates: BTreeMap<String, ChatTemplate>,
    eos_ids: Vec<u32>,
    turn_end: Option<String>,
    pad_id: Option<u32>,
    vocab_size: usize,
}

impl Encoder {
    /// Reads `tokenizer.json` and, where they are there, `tokenizer_config.json`, `chat_template.jinja`,
    /// `generation_config.json` and `special_tokens_map.json`.
    ///
    /// # Errors
    ///
    /// If a file is missing, unreadable, or not what transformers would read; the error names the file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, TokenizeError> {
        Self::from_folder(Folder::read(folder.as_ref())?)
    }

    pub(crate) fn from_folder(folder: Folder) -> Result<Self, TokenizeError> {
        let patterns = parse_patterns(&folder)?;
        let tokenizer = parse_tokenizer(&folder)?;
        let named = specials::named(&folder)?;
        let templates = parse_templates(&folder, &named)?;
        let pad_id = specials::id_of(&folder, &tokenizer, &named, "pad_token")?;
        let eos_id = specials::id_of(&folder, &tokenizer, &named, "eos_token")?;
        let generation_eos = specials::generation_eos(&folder)?;
        let ids = tokenizer.get_vocab(true).into_values();
        let vocab_size = ids.max().map_or(0, |largest| largest as usize + 1);
        let mut encoder = Self {
            counter: Counter::new(&tokenizer),
            folder,
            tokenizer,
            patterns,
            templates,
            eos_ids: Vec::new(),
            turn_end: None,
            pad_id,
            vocab_size,
        };
        let turn_end = encoder.find_turn_end()?;
        for id in eos_id.into_iter().chain(generation_eos).chain(turn_end) {
            if !encoder.eos_ids.contains(&id) {
                encoder.eos_ids.push(id);
            }
        }
        encoder.turn_end = turn_end.and_then(|id| encoder.tokenizer.id_to_token(id));
        Ok(encoder)
    }

    /// Writes every file this encoder was made of into a folder, each under a temporary name first and then renamed.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), TokenizeError> {
        self.folder.write(folder.as_ref())
    }

    /// The ids of a text. No special token is added; those that stand in the text are recognised, as transformers
    /// recognises them.
    ///
    /// # Errors
    ///
    /// If the tokenizer fails or panics, as hostile patterns can make it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizeError> {
        Ok(self.encoding(text)?.get_ids().to_vec())
    }

    /// The ids of a text and the bytes of it that each stands for.
    pub(crate) fn encode_with_offsets(
        &self,
        text: &str,
    ) -> Result<(Vec<u32>, Vec<Range<usize>>), TokenizeError> {
        let encoded = guarded(|| {
            self.patterns.check(&self.tokenizer, text)?;
            self.tokenizer.encode(text, false)
        });
        let encoded = encoded.map_err(|reason| self.encode_error(text, reason))?;
        let offsets = encoded.get_offsets().iter().map(|&(start, end)| start..end).collect();
        Ok((encoded.get_ids().to_vec(), offsets))
    }

    /// The ids of each text, in the order of the texts; several threads share the work.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn encode_batch(&self, texts: &[impl AsRef<str>]) -> Result<Vec<Vec<u32>>, TokenizeError> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let first = texts.first().copied().unwrap_or_default();
        let encoded = guarded(|| {
            texts.iter().try_for_each(|text| self.patterns.check(&self.tokenizer, text))?;
            self.tokenizer.encode_batch_fast(texts, false)
        });
        let encoded = encoded.map_err(|reason| self.encode_error(first, reason))?;
        Ok(encoded.iter().map(|encoding| encoding.get_ids().to_vec()).collect())
    }

    /// The text of ids without special tokens. Ids beyond the vocabulary have no text: a model's embedding often has
    /// more rows than its tokenizer has tokens.
    ///
    /// # Errors
    ///
    /// If the tokenizer fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizeError> {
        guarded(|| self.tokenizer.decode(ids, true))
            .map_err(|reason| self.decode_error(ids, reason))
    }

    /// The text of ids with special tokens.
    ///
    /// # Errors
    ///
    /// If the tokenizer fails.
    pub fn decode_with_specials(&self, ids: &[u32]) -> Result<String, TokenizeError> {
        guarded(|| self.tokenizer.decode(ids, false))
            .map_err(|reason| self.decode_error(ids, reason))
    }

    /// The smallest number larger than every id, added tokens included: the least number of rows of an embedding.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The tokens that end a turn, each once: the tokenizer's own, those of the generation config, and the one with
    /// which the chat template ends an answer. The first is the one to append.
    #[must_use]
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    /// The token that fills, where there is one.
    #[must_use]
    pub fn pad_id(&self) -> Option<u32> {
        self.pad_id
    }

    /// The folder this encoder was opened from; of a trained one, what errors call it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// The chat template: the one named `default` where there are several.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn chat_template(&self) -> Result<&ChatTemplate, TokenizeError> {
        self.chat_template_named(DEFAULT_TEMPLATE)
    }

    /// One of several chat templates, such as `tool_use`.
    ///
    /// # Errors
    ///
    /// If there is none of this name; the error lists those there are.
    pub fn chat_template_named(&self, name: &str) -> Result<&ChatTemplate, TokenizeError> {
        self.templates.get(name).ok_or_else(|| TokenizeError::NoTemplate {
            folder: self.folder.path.clone(),
            names: self.templates.keys().cloned().collect(),
        })
    }

    /// The text of the first of [`Self::eos_ids`]: what ends a text that no chat template ends.
    ///
    /// # Errors
    ///
    /// If no token ends a turn.
    pub fn eos_token(&self) -> Result<String, TokenizeError> {
        let id = self.eos_ids.first().copied();
        id.and_then(|id| self.tokenizer.id_to_token(id)).ok_or_else(|| self.no_eos())
    }

    /// The text with which the chat template ends an answer.
    pub(crate) fn turn_end(&self) -> Result<&str, TokenizeError> {
        self.turn_end.as_deref().ok_or_else(|| self.no_eos())
    }

    fn no_eos(&self) -> TokenizeError {
        TokenizeError::NoEos { folder: self.folder.path.clone() }
    }

    /// Renders an answer and takes the first special token after it. A template that refuses the probe ends no turn
    /// that we know of.
    fn find_turn_end(&self) -> Result<Option<u32>, TokenizeError> {
        let Some(template) = self.templates.get(DEFAULT_TEMPLATE) else { return Ok(None) };
        let messages = [Message::new(Role::User, "question"), Message::new(Role::Assistant, PROBE)];
        let Ok(text) = template.render(&Conversation::new(&messages)) else { return Ok(None) };
        let Some((_, after)) = text.rsplit_once(PROBE) else { return Ok(None) };
        let added = self.tokenizer.get_added_tokens_decoder();
        let is_special = |id: &u32| added.get(id).is_some_and(|token| token.special);
        Ok(self.encode(after)?.into_iter().find(is_special))
    }

    /// Without offsets, which take time.
    pub(crate) fn encoding(&self, text: &str) -> Result<Encoding, TokenizeError> {
        let encoded = guarded(|| {
            self.patterns.check(&self.tokenizer, text)?;
            self.tokenizer.encode_fast(text, false)
        });
        encoded.map_err(|reason| self.encode_error(text, reason))
    }

    pub(crate) fn encode_error(&self, text: &str, reason: String) -> TokenizeError {
        TokenizeError::Encode {
            path: self.folder.path.join(TOKENIZER),
            start: text.chars().take(40).collect(),
            reason,
            patterns: self
                .folder
                .json(TOKENIZER)
                .ok()
                .flatten()
                .map(|json| listed(&json))
                .unwrap_or_default(),
        }
    }

    fn decode_error(&self, ids: &[u32], reason: String) -> TokenizeError {
        TokenizeError::Decode { path: self.folder.path.join(TOKENIZER), count: ids.len(), reason }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Encoder")
            .field("folder", &self.folder.path)
            .field("vocab_size", &self.vocab_size)
            .field("eos_ids", &self.eos_ids)
            .finish_non_exhaustive()
    }
}

/// Cutting and padding are for whoever knows the batch: a tokenizer that was saved with them would cut in silence. One
/// that drops merges at random would give a text other ids each time.
fn parse_tokenizer(folder: &Folder) -> Result<Tokenizer, TokenizeError> {
    let json = folder.json(TOKENIZER)?.unwrap_or_default();
    if let Some(reason) = refused_normalizer(&json["normalizer"]) {
        return Err(folder.malformed(TOKENIZER, reason));
    }
    let dropout = &json["model"]["dropout"];
    if dropout.as_f64().is_some_and(|rate| rate != 0.0) {
        let reason =
            format!("model.dropout must be null, since a text has one list of ids, got {dropout}");
        return Err(folder.malformed(TOKENIZER, reason));
    }
    let parsed = guarded(|| {
        let mut tokenizer = Tokenizer::from_bytes(folder.bytes(TOKENIZER))?;
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        Ok::<_, tokenizers::Error>(tokenizer)
    });
    parsed.map_err(|reason| folder.malformed(TOKENIZER, format!("is not a tokenizer: {reason}")))
}

/// Normalizers on which the tokenizer panics: maps of sentencepiece, which no supported family has, and nothing as what is
/// to be replaced.
fn refused_normalizer(normalizer: &Value) -> Option<String> {
    match normalizer {
        Value::Array(items) => items.iter().find_map(refused_normalizer),
        Value::Object(fields)
            if normalizer["type"] == "Precompiled"
                || fields.contains_key("precompiled_charsmap") =>
        {
            Some("normalizer: the type Precompiled is not supported".to_owned())
        }
        Value::Object(_) if normalizer["pattern"]["String"] == "" => {
            Some("normalizer: pattern is empty, and nothing cannot be replaced".to_owned())
        }
        Value::Object(fields) => fields.values().find_map(refused_normalizer),
        _ => None,
    }
}

/// Every regular expression of `tokenizer.json`, compiled in bounds; one that does not compile is an error.
fn parse_patterns(folder: &Folder) -> Result<Patterns, TokenizeError> {
    let json = folder.json(TOKENIZER)?.unwrap_or_default();
    let path = || folder.path.join(TOKENIZER);
    guarded(|| Ok::<_, String>(Patterns::new(&json)))
        .map_err(|reason| folder.malformed(TOKENIZER, reason))?
        .map_err(|(pattern, reason)| TokenizeError::Pattern { path: path(), pattern, reason })
}

/// `chat_template.jinja` goes before `tokenizer_config.json`, which holds one template or a list of named ones.
fn parse_templates(
    folder: &Folder,
    specials: &Map<String, Value>,
) -> Result<BTreeMap<String, ChatTemplate>, TokenizeError> {
    let mut templates = BTreeMap::new();
    let mut add = |name: &str, file: &str, source: &str| {
        let title = folder.path.join(file).display().to_string();
        let title = if name == DEFAULT_TEMPLATE { title } else { format!("{title} ({name})") };
        let template = ChatTemplate::parse(&title, source, specials)?;
        templates.insert(name.to_owned(), template);
        Ok::<(), TokenizeError>(())
    };
    let config = folder.json(TOKENIZER_CONFIG)?.unwrap_or_default();
    match &config["chat_template"] {
        Value::Null => {}
        Value::String(source) => add(DEFAULT_TEMPLATE, TOKENIZER_CONFIG, source)?,
        Value::Array(list) => {
            for entry in list {
                let (name, source) = named_template(folder, entry)?;
                add(name, TOKENIZER_CONFIG, source)?;
            }
        }
        other => return Err(wrong_template(folder, other)),
    }
    if let Some(source) = folder.text(CHAT_TEMPLATE)? {
        add(DEFAULT_TEMPLATE, CHAT_TEMPLATE, &source)?;
    }
    Ok(templates)
}

fn named_template<'e>(
    folder: &Folder,
    entry: &'e Value,
) -> Result<(&'e str, &'e str), TokenizeError> {
    let name = entry["name"].as_str();
    name.zip(entry["template"].as_str()).ok_or_else(|| wrong_template(folder, entry))
}

fn wrong_template(folder: &Folder, found: &Value) -> TokenizeError {
    let expected = "chat_template must be a string or a list of objects with `name` and `template`";
    folder.malformed(TOKENIZER_CONFIG, format!("{expected}, got {found}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_error_of_the_tokenizer_shows_the_start_of_the_text_and_the_patterns() {
        let encoder = crate::train_bpe(&["text"], &crate::BpeConfig::new(259)).unwrap();
        let error = encoder.encode_error(&"x".repeat(99), "it panicked: why".to_owned());
        let text = error.to_string();
        let start = format!("cannot encode the text that starts with {:?}: ", "x".repeat(40));
        assert!(text.contains(&start), "{text}");
        assert!(text.contains("it panicked: why; its patterns are `(?i:'s|'t"), "{text}");
    }
}
