//! What the words of the page mean.

use crate::target::Target;
use crate::{Quantity, amount_of_class};

/// The words of a report on this target, each with its meaning.
pub(super) fn glossary(target: Target) -> Vec<(String, String)> {
    let words = target.quantity.words();
    let strict =
        format!("the share of questions whose predicted number is the {} itself.", words.class);
    let within =
        format!("the share whose prediction is at most so many {} off.", words.unit_classes);
    let mut glossary = vec![
        ("class".to_owned(), target.definition()),
        ("strict".to_owned(), strict),
        (limits(target.quantity), within),
    ];
    if target.quantity.measures().iter().any(|measure| measure.is_of_parsed()) {
        let meaning = "the same among the answers that hold a number, as the published workflow counts: a model that \
                       says nothing where it is unsure gains by it.";
        glossary.push(("of parsed".to_owned(), meaning.to_owned()));
    }
    glossary.push(("MAE".to_owned(), mean_absolute_error(target)));
    let unparseable = "answers without a number. They count as wrong in every share";
    let except =
        if glossary.iter().any(|(word, _)| word == "of parsed") { " of all." } else { "." };
    glossary.push(("unparseable".to_owned(), format!("{unparseable}{except}")));
    let interval = "shares: Wilson's score interval; means: normal approximation. Intervals that do not touch mean that \
                    chance hardly explains the difference.";
    glossary.push(("95% interval".to_owned(), interval.to_owned()));
    glossary
}

/// The tolerances of the table in one word: `±0.5, ±1, ±2`.
fn limits(quantity: Quantity) -> String {
    let measures = quantity.measures().iter();
    let limits = measures.filter(|measure| measure.is_limit()).map(|measure| measure.name());
    limits.collect::<Vec<_>>().join(", ")
}

fn mean_absolute_error(target: Target) -> String {
    let class = match target.quantity {
        Quantity::ThinkingTokens => {
            let middle = amount_of_class(0.0, target.class_width);
            format!(", a class standing for its middle ({middle} for class 0)")
        }
        Quantity::Steps => String::new(),
    };
    let unit = target.quantity.words().unit;
    format!("mean absolute error in {unit}{class}; answers without a number are left out of it.")
}
