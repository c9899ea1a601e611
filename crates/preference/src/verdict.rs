//! What says of a completion whether it is desirable: true and false, 1 and 0, or words for these.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

/// Words for a desirable completion, in lower case.
const YES: [&str; 8] = ["true", "yes", "y", "desirable", "chosen", "good", "positive", "accepted"];
/// Words for one that is none.
const NO: [&str; 8] = ["false", "no", "n", "undesirable", "rejected", "bad", "negative", "refused"];
/// So many different values may be a verdict: good, bad and neither. More of them are a class.
const MOST: usize = 3;

/// What a value says that is true or false, 1 or 0.
pub(crate) fn plain(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => of_number(number),
        _ => None,
    }
}

/// What a value says where somebody has said that it is a verdict: words count too, and digits in a text.
pub(crate) fn told(value: &Value) -> Option<bool> {
    plain(value).or_else(|| match value.as_str()?.trim() {
        "1" => Some(true),
        "0" => Some(false),
        word => of_word(word),
    })
}

fn of_number(number: &Number) -> Option<bool> {
    let bits = number.as_f64()?.to_bits();
    let known = [(0.0_f64, false), (1.0, true)];
    known.into_iter().find(|(one, _)| one.to_bits() == bits).map(|(_, verdict)| verdict)
}

fn of_word(text: &str) -> Option<bool> {
    let word = text.to_lowercase();
    let is_in = |words: [&str; 8]| words.contains(&word.as_str());
    is_in(YES).then_some(true).or_else(|| is_in(NO).then_some(false))
}

/// The values of a column that may be verdicts, each once; nothing of a column that holds a class: more than three
/// different values, and no word for yes or no among them.
pub(crate) fn doubtful<'v>(values: impl IntoIterator<Item = &'v Value>) -> Option<Vec<&'v Value>> {
    let mut seen = BTreeSet::new();
    let different: Vec<&Value> =
        values.into_iter().filter(|value| seen.insert(value.to_string())).collect();
    let is_word = |value: &&Value| value.is_boolean() || value.as_str().and_then(of_word).is_some();
    let is_doubtful = (1..=MOST).contains(&different.len()) || different.iter().any(is_word);
    is_doubtful.then_some(different)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_verdicts_where_they_are_0_and_1_and_words_where_somebody_says_so() {
        let both = |value: Value| (plain(&value), told(&value));
        for yes in [json!(true), json!(1), json!(1.0)] {
            assert_eq!(both(yes), (Some(true), Some(true)));
        }
        for no in [json!(false), json!(0), json!(0.0)] {
            assert_eq!(both(no), (Some(false), Some(false)));
        }
        assert_eq!(both(json!(" Yes ")), (None, Some(true)));
        assert_eq!(both(json!("0")), (None, Some(false)));
        for none in [json!(2), json!(-1), json!(0.5), json!("maybe"), json!([1]), json!(null)] {
            assert_eq!(both(none), (None, None));
        }
    }

    #[test]
    fn more_than_three_values_are_a_class_unless_one_of_them_says_yes_or_no() {
        let found = |values: Value| {
            let values = values.as_array().cloned().unwrap_or_default();
            doubtful(&values).map(|values| values.len())
        };
        assert_eq!(found(json!([3, 5, 3])), Some(2));
        assert_eq!(found(json!(["ok", "wrong", "ok", "unknown"])), Some(3));
        assert_eq!(found(json!([0, 1, 2, 3, 3])), None);
        assert_eq!(found(json!(["algebra", "logic", "sets", "trees"])), None);
        assert_eq!(found(json!(["yes", "maybe", "often", "never"])), Some(4));
        assert_eq!(found(json!([])), None);
    }
}
