//! Whether columns hold what a shape says, judged by some rows.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shape::Holds;
use crate::{Layout, Part, Tags, verdict};

/// The longest result of an exercise, in bytes: a longer text is a solution.
const LONGEST_RESULT: usize = 64;

/// How many of the sampled values must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// At least one: the shape was declared.
    Some,
    /// Nine in ten: a few broken rows hide no shape.
    Nearly,
    /// More than half: many broken rows hide none either, where nothing fits better.
    Mostly,
}

/// A column that does not hold what its part says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// What it should hold.
    pub(super) holds: Holds,
    /// The column.
    pub(super) column: String,
    /// What does not fit, in words.
    pub(super) why: String,
}

/// The values of a column that are not null.
pub(super) fn values<'s>(sample: &'s [Value], column: &str) -> Vec<&'s Value> {
    let values = sample.iter().filter_map(|row| row.get(column));
    values.filter(|value| !value.is_null()).collect()
}

/// What does not fit; nothing where all parts that are there do.
///
/// Who declares a shape, or the column of a part, is believed as to what the texts in it say.
pub(super) fn misfit(
    layout: &Layout,
    sample: &[Value],
    share: Share,
    declared: &BTreeMap<Part, String>,
) -> Option<Misfit> {
    let parts = layout.shape().parts().iter();
    parts.filter_map(|of| Some((of, layout.columns().get(&of.part)?))).find_map(|(of, column)| {
        let values = values(sample, column);
        let is_declared = share == Share::Some || declared.contains_key(&of.part);
        let holds = match of.holds {
            Holds::Result if is_declared => Holds::Told,
            Holds::Flag if is_declared => Holds::ToldFlag,
            holds => holds,
        };
        let num_fitting = num_fitting(holds, &values, layout.tags());
        let is_enough = match share {
            Share::Some => values.is_empty() || num_fitting > 0,
            Share::Nearly => 10 * num_fitting >= 9 * values.len(),
            Share::Mostly => 2 * num_fitting > values.len(),
        };
        let is_there = !of.is_required || !values.is_empty() || sample.is_empty();
        let expected = expected(holds, layout.tags());
        let why = match (is_there, is_enough) {
            (false, _) => format!("`{column}` is null or missing, expected {expected}"),
            (_, false) => format!("`{column}` does not hold {expected}"),
            _ => return None,
        };
        Some(Misfit { holds, column: column.clone(), why })
    })
}

/// How many values are what they should be. Numbers beside 0 and 1 say that all of them are a class, or a rating.
fn num_fitting(holds: Holds, values: &[&Value], tags: &Tags) -> usize {
    let is_class = |value: &&Value| value.is_number() && verdict::plain(value).is_none();
    let are_classes = holds == Holds::Flag && values.iter().any(is_class);
    let values = values.iter().filter(|value| !(are_classes && value.is_number()));
    values.filter(|value| is_fitting(holds, value, tags)).count()
}

fn is_fitting(holds: Holds, value: &Value, tags: &Tags) -> bool {
    match holds {
        Holds::Text => value.is_string(),
        Holds::Prose => value.is_string() || are_turns(value, tags),
        Holds::Turns => are_turns(value, tags),
        Holds::Turn => is_turn(value, tags),
        Holds::Flag => verdict::plain(value).is_some(),
        Holds::ToldFlag => verdict::told(value).is_some(),
        Holds::Number => value.is_number(),
        Holds::History => value.is_array(),
        Holds::Tools => value.is_string() || value.is_array(),
        Holds::Hashes => value.as_str().is_some_and(|text| text.contains("####")),
        Holds::Boxed => value.as_str().is_some_and(|text| text.contains("\\boxed")),
        Holds::Told => value.is_number() || value.is_string(),
        Holds::Result => value.is_number() || value.as_str().is_some_and(is_result),
    }
}

fn is_result(text: &str) -> bool {
    text.len() <= LONGEST_RESULT && !text.trim().contains('\n')
}

fn are_turns(value: &Value, tags: &Tags) -> bool {
    value.as_array().is_some_and(|turns| turns.iter().all(|turn| is_turn(turn, tags)))
}

fn is_turn(value: &Value, tags: &Tags) -> bool {
    let role = value.get(&tags.role_tag).and_then(Value::as_str);
    let says = value.get(&tags.content_tag).or_else(|| value.get("tool_calls"));
    says.is_some() && role.is_some_and(|role| tags.speaker(role).is_some())
}

fn expected(holds: Holds, tags: &Tags) -> String {
    let turn = || {
        format!(
            "{{{}: {}, {}}}",
            tags.role_tag,
            tags.listed().replace(", ", " | "),
            tags.content_tag
        )
    };
    match holds {
        Holds::Text => "texts".to_owned(),
        Holds::Prose => format!("texts or lists of {}", turn()),
        Holds::Turns => format!("lists of {}", turn()),
        Holds::Turn => turn(),
        Holds::Flag => "true and false, or 1 and 0".to_owned(),
        Holds::ToldFlag => "true and false, 1 and 0, or words such as yes and no".to_owned(),
        Holds::Number => "numbers".to_owned(),
        Holds::History => "lists of pairs of texts".to_owned(),
        Holds::Tools => "lists of tools".to_owned(),
        Holds::Hashes => "texts with ####".to_owned(),
        Holds::Boxed => "texts with \\boxed{}".to_owned(),
        Holds::Told => "numbers or texts".to_owned(),
        Holds::Result => "numbers or short texts of one line".to_owned(),
    }
}
