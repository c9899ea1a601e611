//! The notation in running text that a number belongs to: `4√11`, `(1, 4)`, `2, 3 and 5`, `x = 2 or x = -3`.

use super::term;
use crate::unit::Unit;

/// Notation longer than this is no answer, in bytes.
pub(super) const LONGEST: usize = 160;

/// Signs that stand between or around the numbers of an answer.
const SIGNS: &str = "+-*/^()[]{},;<>≤≥≠≡±×÷·−√∛∜π∞∪∩∈°⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ!|: （）［］，、；";

/// Words that belong to notation.
const WORDS: [&str; 18] = [
    "sqrt", "cbrt", "sin", "cos", "tan", "sec", "csc", "cot", "arcsin", "arccos", "arctan", "log",
    "ln", "exp", "pi", "and", "or", "mod",
];

/// Words that join the elements of a list.
const JOINING: [&str; 4] = ["and", "or", "和", "或"];

/// A piece of a text, read backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// A number, a sign, or a word that belongs to notation.
    Notation,
    /// An equals sign, left of which another sentence may end.
    Equals,
    /// A single letter: a variable, or an article.
    Variable,
    Prose,
}

/// The notation that ends with `text[start..end]`, a number or constant, and what closes behind it; `None` where it is
/// no more than that.
pub(super) fn around(text: &str, start: usize, end: usize) -> Option<(usize, &str)> {
    if end - start > LONGEST {
        return None;
    }
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let begin = begin_of(text, line.max(floor(text, start.saturating_sub(LONGEST))), start);
    let close = term::continued(text, close_of(text, end, factors(&text[begin..start])));
    let notation = clean(&text[begin..close]);
    let whole = text[begin..close].len() - text[begin..close].trim_end().len();
    let close = close - whole;
    let lists = notation.contains(['，', '、']) && ends_sentence(&text[close..]);
    (notation.len() > end - start && (lists || is_more(notation)) && is_balanced(notation))
        .then_some((close, notation))
}

/// Whether a sentence or the text ends here.
fn ends_sentence(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '*']);
    rest.is_empty() || rest.starts_with(['。', '．', '.', '；', ';', '！', '\n'])
}

/// The letters that may stand right behind a number: `3x` and `3x^2`, but neither `3m` nor a word; unit vectors, where
/// there are others before it, as in `3i - 2j + 5k`.
fn factors(before: &str) -> &'static [char] {
    let is_resolved = ["i ", "i+", "i-", "j ", "j+", "j-"].iter().any(|term| before.contains(term));
    if is_resolved { &['x', 'y', 'z', 'n', 'i', 'j', 'k'] } else { &['x', 'y', 'z', 'n', 'i'] }
}

/// How far the notation reaches to the left.
fn begin_of(text: &str, earliest: usize, start: usize) -> usize {
    let mut begin = start;
    while begin > earliest {
        let (at, piece) = piece_before(&text[earliest..begin]);
        let at = earliest + at;
        let belongs = match piece {
            Piece::Notation => true,
            Piece::Equals => is_assigned(&text[earliest..at]) || is_equation(&text[earliest..at]),
            Piece::Variable => is_sign(&text[begin..]) || is_times(text, at),
            // `26 cm^2`
            Piece::Prose => {
                text[begin..].starts_with(['^', '²', '³'])
                    && Unit::named(&text[at..begin]).is_some()
            }
        };
        if !belongs {
            break;
        }
        begin = at;
    }
    begin
}

/// The last piece of a text and where it begins.
fn piece_before(text: &str) -> (usize, Piece) {
    let Some(last) = text.chars().next_back() else { return (0, Piece::Prose) };
    if last.is_ascii_digit() {
        let run = text.trim_end_matches(|mark: char| mark.is_ascii_digit() || mark == '.');
        let inner = text[run.len()..].trim_start_matches('.');
        let at = text.len() - inner.len();
        return (at, if ends_in_letter(&text[..at]) { Piece::Prose } else { Piece::Notation });
    }
    let before_last = text.len() - last.len_utf8();
    if last == '=' {
        return (before_last, Piece::Equals);
    }
    if SIGNS.contains(last) || matches!(last, '和' | '或') {
        return (before_last, Piece::Notation);
    }
    let at = text.trim_end_matches(|mark: char| mark.is_ascii_alphabetic()).len();
    let word = &text[at..];
    let piece = match word.len() {
        1 if !text[..at].ends_with(['\'', '\\']) => Piece::Variable,
        _ if WORDS.iter().any(|one| word.eq_ignore_ascii_case(one)) => Piece::Notation,
        _ => Piece::Prose,
    };
    (at, piece)
}

fn ends_in_letter(text: &str) -> bool {
    text.ends_with(|mark: char| mark.is_ascii_alphabetic() || matches!(mark, '_' | '\\'))
}

/// Whether an operator or bracket follows, so that a letter before it is a variable and no article.
fn is_sign(after: &str) -> bool {
    let trimmed = after.trim_start();
    trimmed.starts_with([
        '+', '-', '*', '/', '^', '(', '=', '<', '>', '≤', '≥', '≠', '≡', ')', ',', '²', '³', '∈',
    ])
}

/// Whether the letter at this place stands for a sign of multiplication: `8.39 x 10^6`.
fn is_times(text: &str, at: usize) -> bool {
    let number_before = text[..at]
        .strip_suffix(' ')
        .is_some_and(|before| before.ends_with(|mark: char| mark.is_ascii_digit()));
    number_before && text[at..].starts_with("x 10^")
}

