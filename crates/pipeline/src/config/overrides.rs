//! `--set key=value`: values of the command line over those of the file.

use serde_json::{Map, Value};

use super::plain;
use super::suggest::nearest;

/// An override that cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// There is no `=`.
    #[error("--set {0}: expected key=value, e.g. --set sft.training.learning_rate=1e-3")]
    NoEquals(String),
    /// The value is not YAML.
    #[error("--set {text}: the value is not valid YAML: {message}")]
    Syntax {
        /// The override as it was given.
        text: String,
        /// What the parser said.
        message: String,
    },
    /// The first part of the key is no stage of the pipeline and no key of its file.
    #[error(
        "--set {text}: `{first}` is neither a stage of this pipeline nor one of its keys; {hint}there are: {known}"
    )]
    UnknownStart {
        /// The override as it was given.
        text: String,
        /// The first part of its key.
        first: String,
        /// The nearest of the stages and keys, as a question, or nothing.
        hint: String,
        /// The stages and keys there are.
        known: String,
    },
    /// The key goes through a value that holds no others, or past the end of a list.
    #[error("--set {text}: nothing can be set at `{key}`: {message}")]
    NoPlace {
        /// The override as it was given.
        text: String,
        /// The part of the key that failed.
        key: String,
        /// Why.
        message: String,
    },
}

/// One override. Its key starts with the name of a stage or of a top-level key; list items are numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Override {
    text: String,
    path: String,
    value: Value,
}

impl Override {
    pub(crate) fn parse(text: &str) -> Result<Self, OverrideError> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| OverrideError::NoEquals(text.to_owned()))?;
        let value = plain::parse(value).map_err(|error| OverrideError::Syntax {
            text: text.to_owned(),
            message: error.to_string(),
        })?;
        Ok(Self { text: text.to_owned(), path: key.trim().to_owned(), value })
    }

    /// The override as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value it sets.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The path it sets, from the root of the document.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Sets the value; the returned override knows its path from the root of the document.
    pub(crate) fn apply(mut self, document: &mut Value) -> Result<Self, OverrideError> {
        self.path = self.resolve(document)?;
        let mut place = document;
        let mut walked = String::new();
        for part in self.path.split('.') {
            place = self.step(place, part, &walked)?;
            walked = format!("{walked}.{part}");
        }
        *place = self.value.clone();
        Ok(self)
    }

    /// `sft.rate` becomes `stages.5.sft.rate` where the sixth stage is `sft`.
    fn resolve(&self, document: &Value) -> Result<String, OverrideError> {
        let first = self.path.split('.').next().unwrap_or_default();
        let stages = document.get("stages").and_then(Value::as_array).into_iter().flatten();
        let (kinds, names): (Vec<&str>, Vec<&str>) = stages.map(stage_name).unzip();
        if let Some(index) = names.iter().position(|name| *name == first) {
            let rest = &self.path[first.len()..];
            return Ok(format!("stages.{index}.{}{rest}", kinds[index]));
        }
        let keys = document.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str));
        let keys: Vec<&str> = keys.collect();
        if keys.contains(&first) || ROOT_KEYS.contains(&first) {
            return Ok(self.path.clone());
        }
        let known = [names, keys].concat();
        let hint = nearest(first, known.iter().copied());
        Err(OverrideError::UnknownStart {
            text: self.text.clone(),
            first: first.to_owned(),
            hint: hint.map_or(String::new(), |nearest| format!("did you mean `{nearest}`? ")),
            known: known.join(", "),
        })
    }

    fn step<'a>(
        &self,
        place: &'a mut Value,
        part: &str,
        walked: &str,
    ) -> Result<&'a mut Value, OverrideError> {
        let fail = |message: String| OverrideError::NoPlace {
            text: self.text.clone(),
            key: walked.trim_start_matches('.').to_owned(),
            message,
        };
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        match place {
            Value::Object(map) => Ok(map.entry(part).or_insert(Value::Null)),
            Value::Array(items) => {
                let length = items.len();
                let index: Option<usize> = part.parse().ok();
                let item = index.and_then(|index| items.get_mut(index));
                item.ok_or_else(|| {
                    fail(format!("it is a list of {length}, whose items count from 0"))
                })
            }
            other => Err(fail(format!("it is {other}, which holds no keys"))),
        }
    }
}

/// Keys that may be set although a file leaves them out.
const ROOT_KEYS: [&str; 2] = ["seed", "name"];

/// What kind of stage it is and what it is called: as its kind unless it has a name of its own.
fn stage_name(stage: &Value) -> (&str, &str) {
    let first = stage.as_object().and_then(|map| map.iter().next());
    let Some((kind, settings)) = first else { return ("", "") };
    (kind, settings.get("name").and_then(Value::as_str).unwrap_or(kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(text: &str) -> Result<Value, OverrideError> {
        let mut document =
            json!({"stages": [{"ingest": {"sources": [{"path": "a"}]}}, {"sft": {"rate": 1}}]});
        Override::parse(text)?.apply(&mut document)?;
        Ok(document["stages"].clone())
    }

    #[test]
    fn a_stage_with_a_name_of_its_own_is_found_by_it() {
        let mut document = json!({"stages": [{"dpo": {}}, {"dpo": {"name": "other"}}]});
        let one = Override::parse("other.beta=2").expect("a value");
        let one = one.apply(&mut document).expect("it is there");
        assert_eq!(one.path(), "stages.1.dpo.beta");
        assert_eq!(document["stages"][1]["dpo"]["beta"], json!(2));
        assert_eq!(document["stages"][0], json!({"dpo": {}}));
    }

    #[test]
    fn a_stage_is_found_by_its_name() {
        assert_eq!(set("sft.rate=1e-3").expect("it is there")[1]["sft"]["rate"], json!(1e-3));
    }

    #[test]
    fn keys_that_the_file_leaves_out_are_made() {
        assert_eq!(
            set("sft.loss.smoothing=0.1").expect("it is made")[1]["sft"]["loss"]["smoothing"],
            json!(0.1)
        );
    }

    #[test]
    fn lists_are_numbered_from_zero_and_values_are_yaml() {
        let stages = set("ingest.sources.0.path=[x, y]").expect("it is there");
        assert_eq!(stages[0]["ingest"]["sources"][0]["path"], json!(["x", "y"]));
    }

    #[test]
    fn an_unknown_start_lists_what_there_is() {
        let error = set("stf.rate=1").expect_err("no such stage").to_string();
        assert!(error.contains("`stf`") && error.contains("ingest, sft"), "{error}");
    }

    #[test]
    fn a_key_past_the_end_of_a_list_is_an_error() {
        let error = set("ingest.sources.3.path=x").expect_err("one source").to_string();
        assert!(error.contains("a list of 1"), "{error}");
    }

    #[test]
    fn an_override_needs_an_equals_sign() {
        assert_eq!(set("sft.rate"), Err(OverrideError::NoEquals("sft.rate".into())));
    }
}
