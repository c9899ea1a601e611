//! Numbers as the published workflow for thinking lengths reads them, faults included.

use std::sync::LazyLock;

use regex::Regex;

use super::digit;
use crate::Field;
use crate::format::known;

/// Which of the programs of the workflow reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Grpo,
    Rloo,
    Unsloth,
}

static SIGNED: LazyLock<Regex> = LazyLock::new(|| known(r"-?\d+\.?\d*"));
static DIGITS: LazyLock<Regex> = LazyLock::new(|| known(r"\d+"));
static WHOLE: LazyLock<Regex> = LazyLock::new(|| known(r"-?\b\d+\b"));

impl Source {
    /// The number of a text with what it was read from; `None` where the program refuses to judge. The others read 0.
    pub(crate) fn number(self, text: &str) -> Option<(f64, &str)> {
        let found = match self {
            Self::Unsloth => {
                let found = WHOLE.find(text)?.as_str();
                return python_float(found).map(|value| (value, found));
            }
            Self::Grpo => &SIGNED,
            Self::Rloo => &DIGITS,
        };
        let whole = python_float(text).map(|value| (value, text));
        let found = || found.find(text).map(|found| found.as_str());
        let found = || found().and_then(|found| Some((python_float(found)?, found)));
        let number = whole.or_else(found).filter(|(value, _)| !value.is_nan());
        Some(number.unwrap_or((0.0, "")))
    }

    /// The number of a label.
    pub(crate) fn label(self, field: &Field) -> Option<f64> {
        match (self, field) {
            (_, Field::Text(text)) => self.number(text).map(|(value, _)| value),
            (Self::Grpo | Self::Rloo, Field::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

/// `float(text)` of Python.
fn python_float(text: &str) -> Option<f64> {
    let ascii: Vec<char> = text.trim().chars().map(|mark| digit(mark).unwrap_or(mark)).collect();
    let is_digit = |place: Option<usize>| {
        place.and_then(|place| ascii.get(place)).is_some_and(char::is_ascii_digit)
    };
    let mut plain = String::with_capacity(ascii.len());
    for (place, mark) in ascii.iter().enumerate() {
        let is_separator =
            *mark == '_' && is_digit(place.checked_sub(1)) && is_digit(Some(place + 1));
        if !is_separator {
            plain.push(*mark);
        }
    }
    plain.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_python() {
        let floats = [
            (" 320\n", 320.0),
            ("1_000", 1000.0),
            ("１２", 12.0),
            ("3.", 3.0),
            (".5", 0.5),
            ("+7", 7.0),
            ("1e3", 1000.0),
            ("-Infinity", f64::NEG_INFINITY),
        ];
        for (text, value) in floats {
            assert_eq!(python_float(text), Some(value), "{text:?}");
        }
        for text in ["", "1__0", "_1", "1_", "0x10", "1 2", "--5", "1,000"] {
            assert_eq!(python_float(text), None, "{text:?}");
        }
        assert!(python_float("nan").is_some_and(f64::is_nan));
    }

    #[test]
    fn each_program_has_its_own_first_number() {
        let read = |source: Source, text: &'static str| source.number(text).map(|(value, _)| value);
        assert_eq!(read(Source::Grpo, "约 -12.5 左右"), Some(-12.5));
        assert_eq!(read(Source::Rloo, "约 -12.5 左右"), Some(12.0));
        assert_eq!(read(Source::Unsloth, "约 -12.5 左右"), Some(-12.0));
        assert_eq!(read(Source::Unsloth, "范围320"), None);
        assert_eq!(read(Source::Grpo, "none"), Some(0.0));
        assert_eq!(Source::Unsloth.label(&Field::Number(3.0)), None);
        assert_eq!(Source::Rloo.label(&Field::Number(3.0)), Some(3.0));
    }
}
