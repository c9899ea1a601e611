//! The last boxed answer, compared with the solution as a string that was tidied first.

use forethought_verify::last_boxed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgainstSolution, Score, Verdict, accuracy};

/// Settings of [`BoxedAccuracy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoxedAccuracyConfig {
    /// The column that holds the solution, which may itself have a box. Default `solution`.
    pub solution: String,
}

impl Default for BoxedAccuracyConfig {
    fn default() -> Self {
        Self { solution: accuracy::solution() }
    }
}

impl BoxedAccuracyConfig {
    /// Builds the function.
    #[must_use]
    pub fn init(&self) -> BoxedAccuracy {
        BoxedAccuracy(self.clone())
    }
}

/// 1 where the last box holds the solution by [`is_equiv`], 0 where it holds something else or there is none.
#[derive(Clone, Debug)]
pub struct BoxedAccuracy(BoxedAccuracyConfig);

impl AgainstSolution for BoxedAccuracy {
    const NAME: &'static str = "boxed_accuracy";

    fn solution(&self) -> &str {
        &self.0.solution
    }

    fn judge(&self, completion: &str, solution: &str) -> Score {
        let gold = last_boxed(solution).and_then(remove_boxed).unwrap_or(solution);
        let Some(answer) = last_boxed(completion).and_then(remove_boxed) else {
            return Score::new(0.0, Verdict::Unparseable, "the completion has no closed box")
                .with_gold(gold);
        };
        let is_equal = is_equiv(answer, gold);
        let (value, word) = if is_equal { (1.0, "is") } else { (0.0, "is not") };
        let reason = format!("the box {word} the solution, compared as strings");
        Score::new(value, Verdict::from(is_equal), reason).with_answer(answer).with_gold(gold)
    }
}

/// The content of what [`last_boxed`] finds: `remove_boxed` of Hendrycks et al. (2021), which knows `\boxed` alone;
/// `None` for an `\fbox`.
///
/// ```
/// use forethought_reward::remove_boxed;
///
/// assert_eq!(remove_boxed(r"\boxed{\frac{1}{2}}"), Some(r"\frac{1}{2}"));
/// assert_eq!(remove_boxed(r"\boxed 5"), Some("5"));
/// ```
#[must_use]
pub fn remove_boxed(boxed: &str) -> Option<&str> {
    boxed
        .strip_prefix("\\boxed ")
        .or_else(|| boxed.strip_prefix("\\boxed{").and_then(|rest| rest.strip_suffix('}')))
}

/// Whether two answers are the same string once they are tidied: `is_equiv` of Hendrycks et al. (2021).
#[must_use]
pub fn is_equiv(left: &str, right: &str) -> bool {
    normalized(left) == normalized(right)
}

/// An answer tidied: `strip_string` of Hendrycks et al. (2021); as it was where that fails.
///
/// Line breaks, spaces, `\!`, `\left`, `\right`, `\$`, `\%`, `%` and degrees go, a unit behind `\text{ ` goes, `x=5` is
/// 5 where the name is short, `.5` is 0.5, fractions and roots get their braces, and `a/b` of whole numbers is a fraction.
#[must_use]
pub fn normalized(answer: &str) -> String {
    strip_string(answer).unwrap_or_else(|| answer.to_owned())
}

/// `None` where the source raises an error.
fn strip_string(answer: &str) -> Option<String> {
    let mut text = answer.replace('\n', "").replace("\\!", "").replace("\\\\", "\\");
    text = text.replace("tfrac", "frac").replace("dfrac", "frac");
    text = text.replace("\\left", "").replace("\\right", "");
    text = text.replace("^{\\circ}", "").replace("^\\circ", "").replace("\\$", "");
    text = without_units(text)?;
    text = text.replace("\\%", "").replace('%', "");
    text = text.replace(" .", " 0.").replace("{.", "{0.");
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    if let [name, value] = text.split('=').collect::<Vec<_>>()[..]
        && name.chars().count() <= 2
    {
        text = String::from(value);
    }
    text = with_braces_of_roots(&text)?;
    text = with_braces_of_fractions(&text.replace(' ', ""));
    if text == "0.5" {
        "\\frac{1}{2}".clone_into(&mut text);
    }
    Some(slash_as_fraction(&text))
}

/// What stands before `\text{ `; a second one is an error in the source.
fn without_units(text: String) -> Option<String> {
    match text.split("\\text{ ").collect::<Vec<_>>()[..] {
        [_] => Some(text),
        [before, _] => Some(before.to_owned()),
        _ => None,
    }
}

/// `\sqrt3` as `\sqrt{3}`; a root of nothing is an error in the source.
fn with_braces_of_roots(text: &str) -> Option<String> {
    let mut parts = text.split("\\sqrt");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let first = part.chars().next()?;
        if first == '{' {
            out.push_str("\\sqrt");
            out.push_str(part);
        } else {
            out.extend(["\\sqrt{", &part[..first.len_utf8()], "}", &part[first.len_utf8()..]]);
        }
    }
    Some(out)
}

/// `\frac12`, `\frac1{72}` as `\frac{1}{2}`, `\frac{1}{72}`; the text as it was where a fraction lacks its parts.
fn with_braces_of_fractions(text: &str) -> String {
    let mut parts = text.split("\\frac");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("\\frac");
        if part.starts_with('{') {
            out.push_str(part);
            continue;
        }
        let bounds: Vec<usize> = part.char_indices().map(|(at, _)| at).take(3).collect();
        let [_, second, ..] = bounds[..] else { return text.to_owned() };
        let third = bounds.get(2).copied().unwrap_or(part.len());
        let (above, below, rest) = (&part[..second], &part[second..third], &part[third..]);
        let braced = ["{", above, "}{", below, "}", rest];
        let open = ["{", above, "}{", rest];
        out.extend(if below == "{" { &open[..] } else { &braced }.iter().copied());
    }
    out
}

/// `3/4` as `\frac{3}{4}`, where both are whole numbers written plainly.
fn slash_as_fraction(text: &str) -> String {
    let [above, below] = text.split('/').collect::<Vec<_>>()[..] else { return text.to_owned() };
    match (above.parse::<i64>(), below.parse::<i64>()) {
        (Ok(a), Ok(b)) if text == format!("{a}/{b}") => format!("\\frac{{{a}}}{{{b}}}"),
        _ => text.to_owned(),
    }
}
