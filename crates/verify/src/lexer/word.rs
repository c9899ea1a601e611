//! Runs of letters without a backslash: names of functions, units, conjunctions, symbols, or prose.

use super::{Before, Lexer, Style, Token, is_han};
use crate::number::Literal;
use crate::unit::Unit;
use crate::unit::grammar;

/// Functions that are also written without a backslash.
const FUNCTIONS: &[&str] = &[
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sin", "cos", "tan", "cot", "sec", "csc",
    "ln", "log", "exp", "sqrt", "gcd", "lcm", "max", "min", "abs", "floor", "ceil", "det", "binom",
];

/// Words of two letters that are prose and no product.
const PROSE: &[&str] = &[
    "is", "to", "of", "in", "it", "at", "on", "an", "as", "be", "by", "do", "go", "he", "if", "me",
    "my", "no", "so", "up", "us", "we", "am", "hi", "ok", "oh", "vs",
];

/// Whether a word of two letters is prose and no product.
pub(crate) fn is_small_word(word: &str) -> bool {
    PROSE.iter().any(|each| word.eq_ignore_ascii_case(each))
}

/// Words that make a phrase behind a number a statement and not the name of what is counted.
const VERBS: &[&str] = &[
    "is", "are", "was", "were", "not", "more", "less", "than", "equals", "if", "when", "because",
    "but", "then", "plus", "minus", "times", "divided", "choose", "mod", "to", "from", "out",
    "through", "and", "or", "over", "half", "dozen", "hundred", "thousand", "million", "billion",
];

/// Multiples that are written as words.
const MULTIPLES: &[(&str, &str)] = &[
    ("hundred", "100"),
    ("thousand", "1000"),
    ("million", "1000000"),
    ("billion", "1000000000"),
    ("trillion", "1000000000000"),
    ("dozen", "12"),
];

/// How far around a letter others are looked for, in characters and in tokens.
const NEAR: usize = 256;

fn function(word: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|name| **name == word).copied()
}

impl Lexer {
    pub(super) fn word(&mut self) -> Option<()> {
        let run: String = self.chars[self.at..]
            .iter()
            .take(64)
            .take_while(|mark| mark.is_ascii_alphabetic())
            .collect();
        let lower = run.to_ascii_lowercase();
        if run.len() == 1 && self.prefixed_unit() {
            return Some(());
        }
        if self.known_word(&run, &lower) || self.glued_conjunction(&lower) || self.unit_word(&run) {
            return Some(());
        }
        let prefix =
            FUNCTIONS.iter().find(|name| run.starts_with(**name) && run.len() > name.len());
        if let (Some(name), true) = (
            prefix,
            self.style == Style::Plain || run.len() <= prefix.map_or(0, |name| name.len() + 1),
        ) {
            self.at += name.len();
            self.push(Token::Command(name));
            return Some(());
        }
        if self.style == Style::Plain && (run.len() > 2 || is_small_word(&lower)) {
            return None;
        }
        for letter in run.chars() {
            self.push(Token::Letter(letter));
        }
        self.at += run.len();
        Some(())
    }

