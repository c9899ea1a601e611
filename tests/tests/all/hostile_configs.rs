//! Configs with slips and with ill will, and what numbers and words in them mean.

use std::path::Path;
use std::time::{Duration, Instant};

use forethought_pipeline::{Document, PipelineConfig};
use forethought_tests::{Project, repository};
use serde_json::Value;

/// A key with two neighbouring letters in each other's place, or without its last one where they are alike.
fn with_a_slip(key: &str) -> String {
    let mut letters: Vec<char> = key.chars().collect();
    match (1..letters.len()).find(|&index| letters[index - 1] != letters[index]) {
        Some(index) => letters.swap(index - 1, index),
        None => drop(letters.pop()),
    }
    letters.into_iter().collect()
}

/// A document for each key in it that stands below a stage, with a slip in that key.
fn slips(value: &Value, path: &[String], found: &mut Vec<(Vec<String>, String)>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                found.push((path.to_vec(), key.clone()));
                slips(below, &[path, std::slice::from_ref(key)].concat(), found);
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                slips(below, &[path, &[index.to_string()]].concat(), found);
            }
        }
        _ => {}
    }
}

fn renamed(document: &Value, path: &[String], key: &str) -> String {
    let mut document = document.clone();
    let mut place = &mut document;
    for part in path {
        place = match place {
            Value::Array(list) => &mut list[part.parse::<usize>().expect("an index")],
            other => &mut other[part],
        };
    }
    let map = place.as_object_mut().expect("a map");
    let value = map.remove(key).expect("the key");
    map.insert(with_a_slip(key), value);
    document.to_string()
}

#[test]
fn every_key_with_a_slip_in_it_is_refused_and_the_right_one_is_suggested() {
    let (mut num_keys, mut num_suggested, mut wrong) = (0, 0, Vec::new());
    for name in ["methods", "step", "reason"] {
        let path = repository().join(format!("configs/ci/{name}.yaml"));
        let config = PipelineConfig::read(&path, &[]).expect("a valid pipeline");
        let document = serde_json::to_value(config).expect("settings");
        let mut keys = Vec::new();
        slips(&document, &[], &mut keys);
        for (place, key) in keys.into_iter().filter(|(_, key)| key.len() > 3) {
            // JSON is YAML.
            let text = renamed(&document, &place, &key);
            let parsed = Document::parse(Path::new("a.yaml"), &text, &[]).expect("YAML");
            let refused = PipelineConfig::from_document(&parsed);
            let error = refused.err().unwrap_or_else(|| panic!("{place:?} {key} was let through"));
            num_keys += 1;
            if error.to_string().contains(&format!("did you mean `{key}`?")) {
                num_suggested += 1;
            } else {
                wrong.push(format!("{key}: {error}"));
            }
        }
    }
    assert!(num_keys > 300, "{num_keys}");
    assert!(10 * num_suggested >= 9 * num_keys, "{num_suggested} of {num_keys}: {wrong:#?}");
}

#[test]
fn yaml_that_means_harm_is_refused_at_once() {
    let bomb: String = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let one = format!("*a{}", level - 1);
        text + &format!("a{level}: &a{level} [{one}, {one}, {one}, {one}]\n")
    });
    let deep = format!("name: {}", "[".repeat(100_000));
    let nested = "- ".repeat(50_000);
    for (what, text) in [
        ("aliases", bomb.as_str()),
        ("brackets", &deep),
        ("lists", &nested),
        ("tabs", "name: x\nstages:\n\t- ingest: {}\n"),
        ("nothing", ""),
        ("a word", "stages"),
    ] {
        let started = Instant::now();
        let document = Document::parse(Path::new("a.yaml"), text, &[]);
        let config = document.and_then(|document| PipelineConfig::from_document(&document));
        let error = config.expect_err(what).to_string();
        assert!(error.starts_with("a.yaml"), "{what}: {error:.200}");
        assert!(started.elapsed() < Duration::from_secs(2), "{what}: {:?}", started.elapsed());
    }
}

#[test]
fn numbers_and_words_mean_what_they_look_like() {
    let project = Project::new();
    let read = |from: &str, to: &str| {
        let path = project.write("other.yaml", project.pipeline_with(from, to));
        let config = PipelineConfig::read(&path, &[]).map_err(|error| error.to_string())?;
        serde_json::to_value(config).map_err(|error| error.to_string())
    };
    let rate = "learning_rate: 3.0e-3";
    let training = |config: Value| config["stages"][5]["sft"]["training"].clone();
    for (text, value) in [("1e-4", 1e-4), ("1.0E-4", 1e-4), ("0.5", 0.5), ("2", 2.0)] {
        let config = read(rate, &format!("learning_rate: {text}")).expect(text);
        assert_eq!(training(config)["learning_rate"], value, "{text}");
    }
    for text in ["\"1e-4\"", ".nan", ".inf", "-1e-4", "no", "~", "1e999"] {
        let error = read(rate, &format!("learning_rate: {text}")).expect_err(text);
        assert!(error.contains("learning_rate"), "{text}: {error}");
    }
    assert_eq!(read("name: parrots", "name: no").expect("a word")["name"], "no");
    for text in ["\"5\"", "5.5", "-5", "yes"] {
        let error = read("max_steps: 5", &format!("max_steps: {text}")).expect_err(text);
        assert!(error.contains("max_steps"), "{text}: {error}");
    }
}
