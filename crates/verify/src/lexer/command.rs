//! Commands of LaTeX: aliases resolved, styling and spacing dropped, groups of text taken whole.

use super::numeral::base_of;
use super::vocabulary::{KNOWN, Meaning, meaning};
use super::{Before, Lexer, Style, Token};
use crate::expression::Relation;
use crate::number::Literal;
use crate::unit::grammar::{self, Place, Written};
use crate::unit::{self, Unit};

impl Lexer {
    pub(super) fn command(&mut self) -> Option<()> {
        let next = self.ahead(1)?;
        if next == '\\'
            && !self.has_rows
            && self
                .ahead(2)
                .is_some_and(|after| after.is_ascii_alphabetic() || "{}%$[](),".contains(after))
        {
            // The backslash was escaped once too often.
            self.at += 1;
            return self.command();
        }
        if !next.is_ascii_alphabetic() {
            return self.escape(next);
        }
        let letters = self.chars[self.at + 1..]
            .iter()
            .take(40)
            .take_while(|mark| mark.is_ascii_alphabetic())
            .count();
        let name: String = self.chars[self.at + 1..][..letters].iter().collect();
        if self.prefixed_unit() {
            return Some(());
        }
        if let Some(meaning) = meaning(&name) {
            self.at += 1 + letters;
            return self.mean(&name, meaning);
        }
        self.special(&name, letters)
    }

    /// A backslash before something that is no letter.
    fn escape(&mut self, next: char) -> Option<()> {
        self.at += 2;
        match next {
            '\\' if self.has_rows => {
                self.push(Token::Row);
                self.skip_row_space();
            }
            '{' => self.push(Token::SetOpen),
            '}' => self.push(Token::SetClose),
            '%' => self.push(Token::Mark('%')),
            '|' => self.push(Token::Mark('|')),
            '$' => self.before = Before::Currency("dollar"),
            ',' | ';' | ':' | '!' | ' ' | '>' | '\n' | '\t' | '(' | ')' | '[' | ']' | '&'
            | '\\' | '/' | '#' | '_' | '-' => {
                self.before = Before::Space;
            }
            _ => return None,
        }
        Some(())
    }

    /// The `[4pt]` of `\\[4pt]`.
    fn skip_row_space(&mut self) {
        let rest: String = self.chars[self.at..].iter().take(16).collect();
        let Some((length, _)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return;
        };
        let number = length.trim_end_matches(|mark: char| mark.is_ascii_alphabetic());
        let unit = &length[number.len()..];
        let measures = ["pt", "em", "ex", "mm", "cm", "in", "px", "mu"].contains(&unit);
        if measures && number.bytes().all(|byte| byte.is_ascii_digit() || b".- ".contains(&byte)) {
            self.at += length.chars().count() + 2;
        }
    }

    fn mean(&mut self, name: &str, meaning: Meaning) -> Option<()> {
        match meaning {
            Meaning::Command(usual) => self.push(Token::Command(usual)),
            Meaning::Letter(letter) => self.push(Token::Letter(letter)),
            Meaning::Token(Token::Mark(',')) => self.separator(),
            Meaning::Token(token) => self.push(token),
            Meaning::Ignored => {
                if matches!(name, "left" | "right" | "mleft" | "mright") && self.peek() == Some('.')
                {
                    self.at += 1;
                }
                self.before = Before::Space;
            }
            Meaning::Dropped => {
                let group = self.group();
                if group.is_none() && matches!(name, "tag" | "label") {
                    return None;
                }
            }
            Meaning::Text => {
                let inner = self.group()?;
                self.text(&inner, name)?;
            }
        }
        Some(())
    }

    /// Environments, number sets, negated relations, and spacing glued to what follows.
    fn special(&mut self, name: &str, letters: usize) -> Option<()> {
        let start = self.at;
        self.at += 1 + letters;
        match name {
            "begin" => {
                let kind = self.group()?;
                if kind == "array" || kind == "tabular" {
                    self.group()?;
                }
                self.push(Token::Begin(kind));
            }
            "end" => {
                let kind = self.group()?;
                self.push(Token::End(kind));
            }
            "mathbb" | "Bbb" => {
                let inner = self.group().or_else(|| {
                    while self.peek()?.is_whitespace() {
                        self.at += 1;
                    }
                    self.at += 1;
                    Some(self.chars[self.at - 1].to_string())
                })?;
                let mut letters = inner.trim().chars();
                let letter = letters.next().filter(|_| letters.next().is_none())?;
                self.push(Token::NumberSet(letter));
            }
            "not" => {
                let equals = ["=", "\\equiv", "{=}"].iter().find(|sign| self.looking_at(sign))?;
                self.at += equals.len();
                self.push(Token::Relation(Relation::NotEqual));
            }
            "circ" | "degree" | "textdegree" => self.push(Token::Unit(Unit::named("°")?)),
            _ => return self.glued(name, start),
        }
        Some(())
    }

    /// A command glued to the letters behind it, such as `\quadx`.
    fn glued(&mut self, name: &str, start: usize) -> Option<()> {
        let known = [
            "quad",
            "qquad",
            "displaystyle",
            "left",
            "right",
            "cdot",
            "times",
            "pm",
            "pi",
            "sqrt",
            "frac",
            "sin",
            "cos",
            "tan",
            "ln",
            "log",
            "in",
            "cup",
            "infty",
        ];
        let prefix = known.iter().filter(|prefix| name.starts_with(**prefix));
        let prefix = prefix.max_by_key(|prefix| prefix.len())?;
        self.at = start + 1 + prefix.len();
        let meaning = meaning(prefix)?;
        self.mean(prefix, meaning)
    }