    /// Words that are one token wherever they stand.
    fn known_word(&mut self, run: &str, lower: &str) -> bool {
        let token = match lower {
            "and" | "or" => {
                self.at += run.len();
                self.separator();
                return true;
            }
            "percent" | "percentage" | "pct" => Token::Mark('%'),
            "to" if self.is_between_numbers() => Token::Mark(':'),
            "base" | "in" if self.base_phrase() => return true,
            "mod" => Token::Command("mod"),
            "choose" if matches!(self.last(), Some(Token::Number(_))) => Token::Command("choose"),
            "out" if self.says(" of ") && matches!(self.last(), Some(Token::Number(_))) => {
                self.at += " of".len();
                Token::Mark('/')
            }
            "negative" | "minus" => Token::Mark('-'),
            "root" => Token::Command("sqrt"),
            "square" if self.says(" root of ") => {
                self.at += " root of".len();
                Token::Command("sqrt")
            }
            "u" if run == "U" && self.is_between_sets() => Token::Command("cup"),
            "am" | "pm" | "a" | "p" if self.half_of_day(lower) => return true,
            "usd" | "rmb" | "eur" | "gbp" | "cny" | "inr" if self.is_before_number(run.len()) => {
                self.at += run.len();
                self.before =
                    if lower == "usd" { Before::Currency("dollar") } else { Before::Space };
                return true;
            }
            "inf" | "infinity" | "infty" => Token::Command("infty"),
            "pi" => Token::Command("pi"),
            "x" if self.times_sign() => Token::Mark('*'),
            "th" | "st" | "nd" | "rd" if matches!(self.last(), Some(Token::Number(_))) => {
                self.at += run.len();
                return true;
            }
            // `30 min` is no least value.
            "min" if self.follows_value() && !self.has_argument(run.len()) => return false,
            _ => {
                let Some(name) = function(lower) else {
                    let found = self.multiple(lower);
                    self.at += if found { run.len() } else { 0 };
                    return found;
                };
                Token::Command(name)
            }
        };
        self.at += run.len();
        let is_logarithm = token == Token::Command("log");
        self.push(token);
        if is_logarithm {
            self.base_in_name();
        }
        true
    }

    /// Whether a bracket follows a name of this length.
    fn has_argument(&self, length: usize) -> bool {
        let next = self.chars[self.at + length..].iter().find(|mark| !mark.is_whitespace());
        matches!(next, Some('(' | '{' | '[' | '_'))
    }

    /// `log2(3)`: digits between the name and the bracket are the base.
    fn base_in_name(&mut self) {
        let digits = self.chars[self.at..].iter().take(3).take_while(|mark| mark.is_ascii_digit());
        let digits: String = digits.collect();
        if !digits.is_empty() && self.ahead(digits.len()) == Some('(') {
            self.at += digits.len();
            self.push(Token::Mark('_'));
            self.push(Token::Mark('{'));
            self.push(Token::Number(Literal::integer(&digits)));
            self.push(Token::Mark('}'));
        }
    }

    /// Whether these words follow the word that begins here.
    fn says(&self, words: &str) -> bool {
        let rest = self.chars[self.at..].iter().skip_while(|mark| mark.is_ascii_alphabetic());
        rest.take(words.len()).copied().eq(words.chars())
    }

    /// `(1, 2) U (3, 4)`: a letter between brackets that stands for a union.
    fn is_between_sets(&self) -> bool {
        let next = self.chars[self.at + 1..].iter().find(|mark| !mark.is_whitespace());
        matches!(self.last(), Some(Token::Mark(')' | ']'))) && matches!(next, Some('(' | '['))
    }

    fn is_before_number(&self, length: usize) -> bool {
        let next = self.chars[self.at + length..].iter().find(|mark| !" \\,~".contains(**mark));
        next.is_some_and(|next| next.is_ascii_digit() || *next == '$')
    }

    /// `3 pm`, `3:45 p.m.`
    fn half_of_day(&mut self, lower: &str) -> bool {
        let dotted = lower.len() == 1 && (self.looking_at("a.m") || self.looking_at("p.m"));
        let is_time = matches!(self.last(), Some(Token::Number(_)));
        let plain = lower.len() == 2 && (self.style == Style::Plain || self.is_spaced());
        if !is_time || !(dotted || plain) {
            return false;
        }
        self.at += if dotted { 3 } else { 2 };
        self.at += usize::from(dotted && self.peek() == Some('.'));
        self.push(Token::Text(if lower.starts_with('a') { "am" } else { "pm" }.to_owned()));
        true
    }

    /// `5 million`.
    pub(super) fn multiple(&mut self, lower: &str) -> bool {
        let multiple = MULTIPLES.iter().find(|(word, _)| *word == lower);
        let follows = matches!(self.last(), Some(Token::Number(_) | Token::Unit(_)));
        let (Some((_, digits)), true) = (multiple, follows) else { return false };
        self.push(Token::Mark('*'));
        self.push(Token::Number(Literal::integer(digits)));
        true
    }

