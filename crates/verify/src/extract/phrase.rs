//! Values in words: "twenty-five", "two thirds", "three and a half", "June 20th", "between 2 and 5, inclusive".

use num_bigint::BigInt;
use num_rational::BigRational;

/// Number words up to twenty.
const SMALL: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

/// Tens from twenty on.
const TENS: [&str; 8] =
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Shares, and how many of them make a whole.
const SHARES: [(&str, i64); 12] = [
    ("half", 2),
    ("halve", 2),
    ("third", 3),
    ("quarter", 4),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("seventh", 7),
    ("eighth", 8),
    ("ninth", 9),
    ("tenth", 10),
    ("twelfth", 12),
];

/// Months and the days they have.
const MONTHS: [(&str, u32); 12] = [
    ("january", 31),
    ("february", 29),
    ("march", 31),
    ("april", 30),
    ("may", 31),
    ("june", 30),
    ("july", 31),
    ("august", 31),
    ("september", 30),
    ("october", 31),
    ("november", 30),
    ("december", 31),
];

/// The longest text in which a value is looked for, in bytes.
const LONGEST: usize = 120;

/// How far from the end a number word is looked for, in bytes.
const TAIL: usize = 600;

/// The number that a text is the words for, and nothing else: a whole number, a fraction, or both.
pub(super) fn value(text: &str) -> Option<BigRational> {
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.trim_matches([' ', '.', '*', '!', ',']).to_lowercase();
    let words: Vec<&str> = lower.split([' ', '-']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        ["negative" | "minus", ref rest @ ..] => amount(rest).map(|value| -value),
        ref all => amount(all),
    }
}

fn amount(words: &[&str]) -> Option<BigRational> {
    if let Some(at) = words.iter().position(|word| *word == "and")
        && let (Some(whole), Some(part)) = (count(&words[..at]), share(&words[at + 1..]))
    {
        return Some(BigRational::from(BigInt::from(whole)) + part);
    }
    count(words).map(|whole| BigRational::from(BigInt::from(whole))).or_else(|| share(words))
}

/// `two thirds`, `a half`.
fn share(words: &[&str]) -> Option<BigRational> {
    let (last, before) = words.split_last()?;
    let singular = last.strip_suffix('s').unwrap_or(last);
    let (_, parts) = SHARES.iter().find(|(name, _)| *name == singular)?;
    let above = match before {
        ["a" | "one"] => 1,
        before => count(before)?,
    };
    Some(BigRational::new(above.into(), (*parts).into()))
}

/// A whole number below a thousand billions.
fn count(words: &[&str]) -> Option<i64> {
    let (mut total, mut part) = (0_i64, None::<i64>);
    for word in words {
        if let Some(value) = SMALL.iter().position(|each| each == word) {
            let value = i64::try_from(value).ok()?;
            // Units follow tens and hundreds, and nothing else.
            let fits = part.is_none_or(|part| part % 100 == 0 || (part % 10 == 0 && value < 10));
            fits.then_some(())?;
            part = Some(part.unwrap_or(0) + value);
        } else if let Some(tens) = TENS.iter().position(|each| each == word) {
            part.is_none_or(|part| part % 100 == 0).then_some(())?;
            part = Some(part.unwrap_or(0) + 10 * (i64::try_from(tens).ok()? + 2));
        } else {
            match *word {
                "hundred" => part = Some(part?.checked_mul(100).filter(|part| *part < 10_000)?),
                "thousand" | "million" | "billion" => {
                    let scale = match *word {
                        "thousand" => 1_000,
                        "million" => 1_000_000,
                        _ => 1_000_000_000,
                    };
                    total += part.take()?.checked_mul(scale)?;
                    part = Some(0);
                }
                "and" if part.is_some_and(|part| part > 0 && part % 100 == 0) => {}
                _ => return None,
            }
        }
    }
    Some(total + part?)
}

