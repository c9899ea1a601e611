//! Which columns of a file hold the question and the completion.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{DatasetError, require_columns};
use crate::source::{AsWritten, OneOrMany};

/// The shapes of a record, each with the names of its columns.
///
/// In YAML it is a map from the part to the name of its column: `{prompt: question, completion: output}`,
/// `{instruction: problem}` (the other part keeps its name, `response`), `{messages: conversation}`, or, for problems,
/// `{problem: [body, question], answer: answer}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "ColumnNames", into = "ColumnNames")]
pub enum ColumnMap {
    /// The question in one column, the completion in another; by default `prompt` and `completion`.
    PromptCompletion {
        /// Column of the question.
        prompt: String,
        /// Column of the completion.
        completion: String,
    },
    /// The same, by default `instruction` and `response`.
    InstructionResponse {
        /// Column of the question.
        instruction: String,
        /// Column of the completion.
        response: String,
    },
    /// A list of `{role, content}`: the question is the first user turn, the completion the first assistant turn
    /// after it; by default `messages`.
    Messages {
        /// Column of the list.
        messages: String,
    },
    /// A problem with its solution, its answer, or both.
    Problem {
        /// Columns of what is asked, joined by a space.
        problem: Vec<String>,
        /// Column of the worked solution.
        solution: Option<String>,
        /// Column of the answer, text or numbers.
        answer: Option<String>,
    },
}

/// What a cell may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Text,
    TextOrNumber,
    Turns,
}

impl ColumnMap {
    /// `prompt` and `completion`.
    #[must_use]
    pub fn prompt_completion() -> Self {
        Self::PromptCompletion { prompt: "prompt".into(), completion: "completion".into() }
    }

    /// `instruction` and `response`.
    #[must_use]
    pub fn instruction_response() -> Self {
        Self::InstructionResponse { instruction: "instruction".into(), response: "response".into() }
    }

    /// `messages`.
    #[must_use]
    pub fn messages() -> Self {
        Self::Messages { messages: "messages".into() }
    }

    /// The columns it reads.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::PromptCompletion { prompt, completion } => vec![prompt, completion],
            Self::InstructionResponse { instruction, response } => vec![instruction, response],
            Self::Messages { messages } => vec![messages],
            Self::Problem { problem, solution, answer } => {
                problem.iter().chain(solution).chain(answer).map(String::as_str).collect()
            }
        }
    }

    /// What the cells of a column may hold.
    pub(crate) fn cell(&self, name: &str) -> Cell {
        match self {
            Self::Messages { .. } => Cell::Turns,
            Self::Problem { answer, .. } if answer.as_deref() == Some(name) => Cell::TextOrNumber,
            _ => Cell::Text,
        }
    }

    /// The columns in words: `prompt + completion`.
    #[must_use]
    pub fn describe(&self) -> String {
        self.names().join(" + ")
    }

    /// The shape whose columns, by their usual names, are all among those found.
    ///
    /// A file that has a part of one shape is told what is missing of it: a misspelt name is likelier than a fourth
    /// shape.
    pub(crate) fn recognise(path: &Path, found: &[String]) -> Result<Self, DatasetError> {
        let has = |name: &&str| found.iter().any(|other| other == name);
        let shapes = [Self::prompt_completion(), Self::instruction_response(), Self::messages()];
        let whole: Vec<&Self> =
            shapes.iter().filter(|shape| shape.names().iter().all(has)).collect();
        match whole.as_slice() {
            [shape] => Ok((*shape).clone()),
            [] => {
                let mut partial = shapes.iter().filter(|shape| shape.names().iter().any(has));
                if let (Some(shape), None) = (partial.next(), partial.next()) {
                    require_columns(path, &shape.names(), found)?;
                }
                Err(DatasetError::NoShape {
                    path: path.to_owned(),
                    shapes: TRACE_SHAPES,
                    found: found.to_vec(),
                })
            }
            several => Err(DatasetError::SeveralShapes {
                path: path.to_owned(),
                shapes: several.iter().map(|shape| shape.describe()).collect(),
            }),
        }
    }

    /// The columns of a problem by their usual names: `problem` or `question`, beside `solution`, `answer`, or both. A
    /// file without them may still be one of the other shapes.
    pub(crate) fn recognise_problem(path: &Path, found: &[String]) -> Result<Self, DatasetError> {
        let named = |name: &str| found.iter().any(|other| other == name).then(|| name.to_owned());
        let (solution, answer) = (named("solution"), named("answer"));
        let asked: Vec<String> = ["problem", "question"].into_iter().filter_map(named).collect();
        let is_problem = solution.is_some() || answer.is_some();
        let shape =
            |problem| Self::Problem { problem, solution: solution.clone(), answer: answer.clone() };
        match (is_problem, asked.len()) {
            (true, 1) => Ok(shape(asked)),
            (true, 2) => Err(DatasetError::SeveralShapes {
                path: path.to_owned(),
                shapes: asked.into_iter().map(|one| shape(vec![one]).describe()).collect(),
            }),
            _ => Self::recognise(path, found).map_err(|error| match error {
                DatasetError::NoShape { path, found, .. } => {
                    DatasetError::NoShape { path, shapes: PROBLEM_SHAPES, found }
                }
                other => other,
            }),
        }
    }
}

/// What the columns of traces are called.
pub(crate) const TRACE_SHAPES: &str = "prompt and completion, instruction and response, messages";
/// What the columns of problems are called.
const PROBLEM_SHAPES: &str = "problem or question with solution or answer, prompt and completion, instruction and response, messages";

