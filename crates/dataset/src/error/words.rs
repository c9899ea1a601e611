//! Names in messages: those that are missing, those there are, and those that a slip of the keyboard made.

use std::path::Path;

use super::DatasetError;

/// An error naming the wanted columns that are not among those found.
pub(crate) fn require_columns(
    path: &Path,
    wanted: &[&str],
    found: &[String],
) -> Result<(), DatasetError> {
    let missing: Vec<String> = wanted
        .iter()
        .filter(|name| !found.iter().any(|other| other == *name))
        .map(ToString::to_string)
        .collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let nearest = nearest(first, found.iter().map(String::as_str));
    Err(DatasetError::MissingColumns {
        path: path.to_owned(),
        nearest,
        missing,
        found: found.to_vec(),
    })
}

/// The candidate that a slip of the keyboard could have turned into `name`: at most one edit in three letters.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// `; did you mean …?`, or nothing.
pub(crate) fn hint(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What is wrong with the choice of a part, under which key it is chosen, and which parts there are.
pub(super) fn wanted_part(
    wanted: Option<&str>,
    found: &[String],
    (part, key): (&str, &str),
) -> String {
    let there = match found {
        [] => format!("it has no {part}s; leave out `{key}`"),
        names => format!("it has: {}", names.join(", ")),
    };
    match wanted {
        None => format!("there are several {part}s; choose one with `{key}`; {there}"),
        Some(name) => {
            let hint = hint(nearest(name, found.iter().map(String::as_str)).as_deref());
            format!("there is no {part} `{name}`{hint}; {there}")
        }
    }
}

/// Columns in a list, or words for an empty one.
pub(crate) fn listed(names: &[String]) -> String {
    if names.is_empty() { "no columns".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_slip_away_or_there_is_none() {
        let columns = ["prompt", "completion", "id"];
        assert_eq!(nearest("promt", columns).as_deref(), Some("prompt"));
        assert_eq!(nearest("complection", columns).as_deref(), Some("completion"));
        assert_eq!(nearest("messages", columns), None);
    }

    #[test]
    fn missing_columns_are_named_with_the_nearest_and_with_those_there_are() {
        let found = ["promt", "completion"].map(String::from);
        let error = require_columns(Path::new("a.jsonl"), &["prompt", "completion"], &found)
            .expect_err("prompt is missing");
        assert_eq!(
            error.to_string(),
            "a.jsonl: no column `prompt` (did you mean `promt`?); it has: promt, completion"
        );
    }
}
