//! What a text says of the letter in a general solution: `n \in \mathbb{Z}`, "where n is an integer", k为整数.

use crate::lexer::is_han;

/// The longest text that is looked through, in bytes.
const LONGEST: usize = 2_000;

/// What the texts with such a clause have in them.
const SIGNS: [&str; 6] = ["nteger", "natural", "∈", "\\in", "整数", "自然数"];

/// Words between the letter and what it is.
const PASSED: [&str; 17] = [
    "is",
    "are",
    "be",
    "being",
    "an",
    "any",
    "all",
    "every",
    "each",
    "some",
    "arbitrary",
    "the",
    "denotes",
    "represents",
    "where",
    "for",
    "with",
];

/// Words that leave out some of the integers.
const SOME: [&str; 10] = [
    "positive",
    "negative",
    "nonnegative",
    "non",
    "nonzero",
    "even",
    "odd",
    "natural",
    "prime",
    "distinct",
];

/// Words that such a clause begins with.
const LEADING: [&str; 11] =
    ["where", "for", "with", "and", "here", "all", "any", "every", "each", "in", "which"];

/// Commands of LaTeX that only say how something looks.
const LOOKS: [&str; 14] = [
    "mathbb",
    "mathbf",
    "mathrm",
    "Bbb",
    "text",
    "textrm",
    "textbf",
    "mbox",
    "mathit",
    "quad",
    "qquad",
    "left",
    "right",
    "ensuremath",
];

/// The whole numbers that the letter of a general solution stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    /// All of them.
    Integers,
    /// Those that are positive, even, at least 3 and the like.
    SomeIntegers,
}

/// A letter that stands for whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) domain: Domain,
}

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind<'a> {
    Letter(char),
    Word(&'a str),
    Han(&'a str),
    /// `∈`.
    In,
    /// `<`, `≥`, `≠` and their like.
    Order,
    Mark(char),
}

/// A piece of a text with the bytes it takes.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    start: usize,
    end: usize,
    kind: Kind<'a>,
}

/// A clause that says which numbers a letter stands for.
#[derive(Clone, Copy, Debug)]
struct Clause {
    start: usize,
    end: usize,
    letter: char,
    domain: Domain,
}

/// The letter that a text says is a whole number; of several the last.
pub(super) fn parameter(text: &str) -> Option<Parameter> {
    if text.len() > LONGEST || !SIGNS.iter().any(|sign| text.contains(sign)) {
        return None;
    }
    let pieces = pieces(text);
    let clause =
        (0..pieces.len()).rev().find_map(|at| member(&pieces, at).or_else(|| said(&pieces, at)))?;
    // `n ≥ 3` or `k ≠ 0` beside it.
    let is_bounded = pieces.windows(2).any(|pair| {
        pair[0].start >= clause.start
            && pair[0].kind == Kind::Letter(clause.letter)
            && pair[1].kind == Kind::Order
    });
    let domain = if is_bounded { Domain::SomeIntegers } else { clause.domain };
    Some(Parameter { name: clause.letter.to_string(), domain })
}

/// A text without the words at its end that say of a letter in it that it is a whole number.
pub(super) fn without(text: &str) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(LONGEST));
    let tail = &text[from..];
    let spoken = ["nteger", "natural number", "整数", "自然数"];
    if !spoken.iter().any(|sign| tail.contains(sign)) {
        return text;
    }
    let pieces = pieces(tail);
    let clause = (0..pieces.len()).rev().find_map(|at| said(&pieces, at));
    match clause.and_then(|clause| before(tail, clause)) {
        Some(before) => &text[..from + before.len()],
        None => text,
    }
}

/// What stands before a clause, where the text ends with the clause and is mathematics with its letter up to there.
fn before(text: &str, clause: Clause) -> Option<&str> {
    let rest = text[clause.end..].trim_end_matches([' ', '\n', '.', '。', '*']);
    // The delimiter before `$k$ is an integer` opens for the letter alone.
    let open = text[..clause.start].trim_end();
    let is_alone = text.get(clause.start + 1..).is_some_and(|rest| rest.starts_with('$'));
    let before = if is_alone { open.strip_suffix('$').unwrap_or(open).trim_end() } else { open };
    let unbracketed = before.trim_end_matches(['(', '（']);
    let is_bracketed = unbracketed.len() < before.len();
    let ends = match rest {
        "" | "$" => !is_bracketed,
        ")" | "）" | "$)" => is_bracketed,
        _ => false,
    };
    let before = unbracketed.trim_end_matches([' ', ',', '，', ';', '；', ':']);
    let is_mathematics = before.contains(clause.letter)
        && before.contains(|mark: char| mark.is_ascii_digit() || "=\\π".contains(mark));
    let said = &text[before.len()..];
    let is_closed = said.matches('{').count() == said.matches('}').count();
    let is_whole = said.matches('$').count().is_multiple_of(2) && !said.contains('\\');
    (ends && is_mathematics && is_closed && is_whole).then_some(before)
}

