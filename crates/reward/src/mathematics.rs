//! Whether a completion's answer is the solution, by the rules of one of the programs that reward this.

use forethought_verify::{
    Answers, Comparison, Euler, Inequalities, Judgement, Limits, Manner, Notation, Rules, Thoughts,
    Unannounced, Verdict as Verified, equivalent_by, extract,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;
use crate::{Score, Verdict};

/// Whose rules say what an answer is and when it is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Semantics {
    /// open-r1 as it stands: gold in any notation, answers in LaTeX and announced (a box, or mathematics behind "answer"),
    /// compared as Math-Verify does. A gold that cannot be read leaves the completion unjudged.
    #[default]
    #[serde(rename = "open-r1")]
    OpenR1,
    /// open-r1 of February 2025: gold in LaTeX alone, and one that cannot be read counts as answered.
    #[serde(rename = "open-r1-2025-02")]
    OpenR1Early,
    /// TRL 1.16. It differs from open-r1 where a function is scaled by length: in tokens, and never beyond the bounds.
    #[serde(rename = "trl-1.16")]
    Trl,
    /// The crate `verify` with its defaults: gold and answer in any notation, announced or not, units and per cent signs
    /// taken seriously.
    #[serde(rename = "verify")]
    Verify,
}

/// What is rewarded: open-r1 reads golds with one rule for accuracy and with another where it scales by length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Accuracy,
    Scaling,
}

/// Compares completions with solutions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grader {
    gold: Rules,
    answer: Rules,
    comparison: Comparison,
    /// Whether the answer takes the place of the gold in the comparison, as it did and in places does in open-r1.
    order: Order,
    braces: Braces,
    limits: Limits,
}

/// Whether `\frac12` and `\sqrt3` are answers: open-r1 and TRL switch the repair of "malformed operators" off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Braces {
    Wanted,
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    GoldFirst,
    AnswerFirst,
}

/// What became of one comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    Right,
    Wrong,
    /// The completion has no answer that can be read.
    NoAnswer,
    /// The answer has a fraction or root without braces.
    NoBraces,
    /// The limits were reached.
    Undecided,
    /// The gold cannot be read.
    NoGold,
}

/// A grade, and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Graded {
    pub(crate) grade: Grade,
    gold: String,
    answer: Option<String>,
    rule: &'static str,
}

impl Grader {
    pub(crate) fn new(semantics: Semantics, purpose: Use) -> Self {
        let limits = Limits::default();
        if semantics == Semantics::Verify {
            let (rules, comparison) = (Rules::default(), Comparison::default());
            let (order, braces) = (Order::GoldFirst, Braces::Optional);
            return Self { gold: rules, answer: rules, comparison, order, braces, limits };
        }
        let is_early = semantics == Semantics::OpenR1Early
            || (semantics == Semantics::OpenR1 && purpose == Use::Scaling);
        let gold = Rules {
            notation: if is_early { Notation::Latex } else { Notation::Any },
            boxed: Some(50),
            bare: forethought_verify::Bare::Search,
            euler: Euler::Factor,
            thoughts: Thoughts::Read,
            ..Rules::default()
        };
        let answer = Rules {
            notation: Notation::Latex,
            boxed: Some(0),
            unannounced: Unannounced::Ignored,
            ..gold
        };
        let comparison = Comparison {
            inequalities: Inequalities::AreSetsInGold,
            manner: Manner::MathVerify,
            ..Comparison::default()
        };
        let order = if is_early { Order::AnswerFirst } else { Order::GoldFirst };
        Self { gold, answer, comparison, order, braces: Braces::Wanted, limits }
    }

