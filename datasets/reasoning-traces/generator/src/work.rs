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
    /// Which lines of the thinking, counted from 0, are steps; restating, planning and remarks are not.
    pub step_lines: Vec<usize>,
}

impl Solution {
    /// How many steps it takes.
    #[must_use]
    pub fn num_steps(&self) -> usize {
        self.step_lines.len()
    }

    /// Puts a remark before everything else.
    pub(crate) fn open_with(&mut self, remark: &str) {
        self.thinking = format!("{remark}\n{}", self.thinking);
        self.step_lines.iter_mut().for_each(|line| *line += 1);
    }
}

/// A solution in the making.
#[derive(Debug)]
pub(crate) struct Work {
    language: Language,
    lines: Vec<String>,
    step_lines: Vec<usize>,
}

impl Work {
    /// An empty page.
    pub(crate) fn new(language: Language) -> Self {
        Self { language, lines: Vec::new(), step_lines: Vec::new() }
    }

    /// Writes a line that restates, plans or remarks.
    pub(crate) fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Writes a line that computes, compares or checks.
    pub(crate) fn step(&mut self, line: String) {
        self.step_lines.push(self.lines.len());
        self.lines.push(line);
    }

    /// Ends the page with the answer.
    pub(crate) fn finish(mut self, answer: impl Display) -> Solution {
        let answer = answer.to_string();
        self.lines.push(say!(self.language, "Answer: {answer}.", "答案：{answer}。"));
        Solution { thinking: self.lines.join("\n"), answer, step_lines: self.step_lines }
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
