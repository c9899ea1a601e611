//! Words that stand for mathematics: no solution, does not exist, infinitely many, all real numbers.

/// What a phrase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// There is no solution: the empty set.
    Nothing,
    /// There is no value.
    Undefined,
    /// There are infinitely many, or it grows without bound.
    Infinite,
    /// Every real number.
    Reals,
    /// Every whole number.
    Integers,
}

/// A phrase longer than this says more than that, in words.
const LONGEST: usize = 10;

/// What may come between "no" and what there is none of.
const NOUNS: &[&str] =
    &["solution", "solutions", "root", "roots", "intersection", "value", "values"];

/// What else may be said around the words that count.
const PASSED: &[&str] = &[
    "a",
    "an",
    "the",
    "there",
    "is",
    "are",
    "it",
    "has",
    "have",
    "does",
    "do",
    "exist",
    "exists",
    "real",
    "integer",
    "positive",
    "possible",
    "valid",
    "number",
    "numbers",
    "equation",
    "system",
    "limit",
    "function",
    "of",
    "for",
    "this",
    "x",
    "n",
    "which",
    "expression",
    "problem",
    "to",
    "integral",
    "set",
    "integers",
    "solution",
    "solutions",
    "root",
    "roots",
    "such",
    "value",
    "values",
    "answer",
    "answers",
    "intersection",
    "point",
    "points",
    "in",
    "with",
    "only",
    "that",
    "series",
    "sequence",
    "inequality",
    "so",
    "therefore",
    "thus",
    "hence",
    "any",
    "every",
    "all",
    "reals",
    "many",
    "infinitely",
    "we",
    "find",
    "y",
    "z",
    "k",
    "m",
    "a,",
];

const CHINESE: &[(&str, Meaning)] = &[
    ("无解", Meaning::Nothing),
    ("无实数解", Meaning::Nothing),
    ("方程无解", Meaning::Nothing),
    ("空集", Meaning::Nothing),
    ("不存在", Meaning::Undefined),
    ("极限不存在", Meaning::Undefined),
    ("无意义", Meaning::Undefined),
    ("无穷大", Meaning::Infinite),
    ("正无穷", Meaning::Infinite),
    ("无穷多", Meaning::Infinite),
    ("无数", Meaning::Infinite),
    ("无数个", Meaning::Infinite),
    ("无穷多个", Meaning::Infinite),
    ("无穷多解", Meaning::Infinite),
    ("全体实数", Meaning::Reals),
    ("任意实数", Meaning::Reals),
    ("一切实数", Meaning::Reals),
    ("实数集", Meaning::Reals),
    ("全体整数", Meaning::Integers),
    ("任意整数", Meaning::Integers),
];

/// What a phrase says, where it says one of these and nothing else.
pub(crate) fn meaning(phrase: &str) -> Option<Meaning> {
    let bare = phrase.trim_matches(|mark: char| !mark.is_alphanumeric());
    let ends = |words: &str| bare.ends_with(words) && bare.chars().count() <= LONGEST;
    let said = CHINESE.iter().find(|(words, _)| *words == bare);
    // A sentence that ends so says so of its subject.
    let of_subject = || CHINESE.iter().find(|(words, _)| words.len() > 4 && ends(words));
    if let Some((_, meaning)) = said.or_else(of_subject) {
        return Some(*meaning);
    }
    let lower = bare.to_lowercase();
    let words: Vec<&str> = lower
        .split(|mark: char| !mark.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(LONGEST + 1)
        .collect();
    if words.is_empty() || words.len() > LONGEST {
        return None;
    }
    let has = |wanted: &str| words.contains(&wanted);
    let only =
        |counted: &[&str]| words.iter().all(|word| counted.contains(word) || PASSED.contains(word));
    let such = has("such") && (has("exists") || has("exist"));
    let none = has("no") && (such || words.iter().any(|word| NOUNS.contains(word)));
    let empty = has("empty") && has("set");
    if lower == "none" || (none && only(&["no"])) || (empty && only(&["empty"])) {
        return Some(Meaning::Nothing);
    }
    let denied = has("not") && (has("exist") || has("defined"));
    let undefined = lower == "dne" || has("undefined");
    if undefined && only(&["dne", "undefined"]) || denied && only(&["not", "defined"]) {
        // "No such x exists" is said of solutions, "the limit does not exist" of values.
        let counted = has("such") || has("solution") || has("solutions");
        return Some(if counted { Meaning::Nothing } else { Meaning::Undefined });
    }
    let infinite = has("infinite") || (has("infinitely") && has("many")) || has("infinity");
    if infinite && only(&["infinite", "infinity", "diverges", "positive"]) {
        return Some(Meaning::Infinite);
    }
    let all = has("all") || has("any") || has("every");
    let real = has("reals") || has("real");
    if all && has("integers") && !real && !has("positive") && only(&[]) {
        return Some(Meaning::Integers);
    }
    let some = has("positive") || has("integer") || has("integers") || has("only");
    (all && real && !some && only(&[])).then_some(Meaning::Reals)
}

#[cfg(test)]
mod tests {
    use super::{Meaning, meaning};

    #[test]
    fn phrases_say_what_they_mean() {
        for (phrase, expected) in [
            ("no solution", Some(Meaning::Nothing)),
            ("There are no real solutions", Some(Meaning::Nothing)),
            ("The equation has no solution.", Some(Meaning::Nothing)),
            ("no such x exists", Some(Meaning::Nothing)),
            ("the empty set", Some(Meaning::Nothing)),
            ("无解", Some(Meaning::Nothing)),
            ("DNE", Some(Meaning::Undefined)),
            ("The limit does not exist", Some(Meaning::Undefined)),
            ("undefined", Some(Meaning::Undefined)),
            ("infinitely many solutions", Some(Meaning::Infinite)),
            ("infinity", Some(Meaning::Infinite)),
            ("negative infinity", None),
            ("not infinite", None),
            ("all real numbers", Some(Meaning::Reals)),
            ("all real numbers except 2", None),
            ("all positive real numbers", None),
            ("no", None),
            ("no such answer", None),
            ("the solution", None),
            ("Evelyn", None),
        ] {
            assert_eq!(meaning(phrase), expected, "{phrase}");
        }
    }
}