    pub(crate) fn grade(&self, gold: &str, completion: &str) -> Graded {
        let gold_read = extract(gold, &self.gold, &self.limits);
        let shown = |answers: &Answers| answers.text().map(str::to_owned);
        let gold_shown = shown(&gold_read).unwrap_or_else(|| gold.to_owned());
        if !has_something(&gold_read) {
            return Graded { grade: Grade::NoGold, gold: gold_shown, answer: None, rule: "unread" };
        }
        let answer = extract(completion, &self.answer, &self.limits);
        let text = answer.text().filter(|_| self.braces == Braces::Wanted);
        if let Some(text) = text.filter(|text| lacks_braces(text)) {
            let answer = Some(text.to_owned());
            return Graded { grade: Grade::NoBraces, gold: gold_shown, answer, rule: "unread" };
        }
        let judgement = self.compare(&gold_read, &answer);
        let grade = match judgement.verdict {
            Verified::Equal => Grade::Right,
            Verified::Undecided => Grade::Undecided,
            _ if !has_something(&answer) => Grade::NoAnswer,
            // A gold that is words can only be repeated.
            Verified::Different | Verified::GoldUnparseable | Verified::AnswerUnparseable => {
                Grade::Wrong
            }
        };
        Graded { grade, gold: gold_shown, answer: shown(&answer), rule: judgement.rule.name() }
    }

    fn compare(&self, gold: &Answers, answer: &Answers) -> Judgement {
        match self.order {
            Order::GoldFirst => equivalent_by(gold, answer, self.comparison, &self.limits),
            Order::AnswerFirst => equivalent_by(answer, gold, self.comparison, &self.limits),
        }
    }
}

/// Whether a fraction or a root lacks the braces around its parts.
fn lacks_braces(text: &str) -> bool {
    let after = |command: &'static str| {
        text.match_indices(command).map(|(at, _)| &text[at + command.len()..])
    };
    let bare_fraction = |rest: &str| {
        let below = braced(rest).map(str::trim_start);
        below.is_none_or(|below| !below.starts_with('{'))
    };
    let bare_root = |rest: &str| {
        let rest = rest.trim_start();
        let degree = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        !degree.map_or(rest, |(_, rest)| rest.trim_start()).starts_with('{')
    };
    ["\\frac", "\\dfrac", "\\tfrac"].into_iter().flat_map(after).any(bare_fraction)
        || after("\\sqrt").any(bare_root)
}

/// What follows the braces that a text begins with.
fn braced(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let mut depth = 0_usize;
    for (at, mark) in text.char_indices() {
        match mark {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (mark == '}').then(|| &text[at + 1..]);
        }
    }
    None
}

/// Math-Verify keeps what it found as text where it has no meaning for it.
fn has_something(answers: &Answers) -> bool {
    answers.is_read() || answers.text().is_some()
}

impl Graded {
    pub(crate) fn verdict(&self) -> Verdict {
        match self.grade {
            Grade::Right => Verdict::Correct,
            Grade::Wrong => Verdict::Wrong,
            Grade::NoAnswer | Grade::NoBraces => Verdict::Unparseable,
            Grade::Undecided => Verdict::Undecided,
            Grade::NoGold => Verdict::LabelUnparseable,
        }
    }

    /// The score of this grade, with its value and what follows the grade in the reason.
    pub(crate) fn score(&self, value: Option<f64>, more: &str) -> Score {
        let reason = format!("{}{more}", self.reason());
        let score = Score { value, ..Score::none(self.verdict(), reason) }.with_gold(&self.gold);
        match &self.answer {
            Some(answer) => score.with_answer(answer),
            None => score,
        }
    }

    fn reason(&self) -> String {
        let (gold, rule) = (excerpt(&self.gold), self.rule);
        let answer = excerpt(self.answer.as_deref().unwrap_or_default());
        match self.grade {
            Grade::Right => format!("{answer} is equal to {gold} ({rule})"),
            Grade::Wrong => format!("{answer} is not {gold} ({rule})"),
            Grade::NoAnswer => "the completion announces no answer".to_owned(),
            Grade::NoBraces => format!("{answer} has a fraction or root without braces"),
            Grade::Undecided => format!("whether {answer} is {gold} was not decided ({rule})"),
            Grade::NoGold => format!("the solution cannot be read: {gold}"),
        }
    }
}