/// The last value in words in a text: a run of words that make up a number.
pub(super) fn last_number(text: &str) -> Option<&str> {
    let is_part = |word: &str| {
        let singular = word.strip_suffix('s').unwrap_or(word);
        SMALL.contains(&word)
            || TENS.contains(&word)
            || matches!(word, "hundred" | "thousand" | "million" | "billion")
            || SHARES.iter().any(|(name, _)| *name == singular)
    };
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = text.ceil_char_boundary(text.len().saturating_sub(TAIL));
    for word in text[at..].split_inclusive(|mark: char| !mark.is_ascii_alphabetic()) {
        let name = word.trim_end_matches(|mark: char| !mark.is_ascii_alphabetic());
        if is_part(&name.to_lowercase()) {
            match found.last_mut() {
                Some((_, end)) if at - *end == 1 => *end = at + name.len(),
                _ => found.push((at, at + name.len())),
            }
        }
        at += word.len();
    }
    // "One" says little more than "a".
    let runs = found.into_iter().rev().map(|(start, end)| &text[start..end]);
    runs.into_iter().find(|run| !run.eq_ignore_ascii_case("one") && value(run).is_some())
}

/// Month and day, with the year where it is said: `June 20`, `20 June`, `\text{June }20^{\text{th}}`.
pub(super) fn date(text: &str) -> Option<Vec<i64>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut plain = text.to_lowercase();
    for command in ["\\textbf", "\\text", "\\mathrm", "\\mbox", "the date is", "the "] {
        plain = plain.replace(command, " ");
    }
    let words: Vec<&str> = plain
        .split(|mark: char| !mark.is_alphanumeric())
        .filter(|word| !matches!(*word, "" | "of" | "th" | "st" | "nd" | "rd" | "on"))
        .collect();
    let (mut month, mut numbers) = (None, Vec::new());
    for word in words {
        let place = MONTHS.iter().position(|(name, _)| {
            *name == word || (word.len() == 3 && name.starts_with(word)) || word == "sept"
        });
        let digits = ["th", "st", "nd", "rd"].iter().find_map(|end| word.strip_suffix(end));
        match (place, digits.unwrap_or(word).parse::<u32>()) {
            (Some(place), _) if month.is_none() => month = Some(place),
            (None, Ok(number)) => numbers.push(number),
            _ => return None,
        }
    }
    let month = month?;
    let (day, rest) = numbers.split_first()?;
    if !(1..=MONTHS[month].1).contains(day) || rest.len() > 1 {
        return None;
    }
    let place = i64::try_from(month).ok()? + 1;
    Some([place, i64::from(*day)].into_iter().chain(rest.iter().copied().map(i64::from)).collect())
}

/// The last date of a text: the name of a month with a number beside it.
pub(super) fn last_date(text: &str) -> Option<&str> {
    let from = text.ceil_char_boundary(text.len().saturating_sub(TAIL));
    let tail = &text[from..];
    let word_end = |at: usize| {
        tail[at..].find(|mark: char| !mark.is_alphanumeric()).map_or(tail.len(), |end| at + end)
    };
    let mut starts = tail.match_indices(|mark: char| mark.is_ascii_uppercase()).map(|(at, _)| at);
    let (start, end) = starts
        .by_ref()
        .map(|at| (at, word_end(at)))
        .filter(|(at, end)| {
            MONTHS.iter().any(|(name, _)| tail[*at..*end].eq_ignore_ascii_case(name))
        })
        .last()?;
    let behind = tail[end..].strip_prefix(' ').map(|_| word_end(end + 1));
    let before = tail[..start].trim_end().rfind(' ').map_or(0, |at| at + 1);
    [behind.map(|end| &tail[start..end]), Some(&tail[before..end])]
        .into_iter()
        .flatten()
        .find(|part| date(part).is_some())
}

