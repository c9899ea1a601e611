//! How many steps a solution takes: counted in its numbered list, or read from what somebody wrote about it.

use forethought_schema::{NoSteps, NoStepsReason};

/// Before the number in what a teacher writes.
const OPEN: &str = "<count_step>";
/// After it.
const CLOSE: &str = "</count_step>";
/// More characters of what was found are not kept.
const MOST_FOUND: usize = 80;

/// Why a number of steps is missing, with what was found.
fn none(reason: NoStepsReason, found: &str) -> NoSteps {
    NoSteps { reason, found: found.chars().take(MOST_FOUND).collect() }
}

/// The number of steps that a text tells: `<count_step>5</count_step>`, or the number alone.
///
/// The last tag counts; the closing tag may be missing; white space around the number is no part of it. Digits are those
/// of ASCII and their full-width forms.
///
/// # Errors
///
/// Why there is no number of at least 1.
///
/// ```
/// use forethought_dataset::told_steps;
///
/// assert_eq!(told_steps("1. Add.\n2. Divide.\n<count_step>2</count_step>"), Ok(2));
/// assert_eq!(told_steps("7"), Ok(7));
/// let none = told_steps("<count_step>5 steps</count_step>").expect_err("words");
/// assert_eq!((none.reason.as_str(), none.found.as_str()), ("not_a_whole_number", "5 steps"));
/// ```
pub fn told_steps(text: &str) -> Result<u32, NoSteps> {
    let after = text.rsplit_once(OPEN).map(|(_, after)| after);
    let said = after.map_or(text, |after| after.split(CLOSE).next().unwrap_or(after)).trim();
    let no_number = match after {
        _ if said.is_empty() => NoStepsReason::Empty,
        Some(_) => NoStepsReason::NotAWholeNumber,
        None => NoStepsReason::NoCountTag,
    };
    whole_number(said).ok_or_else(|| none(no_number, said)).and_then(|sign| match sign {
        Whole::Negative => Err(none(NoStepsReason::NegativeSteps, said)),
        Whole::TooLarge => Err(none(NoStepsReason::TooManySteps, said)),
        Whole::Number(0) => Err(none(NoStepsReason::ZeroSteps, said)),
        Whole::Number(number) => Ok(number),
    })
}

/// A whole number as it is written.
enum Whole {
    Number(u32),
    Negative,
    TooLarge,
}

/// Reads a sign and digits, and nothing else.
fn whole_number(text: &str) -> Option<Whole> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits: Option<String> = digits.chars().map(ascii_digit).collect();
    let digits = digits.filter(|digits| !digits.is_empty())?;
    Some(match digits.parse() {
        Ok(number) if !is_negative || number == 0 => Whole::Number(number),
        Ok(_) => Whole::Negative,
        Err(_) => Whole::TooLarge,
    })
}

/// A digit of ASCII, or the one that a full-width digit stands for.
fn ascii_digit(character: char) -> Option<char> {
    let half = match character {
        '０'..='９' => char::from_u32(u32::from(character) - u32::from('０') + u32::from('0'))?,
        other => other,
    };
    half.is_ascii_digit().then_some(half)
}

/// The number of steps that a solution lists: its lines that begin with `1.`, `2)`, `3、`, `(4)`, `Step 5`, `第6步`, with
/// marks of Markdown before them or not.
///
/// Lines that stand further in are parts of a step. The numbers of the others have to be 1, 2, 3, …: where they are not,
/// nobody can tell which lines are steps.
///
/// # Errors
///
/// Why there is no such list.
///
/// ```
/// use forethought_dataset::listed_steps;
///
/// assert_eq!(listed_steps("Add first.\n1. 3 + 4 = 7.\n2. 7 / 2 = 3.5.\nSo 3.5."), Ok(2));
/// assert_eq!(listed_steps("**Step 1:** add\n  1. 3\n  2. 4\n**Step 2:** divide\n**Step 3:** check"), Ok(3));
/// assert_eq!(listed_steps("It is 3.5.").expect_err("no list").reason.as_str(), "no_numbered_steps");
/// ```
pub fn listed_steps(solution: &str) -> Result<u32, NoSteps> {
    let items: Vec<Item> = solution.lines().filter_map(Item::of).collect();
    let Some(outer) = items.iter().map(|item| item.indent).min() else {
        return Err(none(NoStepsReason::NoNumberedSteps, ""));
    };
    let mut count = 0;
    for item in items.iter().filter(|item| item.indent == outer) {
        if item.number != count + 1 {
            let reason = match item.number {
                1 => NoStepsReason::SeveralLists,
                _ => NoStepsReason::NumbersOutOfOrder,
            };
            return Err(none(reason, item.line.trim()));
        }
        count += 1;
    }
    Ok(count)
}

/// A line that begins with the number of a step.
struct Item<'a> {
    /// White space before it, in characters.
    indent: usize,
    number: u32,
    line: &'a str,
}

impl<'a> Item<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let text = line.trim_start();
        let indent = line[..line.len() - text.len()].chars().count();
        let marked = text.trim_start_matches(['#', '*', '_', '>', '-', ' ']);
        let number = numbered(marked)?;
        Some(Self { indent, number, line })
    }
}

