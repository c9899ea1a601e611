//! Relations in bold type: `**x + 2y = 3**`.

use super::{Behind, Candidate, Kind};

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
