//! The JSON schema of the YAML files says what the parser says.

use std::fs;
use std::path::Path;

use forethought_pipeline::{SchemaOf, schema};
use forethought_tests::repository;
use serde_json::{Value, json};

/// A schema, as far as those made of Rust types go.
struct Validator {
    root: Value,
}

impl Validator {
    fn of(kind: SchemaOf) -> Self {
        Self { root: schema(kind) }
    }

    /// What is wrong with a value: where, and what.
    fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.root, value, "", &mut faults);
        faults
    }

    fn check(&self, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        let Some(rules) = schema.as_object() else {
            assert_eq!(schema, &json!(true), "{place}: only `true` is no map");
            return;
        };
        for (keyword, rule) in rules {
            let is_kept = match keyword.as_str() {
                "$ref" => {
                    self.check(self.definition(rule), value, place, faults);
                    true
                }
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
                    one => is_of_type(one, value),
                },
                "const" => rule == value,
                "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
                "minimum" => value.as_f64().is_none_or(|number| Some(number) >= rule.as_f64()),
                "maximum" => value.as_f64().is_none_or(|number| Some(number) <= rule.as_f64()),
                "required" => {
                    let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                    names.into_iter().all(|name| !value.is_object() || value.get(name).is_some())
                }
                "anyOf" => self.num_fitting(rule, value) >= 1,
                "oneOf" => self.num_fitting(rule, value) == 1,
                "allOf" => self.num_fitting(rule, value) == rule.as_array().map_or(0, Vec::len),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{place}/{index}"), faults);
                    }
                    true
                }
                "properties" => {
                    for (name, below) in value.as_object().into_iter().flatten() {
                        if let Some(rule) = rule.get(name) {
                            self.check(rule, below, &format!("{place}/{name}"), faults);
                        }
                    }
                    true
                }
                "additionalProperties" => rule != &json!(false) || knows_all(rules, value),
                "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
                other => panic!("this validator does not know the keyword {other}"),
            };
            if !is_kept {
                faults.push(format!("{place}: breaks {keyword}: {rule}"));
            }
        }
    }

    fn definition(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
        let pointer = pointer.expect("a reference within the schema");
        self.root.pointer(pointer).expect("a definition that is there")
    }

    fn num_fitting(&self, choices: &Value, value: &Value) -> usize {
        let fits = |choice: &&Value| {
            let mut faults = Vec::new();
            self.check(choice, value, "", &mut faults);
            faults.is_empty()
        };
        choices.as_array().expect("a list of choices").iter().filter(fits).count()
    }
}

/// Whether a schema describes every key of a value.
fn knows_all(rules: &serde_json::Map<String, Value>, value: &Value) -> bool {
    let known = |name: &String| rules.get("properties").is_some_and(|all| all.get(name).is_some());
    value.as_object().is_none_or(|map| map.keys().all(known))
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        other => panic!("this validator does not know the type {other:?}"),
    }
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file of the repository");
    serde_yaml::from_str(&text).expect("YAML")
}

#[test]
fn every_yaml_file_that_comes_with_the_project_keeps_to_its_schema() {
    for (folder, of) in [
        ("pipelines", SchemaOf::Pipeline),
        ("ci", SchemaOf::Pipeline),
        ("models", SchemaOf::Architecture),
        ("ci/models", SchemaOf::Architecture),
    ] {
        let validator = Validator::of(of);
        let folder = repository().join("configs").join(folder);
        let entries = fs::read_dir(&folder).expect("a folder of the repository");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let files: Vec<_> = paths.filter(|path| path.extension().is_some()).collect();
        assert!(!files.is_empty(), "{} holds no YAML", folder.display());
        for file in files {
            assert_eq!(validator.faults(&yaml(&file)), [""; 0], "{}", file.display());
        }
    }
}

#[test]
fn a_typo_a_wrong_type_and_an_unknown_name_are_refused() {
    let validator = Validator::of(SchemaOf::Pipeline);
    let sft = |settings: Value| json!({"name": "x", "stages": [{"sft": settings}]});
    assert_eq!(validator.faults(&sft(json!({"max_length": 512}))), [""; 0]);
    for (value, what) in [
        (json!({"nmae": "x", "name": "x", "stages": []}), "a key of the file"),
        (json!({"name": "x"}), "no stages"),
        (json!({"name": "x", "stages": [{"stf": {}}]}), "a kind of stage"),
        (sft(json!({"max_lenght": 512})), "a key of a stage"),
        (sft(json!({"max_length": -1})), "a negative count"),
        (sft(json!({"max_length": "long"})), "a text for a number"),
        (sft(json!({"training": {"learning_rat": 1e-3}})), "a key below a stage"),
        (sft(json!({"training": {"lr_scheduler_type": "cosin"}})), "a name among names"),
        (sft(json!({"lora": {"rank": 8, "alhpa": 16}})), "a key of the adapter"),
        (sft(json!({"base": "nf5"})), "a type of weights"),
    ] {
        assert_ne!(validator.faults(&value), [""; 0], "{what} is accepted: {value}");
    }
}

#[test]
fn both_forms_of_a_path_and_of_a_loss_type_are_accepted() {
    let validator = Validator::of(SchemaOf::Pipeline);
    for path in [json!("a.jsonl"), json!(["a.jsonl", "b/*.parquet"])] {
        let stages = json!([{"ingest": {"sources": [{"path": path}]}}]);
        assert_eq!(validator.faults(&json!({"name": "x", "stages": stages})), [""; 0]);
    }
    for loss_type in [json!("sigmoid"), json!(["sigmoid", "sft"])] {
        let stages = json!([{"dpo": {"loss": {"loss_type": loss_type}}}]);
        assert_eq!(validator.faults(&json!({"name": "x", "stages": stages})), [""; 0]);
    }
}

#[test]
fn keys_carry_their_meaning_and_their_default() {
    let schema = schema(SchemaOf::Pipeline);
    let training = &schema["$defs"]["TrainConfig"]["properties"]["learning_rate"];
    assert_eq!(training["default"], json!(5e-5));
    let description = training["description"].as_str().expect("a description");
    assert!(description.starts_with("Highest learning rate of the schedule"), "{description}");
    let seed = &schema["properties"]["seed"];
    assert_eq!(seed["default"], json!(42));
}
