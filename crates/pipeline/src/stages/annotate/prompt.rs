//! What a teacher is asked: a text with a place for the problem and one for the solution.

use std::fs;
use std::path::Path;

use crate::PipelineError;

const PROBLEM: &str = "{problem}";
const SOLUTION: &str = "{solution}";

/// A text with places.
#[derive(Debug)]
pub(super) struct Template(String);

impl Template {
    pub(super) fn read(stage: &str, path: &Path) -> Result<Self, PipelineError> {
        let text = fs::read_to_string(path).map_err(PipelineError::io(path))?;
        if text.contains(SOLUTION) {
            return Ok(Self(text.trim().to_owned()));
        }
        let message = format!(
            "{}: no {SOLUTION} in it, so the teacher would not see what to count the steps of",
            path.display()
        );
        Err(PipelineError::stage(stage, message))
    }

    /// Fills the places. What is filled in is not looked at again: a problem may speak of `{solution}`.
    pub(super) fn fill(&self, problem: &str, solution: &str) -> String {
        let mut filled = String::new();
        let mut rest = self.0.as_str();
        while let Some(start) = rest.find('{') {
            filled.push_str(&rest[..start]);
            rest = &rest[start..];
            let place = [(PROBLEM, problem), (SOLUTION, solution)];
            let found = place.into_iter().find(|(place, _)| rest.starts_with(place));
            let (place, text) = found.unwrap_or(("{", "{"));
            filled.push_str(text);
            rest = &rest[place.len()..];
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        let template = Template("A {problem} {x} B {solution}{".to_owned());
        assert_eq!(
            template.fill("{solution}?", "1. {problem}"),
            "A {solution}? {x} B 1. {problem}{"
        );
    }

    #[test]
    fn a_text_without_the_solution_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), "Count the steps of {problem}.").expect("it can be written");
        let error = Template::read("annotate", file.path()).expect_err("no place");
        assert!(error.to_string().contains("no {solution} in it"), "{error}");
    }
}
