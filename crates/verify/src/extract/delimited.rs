//! Mathematics between `$…$`, `$$…$$`, `\(…\)` and `\[…\]`.

use std::ops::Range;

use super::{Behind, Candidate, Kind};

/// The most parts that are put together to one list.
const MAX_PARTS: usize = 6;
/// How many passages are tried from the end.
const MAX_TRIES: usize = 16;

/// All passages of mathematics, delimiters included, in one pass.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    // Closing delimiters that do not come again need not be looked for again.
    let mut missing = [false; 4];
    while let Some(step) = bytes[at..].iter().position(|byte| matches!(byte, b'$' | b'\\')) {
        at += step;
        let passage = passage_at(text, at, &mut missing);
        match passage {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            // An escaped dollar or backslash is neither.
            None if bytes[at] == b'\\'
                && matches!(bytes.get(at + 1), Some(b'$' | b'\\'))
                && !opens_after_backslash(bytes, at) =>
            {
                at += 2;
            }
            None => {
                // A long run of one sign is passed in strides, its last two signs left to open something.
                let run = bytes[at..].iter().take(1_000).take_while(|byte| **byte == bytes[at]);
                at += run.count().max(3) - 2;
            }
        }
    }
    found
}

/// `\\(` and `\\[`, whose backslash was escaped once too often.
fn opens_after_backslash(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 1) == Some(&b'\\') && matches!(bytes.get(at + 2), Some(b'(' | b'['))
}

/// The end of the passage that begins here.
fn passage_at(text: &str, at: usize, missing: &mut [bool; 4]) -> Option<usize> {
    let rest = &text[at..];
    let kinds = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)")];
    for (index, (open, close)) in kinds.into_iter().enumerate() {
        if !rest.starts_with(open) {
            continue;
        }
        if missing[index] {
            break;
        }
        let Some(length) = rest[open.len()..].find(close) else {
            missing[index] = true;
            break;
        };
        let inner = &rest[open.len()..open.len() + length];
        if inner.trim().is_empty() || is_over_lines(open, inner) {
            break;
        }
        return Some(at + open.len() + length + close.len());
    }
    (rest.starts_with('$') && !rest.starts_with("$$") && !missing[3])
        .then(|| inline(rest, &mut missing[3]))?
        .map(|length| at + length)
}

/// Whether `\(…\)` goes over several lines without an environment that would need them.
fn is_over_lines(open: &str, inner: &str) -> bool {
    open == "\\(" && inner.contains('\n') && !inner.contains("\\begin")
}

/// The length of `$…$` on one line, or on several if it has an environment.
fn inline(rest: &str, missing: &mut bool) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' if !rest[..at].contains("\\begin") => return None,
            b'$' => {
                let inner = &rest[1..at];
                // `$5 and $6` are amounts, not mathematics between dollars.
                let amount = inner.starts_with(|mark: char| mark.is_ascii_digit())
                    && inner.ends_with(' ')
                    && inner.contains(' ')
                    && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
                return (!inner.trim().is_empty() && !amount).then_some(at + 1);
            }
            _ => {}
        }
        at += 1;
    }
    *missing = true;
    None
}

/// The last `\frac{…}{…}` of two numbers outside any delimiters, with the number or sign before it.
pub(super) fn last_fraction(text: &str) -> Option<(usize, Candidate<'_>)> {
    let start = text.rfind("\\frac{")?;
    let end = start + fraction(&text[start..])?;
    let whole = text[..start].trim_end_matches(|mark: char| mark.is_ascii_digit() || mark == '-');
    let candidate = Candidate {
        parts: vec![&text[whole.len()..end]],
        kind: Kind::Latex,
        behind: Behind::Nothing,
    };
    Some((end, candidate))
}

/// The length of `\frac{…}{…}` of two numbers.
fn fraction(rest: &str) -> Option<usize> {
    let mut length = "\\frac".len();
    for _ in 0..2 {
        let inner = rest[length..].strip_prefix('{')?;
        let close = inner.find('}')?;
        let is_number = !inner[..close].is_empty()
            && inner[..close]
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b','));
        is_number.then_some(())?;
        length += close + 2;
    }
    Some(length)
}

/// What stands between the delimiters.
pub(super) fn inner(passage: &str) -> &str {
    for (open, close) in [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")] {
        if let Some(inner) = passage.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            return inner.trim();
        }
    }
    passage
}

/// The last passages, each with those that are joined to it by a conjunction or a comma.
pub(super) fn last<'a>(text: &'a str, found: &[Range<usize>]) -> Vec<(usize, Candidate<'a>)> {
    let mut candidates = Vec::new();
    let mut next = found.len();
    while next > 1 && is_aside(&text[found[next - 2].end..found[next - 1].start]) {
        next -= 1;
    }
    while next > 0 && candidates.len() < MAX_TRIES {
        let (first, candidate, end) = group(text, found, next - 1);
        candidates.push((end, candidate));
        next = first;
    }
    candidates
}

/// Whether what follows only says roughly what was said before, or for what it holds: `$\frac{1}{7}$, or about $14\%$`,
/// `$f(x) = x$ for all $x$`.
fn is_aside(gap: &str) -> bool {
    let gap = gap.trim_end();
    let about = ["about", "approximately", "roughly", "around", "大约", "约为", "约"];
    let clause = [
        "for all",
        "for every",
        "for any",
        "for each",
        "for all real",
        "for some",
        "where",
        "for integer",
        "for integers",
    ];
    gap.len() < 40 && about.iter().chain(&clause).any(|word| gap.ends_with(word))
}

/// The group whose last passage has this index: the index of its first passage, the candidate, and its end.
fn group<'a>(text: &'a str, found: &[Range<usize>], last: usize) -> (usize, Candidate<'a>, usize) {
    let mut first = last;
    while first > 0
        && last - first + 1 < MAX_PARTS
        && joins(&text[found[first - 1].end..found[first].start])
    {
        first -= 1;
    }
    let parts = found[first..=last].iter().map(|range| inner(&text[range.clone()])).collect();
    let end = found[last].end;
    let (behind, per_cent) = Behind::of(&text[end..]);
    (first, Candidate { parts, kind: Kind::Latex, behind }, end + per_cent.unwrap_or(0))
}

/// The group of passages that begins with the passage at this index.
pub(super) fn group_from<'a>(
    text: &'a str,
    found: &[Range<usize>],
    first: usize,
) -> (Candidate<'a>, usize) {
    let mut last = first;
    while last + 1 < found.len()
        && last - first + 1 < MAX_PARTS
        && joins(&text[found[last].end..found[last + 1].start])
    {
        last += 1;
    }
    let (_, candidate, end) = group(text, &found[first..=last], last - first);
    (candidate, end)
}

fn joins(gap: &str) -> bool {
    let gap = gap.trim();
    matches!(
        gap,
        "," | "and" | "or" | ", and" | ", or" | ",and" | ",or" | "、" | "和" | "或" | "与" | "，"
    )
}
