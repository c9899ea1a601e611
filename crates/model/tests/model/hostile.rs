//! Broken and hostile folders: each is refused with an error, soon, and without memory for what a file only claims.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use forethought_model::{Decoder, DecoderConfig, ModelError, load, save};
use forethought_seed::Seed;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{fixtures, tiny_config};

/// What a refusal may take.
const SOON: Duration = Duration::from_secs(2);

/// The message of a refusal that came soon.
#[track_caller]
fn refusal(dir: &Path) -> String {
    let start = Instant::now();
    let error = load(dir, &Device::flex()).expect_err("the folder is wrong");
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    error.to_string()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// A whole folder of a small model.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let config = DecoderConfig {
        vocab_size: 8,
        hidden_size: 8,
        intermediate_size: 4,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        ..tiny_config()
    };
    save(&Decoder::init(&config, Seed::new(1), &Device::flex()), dir.path())
        .expect("it is written");
    dir
}

/// The files of the corpus whose names end so, and where such a file stands in a folder.
fn cases(ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus()).expect("the corpus is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_index = |path: &Path| path.to_string_lossy().ends_with(".index.json");
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .filter(|path| ending == ".index.json" || !is_index(path))
        .collect();
    paths.sort();
    assert!(paths.len() > 5, "{} cases of {ending}", paths.len());
    paths
}

#[test]
fn every_file_of_the_corpus_is_refused_by_name() {
    for path in cases(".safetensors") {
        let dir = folder();
        fs::copy(&path, dir.path().join("model.safetensors")).expect("copied");
        let message = refusal(dir.path());
        let is_named = message.contains("model.safetensors: not a valid safetensors file: ")
            || message.contains("has type F8_E4M3");
        assert!(is_named, "{}: {message}", path.display());
    }
    for path in cases(".json") {
        let dir = folder();
        fs::copy(&path, dir.path().join("config.json")).expect("copied");
        if path.ends_with("valid.json") {
            load(dir.path(), &Device::flex()).expect("one of them is right");
        } else if path.ends_with("layers-to-the-limit.json") {
            assert!(refusal(dir.path()).contains("layers.1023."), "{}", path.display());
        } else {
            assert!(refusal(dir.path()).contains("config.json: "), "{}", path.display());
        }
    }
    for path in cases(".index.json") {
        let dir = folder();
        fs::remove_file(dir.path().join("model.safetensors")).expect("removed");
        fs::copy(&path, dir.path().join("model.safetensors.index.json")).expect("copied");
        let message = refusal(dir.path());
        assert!(!message.contains("tensors differ"), "{}: {message}", path.display());
    }
}

#[test]
fn the_reason_is_in_the_message() {
    let weights = [
        ("overlap", "tensor b overlaps the one before it"),
        ("gap", "4 bytes before tensor b belong to no tensor"),
        ("header-beyond-the-file", "a header of 1048576 bytes does not fit a file of 16 bytes"),
        ("same-key-twice", "a is there twice"),
    ];
    for (name, reason) in weights {
        let dir = folder();
        let path = corpus().join(format!("{name}.safetensors"));
        fs::copy(path, dir.path().join("model.safetensors")).expect("copied");
        assert!(refusal(dir.path()).contains(reason), "{}", refusal(dir.path()));
    }
    let indices = [
        ("parent", "the file \"../model.safetensors\" of tensor model.norm.weight is not inside"),
        ("absolute", "the file \"/etc/passwd\" of tensor model.norm.weight is not inside"),
        ("same-key-twice", "a is there twice"),
    ];
    for (name, reason) in indices {
        let dir = folder();
        fs::remove_file(dir.path().join("model.safetensors")).expect("removed");
        let path = corpus().join(format!("{name}.index.json"));
        fs::copy(path, dir.path().join("model.safetensors.index.json")).expect("copied");
        assert!(refusal(dir.path()).contains(reason), "{}", refusal(dir.path()));
    }
}

#[test]
fn pickles_are_never_opened() {
    for name in ["pytorch_model.bin", "model.pt", "weights.pth", "a.ckpt"] {
        let dir = folder();
        fs::remove_file(dir.path().join("model.safetensors")).expect("removed");
        // A folder of that name cannot be opened as a file; the refusal comes before.
        fs::create_dir(dir.path().join(name)).expect("created");
        let message = refusal(dir.path());
        assert!(message.contains(name) && message.contains("it is never opened"), "{message}");
    }
    let dir = folder();
    fs::rename(dir.path().join("model.safetensors"), dir.path().join("pytorch_model.bin"))
        .expect("renamed");
    let index = dir.path().join("model.safetensors.index.json");
    fs::copy(corpus().join("pickle.index.json"), index).expect("copied");
    let error = load(dir.path(), &Device::flex()).expect_err("refused");
    assert!(matches!(&error, ModelError::Pickle(path) if path.ends_with("pytorch_model.bin")));
}

