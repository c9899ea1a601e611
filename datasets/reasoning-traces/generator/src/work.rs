//! The page a solver writes on: its lines, and how many of them are steps of the calculation.

use std::fmt::Display;

use crate::Language;
use crate::language::say;

/// What a solver made of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The thinking, one line per thought, no newline at the end.
    pub thinking: String,
    /// The answer alone, e.g. `23` or `Friday`.
    pub answer: String,
    /// How many lines of the thinking are steps; restating, planning and remarks are not.
    pub num_steps: usize,
}

/// A solution in the making.
#[derive(Debug)]
pub(crate) struct Work {
    language: Language,
    lines: Vec<String>,
    num_steps: usize,
}

impl Work {
    /// An empty page.
    pub(crate) fn new(language: Language) -> Self {
        Self { language, lines: Vec::new(), num_steps: 0 }
    }

    /// Writes a line that restates, plans or remarks.
    pub(crate) fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Writes a line that computes, compares or checks.
    pub(crate) fn step(&mut self, line: String) {
        self.lines.push(line);
        self.num_steps += 1;
    }

    /// Ends the page with the answer.
    pub(crate) fn finish(mut self, answer: impl Display) -> Solution {
        let answer = answer.to_string();
        self.lines.push(say!(self.language, "Answer: {answer}.", "答案：{answer}。"));
        Solution { thinking: self.lines.join("\n"), answer, num_steps: self.num_steps }
    }
}

/// From ten times on, the solver takes one gap too many when it checks, and corrects itself.
pub(crate) fn slip(times: i64, step: i64, work: &mut Work, language: Language) {
    if times >= 10 {
        let gaps = times - 1;
        work.note(say!(
            language,
            "Check: {times} x {step}? No, the first one is there already, only {gaps} gaps.",
            "验算：{times} x {step}？不对，第一个已经有了，只有{gaps}个间隔。",
        ));
    }
}