/// Both ends of `between A and B` or `from A to B`, and whether the ends are said to belong to it.
pub(super) fn range(text: &str) -> Option<(&str, &str, Option<Ends>)> {
    let lower = text.trim().trim_end_matches('.');
    let (open, join) = if let Some(rest) = lower.strip_prefix("between ") {
        (rest, " and ")
    } else {
        (lower.strip_prefix("from ")?, " to ")
    };
    let (low, rest) = open.split_once(join).filter(|_| text.len() <= LONGEST)?;
    for (word, ends) in [("inclusive", Ends::Included), ("exclusive", Ends::Excluded)] {
        if let Some(high) = rest.strip_suffix(word) {
            return Some((low, high.trim_end_matches([' ', ',', '(', ')']), Some(ends)));
        }
    }
    Some((low, rest, None))
}

/// Whether the ends of a range belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Included,
    Excluded,
}

/// Words that decide, and what they decide.
const DECIDING: [(&str, &str); 12] = [
    ("yes", "yes"),
    ("no", "no"),
    ("true", "true"),
    ("false", "false"),
    ("是", "yes"),
    ("是的", "yes"),
    ("否", "no"),
    ("不是", "no"),
    ("正确", "true"),
    ("错误", "false"),
    ("对", "true"),
    ("错", "false"),
];

/// What the first word of a text decides, if a pause or the end follows it: "Yes, because …".
pub(super) fn decision(text: &str) -> Option<&'static str> {
    let text = text.trim_start_matches(['*', ' ', '\n', '"', '_']);
    let length = text.find(|mark: char| !mark.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    let rest = rest.trim_start_matches(['*', '"', '_']);
    let pauses = rest.is_empty()
        || rest.starts_with([',', '.', ';', ':', '!', '\n', '—', '–', '，', '。', '；', '、', '}'])
        || rest.starts_with(" -");
    let (_, said) = DECIDING.iter().find(|(each, _)| word.eq_ignore_ascii_case(each))?;
    pauses.then_some(*said)
}

#[cfg(test)]
mod tests {
    use super::{date, decision, last_date, last_number, value};

    #[test]
    fn words_have_values() {
        for (text, expected) in [
            ("twelve", Some("12")),
            ("Twenty-five", Some("25")),
            ("one hundred and five", Some("105")),
            ("two thousand three hundred", Some("2300")),
            ("two thirds", Some("2/3")),
            ("one-half", Some("1/2")),
            ("a quarter", Some("1/4")),
            ("three and a half", Some("7/2")),
            ("negative three fourths", Some("-3/4")),
            ("five six", None),
            ("half", None),
            ("twelve ways", None),
            ("", None),
        ] {
            let found = value(text).map(|value| value.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_last_number_word_is_found() {
        assert_eq!(last_number("There are twelve ways."), Some("twelve"));
        assert_eq!(last_number("two and then twenty-five apples"), Some("twenty-five"));
        assert_eq!(last_number("The chance is one third."), Some("one third"));
        assert_eq!(last_number("no one"), None);
    }

    #[test]
    fn dates_are_told_from_other_numbers() {
        assert_eq!(date("June 20th"), Some(vec![6, 20]));
        assert_eq!(date(r"\text{June }20"), Some(vec![6, 20]));
        assert_eq!(date("20 June 1999"), Some(vec![6, 20, 1999]));
        assert_eq!(date("20"), None);
        assert_eq!(date("June 31"), None);
        assert_eq!(date("May be 5"), None);
        assert_eq!(last_date("It will be June 15."), Some("June 15"));
        assert_eq!(last_date("On the 3rd of June he left, on 5 July he came."), Some("5 July"));
        assert_eq!(last_date("In June there were 4"), None);
    }

    #[test]
    fn the_first_word_may_decide() {
        assert_eq!(decision("Yes, because 3 is prime."), Some("yes"));
        assert_eq!(decision("**No**"), Some("no"));
        assert_eq!(decision("No one knows."), None);
        assert_eq!(decision("错误。"), Some("false"));
    }
}
