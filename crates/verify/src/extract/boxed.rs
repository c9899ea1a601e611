//! `\boxed{…}` and `\fbox{…}`.

use super::{Behind, Candidate, Kind};

/// The most boxes that are put together to one answer.
const MAX_BOXES: usize = 64;

/// The command, its content, and where they end.
struct Boxed<'a> {
    start: usize,
    end: usize,
    content: &'a str,
}

/// The byte after the brace that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where the last box command before `end` begins.
fn last_command(text: &str, end: usize) -> Option<usize> {
    text[..end].rfind("\\boxed").max(text[..end].rfind("\\fbox"))
}

/// The box whose command begins at `start`. Without braces the next word is boxed.
fn boxed_at(text: &str, start: usize) -> Option<Boxed<'_>> {
    let after = start + if text[start..].starts_with("\\boxed") { 6 } else { 5 };
    let rest = &text[after..];
    let open = after + rest.len() - rest.trim_start().len();
    if text[open..].starts_with('{') {
        let end = closing(text, open)?;
        return Some(Boxed { start, end, content: text[open + 1..end - 1].trim() });
    }
    let length = text[open..]
        .find(|mark: char| mark.is_whitespace() || mark == '$')
        .unwrap_or(text.len() - open);
    (open > after && length > 0).then(|| Boxed {
        start,
        end: open + length,
        content: &text[open..open + length],
    })
}

/// The last box, with those before it that belong to it: close by, or joined by "and", "or" or a separator.
pub(super) fn find(text: &str) -> Option<(usize, Candidate<'_>)> {
    let mut before = text.len();
    let mut last = None;
    // A truncated box at the end hides none before it.
    for _ in 0..4 {
        let start = last_command(text, before)?;
        last = boxed_at(text, start).filter(|boxed| !boxed.content.is_empty());
        if last.is_some() {
            break;
        }
        before = start;
    }
    let last = last?;
    let (behind, _) = Behind::of(&text[last.end..]);
    let (end, mut start) = (last.end, last.start);
    let mut parts = vec![last.content];
    while parts.len() < MAX_BOXES {
        let Some(boxed) = last_command(text, start).and_then(|at| boxed_at(text, at)) else {
            break;
        };
        if boxed.end > start
            || !belongs(&text[boxed.end..start], boxed.content, parts[parts.len() - 1])
        {
            break;
        }
        start = boxed.start;
        parts.push(boxed.content);
    }
    parts.reverse();
    Some((end, Candidate { parts, kind: Kind::Latex, behind }))
}

fn belongs(gap: &str, content: &str, next: &str) -> bool {
    let joined = ["and", "or", ",", ";", "和", "或"].iter().any(|word| gap.contains(word));
    content != next && (gap.len() < 10 || (gap.len() < 70 && joined))
}

/// What follows a box that is never closed.
pub(super) fn unclosed(text: &str) -> Option<(usize, Candidate<'_>)> {
    let start = text.rfind("\\boxed{")?;
    let open = start + "\\boxed".len();
    if closing(text, open).is_some() || text.len() - open > 400 {
        return None;
    }
    let candidate = Candidate {
        parts: vec![text[open + 1..].trim()],
        kind: Kind::Latex,
        behind: Behind::Nothing,
    };
    Some((text.len(), candidate))
}

/// The last `\boxed{…}` or `\fbox{…}` of a text with its command, or `\boxed …` up to a `$`; `None` where it is not closed.
/// This is `last_boxed_only_string` of Hendrycks et al. (2021), which many graders share.
///
/// ```
/// use forethought_verify::last_boxed;
///
/// assert_eq!(last_boxed(r"\boxed{1} so \boxed{\frac{1}{2}}."), Some(r"\boxed{\frac{1}{2}}"));
/// assert_eq!(last_boxed(r"\boxed{1"), None);
/// ```
#[must_use]
pub fn last_boxed(text: &str) -> Option<&str> {
    if text.contains("\\boxed ") {
        let at = text.rfind("\\boxed ")?;
        return text[at..].split('$').next();
    }
    let start = text.rfind("\\boxed").or_else(|| text.rfind("\\fbox"))?;
    let open = start + text[start..].find('{')?;
    closing(text, open).map(|end| &text[start..end])
}
