//! Which cargo features of the binary a command line asks for.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Endings of files of rows: what has one of them is no name on the hub.
const FILES: [&str; 9] =
    [".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow", ".gz", ".zst"];

/// The settings of a command line that may name something on the hub.
const KEYS: [&str; 2] = ["path", "folder"];
/// Those of a config: the shipped ones name folders of models that the user is to put there.
const KEYS_OF_FILES: [&str; 1] = ["path"];

/// `--device cuda` and `--device cuda:1` need `cuda`, `--tui` needs `tui`; `data fetch`, and whatever names data or a model
/// on the hub, in the arguments or in the config that they name, need `hub`.
pub(crate) fn of(root: &Path, arguments: &[OsString]) -> Vec<&'static str> {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    let after_flag = words.windows(2).filter(|pair| pair[0] == "--device").map(|pair| pair[1]);
    let joined = words.iter().filter_map(|word| word.strip_prefix("--device="));
    let is_cuda = |device: &str| device == "cuda" || device.starts_with("cuda:");
    let has_cuda = after_flag.chain(joined).any(is_cuda);
    let has_dashboard = words.contains(&"--tui");
    [("cuda", has_cuda), ("hub", needs_hub(root, &words)), ("tui", has_dashboard)]
        .into_iter()
        .filter(|(_, is_asked)| *is_asked)
        .map(|(name, _)| name)
        .collect()
}

fn needs_hub(root: &Path, words: &[&str]) -> bool {
    let is_data = words.first() == Some(&"data");
    let is_fetch = is_data && words.get(1) == Some(&"fetch");
    let configs = words.iter().flat_map(|word| {
        let shipped = root.join("configs/pipelines").join(format!("{word}.yaml"));
        [Path::new(word).to_owned(), shipped]
    });
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "yaml");
    let mut configs = configs.filter(is_yaml).filter_map(|path| fs::read_to_string(path).ok());
    is_fetch
        || is_data && words.iter().any(|word| is_name(word))
        || words.iter().any(|word| names_hub(word, &KEYS))
        || configs
            .any(|text| text.lines().any(|line| names_hub(without_comment(line), &KEYS_OF_FILES)))
}

/// Whether a text of settings has a path or a folder that is on the hub.
fn names_hub(text: &str, keys: &[&str]) -> bool {
    let is_border = |one: char| one.is_whitespace() || "[]{},'\"=:".contains(one);
    let words: Vec<&str> = text.split(is_border).filter(|word| !word.is_empty()).collect();
    let is_key = |word: &str| word.rsplit('.').next().is_some_and(|last| keys.contains(&last));
    text.contains("hf://") || words.windows(2).any(|pair| is_key(pair[0]) && is_name(pair[1]))
}

fn without_comment(line: &str) -> &str {
    let is_comment = line.trim_start().starts_with('#');
    if is_comment { "" } else { line.split_once(" #").map_or(line, |(before, _)| before) }
}

/// Whether a word is `owner/name`, perhaps with `@revision`, and not a file or a folder that is there.
fn is_name(word: &str) -> bool {
    let (name, _) = word.split_once('@').unwrap_or((word, ""));
    let is_part = |part: &str| {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
        !part.is_empty() && !part.starts_with(['.', '-']) && part.chars().all(is_plain)
    };
    let parts = name.split_once('/');
    parts.is_some_and(|(owner, name)| is_part(owner) && is_part(name))
        && !FILES.iter().any(|ending| name.ends_with(ending))
        && !Path::new(word).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features_of(line: &str) -> Vec<&'static str> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        of(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace"), &words)
    }

    #[test]
    fn only_a_cuda_device_asks_for_the_cuda_feature() {
        assert_eq!(features_of("pipeline think --device cuda"), ["cuda"]);
        assert_eq!(features_of("pipeline think --device cuda:1 --resume"), ["cuda"]);
        assert_eq!(features_of("pipeline think --device=cuda:0"), ["cuda"]);
        assert!(features_of("pipeline think --device cpu").is_empty());
        assert!(features_of("pipeline cuda --set device=cuda").is_empty());
        assert!(features_of("pipeline think --device").is_empty());
        assert_eq!(features_of("pipeline think --tui --device cuda"), ["cuda", "tui"]);
    }

    #[test]
    fn what_is_on_the_hub_asks_for_its_feature_wherever_it_is_named() {
        for line in [
            "data fetch me/data",
            "data inspect openai/gsm8k@main",
            "data convert hf://datasets/openai/gsm8k/main/train* --to messages",
            "pipeline reason-gsm8k --set ingest.sources.0.path=openai/gsm8k",
            "pipeline think-files --set ingest.sources=[{path:openai/gsm8k,dataset:main}]",
            "pipeline reason-gsm8k --set model.folder=HuggingFaceTB/SmolLM2-135M-Instruct",
        ] {
            assert_eq!(features_of(line), ["hub"], "{line}");
        }
        for line in [
            "data inspect fetch",
            "data inspect src/main.rs",
            "data inspect some/rows.jsonl",
            "data inspect ./rows/here",
            "pipeline think",
            "pipeline think --out runs/seed-7",
            "pipeline reason-gsm8k --set ingest.sources.0.path=rows/gsm8k.jsonl",
        ] {
            assert!(features_of(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_config_may_name_what_is_on_the_hub() {
        let path = std::env::temp_dir().join(format!("features-{}.yaml", std::process::id()));
        let line = format!("pipeline --config {}", path.display());
        fs::write(&path, "sources:\n  - path: 'openai/gsm8k'\n    dataset: main\n")
            .expect("written");
        let found = features_of(&line);
        fs::write(
            &path,
            "sources:\n  # - path: openai/gsm8k\n  - path: rows.jsonl # path: a/b\nname: a/b\n",
        )
        .expect("written");
        let other = features_of(&line);
        fs::remove_file(&path).expect("removed");
        assert_eq!((found, other), (vec!["hub"], vec![]));
    }
}