    /// `3 to 4` is a ratio.
    fn is_between_numbers(&self) -> bool {
        let next = self.chars[self.at + 2..].iter().find(|mark| !mark.is_whitespace());
        matches!(self.last(), Some(Token::Number(_))) && next.is_some_and(char::is_ascii_digit)
    }

    /// `3 x 4` in plain text is a product of numbers.
    fn times_sign(&self) -> bool {
        let next = self.chars[self.at + 1..].iter().find(|mark| !mark.is_whitespace());
        self.style == Style::Plain
            && self.is_spaced()
            && matches!(self.last(), Some(Token::Number(_)))
            && self.ahead(1).is_some_and(char::is_whitespace)
            && next.is_some_and(char::is_ascii_digit)
    }

    /// `x=1orx=2`: a conjunction right behind a value, with more behind it.
    fn glued_conjunction(&mut self, lower: &str) -> bool {
        if self.is_spaced() || !self.follows_value() {
            return false;
        }
        for word in ["or", "and"] {
            if lower.starts_with(word) {
                self.at += word.len();
                self.separator();
                return true;
            }
        }
        false
    }

    /// A unit behind a value; in plain text also the name of what is counted.
    fn unit_word(&mut self, run: &str) -> bool {
        if !self.follows_value() && !self.divides_unit() {
            return false;
        }
        if self.is_product(run) {
            return false;
        }
        if self.compound_unit() {
            return true;
        }
        let phrase = match self.style {
            Style::Plain => self.unit_phrase(),
            Style::Latex => self.spelled_unit(),
        };
        if let Some((unit, length)) = phrase {
            self.at += length;
            self.push(Token::Unit(unit));
            return true;
        }
        // `80 dollars in total` has no inches.
        let goes_on = self.chars[self.at + run.len()..].iter().take(2).collect::<String>();
        let is_prose = run == "in"
            && goes_on.starts_with(' ')
            && goes_on.ends_with(|next: char| next.is_ascii_alphabetic());
        // `2h 30min`: a number follows, which no product has behind a letter.
        let next = self.chars[self.at + run.len()..].iter().find(|mark| !mark.is_whitespace());
        let is_hours = run == "h" && next.is_some_and(char::is_ascii_digit);
        if (run.len() < 2 && !is_hours) || is_prose {
            return false;
        }
        let Some(unit) = Unit::named(run) else { return false };
        self.at += run.len();
        self.push(Token::Unit(unit));
        true
    }

    /// `kg·m/s^2`, `m/s`: a unit of several, of which a single letter that touches the number is none.
    pub(super) fn compound_unit(&mut self) -> bool {
        let rest: String = self.chars[self.at..].iter().take(64).collect();
        let Some(written) = grammar::read(&rest) else { return false };
        let is_letter = |at: usize| self.chars.get(at).is_some_and(char::is_ascii_alphabetic);
        let is_word = is_letter(self.at + 1) || is_han(self.chars[self.at]);
        let stands_apart = self.is_spaced() || is_word || self.divides_unit();
        let length = rest[..written.length].chars().count();
        if written.factors.len() < 2 || !stands_apart || is_letter(self.at + length) {
            return false;
        }
        self.at += length;
        self.push_written(&written);
        true
    }

    /// `25 square meters` and `12 apples` between signs of LaTeX, where a word is a product of letters as well: a unit
    /// of several words, or a plural.
    fn spelled_unit(&self) -> Option<(Unit, usize)> {
        let phrase = self.is_spaced().then(|| self.phrase())?;
        let words = words_of(&phrase);
        if let Some(found) = Unit::leading(&phrase, 2) {
            return Some(found);
        }
        let last = words.last()?;
        let is_plural = last.len() > 3 && last.ends_with('s') && !last.ends_with("ss");
        let is_name = words.iter().all(|word| word.len() > 2 && !is_said(word));
        let is_alone = Unit::named(words[0]).is_none() && !phrase.contains('-');
        (is_plural && is_name && is_alone && words.len() <= 3 && self.ends_behind(phrase.len()))
            .then(|| (Unit::count(), phrase.len()))
    }