#[cfg(unix)]
#[test]
fn a_shard_that_links_out_of_the_folder_is_refused() {
    let (dir, elsewhere) = (tempfile::tempdir().expect("a folder"), folder());
    let source = fixtures().join("models/tiny-qwen2-sharded");
    for entry in fs::read_dir(&source).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("copied");
    }
    let shard = "model-00002-of-00002.safetensors";
    fs::rename(dir.path().join(shard), elsewhere.path().join(shard)).expect("moved");
    std::os::unix::fs::symlink(elsewhere.path().join(shard), dir.path().join(shard))
        .expect("linked");
    assert!(refusal(dir.path()).ends_with("is not inside the folder"));
    // A link to a file of the folder leads nowhere else.
    fs::remove_file(dir.path().join(shard)).expect("removed");
    fs::copy(source.join(shard), dir.path().join("stored")).expect("copied");
    std::os::unix::fs::symlink("stored", dir.path().join(shard)).expect("linked");
    assert!(load(dir.path(), &Device::flex()).is_ok());
}

/// The files are as long as they claim and take no room on the disk; nobody could hold what they claim.
#[test]
fn a_long_file_of_holes_is_refused_before_it_is_read() {
    let dir = folder();
    for name in ["model.safetensors", "config.json"] {
        let kept = fs::read(dir.path().join(name)).expect("the file is there");
        let file = fs::File::create(dir.path().join(name)).expect("created");
        file.set_len(1 << 40).expect("a file of holes");
        assert!(refusal(dir.path()).contains(name));
        fs::write(dir.path().join(name), kept).expect("written");
    }
    let data: u64 = 1 << 40;
    let entry =
        format!(r#"{{"a":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{data}]}}}}"#, data / 4);
    let header = [(entry.len() as u64).to_le_bytes().as_slice(), entry.as_bytes()].concat();
    fs::write(dir.path().join("model.safetensors"), &header).expect("written");
    let file = fs::OpenOptions::new().write(true).open(dir.path().join("model.safetensors"));
    file.expect("opened").set_len(header.len() as u64 + data).expect("a file of holes");
    assert!(refusal(dir.path()).contains("a [274877906944] is not part of the model"));
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let dir = folder();
    for name in ["model.safetensors", "config.json"] {
        let path = dir.path().join(name);
        let kept = fs::read(&path).expect("the file is there");
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        let message = refusal(dir.path());
        assert!(message.ends_with(&format!("{name}: not a regular file")), "{message}");
        fs::remove_file(&path).expect("removed");
        fs::write(&path, kept).expect("written");
    }
}

/// Loads a folder with a file replaced: whatever the bytes are, an answer and no panic. Weights that come back are
/// finite, whatever bits were turned.
fn replaced(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let dir = folder();
    if name.ends_with("index.json") {
        fs::remove_file(dir.path().join("model.safetensors")).expect("removed");
    }
    fs::write(dir.path().join(name), bytes).expect("written");
    let start = Instant::now();
    if let Ok(model) = load(dir.path(), &Device::flex()) {
        let head: Vec<f32> = crate::values(model.decoder.head());
        prop_assert!(head.iter().all(|weight| weight.is_finite()));
    }
    prop_assert!(start.elapsed() < SOON);
    Ok(())
}

/// The bytes of a good file, and some of the corpus: what the properties start from.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let ending = match name {
        "model.safetensors" => ".safetensors",
        "config.json" => ".json",
        _ => ".index.json",
    };
    let mut seeds: Vec<_> = cases(ending)
        .into_iter()
        .map(|path| fs::read(path).expect("the corpus is there"))
        .collect();
    if let Ok(bytes) = fs::read(folder().path().join(name)) {
        seeds.extend(vec![bytes; 8]);
    }
    seeds
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["model.safetensors", "config.json", "model.safetensors.index.json"])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_bytes_get_an_answer(name in name(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        replaced(name, &bytes)?;
    }

    #[test]
    fn cut_files_get_an_answer(name in name(), seed in any::<prop::sample::Index>(), end in any::<prop::sample::Index>()) {
        let seeds = seeds(name);
        let bytes = seed.get(&seeds);
        replaced(name, &bytes[..end.index(bytes.len() + 1)])?;
    }

    #[test]
    fn turned_bits_get_an_answer(
        name in name(),
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
