//! One row into a question, a completion and an answer.

use std::borrow::Cow;

use super::json::Json;
use super::problem::RowProblem;
use crate::columns::ColumnMap;
use crate::error::nearest;

/// What a column of text should hold.
const TEXT: &str = "text";
/// What a column of answers should hold.
const TEXT_OR_NUMBER: &str = "text or a number";
/// What a column of messages should hold.
const TURNS: &str = "a list of {role, content}";

/// What a row asks and what answers it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) question: Cow<'a, str>,
    /// The completion, or the worked solution of a problem; `None` where the map has no column for it.
    pub(crate) completion: Option<&'a str>,
    /// What stands in the column of answers; `None` where the map has none.
    pub(crate) answer: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    /// Reads the columns of the map.
    pub(crate) fn read(row: &'a Json, map: &ColumnMap) -> Result<Self, RowProblem> {
        let object = Object::new("", row)?;
        match map {
            ColumnMap::PromptCompletion { prompt: question, completion }
            | ColumnMap::InstructionResponse { instruction: question, response: completion } => {
                let question = object.text(question)?;
                Ok(Self::of_pair(question, object.text(completion)?))
            }
            ColumnMap::Messages { messages } => Self::of_turns(messages, object.list(messages)?),
            ColumnMap::Problem { problem, solution, answer } => {
                let text = |name: &String| object.text(name);
                let parts: Vec<&str> = problem.iter().map(text).collect::<Result<_, _>>()?;
                Ok(Self {
                    question: joined(&parts),
                    completion: solution.as_ref().map(text).transpose()?,
                    answer: answer.as_ref().map(|name| object.text_or_number(name)).transpose()?,
                })
            }
        }
    }

    fn of_pair(question: &'a str, completion: &'a str) -> Self {
        Self { question: question.into(), completion: Some(completion), answer: None }
    }

    /// The first turn of the user and the first turn of the assistant after it; what follows them is not looked at.
    fn of_turns(column: &str, turns: &'a [Json]) -> Result<Self, RowProblem> {
        let mut question = None;
        let mut roles = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            let turn = Object::new(&format!("{column}[{index}]"), turn)?;
            let role = turn.text("role")?;
            roles.push(role.to_owned());
            match (role, question) {
                ("user", None) => question = Some(turn.text("content")?),
                ("assistant", Some(question)) => {
                    return Ok(Self::of_pair(question, turn.text("content")?));
                }
                _ => {}
            }
        }
        let role = if question.is_none() { "user" } else { "assistant" };
        Err(RowProblem::MissingRole {
            field: column.to_owned(),
            role: role.to_owned(),
            found: roles,
        })
    }
}

/// Parts of a text with a space between them; the one part of most texts is not copied.
fn joined<'a>(parts: &[&'a str]) -> Cow<'a, str> {
    match parts {
        [part] => Cow::Borrowed(part),
        parts => Cow::Owned(parts.iter().map(|part| part.trim()).collect::<Vec<_>>().join(" ")),
    }
}

/// A JSON object and where in the row it stands.
struct Object<'a> {
    place: String,
    fields: &'a [(String, Json)],
}

impl<'a> Object<'a> {
    fn new(place: &str, json: &'a Json) -> Result<Self, RowProblem> {
        match json {
            Json::Object(fields) => Ok(Self { place: place.to_owned(), fields }),
            other if place.is_empty() => {
                Err(RowProblem::NotAnObject { found: other.kind().to_owned() })
            }
            other => Err(wrong_type(place, other, "{role, content}")),
        }
    }

