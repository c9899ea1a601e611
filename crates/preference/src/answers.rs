//! Where the answer stands in a worked solution.

/// The mark of GSM8K.
const HASHES: &str = "####";
/// The mark of MATH.
const BOXED: &str = "\\boxed";

/// The solution before the last `####`, and the answer after it.
pub(crate) fn split_hashes(text: &str) -> Option<(String, String)> {
    let (solution, answer) = text.rsplit_once(HASHES)?;
    let answer = answer.trim();
    (!answer.is_empty()).then(|| (solution.trim_end().to_owned(), answer.to_owned()))
}

/// A solution and an answer as GSM8K has them.
pub(crate) fn with_hashes(solution: &str, answer: &str) -> String {
    if solution.is_empty() {
        return format!("{HASHES} {answer}");
    }
    format!("{solution}\n{HASHES} {answer}")
}

/// What stands in the last `\boxed{…}`, or after the last `\boxed ` up to a dollar sign or the end of the line.
pub(crate) fn boxed(text: &str) -> Option<String> {
    let start = text.rfind(BOXED)?;
    let after = &text[start + BOXED.len()..];
    let answer = match after.strip_prefix('{') {
        Some(inside) => braced(inside)?,
        None => after.strip_prefix(' ')?.split(['$', '\n']).next()?,
    };
    let answer = answer.trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// A solution whose last box holds the answer; a box of its own is added where that is not so.
pub(crate) fn with_box(solution: &str, answer: &str) -> String {
    if boxed(solution).as_deref() == Some(answer) {
        return solution.to_owned();
    }
    if solution.is_empty() { own_box(answer) } else { format!("{solution}\n{}", own_box(answer)) }
}

/// A solution without the box that [`with_box`] adds.
pub(crate) fn without_own_box<'a>(solution: &'a str, answer: &str) -> &'a str {
    match solution.strip_suffix(&own_box(answer)) {
        Some("") => "",
        Some(before) => before.strip_suffix('\n').unwrap_or(solution),
        None => solution,
    }
}

fn own_box(answer: &str) -> String {
    format!("{BOXED}{{{answer}}}")
}

/// The text up to the brace that closes the one before it; `\{` and `\}` are signs and no braces.
fn braced(text: &str) -> Option<&str> {
    let mut depth = 1_usize;
    let mut is_escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[..index]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_after_hashes_or_in_the_last_box() {
        let split = split_hashes("48/2 = 24\n#### 72\n").expect("a mark");
        assert_eq!(split, ("48/2 = 24".to_owned(), "72".to_owned()));
        assert_eq!(with_hashes(&split.0, &split.1), "48/2 = 24\n#### 72");
        assert_eq!((split_hashes("72"), split_hashes("a #### ")), (None, None));

        assert_eq!(boxed(r"so \boxed{1} or \boxed{\frac{1}{2}}.").as_deref(), Some(r"\frac{1}{2}"));
        assert_eq!(boxed(r"$\boxed{\{1, 2\}}$").as_deref(), Some(r"\{1, 2\}"));
        assert_eq!(boxed(r"is $\boxed 7$").as_deref(), Some("7"));
        assert_eq!([boxed("7"), boxed(r"\boxed{7"), boxed(r"\boxed{ }")], [None, None, None]);
    }

    #[test]
    fn a_box_that_was_added_is_taken_away_again() {
        let boxed = with_box("48/2 = 24", "72");
        assert_eq!(boxed, "48/2 = 24\n\\boxed{72}");
        assert_eq!(without_own_box(&boxed, "72"), "48/2 = 24");
        assert_eq!(with_box(r"it is \boxed{72}.", "72"), r"it is \boxed{72}.");
        assert_eq!(without_own_box(r"it is \boxed{72}", "72"), r"it is \boxed{72}");
        assert_eq!(with_box("", "9 (apples)"), r"\boxed{9 (apples)}");
        assert_eq!(without_own_box(r"\boxed{9 (apples)}", "9 (apples)"), "");
    }
}