    /// The text of a group in braces that begins here.
    fn group(&mut self) -> Option<String> {
        let mut at = self.at;
        while self.chars.get(at)?.is_whitespace() {
            at += 1;
        }
        if self.chars[at] != '{' {
            return None;
        }
        let start = at + 1;
        let mut depth = 0_usize;
        loop {
            match self.chars.get(at)? {
                '\\' => at += 1,
                '{' => depth += 1,
                '}' if depth == 1 => break,
                '}' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        self.at = at + 1;
        Some(self.chars[start..at].iter().collect())
    }

    /// What a group of text says.
    fn text(&mut self, inner: &str, command: &str) -> Option<()> {
        let clean = inner.replace(['$', '~'], " ").replace("\\ ", " ").replace("\\,", " ");
        let clean = unit::with_greek(&clean);
        let words = clean.trim().trim_matches(|mark| "().:,;".contains(mark)).trim();
        let lower = words.to_lowercase();
        let mut letters = words.chars();
        let single = letters.next().filter(|_| letters.next().is_none());
        match lower.as_str() {
            "" if inner.trim() == ":" => self.push(Token::Mark(':')),
            "" if inner.contains(',') => self.separator(),
            "mod" if inner.trim_start().starts_with('(') && !inner.contains(')') => {
                self.push(Token::Mark('('));
                self.push(Token::Command("mod"));
            }
            "" => self.before = Before::Space,
            "and" | "or" | "和" | "或" | "与" => self.separator(),
            "to" | "比" if matches!(self.last(), Some(Token::Number(_))) => {
                self.push(Token::Mark(':'));
            }
            "percent" | "percentage" | "pct" | "%" | "\\%" => self.push(Token::Mark('%')),
            "in base" | "base"
                if matches!(self.last(), Some(Token::Number(_) | Token::Mark(')'))) =>
            {
                self.push(Token::Mark('_'));
            }
            _ if base_of(&lower).is_some()
                && matches!(self.last(), Some(Token::Number(_) | Token::Mark(')'))) =>
            {
                self.subscript(base_of(&lower)?);
            }
            "am" | "a.m" | "pm" | "p.m" if matches!(self.last(), Some(Token::Number(_))) => {
                self.push(Token::Text(if lower.starts_with('a') { "am" } else { "pm" }.to_owned()));
            }
            "th" | "st" | "nd" | "rd"
                if matches!(self.last(), Some(Token::Number(_) | Token::Letter(_))) => {}
            _ if self.multiple(&lower)
                || self.text_unit(clean.trim(), single)
                || self.text_unit(words, single) => {}
            // The part of a quantity behind the next number belongs to it: `2 hours and 30 minutes`.
            _ if lower.strip_suffix(" and").is_some_and(|unit| self.text_unit(unit, None)) => {}
            _ if single.is_some_and(|letter| letter.is_ascii_alphabetic()) => {
                self.push(Token::Letter(single?));
            }
            _ if words.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.push(Token::Number(Literal::integer(words)));
            }
            _ if words.starts_with(|mark: char| mark.is_ascii_digit()) => {
                if !self.plain_words(words) {
                    self.named(words, &lower, command);
                }
            }
            _ => self.named(words, &lower, command),
        }
        Some(())
    }

    /// `\text{4:30 p.m.}`: plain notation inside of text.
    fn plain_words(&mut self, words: &str) -> bool {
        let mut inner = Self::new(words, Style::Plain);
        while let Some(next) = inner.peek() {
            if next.is_whitespace() {
                inner.at += 1;
                inner.before = Before::Space;
            } else if inner.token(next).is_none() {
                return false;
            }
        }
        self.out.all.extend(inner.out.all);
        self.out.spaced.extend(inner.out.spaced);
        true
    }

    /// A unit behind a value. Single letters are units in upright type only.
    fn text_unit(&mut self, words: &str, single: Option<char>) -> bool {
        let euler = single.is_some_and(|letter| matches!(letter, 'e' | 'i' | 'd'));
        if !self.follows_unit_host() || euler {
            return false;
        }
        match grammar::whole(words) {
            Some(written) => self.push_written(&written),
            None => match Unit::symbol(words) {
                Some(unit) => self.push(Token::Unit(unit)),
                None => return false,
            },
        }
        true
    }

    /// The factors of a unit one by one: an exponent behind `\text{g/cm}` is that of the last.
    pub(super) fn push_written(&mut self, written: &Written) {
        for (place, (unit, side)) in written.factors.iter().enumerate() {
            if place > 0 || *side == Place::Below {
                self.push(Token::Mark(if *side == Place::Below { '/' } else { '*' }));
            }
            self.push(Token::Unit(unit.clone()));
        }
    }

    fn follows_unit_host(&self) -> bool {
        self.follows_value()
            || matches!(
                self.last(),
                Some(Token::Mark('/' | ']') | Token::Command("pi" | "cdot") | Token::SetClose)
            )
            || (self.out.all.len() > 1 && matches!(self.last(), Some(Token::Letter(_))))
    }

    fn named(&mut self, words: &str, lower: &str, command: &str) {
        let alias = match meaning(lower) {
            Some(Meaning::Command(name)) if command == "operatorname" => Some(name),
            _ => KNOWN.iter().find(|name| **name == lower).copied(),
        };
        match alias {
            Some(name) if command == "operatorname" || name.len() > 2 => {
                self.push(Token::Command(name));
            }
            _ => self.push(Token::Text(words.to_owned())),
        }
    }
}
