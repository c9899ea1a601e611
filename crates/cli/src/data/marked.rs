//! Texts in which what is learnt is marked: in colour on a terminal, by signs elsewhere.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use forethought_tokenize::{Encoded, Encoder, TokenizeError};

/// Characters that a stretch is shown with at its start and at its end.
const SHOWN: usize = 300;

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How what is learnt is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    /// Green; the rest dim.
    Colours,
    /// Between ⟦ and ⟧.
    Signs,
}

impl Colour {
    /// The marks for standard output.
    pub(crate) fn marks(self) -> Marks {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_coloured = match self {
            Self::Auto => std::io::stdout().is_terminal() && !is_plain,
            Self::Always => true,
            Self::Never => false,
        };
        if is_coloured { Marks::Colours } else { Marks::Signs }
    }
}

impl Marks {
    /// A stretch of text that is learnt, or is not.
    pub(crate) fn mark(self, text: &str, learnt: Learnt) -> String {
        let text = shortened(text);
        match (self, learnt) {
            (Self::Colours, Learnt::Yes) => format!("\u{1b}[32m{text}\u{1b}[0m"),
            (Self::Colours, Learnt::No) => format!("\u{1b}[2m{text}\u{1b}[0m"),
            (Self::Signs, Learnt::Yes) => format!("⟦{text}⟧"),
            (Self::Signs, Learnt::No) => text,
        }
    }

    /// A sequence as the model reads it.
    pub(crate) fn render(
        self,
        encoder: &Encoder,
        encoded: &Encoded,
    ) -> Result<String, TokenizeError> {
        let tokens: Vec<(u32, bool)> =
            encoded.ids.iter().copied().zip(encoded.completion_mask.iter().copied()).collect();
        let mut shown = String::new();
        for stretch in tokens.chunk_by(|one, other| one.1 == other.1) {
            let ids: Vec<u32> = stretch.iter().map(|(id, _)| *id).collect();
            let learnt = if stretch[0].1 { Learnt::Yes } else { Learnt::No };
            shown.push_str(&self.mark(&encoder.decode_with_specials(&ids)?, learnt));
        }
        Ok(shown)
    }
}

/// Whether a text is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learnt {
    Yes,
    No,
}

/// The start and the end of a long text, and how much is between them.
pub(crate) fn shortened(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 2 * SHOWN {
        return text.to_owned();
    }
    let left_out = characters.len() - 2 * SHOWN;
    let part = |part: &[char]| part.iter().collect::<String>();
    let (start, end) = (part(&characters[..SHOWN]), part(&characters[SHOWN + left_out..]));
    format!("{start} [… {left_out} characters …] {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_says_how_much_of_it_is_not_shown() {
        let text = format!("{}{}{}", "a".repeat(300), "é".repeat(7), "b".repeat(300));
        let expected = format!("{} [… 7 characters …] {}", "a".repeat(300), "b".repeat(300));
        assert_eq!(shortened(&text), expected);
        assert_eq!(shortened(&"a".repeat(600)), "a".repeat(600));
    }

    #[test]
    fn what_is_learnt_is_marked() {
        assert_eq!(Marks::Signs.mark("a", Learnt::Yes), "⟦a⟧");
        assert_eq!(Marks::Signs.mark("a", Learnt::No), "a");
        assert_eq!(Marks::Colours.mark("a", Learnt::Yes), "\u{1b}[32ma\u{1b}[0m");
    }
}
