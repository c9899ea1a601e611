//! Signs of degrees, of angle and of temperature.

use super::{Lexer, Token};

impl Lexer {
    /// `^\circ`, `^{\circ}`, `^\degree` and `^o`, with a C or F behind them.
    pub(super) fn degrees(&mut self) -> bool {
        for written in [
            "^o",
            "^{o}",
            "^\\text{o}",
            "^{\\text{o}}",
            "^{\\mathrm{o}}",
            "^\\circ",
            "^{\\circ}",
            "^{\\circ }",
            "^ \\circ",
            "^{ \\circ}",
            "^\\degree",
            "^{\\degree}",
        ] {
            let length = written.chars().count();
            let goes_on = self.ahead(length).is_some_and(|next| next.is_ascii_alphabetic());
            let letter = written.contains('o') && !written.contains("circ");
            if letter && !matches!(self.last(), Some(Token::Number(_))) && written != "^\\degree" {
                continue;
            }
            if self.looking_at(written) && (written.ends_with('}') || !goes_on) {
                self.at += length;
                let rest: String = self.chars[self.at..].iter().take(16).collect();
                let temperature =
                    ["\\text{C}", "\\mathrm{C}", "\\text{F}", "\\mathrm{F}", "C", "F"];
                let scale = temperature.iter().find(|scale| rest.trim_start().starts_with(**scale));
                let name = match scale {
                    Some(scale) => {
                        self.at += rest.len() - rest.trim_start().len() + scale.len();
                        if scale.contains('C') { "°C" } else { "°F" }
                    }
                    None => "°",
                };
                self.push_unit(name);
                return true;
            }
        }
        false
    }

    pub(super) fn degree_sign(&mut self, mark: char) {
        self.at += 1;
        let name = match (mark, self.peek()) {
            ('℃', _) => "°C",
            ('℉', _) => "°F",
            (_, Some('C')) => {
                self.at += 1;
                "°C"
            }
            (_, Some('F')) => {
                self.at += 1;
                "°F"
            }
            _ => "°",
        };
        self.push_unit(name);
    }
}
