//! Answers in bold type: `the result is **Wednesday**`, `**x + 2y = 3**`.

use super::{Behind, Candidate, Kind};

/// Words before the answer of a sentence.
const BEFORE: [&str; 12] =
    [" is", " are", " get", " be", " equals", " obtain", ":", "：", "为", "是", "得", "="];
/// The longest answer in bold type, in bytes.
const LONGEST: usize = 120;

/// The last `**…**` of a text.
struct Bold<'t> {
    before: &'t str,
    inner: &'t str,
    behind: &'t str,
}

fn last(text: &str) -> Option<Bold<'_>> {
    let (rest, behind) = text.rsplit_once("**")?;
    let (before, inner) = rest.rsplit_once("**")?;
    Some(Bold { before: before.trim_end(), inner: inner.trim(), behind })
}

/// What stands in it, where a sentence says so of its subject.
pub(super) fn last_said(text: &str) -> Option<(usize, Candidate<'_>)> {
    let Bold { before, inner, behind } = last(text)?;
    let is_said = BEFORE.iter().any(|word| before.ends_with(word));
    let is_short = inner.len() <= LONGEST && !inner.contains('\n') && !inner.ends_with([':', '：']);
    let end = text.len() - behind.len();
    let (behind, _) = Behind::of(behind);
    let candidate = Candidate { parts: vec![inner], kind: Kind::Plain, behind };
    (is_said && is_short && !inner.is_empty()).then_some((end, candidate))
}

/// What stands in it, where it is a relation and no prose.
pub(super) fn last_relation(text: &str) -> Option<(usize, Candidate<'_>)> {
    let Bold { inner, behind, .. } = last(text)?;
    let is_relation = inner.contains(['=', '<', '>', '≤', '≥', '≠', '∈']) && !inner.contains('\n');
    let words = inner.split(|mark: char| !mark.is_alphabetic());
    let is_prose = words.into_iter().any(|word| word.chars().count() > 4);
    let candidate = Candidate { parts: vec![inner], kind: Kind::Plain, behind: Behind::Nothing };
    (is_relation && !is_prose).then_some((text.len() - behind.len(), candidate))
}