/// The YAML form of a [`ColumnMap`]: flat, so that a misspelt key is an error where it stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ColumnNames {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completion: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    messages: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_names")]
    #[schemars(with = "Option<AsWritten>")]
    problem: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

fn some_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_any(OneOrMany("the name of a column, or a list of them")).map(Some)
}

/// Keys of a column map that belong to no shape, or to more than one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "columns must name prompt and completion, or instruction and response, or messages, or problem with solution or answer; found {found}"
)]
pub struct ColumnMapError {
    /// The keys that were given.
    pub found: String,
}

impl ColumnNames {
    /// The keys that are there.
    fn given(&self) -> Vec<&'static str> {
        let keys = [
            ("prompt", self.prompt.is_some()),
            ("completion", self.completion.is_some()),
            ("instruction", self.instruction.is_some()),
            ("response", self.response.is_some()),
            ("messages", self.messages.is_some()),
            ("problem", self.problem.is_some()),
            ("solution", self.solution.is_some()),
            ("answer", self.answer.is_some()),
        ];
        keys.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect()
    }
}

impl TryFrom<ColumnNames> for ColumnMap {
    type Error = ColumnMapError;

    fn try_from(names: ColumnNames) -> Result<Self, ColumnMapError> {
        let given = names.given();
        let only = |keys: &[&str]| given.iter().all(|key| keys.contains(key));
        let or = |name: Option<String>, usual: &str| name.unwrap_or_else(|| usual.to_owned());
        let ColumnNames { prompt, completion, instruction, response, messages, .. } = names;
        if given.is_empty() {
            Err(ColumnMapError { found: "none".to_owned() })
        } else if only(&["prompt", "completion"]) {
            let completion = or(completion, "completion");
            Ok(Self::PromptCompletion { prompt: or(prompt, "prompt"), completion })
        } else if only(&["instruction", "response"]) {
            let instruction = or(instruction, "instruction");
            Ok(Self::InstructionResponse { instruction, response: or(response, "response") })
        } else if only(&["messages"]) {
            Ok(Self::Messages { messages: or(messages, "messages") })
        } else if only(&["problem", "solution", "answer"]) && given != ["problem"] {
            let problem = names.problem.unwrap_or_else(|| vec!["problem".to_owned()]);
            Ok(Self::Problem { problem, solution: names.solution, answer: names.answer })
        } else {
            Err(ColumnMapError { found: given.join(", ") })
        }
    }
}

impl From<ColumnMap> for ColumnNames {
    fn from(map: ColumnMap) -> Self {
        let none = Self::default();
        match map {
            ColumnMap::PromptCompletion { prompt, completion } => {
                Self { prompt: Some(prompt), completion: Some(completion), ..none }
            }
            ColumnMap::InstructionResponse { instruction, response } => {
                Self { instruction: Some(instruction), response: Some(response), ..none }
            }
            ColumnMap::Messages { messages } => Self { messages: Some(messages), ..none },
            ColumnMap::Problem { problem, solution, answer } => {
                Self { problem: Some(problem), solution, answer, ..none }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> Result<ColumnMap, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    fn recognise(columns: &[&str]) -> Result<ColumnMap, String> {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        ColumnMap::recognise(Path::new("f"), &columns).map_err(|error| error.to_string())
    }

    #[test]
    fn a_part_that_is_not_named_keeps_its_usual_name() {
        let expected =
            ColumnMap::PromptCompletion { prompt: "q".into(), completion: "completion".into() };
        assert_eq!(parse("prompt: q"), Ok(expected));
        assert_eq!(
            parse("{response: r, instruction: i}").map(|map| map.describe()),
            Ok("i + r".into())
        );
        assert_eq!(parse("messages: m").map(|map| map.describe()), Ok("m".into()));
    }

    #[test]
    fn every_map_survives_the_way_through_yaml() {
        let maps = [
            ColumnMap::prompt_completion(),
            ColumnMap::instruction_response(),
            ColumnMap::messages(),
        ];
        for map in maps {
            let yaml = serde_yaml::to_string(&map).expect("plain strings");
            assert_eq!(parse(&yaml), Ok(map));
        }
    }

    #[test]
    fn mixed_shapes_no_shape_and_unknown_keys_are_refused() {
        let mixed = parse("{prompt: a, response: b}").expect_err("two shapes");
        assert!(mixed.contains("found prompt, response"), "{mixed}");
        let none = parse("{}").expect_err("no shape");
        assert!(none.contains("found none"), "{none}");
        let unknown = parse("promt: a").expect_err("a misspelt key");
        assert!(unknown.contains("unknown field `promt`, expected one of `prompt`"), "{unknown}");
    }

    #[test]
    fn one_whole_shape_is_recognised() {
        assert_eq!(recognise(&["id", "completion", "prompt"]), Ok(ColumnMap::prompt_completion()));
        assert_eq!(
            recognise(&["instruction", "response", "prompt"]),
            Ok(ColumnMap::instruction_response())
        );
        assert_eq!(recognise(&["messages", "source"]), Ok(ColumnMap::messages()));
    }

    #[test]
    fn what_is_not_one_shape_is_not_guessed() {
        assert_eq!(
            recognise(&["messages", "prompt", "completion"]),
            Err("f: fits several record shapes (prompt + completion; messages); choose one with `columns`"
                .into())
        );
        assert_eq!(
            recognise(&["promt", "completion"]),
            Err("f: no column `prompt` (did you mean `promt`?); it has: promt, completion".into())
        );
        let error = recognise(&["question", "answer"]).expect_err("no shape");
        assert!(
            error.ends_with("it has: question, answer; name its columns with `columns`"),
            "{error}"
        );
    }
}
