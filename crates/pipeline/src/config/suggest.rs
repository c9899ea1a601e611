//! What serde says, in the words of a user: the nearest valid name for a misspelt one.

/// Adds `did you mean …` to a message of serde that lists what it expected.
///
/// serde writes ``unknown field `rat`, expected one of `rate`, `steps` `` and the same for variants; the first name in
/// back-quotes is the one found, the others are allowed. What is no finite number is said to be none.
pub(crate) fn with_nearest_name(message: &str) -> String {
    if let Some(words) = super::plain::in_words(message) {
        return words;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match names.next().filter(|_| is_unknown).and_then(|found| nearest(found, names)) {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message.to_owned(),
    }
}

/// The candidate most like the name, if any is like it at all: in most of its letters, or but for one slip of the keyboard.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let is_slip = |candidate| strsim::damerau_levenshtein(name, candidate) == 1;
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, candidate)| *similarity > 0.7 || is_slip(candidate))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_added_to_an_unknown_field() {
        let message = "unknown field `learning_rat`, expected one of `learning_rate`, `max_steps`";
        let expected = format!("{message}; did you mean `learning_rate`?");
        assert_eq!(with_nearest_name(message), expected);
    }

    #[test]
    fn two_letters_of_a_short_name_may_be_swapped() {
        assert_eq!(nearest("stf", ["ingest", "sft", "grpo"].into_iter()), Some("sft"));
        assert_eq!(nearest("xyz", ["ingest", "sft", "grpo"].into_iter()), None);
    }

    #[test]
    fn nothing_is_suggested_where_nothing_is_near() {
        let message = "unknown field `zzz`, expected `seed` or `name`";
        assert_eq!(with_nearest_name(message), message);
    }

    #[test]
    fn other_messages_stay_as_they_are() {
        let message = "invalid type: string \"a\", expected f64";
        assert_eq!(with_nearest_name(message), message);
    }
}