/// Whether the left of an equals sign is the next element of a list: `…, x` or `… or x`.
fn is_assigned(before: &str) -> bool {
    let before = before.trim_end();
    let name = before.trim_end_matches(|mark: char| mark.is_ascii_alphanumeric() || mark == '_');
    let variable = &before[name.len()..];
    let is_short = (1..=3).contains(&variable.len())
        && variable.starts_with(|mark: char| mark.is_ascii_alphabetic());
    let name = name.trim_end();
    is_short
        && (name.ends_with([',', '，', '、']) || JOINING.iter().any(|word| name.ends_with(word)))
}

/// Whether the left of an equals sign is that of an equation in several unknowns, which is an answer as a whole: `-2x + 3y`.
fn is_equation(before: &str) -> bool {
    let mut rest = before;
    loop {
        let (at, piece) = piece_before(rest);
        let belongs = match piece {
            Piece::Notation => at < rest.len(),
            Piece::Variable => matches!(&rest[at..], "x" | "y" | "z"),
            Piece::Equals | Piece::Prose => false,
        };
        if !belongs {
            break;
        }
        rest = &rest[..at];
    }
    let left = &before[rest.len()..];
    let unknowns = ['x', 'y', 'z'].iter().filter(|name| left.contains(**name)).count();
    unknowns > 1 && left.contains(['+', '-', '−']) && !left.contains([',', ';', ':'])
}

/// Behind the number: closing brackets, constants, exponents and one of some letters that touch it.
fn close_of(text: &str, end: usize, letters: &[char]) -> usize {
    let rest = &text[end..];
    let run = rest.trim_start_matches([
        'π', ')', ']', '}', '）', '］', '⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹', '⁻', 'ⁿ',
        '!', '°', '∞',
    ]);
    let mut close = text.len() - run.len();
    for half in [" a.m.", " p.m.", " AM", " PM", " am", " pm", "am", "pm"] {
        let ends = |after: &str| !after.starts_with(|mark: char| mark.is_alphanumeric());
        if run.strip_prefix(half).is_some_and(ends)
            && text[..end].ends_with(|mark: char| mark.is_ascii_digit())
        {
            return close + half.len();
        }
    }
    if let Some(after) = run.strip_prefix(letters) {
        let ends = after.chars().next().is_none_or(|mark| !mark.is_alphanumeric());
        close += usize::from(ends);
    }
    close
}

/// Without what cannot begin an expression.
fn clean(notation: &str) -> &str {
    let mut notation = notation.trim_end();
    loop {
        let before = notation.len();
        notation = notation.trim_start_matches([
            ' ', ',', ';', '.', ')', ']', '}', '*', '/', '+', ':', '!', '>', '<', '^', '°', '²',
            '³', '×', '÷', '·', '=', '，', '、', '）', '；',
        ]);
        for word in JOINING {
            if let Some(rest) = notation.strip_prefix(word) {
                notation = rest;
            }
        }
        if notation.len() == before {
            return notation;
        }
    }
}

/// Whether there is anything in it that the number alone would lose.
fn is_more(notation: &str) -> bool {
    let marks = [
        '/', '*', '^', '+', '×', '÷', '-', ':', '√', '∛', '∜', 'π', '(', '[', '∞', '±', '<', '>',
        '≤', '≥', '²', '³', '!', '−', '·', '（', '［',
    ];
    let joins = JOINING.iter().any(|word| notation.contains(word));
    let letters = notation.contains(|mark: char| mark.is_ascii_alphabetic());
    notation.contains(marks) || joins || letters || notation.matches(", ").count() >= 2
}

/// Whether every bracket has a partner; `[1, 2)` is an interval.
fn is_balanced(notation: &str) -> bool {
    let mut depth = 0_i32;
    for mark in notation.chars() {
        match mark {
            '(' | '[' | '{' | '（' | '［' => depth += 1,
            ')' | ']' | '}' | '）' | '］' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// The character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::around;

    fn of(text: &str) -> Option<&str> {
        let end = text.rfind(|mark: char| mark.is_ascii_digit()).expect("a digit") + 1;
        let start = text[..end].trim_end_matches(|mark: char| mark.is_ascii_digit()).len();
        around(text, start, end).map(|(_, notation)| notation)
    }

    #[test]
    fn a_number_brings_the_notation_it_stands_in() {
        for (text, expected) in [
            ("Thus the length is 4√11.", Some("4√11")),
            ("length = 4*sqrt(11)", Some("4*sqrt(11)")),
            ("The vertex is at (1, 4).", Some("(1, 4)")),
            ("The area is 8π square meters.", Some("8π")),
            ("The solutions are 6, 7, and 0.", Some("6, 7, and 0")),
            ("so x = 2 or x = -3", Some("2 or x = -3")),
            ("We compute 3 + 4 = 7", None),
            ("She has a 5", None),
            ("It is 12.", None),
            ("in room B12", None),
            ("the function is 2x + 3", Some("2x + 3")),
            ("(see the table) 9", None),
            ("点的坐标为（1，2）。", Some("（1，2）")),
            ("所以两个根为3，4。", Some("3，4")),
            ("有3，4个", None),
            ("so it is pi/4 + n*pi", Some("pi/4 + n*pi")),
            ("we get 3x^2 + cos x.", Some("3x^2 + cos x")),
            ("She has 5 - a pity", None),
            ("the vector 3i - 2j + 5k", Some("3i - 2j + 5k")),
            ("it costs 5k", None),
            ("The area is 26 cm^2.", Some("26 cm^2")),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
