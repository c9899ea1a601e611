//! Names that a slip of the keyboard could have turned into others.

/// The name that a slip of the keyboard could have turned into `name`: at most one edit in three letters.
pub(crate) fn nearest(name: &str, found: &[String]) -> Option<String> {
    let allowed = (name.chars().count() / 3).max(1);
    let distances = found.iter().map(|one| (strsim::damerau_levenshtein(name, one), one));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, one)| one.clone())
}

/// The nearest name as a question, or nothing.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}
