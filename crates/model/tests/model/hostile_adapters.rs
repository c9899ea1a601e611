//! Broken and hostile adapter folders: each is refused with an error, soon, or it is an adapter.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use forethought_model::{
    Decoder, DecoderConfig, LoraConfig, ModelError, TargetModules, load_adapter, save_adapter,
};
use forethought_seed::Seed;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::tiny_config;

/// What an answer may take.
const SOON: Duration = Duration::from_secs(2);

fn base() -> Decoder {
    let config = DecoderConfig { num_hidden_layers: 1, vocab_size: 8, ..tiny_config() };
    Decoder::init(&config, Seed::new(1), &Device::flex())
}

/// The folder of a good adapter of rank 2.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let config = LoraConfig {
        rank: 2,
        alpha: 4.0,
        target_modules: TargetModules::from(["q_proj", "v_proj"]),
        ..LoraConfig::default()
    };
    let adapted = base().with_lora(&config, Seed::new(2), &Device::flex()).expect("it fits");
    save_adapter(&adapted, dir.path()).expect("it is written");
    dir
}

fn read(dir: &Path) -> Result<Decoder, ModelError> {
    load_adapter(base(), dir, &Device::flex())
}

fn corpus() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/adapters");
    let entries = fs::read_dir(dir).expect("the corpus is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "{} cases", paths.len());
    paths
}

#[test]
fn every_configuration_of_the_corpus_but_the_valid_one_is_refused_soon_by_name() {
    for path in corpus() {
        let dir = folder();
        fs::copy(&path, dir.path().join("adapter_config.json")).expect("copied");
        let start = Instant::now();
        let answer = read(dir.path());
        assert!(start.elapsed() < SOON, "{}: {:?}", path.display(), start.elapsed());
        if path.ends_with("valid.json") {
            answer.expect("one of them is right");
            continue;
        }
        let message = answer.expect_err(&path.display().to_string()).to_string();
        // What the weights do not fit is named by the weights.
        let is_named =
            message.contains("adapter_config.json: ") || message.contains("differ from the model");
        assert!(is_named, "{}: {message}", path.display());
    }
}

#[test]
fn a_pattern_that_does_not_end_is_no_pattern_that_matches_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/adapters");
    for name in ["pattern-goes-back", "exclude-goes-back"] {
        let dir = folder();
        let config = dir.path().join("adapter_config.json");
        fs::copy(path.join(format!("{name}.json")), config).expect("copied");
        let message = read(dir.path()).expect_err("refused").to_string();
        assert!(message.contains("backtrack"), "{name}: {message}");
    }
}

#[test]
fn the_same_name_a_hundred_thousand_times_is_one_name() {
    let dir = folder();
    let path = dir.path().join("adapter_config.json");
    let names = vec!["q_proj"; 100_000];
    let saved = vec!["model.norm"; 100_000];
    let config = serde_json::json!({
        "peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": names, "modules_to_save": saved,
    });
    fs::write(path, config.to_string()).expect("written");
    let start = Instant::now();
    // The weights are those of another adapter.
    read(dir.path()).expect_err("refused");
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
}

/// Reads the folder with a file replaced: whatever the bytes are, an answer and no panic.
fn replaced(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let dir = folder();
    fs::write(dir.path().join(name), bytes).expect("written");
    let start = Instant::now();
    if let Ok(decoder) = read(dir.path()) {
        prop_assert!(decoder.lora().is_some_and(|config| config.validate().is_ok()));
    }
    prop_assert!(start.elapsed() < SOON);
    Ok(())
}

const FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let mut seeds = vec![fs::read(folder().path().join(name)).expect("it is there"); 8];
    if name == FILES[0] {
        seeds.extend(corpus().into_iter().map(|path| fs::read(path).expect("it is there")));
    }
    seeds
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn cut_files_get_an_answer(
        name in prop::sample::select(FILES.to_vec()),
        seed in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
    ) {
        let seeds = seeds(name);
        let bytes = seed.get(&seeds);
        replaced(name, &bytes[..end.index(bytes.len() + 1)])?;
    }

    #[test]
    fn turned_bits_get_an_answer(
        name in prop::sample::select(FILES.to_vec()),
        seed in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..9),
    ) {
        let seeds = seeds(name);
        let mut bytes = seed.get(&seeds).clone();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        replaced(name, &bytes)?;
    }
}
