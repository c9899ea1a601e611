//! Whether an answer is right, decided as mathematics: exactly where possible, by proofs of difference and seeded tests
//! of identity elsewhere, under a budget of steps and never of time.
//!
//! ```
//! use forethought_verify::{Limits, Rules, Verdict, equivalent, extract};
//!
//! let (rules, limits) = (Rules::default(), Limits::default());
//! let gold = extract(r"$\frac{1+\sqrt{5}}{2}$", &rules, &limits);
//! let answer = extract(r"The final answer is $\frac{2}{\sqrt{5}-1}$.", &rules, &limits);
//! let judgement = equivalent(&gold, &answer, &limits);
//! assert_eq!(judgement.verdict, Verdict::Equal);
//! println!("{} by {}", judgement.verdict.name(), judgement.rule.name()); // equal by numeric
//! ```
//!
//! [`verify`] does all of it with defaults. [`Rules`] say where an answer is looked for, [`Comparison`] what counts as equal,
//! [`Limits`] how much work a verdict may take; a [`Judgement`] has the verdict, the rule that decided, and both answers as
//! they were read. Nothing here panics, whatever the text, and nothing reads a clock, a file or a global.

mod angle;
mod compare;
mod complex;
mod display;
mod exact;
mod expression;
mod extract;
mod field;
mod lexer;
mod limits;
mod number;
mod numeric;
mod parser;
mod quantity;
mod rename;
mod seeded;
mod settle;
mod unit;
mod verdict;
mod wording;

use compare::Judge;
use expression::Arena;
use verdict::{Finding, Outcome};

pub use compare::{Comparison, Inequalities, Manner, Names};
pub use extract::{
    Answers, Bare, Euler, Notation, Rules, Thoughts, Unannounced, extract, last_boxed,
};
pub use limits::Limits;
pub use verdict::{Judgement, Rule, Verdict};

/// Compares a gold answer with an answer as [`Comparison::default`] says.
#[must_use]
pub fn equivalent(gold: &Answers, answer: &Answers, limits: &Limits) -> Judgement {
    equivalent_by(gold, answer, Comparison::default(), limits)
}

/// Compares a gold answer with an answer.
#[must_use]
pub fn equivalent_by(
    gold: &Answers,
    answer: &Answers,
    comparison: Comparison,
    limits: &Limits,
) -> Judgement {
    let finding = find(gold, answer, comparison, limits);
    let (gold_parsed, answer_parsed) = (gold.shown(), answer.shown());
    let same_text = match (gold.text(), answer.text()) {
        (Some(x), Some(y)) => bare(x) == bare(y) && !gold.is_about_others(answer),
        _ => false,
    };
    let judged = |verdict, rule| Judgement { verdict, rule, gold_parsed, answer_parsed };
    match finding {
        Some(Finding { outcome: Outcome::Equal, rule }) => judged(Verdict::Equal, rule),
        _ if same_text => judged(Verdict::Equal, Rule::SameText),
        Some(Finding { outcome: Outcome::Different, rule }) => judged(Verdict::Different, rule),
        Some(Finding { outcome: Outcome::Unknown, rule }) => judged(Verdict::Undecided, rule),
        None if !gold.is_read() => judged(Verdict::GoldUnparseable, Rule::Unread),
        None => judged(Verdict::AnswerUnparseable, Rule::Unread),
    }
}

/// Finds both answers in texts and compares them, with default rules and limits.
///
/// ```
/// use forethought_verify::{Verdict, verify};
///
/// assert_eq!(verify("0.5", r"\boxed{\frac12}").verdict, Verdict::Equal);
/// assert_eq!(verify("9^{9^{9^9}}", "1").verdict, Verdict::Undecided);
/// ```
#[must_use]
pub fn verify(gold: &str, answer: &str) -> Judgement {
    let (rules, limits) = (Rules::default(), Limits::default());
    equivalent(&extract(gold, &rules, &limits), &extract(answer, &rules, &limits), &limits)
}

/// The best finding over all readings of both sides; `None` where a side has none.
fn find(
    gold: &Answers,
    answer: &Answers,
    comparison: Comparison,
    limits: &Limits,
) -> Option<Finding> {
    let mut arena = Arena::default();
    let place_gold = arena.absorb(&gold.arena);
    let place_answer = arena.absorb(&answer.arena);
    let mut judge = Judge::new(arena, comparison, *limits);
    let mut best: Option<Finding> = None;
    // Of two labelled choices the letters decide, for what stands behind them may be the same by chance.
    if let (Some(x), Some(y)) = (gold.label, answer.label) {
        return Some(Finding::new(x == y, Rule::Words));
    }
    for x in &gold.readings {
        for y in &answer.readings {
            let (x, y) = (place_gold(*x), place_answer(*y));
            let finding = judge.judge(x, y);
            let finding = judge.general(
                (x, gold.parameter.as_ref()),
                (y, answer.parameter.as_ref()),
                finding,
            );
            best = Some(best.map_or(finding, |best| best.or(|| finding)));
        }
    }
    best
}

/// A text without what does not show: spaces and the commands that size brackets.
fn bare(text: &str) -> String {
    let sized = ["\\left", "\\right", "\\!", "\\,", "\\;", "\\displaystyle"];
    let plain = sized
        .iter()
        .fold(text.replace("\\dfrac", "\\frac"), |text, command| text.replace(command, ""));
    plain.chars().filter(|mark| !mark.is_whitespace() && *mark != '$').take(10_000).collect()
}

/// The example of the readme.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
