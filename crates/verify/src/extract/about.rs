//! Values that are said once more, roughly: `2√5, which is approximately 4.472`.

use super::{Candidate, offset};

/// Words before a rough value.
const ABOUT: [&str; 6] = ["approximately", "about", "roughly", "approx.", "≈", "约为"];
/// What joins a rough value to the exact one.
const JOINING: [&str; 8] = [",", "，", "or", "which is", "i.e.", "that is", "(", "it is"];
/// How far apart the two may stand, in bytes.
const REACH: usize = 60;

/// The exact value before a candidate that only says roughly what it is; the candidates are those that rank behind it.
pub(super) fn exact_before<'a>(
    text: &str,
    rough: &Candidate<'_>,
    ranked: &mut impl Iterator<Item = Candidate<'a>>,
) -> Option<Candidate<'a>> {
    let start = offset(text, rough.parts.first()?)?;
    let before = text[..start].trim_end_matches([' ', '$', '*', '(', '\\', '[']);
    let said = ABOUT.iter().find_map(|word| before.strip_suffix(word))?.trim_end();
    JOINING.iter().any(|word| said.ends_with(word)).then_some(())?;
    let is_before = |candidate: &Candidate<'_>| {
        let last = candidate.parts.last().copied().unwrap_or_default();
        let end = offset(text, last).map(|at| at + last.len());
        end.is_some_and(|end| end < start && start - end < REACH)
    };
    ranked.find(is_before)
}