/// The number that a line without its marks begins with.
fn numbered(text: &str) -> Option<u32> {
    let (label, rest) = label(text);
    let digits = rest.find(|character| ascii_digit(character).is_none()).unwrap_or(rest.len());
    let after = &rest[digits..];
    let is_item = match label {
        Label::Step => !after.starts_with(char::is_alphanumeric),
        Label::Ordinal => after.starts_with('步'),
        Label::Bracket => after.starts_with([')', '）']),
        Label::None => is_point(after),
    };
    match whole_number(&rest[..digits])? {
        Whole::Number(number) if is_item => Some(number),
        _ => None,
    }
}

/// What may stand before the number of a step.
#[derive(Clone, Copy)]
enum Label {
    /// `Step 1`, `步骤1`.
    Step,
    /// `第1步`.
    Ordinal,
    /// `(1)`.
    Bracket,
    None,
}

fn label(text: &str) -> (Label, &str) {
    if let Some(word) = text.get(..4).filter(|word| word.eq_ignore_ascii_case("step")) {
        return (Label::Step, text[word.len()..].trim_start());
    }
    let labels = [
        ("步骤", Label::Step),
        ("第", Label::Ordinal),
        ("(", Label::Bracket),
        ("（", Label::Bracket),
    ];
    let found = labels
        .iter()
        .find_map(|(word, label)| Some((*label, text.strip_prefix(word)?.trim_start())));
    found.unwrap_or((Label::None, text))
}

/// Whether this follows the number of an item rather than being the rest of a decimal number.
fn is_point(after: &str) -> bool {
    let mut characters = after.chars();
    let point = characters.next();
    let is_end = characters.next().is_none_or(|next| ascii_digit(next).is_none());
    matches!(point, Some('、')) || (matches!(point, Some('.' | '．' | ')' | '）')) && is_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn missing<T: std::fmt::Debug>(label: Result<T, NoSteps>) -> (&'static str, String) {
        let none = label.expect_err("there is no number");
        (none.reason.as_str(), none.found)
    }

    /// The cases of the published workflow, which takes `int(text.split("<count_step>")[-1].split("</count_step>")[0])`
    /// and 0 where that fails.
    #[test]
    fn what_a_teacher_writes_is_read_as_in_the_published_workflow() {
        let cases = [
            ("<count_step>5</count_step>", 5),
            ("x<count_step> 7 \n</count_step> y", 7),
            ("none", 0),
            ("<count_step>5步</count_step>", 0),
            ("<count_step>3</count_step><count_step>4</count_step>", 4),
            ("<count_step>8", 8),
            ("12", 12),
            ("<count_step>3.0</count_step>", 0),
            ("", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(told_steps(text).unwrap_or(0), expected, "{text}");
        }
    }

    #[test]
    fn every_missing_number_has_its_reason() {
        let reason = |text| missing(told_steps(text)).0;
        assert_eq!(reason(" \n"), "empty");
        assert_eq!(reason("<count_step></count_step>"), "empty");
        assert_eq!(reason("I count five."), "no_count_tag");
        assert_eq!(reason("<count_step>5步</count_step>"), "not_a_whole_number");
        assert_eq!(reason("<count_step>3.0</count_step>"), "not_a_whole_number");
        assert_eq!(reason("<count_step>-0</count_step>"), "zero_steps");
        assert_eq!(reason("-3"), "negative_steps");
        assert_eq!(reason("99999999999"), "too_many_steps");
        assert_eq!(told_steps("<count_step>１２</count_step>"), Ok(12));
        assert_eq!(told_steps("+3"), Ok(3));
        let long = format!("<count_step>{}</count_step>", "步".repeat(500));
        assert_eq!(missing(told_steps(&long)).1.chars().count(), 80);
    }

    #[test]
    fn lists_are_recognised_however_they_are_numbered() {
        let lists = [
            "1. a\n2. b\n3. c",
            "Plan:\n1) a\n2) b\n\n3) c",
            "1、甲\n2、乙\n3、丙",
            "(1) a\n(2) b\n（3）c",
            "Step 1: a\nstep 2 - b\n**Step 3**",
            "步骤1：甲\n步骤 2：乙\n步骤3",
            "第1步：甲\n第２步：乙\n第3步，丙",
            "### 1. a\n- x\n### 2. b\n### 3. c",
            "  1. a\n  2. b\n     1. part\n  3. c",
            "- 1. a\n- 2. b\n- 3. c\nAnswer: 1.5",
        ];
        for list in lists {
            assert_eq!(listed_steps(list), Ok(3), "{list}");
        }
    }

    #[test]
    fn numbers_that_begin_a_line_are_no_steps() {
        for text in [
            "1.5 litres\n2.5 litres",
            "12: 12 = 4 x 3",
            "7 apples",
            "Steps follow",
            "第一步",
            "1994.",
            "stepped 1",
        ] {
            let reason = listed_steps(text);
            assert!(reason.is_err(), "{text}: {reason:?}");
        }
    }

    #[test]
    fn a_list_that_does_not_count_up_is_no_label() {
        assert_eq!(missing(listed_steps("1. a\n3. b")), ("numbers_out_of_order", "3. b".into()));
        assert_eq!(missing(listed_steps("1. a\n2. b\n1. c")), ("several_lists", "1. c".into()));
        assert_eq!(missing(listed_steps("2. b\n3. c")), ("numbers_out_of_order", "2. b".into()));
    }
}