    fn text(&self, name: &str) -> Result<&'a str, RowProblem> {
        match self.value(name, TEXT)? {
            Json::Text(text) => Ok(text),
            other => Err(wrong_type(&self.full(name), other, TEXT)),
        }
    }

    /// Numbers as their shortest text.
    fn text_or_number(&self, name: &str) -> Result<Cow<'a, str>, RowProblem> {
        match self.value(name, TEXT_OR_NUMBER)? {
            Json::Text(text) => Ok(text.into()),
            Json::Number(number) => Ok(match number.as_f64().filter(|_| number.is_f64()) {
                Some(number) => number.to_string().into(),
                None => number.to_string().into(),
            }),
            other => Err(wrong_type(&self.full(name), other, TEXT_OR_NUMBER)),
        }
    }

    fn list(&self, name: &str) -> Result<&'a [Json], RowProblem> {
        match self.value(name, TURNS)? {
            Json::List(items) => Ok(items),
            other => Err(wrong_type(&self.full(name), other, TURNS)),
        }
    }

    /// The one value of this key.
    fn value(&self, name: &str, expected: &str) -> Result<&'a Json, RowProblem> {
        let mut values = self.fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let Some(value) = values.next() else { return Err(self.missing(name, expected)) };
        match values.count() {
            0 => Ok(value),
            more => Err(RowProblem::DuplicateKey { field: self.full(name), count: more + 1 }),
        }
    }

    fn missing(&self, name: &str, expected: &str) -> RowProblem {
        let found: Vec<String> = self.fields.iter().map(|(key, _)| key.clone()).collect();
        RowProblem::MissingColumn {
            field: self.full(name),
            expected: expected.to_owned(),
            nearest: nearest(name, found.iter().map(String::as_str)),
            found,
        }
    }

    fn full(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

fn wrong_type(field: &str, found: &Json, expected: &str) -> RowProblem {
    let (field, expected) = (field.to_owned(), expected.to_owned());
    match found {
        Json::Null => RowProblem::Null { field, expected },
        other => RowProblem::WrongType { field, found: other.kind().to_owned(), expected },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(row: &str, map: &ColumnMap) -> Result<(String, String), String> {
        let row: Json = serde_json::from_str(row).expect("it is JSON");
        Record::read(&row, map)
            .map(|record| {
                (record.question.into_owned(), record.completion.unwrap_or("none").to_owned())
            })
            .map_err(|problem| problem.to_string())
    }

    #[track_caller]
    fn check_error(row: &str, map: &ColumnMap, expected: &str) {
        assert_eq!(read(row, map), Err(expected.to_owned()));
    }

    #[test]
    fn the_columns_of_the_map_are_read_and_others_are_ignored() {
        let expected = Ok(("q".to_owned(), "c".to_owned()));
        let row = r#"{"id": 1, "id": 2, "completion": "c", "prompt": "q"}"#;
        assert_eq!(read(row, &ColumnMap::prompt_completion()), expected);
        let row = r#"{"instruction": "q", "response": "c", "prompt": null}"#;
        assert_eq!(read(row, &ColumnMap::instruction_response()), expected);
    }

    #[test]
    fn the_first_user_turn_and_the_first_answer_to_it_are_read() {
        let row = r#"{"messages": [
            {"role": "system", "content": "s"}, {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "q", "name": "n"}, {"role": "user", "content": "again"},
            {"role": "assistant", "content": "c"}, {"role": 7}
        ]}"#;
        assert_eq!(read(row, &ColumnMap::messages()), Ok(("q".to_owned(), "c".to_owned())));
    }

    #[test]
    fn bad_columns_are_named_with_what_was_found_and_expected() {
        let map = ColumnMap::prompt_completion();
        check_error("[1]", &map, "expected an object, found a list");
        check_error(
            r#"{"promt": "q", "completion": "c"}"#,
            &map,
            "no `prompt` (did you mean `promt`?), expected text; there are: promt, completion",
        );
        check_error(
            r#"{"prompt": null, "completion": "c"}"#,
            &map,
            "`prompt` is null, expected text",
        );
        check_error(
            r#"{"prompt": "q", "completion": 3}"#,
            &map,
            "`completion` is a number, expected text",
        );
        check_error(
            r#"{"prompt": "a", "completion": "c", "prompt": "b"}"#,
            &map,
            "`prompt` stands 2 times",
        );
    }

    #[test]
    fn bad_turns_are_named_with_their_place() {
        let map = ColumnMap::messages();
        check_error(
            r#"{"messages": "hello"}"#,
            &map,
            "`messages` is text, expected a list of {role, content}",
        );
        check_error(
            r#"{"messages": [{"role": "user", "content": "q"}, {"role": "tool", "content": "t"}]}"#,
            &map,
            "`messages` has no turn of the assistant; its roles are: user, tool",
        );
        check_error(
            r#"{"messages": [{"role": "assistant", "content": "c"}]}"#,
            &map,
            "`messages` has no turn of the user; its roles are: assistant",
        );
        check_error(
            r#"{"messages": []}"#,
            &map,
            "`messages` has no turn of the user; its roles are: none",
        );
        check_error(
            r#"{"messages": [{"role": "user", "content": "q"}, {"content": "c"}]}"#,
            &map,
            "no `messages[1].role`, expected text; there are: content",
        );
        check_error(
            r#"{"messages": [{"role": "user", "content": null}]}"#,
            &map,
            "`messages[0].content` is null, expected text",
        );
        check_error(
            r#"{"messages": ["hello"]}"#,
            &map,
            "`messages[0]` is text, expected {role, content}",
        );
    }
}
