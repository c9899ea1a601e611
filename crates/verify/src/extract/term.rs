//! How a sum or product goes on behind a number in running text: `3x^2 + cos x`, `pi/4 + n*pi`.

use super::run::LONGEST;

/// Signs that the next term or factor follows.
const OPERATORS: [char; 8] = ['+', '-', '*', '/', '^', '−', '×', '·'];

/// Functions that a space and an argument may follow.
const FUNCTIONS: [&str; 12] =
    ["sqrt", "cbrt", "sin", "cos", "tan", "sec", "csc", "cot", "arcsin", "arccos", "arctan", "log"];

/// Where the sum or product ends that goes on here: ` + n*pi`, ` - cos x`.
pub(super) fn continued(text: &str, close: usize) -> usize {
    let mut end = close;
    while let Some(length) = term_length(&text[end..]) {
        end += length;
        if end - close > LONGEST {
            return close;
        }
    }
    end
}

/// The length of an operator with its operand.
fn term_length(rest: &str) -> Option<usize> {
    let operand = rest.trim_start_matches(' ').strip_prefix(OPERATORS)?.trim_start_matches(' ');
    let length = operand_length(operand)?;
    Some(rest.len() - operand.len() + length)
}

/// The length of the numbers, letters, functions and brackets that a text begins with; none where prose follows them.
fn operand_length(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut takes_argument = false;
    while at < LONGEST {
        let rest = &text[at..];
        let next = match rest.chars().next() {
            Some(' ') if takes_argument => 1,
            Some('(') => bracket_length(rest)?,
            Some(mark @ ('π' | '√' | '∛' | '∜' | '²' | '³')) => mark.len_utf8(),
            Some('0'..='9') => {
                let digits =
                    rest.trim_start_matches(|mark: char| mark.is_ascii_digit() || mark == '.');
                rest[..rest.len() - digits.len()].trim_end_matches('.').len()
            }
            Some(mark) if mark.is_ascii_alphabetic() => {
                let word = &rest[..rest.len()
                    - rest.trim_start_matches(|mark: char| mark.is_ascii_alphabetic()).len()];
                takes_argument = word.len() > 2 && FUNCTIONS.contains(&word);
                let is_letter =
                    word == "C" || (word.len() == 1 && word != "a" && mark.is_ascii_lowercase());
                (is_letter || takes_argument || matches!(word, "pi" | "ln"))
                    .then_some(word.len())?
            }
            _ => break,
        };
        takes_argument &= rest.starts_with(|mark: char| mark.is_ascii_alphabetic());
        at += next;
    }
    (at > 0).then_some(at)
}

/// The length of a bracket that opens here.
fn bracket_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, mark) in text.char_indices().take(LONGEST) {
        match mark {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at + 1),
            ')' => depth -= 1,
            '\n' => return None,
            _ => {}
        }
    }
    None
}
