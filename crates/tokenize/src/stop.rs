//! Texts that end a completion, found across the borders of tokens.

use crate::{Encoder, TokenizeError};

/// Finds out whether a completion has just been ended by one of some texts.
#[derive(Clone, Copy, Debug)]
pub struct StopStrings<'a> {
    encoder: &'a Encoder,
    strings: &'a [String],
    /// Bytes of the longest text.
    longest: usize,
}

/// A tail of tokens may start inside a character, and some decoders treat the first token of a text in their own way:
/// so many bytes at its start are not relied on.
const MARGIN: usize = 16;

impl<'a> StopStrings<'a> {
    /// Looks for these texts in what the encoder decodes, special tokens included.
    #[must_use]
    pub fn new(encoder: &'a Encoder, strings: &'a [String]) -> Self {
        let longest = strings.iter().map(String::len).max().unwrap_or_default();
        Self { encoder, strings, longest }
    }

    /// Whether the last token of a completion completes one of the texts. Asked after every token, it finds each text
    /// where it first ends, also inside a token.
    ///
    /// # Errors
    ///
    /// If the tokenizer fails.
    pub fn ends(&self, ids: &[u32]) -> Result<bool, TokenizeError> {
        let Some((_, before)) = ids.split_last() else { return Ok(false) };
        let wanted = self.longest + MARGIN;
        // Nearly every token has a byte, so that this many hold enough text; of those without any it takes more.
        let mut num_tokens = wanted;
        loop {
            let start = before.len().saturating_sub(num_tokens);
            let text = self.encoder.decode_with_specials(&ids[start..])?;
            if start == 0 || wanted <= self.encoder.decode_with_specials(&before[start..])?.len() {
                return Ok(self.strings.iter().any(|string| text.contains(string)));
            }
            num_tokens *= 2;
        }
    }
}
