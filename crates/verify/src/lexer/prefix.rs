//! Units with a Greek letter: `5 μm`, `5\\,\\mu\\text{m}`, `3 k\\Omega`.

use super::{Lexer, Token};
use crate::unit::{Unit, with_greek};

/// The longest unit of this kind, with its commands and braces.
const LONGEST: usize = 32;

impl Lexer {
    /// A micro sign with its symbol, or an ohm, behind a value.
    pub(super) fn prefixed_unit(&mut self) -> bool {
        if !self.follows_value() && !self.divides_unit() {
            return false;
        }
        let rest: String = self.chars[self.at..].iter().take(LONGEST).collect();
        let Some((unit, length)) = greek_unit(&rest) else { return false };
        self.at += length;
        self.push(Token::Unit(unit));
        true
    }
}

/// The unit with a Greek letter that a text begins with, and how many characters it takes.
fn greek_unit(text: &str) -> Option<(Unit, usize)> {
    let mut written = Written { rest: text, braces: 0 };
    let (mut name, mut best) = (String::new(), None);
    while name.chars().count() < 5 {
        written.skip_style();
        let Some(sign) = written.sign() else { break };
        name.push_str(&sign);
        let ends = !written.rest.starts_with(|mark: char| mark.is_ascii_alphabetic());
        if ends
            && name.contains(['μ', 'Ω'])
            && let (Some(unit), Some(rest)) = (Unit::named(&name), written.closed())
        {
            best = Some((unit, text.chars().count() - rest.chars().count()));
        }
    }
    best
}

/// What is left of a text, and how many braces are open in it.
struct Written<'t> {
    rest: &'t str,
    braces: usize,
}

impl<'t> Written<'t> {
    /// Passes over upright type, spaces and braces.
    fn skip_style(&mut self) {
        loop {
            let before = self.rest.len();
            for opener in ["\\text{", "\\mathrm{", "\\textrm{", "{"] {
                if let Some(rest) = self.rest.strip_prefix(opener) {
                    (self.rest, self.braces) = (rest, self.braces + 1);
                }
            }
            if self.braces > 0
                && let Some(rest) = self.rest.strip_prefix('}')
            {
                (self.rest, self.braces) = (rest, self.braces - 1);
            }
            for space in ["\\,", "\\!", "\\ ", " "] {
                self.rest = self.rest.strip_prefix(space).unwrap_or(self.rest);
            }
            if self.rest.len() == before {
                return;
            }
        }
    }

    /// Takes a letter, or a command for a Greek one.
    fn sign(&mut self) -> Option<String> {
        let greek = ["\\mu", "\\Omega", "μ", "\u{b5}", "Ω", "\u{2126}"];
        let length = match greek.iter().find(|sign| self.rest.starts_with(**sign)) {
            Some(sign) => sign.len(),
            None => usize::from(self.rest.starts_with(|mark: char| mark.is_ascii_alphabetic())),
        };
        let (sign, rest) = self.rest.split_at(length);
        self.rest = rest;
        (length > 0).then(|| with_greek(sign))
    }

    /// What follows when all braces are closed here.
    fn closed(&self) -> Option<&'t str> {
        (0..self.braces).try_fold(self.rest, |rest, _| rest.trim_start().strip_prefix('}'))
    }
}