/// `n ∈ ℤ`, whose sign is the piece at this place.
fn member(pieces: &[Piece<'_>], at: usize) -> Option<Clause> {
    let set = pieces.get(at + 1)?;
    let (Kind::In, Kind::Letter(name)) = (pieces[at].kind, set.kind) else { return None };
    let before = pieces[at.checked_sub(1)?];
    let Kind::Letter(letter) = before.kind else { return None };
    // The sign of `\mathbb{Z}^+` leaves some out.
    let signed = matches!(pieces.get(at + 2), Some(Piece { kind: Kind::Mark('^' | '_' | '+' | '*'), start, .. }) if *start <= set.end + 1);
    let domain = match name {
        'Z' if !signed => Domain::Integers,
        'Z' | 'N' => Domain::SomeIntegers,
        _ => return None,
    };
    Some(Clause { start: before.start, end: set.end, letter, domain })
}

/// "n is an integer", "for every integer n" or n为整数, whose noun is the piece at this place.
fn said(pieces: &[Piece<'_>], at: usize) -> Option<Clause> {
    let noun = match pieces[at].kind {
        Kind::Word(word) => word.to_ascii_lowercase(),
        Kind::Han(run) => return said_in_chinese(pieces, at, run),
        _ => return None,
    };
    let mut domain = match noun.as_str() {
        "integer" | "integers" => Domain::Integers,
        "natural" => Domain::SomeIntegers,
        _ => return None,
    };
    let mut first = at;
    while let Some(before) = first.checked_sub(1).map(|index| pieces[index].kind) {
        match before {
            Kind::Word(word) if SOME.iter().any(|some| word.eq_ignore_ascii_case(some)) => {
                domain = Domain::SomeIntegers;
            }
            Kind::Word(word) if PASSED.iter().any(|one| word.eq_ignore_ascii_case(one)) => {}
            Kind::Letter('a') | Kind::Mark('-') => {}
            _ => break,
        }
        first -= 1;
    }
    let number = |piece: &Piece<'_>| matches!(piece.kind, Kind::Word("number" | "numbers"));
    let last = at + usize::from(noun == "natural" && pieces.get(at + 1).is_some_and(number));
    if let Some(letter) = pieces.get(last + 1).and_then(letter_of) {
        return Some(Clause {
            start: pieces[first].start,
            end: pieces[last + 1].end,
            letter,
            domain,
        });
    }
    let before = first.checked_sub(1)?;
    let letter = letter_of(&pieces[before])?;
    Some(Clause { start: led_by(pieces, before), end: pieces[last].end, letter, domain })
}

/// k为整数, 其中k是任意整数.
fn said_in_chinese(pieces: &[Piece<'_>], at: usize, run: &str) -> Option<Clause> {
    let is_whole = run.contains("整数") || run.contains("自然数");
    let before = at.checked_sub(1).filter(|_| is_whole)?;
    let letter = letter_of(&pieces[before])?;
    let some = ["正", "负", "自然", "奇", "偶", "非零"].iter().any(|word| run.contains(word));
    let domain = if some { Domain::SomeIntegers } else { Domain::Integers };
    Some(Clause { start: led_by(pieces, before), end: pieces[at].end, letter, domain })
}

fn letter_of(piece: &Piece<'_>) -> Option<char> {
    match piece.kind {
        Kind::Letter(letter) if letter.is_ascii_lowercase() && letter != 'a' => Some(letter),
        _ => None,
    }
}

/// Where the words begin that lead to the letter at this place.
fn led_by(pieces: &[Piece<'_>], letter: usize) -> usize {
    let leads = |piece: &Piece<'_>| match piece.kind {
        Kind::Word(word) => LEADING.iter().any(|one| word.eq_ignore_ascii_case(one)),
        Kind::Han(run) => matches!(run, "其中" | "这里"),
        _ => false,
    };
    let led = pieces[..letter].iter().rev().take_while(|piece| leads(piece)).count();
    pieces[letter - led].start
}

/// Letters, words and signs; spaces, dollars, braces and commands of style are passed over.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(mark) = text[at..].chars().next() {
        let rest = &text[at..];
        let run =
            |belongs: fn(char) -> bool| rest.find(|mark| !belongs(mark)).unwrap_or(rest.len());
        let (length, kind) = match mark {
            '\\' => command(rest),
            _ if mark.is_ascii_alphabetic() => {
                let length = run(|mark| mark.is_ascii_alphabetic());
                let kind =
                    if length == 1 { Kind::Letter(mark) } else { Kind::Word(&rest[..length]) };
                (length, Some(kind))
            }
            _ if is_han(mark) => {
                let length = run(is_han);
                (length, Some(Kind::Han(&rest[..length])))
            }
            'ℤ' => (mark.len_utf8(), Some(Kind::Letter('Z'))),
            'ℕ' => (mark.len_utf8(), Some(Kind::Letter('N'))),
            '∈' => (mark.len_utf8(), Some(Kind::In)),
            '<' | '>' | '≤' | '≥' | '≠' | '⩽' | '⩾' => {
                (mark.len_utf8(), Some(Kind::Order))
            }
            ' ' | '$' | '{' | '}' | '~' | '\n' => (mark.len_utf8(), None),
            _ => (mark.len_utf8(), Some(Kind::Mark(mark))),
        };
        pieces.extend(kind.map(|kind| Piece { start: at, end: at + length, kind }));
        at += length;
    }
    pieces
}

/// The length of a command and what it is.
fn command(rest: &str) -> (usize, Option<Kind<'_>>) {
    let name = rest[1..].find(|mark: char| !mark.is_ascii_alphabetic()).unwrap_or(rest.len() - 1);
    if name == 0 {
        return (1 + rest[1..].chars().next().map_or(0, char::len_utf8), None);
    }
    let kind = match &rest[1..=name] {
        "in" => Some(Kind::In),
        "ge" | "geq" | "geqslant" | "le" | "leq" | "leqslant" | "gt" | "lt" | "ne" | "neq" => {
            Some(Kind::Order)
        }
        looks if LOOKS.contains(&looks) => None,
        _ => Some(Kind::Mark('\\')),
    };
    (name + 1, kind)
}

#[cfg(test)]
mod tests {
    use super::{Domain, Parameter, parameter, without};

    #[test]
    fn a_letter_is_said_to_be_whole_in_many_ways() {
        for text in [
            r"x = n\pi, n \in \mathbb{Z}",
            r"$x = n\pi$ where $n$ is an integer",
            "x = n*pi for any integer n",
            "x = n*pi (n an arbitrary integer)",
            r"n\pi \text{ where } n \text{ is an integer}",
            "nπ (n∈Z)",
            "nπ，其中n为整数",
            "nπ (n∈ℤ)",
        ] {
            let expected = Parameter { name: "n".to_owned(), domain: Domain::Integers };
            assert_eq!(parameter(text), Some(expected), "{text}");
        }
        for text in [
            r"2k, k \in \mathbb{N}",
            r"2k, k \in \mathbb{Z}^+",
            r"2k, k \in \mathbb{Z}_{\ge 0}",
            "2k where k is a positive integer",
            "2k for all non-negative integers k",
            r"2k, k\in\mathbb{Z}, k\ne 0",
            "2k for integers k ≥ 3",
            "2k，k为正整数",
            "2k for a natural number k",
        ] {
            let expected = Parameter { name: "k".to_owned(), domain: Domain::SomeIntegers };
            assert_eq!(parameter(text), Some(expected), "{text}");
        }
        for text in ["12 is an integer", r"x \in \mathbb{R}", "an integer", r"\int x"] {
            assert_eq!(parameter(text), None, "{text}");
        }
    }

    #[test]
    fn the_clause_is_cut_where_its_letter_stands_before_it() {
        for (text, expected) in [
            ("x = pi/4 + n*pi, where n is an integer.", "x = pi/4 + n*pi"),
            ("x = pi/4 + n*pi for any integer n", "x = pi/4 + n*pi"),
            ("x = 2k (k an integer)", "x = 2k"),
            ("$x = 2k$, where $k$ is an integer.", "$x = 2k$"),
            ("x=kπ（k为整数）", "x=kπ"),
            ("$x=k$ ($k$ 为整数)", "$x=k$"),
            (r"x=k\pi\text{ for integer }k", r"x=k\pi\text{ for integer }k"),
            ("n is an integer", "n is an integer"),
            ("so 12 is an integer", "so 12 is an integer"),
            ("x = 2k where k is an integer or 7", "x = 2k where k is an integer or 7"),
            ("f(n) is an integer", "f(n) is an integer"),
        ] {
            assert_eq!(without(text), expected, "{text}");
        }
    }
}