    /// The words that begin here, up to a sign.
    fn phrase(&self) -> String {
        let letters = self.chars[self.at..]
            .iter()
            .take(48)
            .take_while(|mark| mark.is_ascii_alphabetic() || matches!(mark, ' ' | '-'));
        let phrase: String = letters.collect();
        phrase.trim_end().to_owned()
    }

    /// Whether two letters that touch a number are factors, for there are others in the same expression: `v^2/(2ng)`.
    fn is_product(&self, run: &str) -> bool {
        let recent = &self.out.all[self.out.all.len().saturating_sub(NEAR)..];
        let relation = recent.iter().rposition(|token| matches!(token, Token::Relation(_)));
        let expression = &recent[relation.map_or(0, |at| at + 1)..];
        run.len() == 2
            && !self.is_spaced()
            && expression.iter().any(|token| matches!(token, Token::Letter(_)))
    }

    /// Whether the single letter that begins here stands elsewhere as well, and not behind a number: `h(t) = 2 t`; or in a sum:
    /// `2 t + 1`, `-16 t^2 + 2 t`.
    fn is_variable(&self) -> bool {
        let letter = self.chars[self.at];
        let is_letter = |at: usize| self.chars.get(at).is_some_and(char::is_ascii_alphabetic);
        let is_alone = |at: usize| {
            self.chars[at] == letter && !is_letter(at + 1) && (at == 0 || !is_letter(at - 1))
        };
        let is_counted = |at: usize| {
            let before = self.chars[..at].iter().rfind(|mark| !mark.is_whitespace());
            before.is_some_and(|mark| mark.is_ascii_digit() || matches!(mark, '/' | '*' | '·'))
        };
        let next = self.chars[self.at + 1..].iter().find(|mark| !mark.is_whitespace());
        let near = self.at.saturating_sub(NEAR)..self.chars.len().min(self.at + NEAR);
        let terms = self.out.all[self.out.all.len().saturating_sub(NEAR)..].windows(2);
        let is_sum = |pair: &[Token]| {
            matches!(pair[1], Token::Mark('+' | '-'))
                && !matches!(pair[0], Token::Mark('^' | '{' | '(' | '*') | Token::Relation(_))
        };
        matches!(next, Some('+' | '-' | '='))
            || terms.into_iter().any(is_sum)
            || near.into_iter().any(|at| at != self.at && is_alone(at) && !is_counted(at))
    }

    /// Whether a phrase of this length is followed by the end, a space or a punctuation mark.
    fn ends_behind(&self, length: usize) -> bool {
        self.chars.get(self.at + length).is_none_or(|next| {
            matches!(next, '.' | ',' | ';' | ')' | '!' | '$') || next.is_whitespace()
        })
    }

    /// The words up to the end or a punctuation mark, as a unit.
    fn unit_phrase(&self) -> Option<(Unit, usize)> {
        let phrase = self.phrase();
        let ends = self.ends_behind(phrase.len());
        let next = self.chars.get(self.at + phrase.len());
        let goes_on = next.is_some_and(|next| matches!(next, '/' | '^' | '²' | '³'));
        if let Some(unit) = Unit::named(&phrase)
            && (phrase.len() > 1 || (self.is_spaced() && (ends || goes_on) && !self.is_variable()))
        {
            return Some((unit, phrase.len()));
        }
        // `12 km/h`: the words end at the slash, which the grammar goes on with.
        if let Some(found) = Unit::leading(&phrase, 1).filter(|(_, length)| *length > 1) {
            return Some(found);
        }
        let words = words_of(&phrase);
        let counted = ends
            && self.is_spaced()
            && words.len() <= 4
            && words[0].len() > 2
            && !words.iter().any(|word| is_said(word));
        counted.then(|| (Unit::count(), phrase.len()))
    }
}

fn words_of(phrase: &str) -> Vec<&str> {
    phrase.split([' ', '-']).filter(|word| !word.is_empty()).collect()
}

/// Whether a word makes a statement of a phrase, or is a function.
fn is_said(word: &str) -> bool {
    VERBS.contains(&word) || function(word).is_some()
}
