//! Answers in bold type: `the result is **Wednesday**`, `**x + 2y = 3**`.

use super::{Behind, Candidate, Kind};

/// Words before the answer of a sentence.
const BEFORE: [&str; 12] =
    [" is", " are", " get", " be", " equals", " obtain", ":", "：", "为", "是", "得", "="];
/// The longest answer in bold type, in bytes.
const LONGEST: usize = 120;

/// What stands in the last `**…**` of a text, where a sentence says so of its subject.
pub(super) fn last_said(text: &str) -> Option<(usize, Candidate<'_>)> {
    let end = text.rfind("**")?;
    let start = text[..end].rfind("**")? + "**".len();
    let inner = text[start..end].trim();
    let before = text[..start - "**".len()].trim_end();
    let is_said = BEFORE.iter().any(|word| before.ends_with(word));
    let is_short = inner.len() <= LONGEST && !inner.contains('\n') && !inner.ends_with([':', '：']);
    let (behind, _) = Behind::of(&text[end + "**".len()..]);
    let candidate = Candidate { parts: vec![inner], kind: Kind::Plain, behind };
    (is_said && is_short && !inner.is_empty()).then_some((end + "**".len(), candidate))
}

/// What stands in the last `**…**` of a text, where it is a relation and no prose.
pub(super) fn last_relation(text: &str) -> Option<(usize, Candidate<'_>)> {
    let end = text.rfind("**")?;
    let start = text[..end].rfind("**")? + "**".len();
    let inner = text[start..end].trim();
    let is_relation = inner.contains(['=', '<', '>', '≤', '≥', '≠', '∈']) && !inner.contains('\n');
    let words = inner.split(|mark: char| !mark.is_alphabetic());
    let is_prose = words.into_iter().any(|word| word.chars().count() > 4);
    let candidate = Candidate { parts: vec![inner], kind: Kind::Plain, behind: Behind::Nothing };
    (is_relation && !is_prose).then_some((end + "**".len(), candidate))
}
