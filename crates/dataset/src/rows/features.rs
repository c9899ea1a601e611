//! What `datasets` says of the columns of a file: which numbers stand for classes, and what these are called.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The key under which `datasets` leaves its features in a file of parquet or Arrow.
pub(crate) const KEY: &str = "huggingface";
/// The file in which it leaves them in a folder that it saved.
const INFO: &str = "dataset_info.json";

/// The names of the classes of each column that holds classes, in the order of their numbers.
pub type ClassNames = BTreeMap<String, Vec<String>>;

/// Those that a description tells; none where it is no such description.
pub(crate) fn class_names(description: &str) -> ClassNames {
    let described: Value = serde_json::from_str(description).unwrap_or_default();
    let features = described.pointer("/info/features").or_else(|| described.get("features"));
    let features = features.and_then(Value::as_object).into_iter().flatten();
    let named = features.filter_map(|(column, feature)| {
        let is_class = feature.get("_type").is_some_and(|of| of == "ClassLabel");
        let names = feature.get("names").filter(|_| is_class)?.as_array()?;
        let names = names.iter().filter_map(|name| name.as_str().map(str::to_owned));
        Some((column.clone(), names.collect()))
    });
    named.collect()
}

/// Those of the folder in which a file lies.
pub(super) fn beside(path: &Path) -> ClassNames {
    let info = fs::read_to_string(path.with_file_name(INFO));
    info.map_or_else(|_| ClassNames::new(), |text| class_names(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_classes_are_read_wherever_datasets_leaves_them() {
        let features = r#"{"text": {"dtype": "string", "_type": "Value"},
            "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
            "names": {"names": ["a"], "_type": "Value"}}"#;
        let expected = ClassNames::from([("label".into(), vec!["neg".into(), "pos".into()])]);
        assert_eq!(class_names(&format!(r#"{{"info": {{"features": {features}}}}}"#)), expected);
        assert_eq!(class_names(&format!(r#"{{"features": {features}}}"#)), expected);
        assert_eq!(class_names("no JSON"), ClassNames::new());
        assert_eq!(class_names("[]"), ClassNames::new());
    }
}
