//! Broken and hostile files of a tokenizer: each gets an error that names it, or a tokenizer that works; soon, and without
//! a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forethought_schema::{Message, Role};
use forethought_tokenize::{Conversation, Encoder, TokenizeError};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::processor_time;

/// What an answer may take of the processor.
const SOON: Duration = Duration::from_secs(2);
const FILES: [&str; 3] = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
/// Contains what the patterns of the corpus go back over.
const TEXT: &str = "abc aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! 12 <|im_end|>\u{1F600}";

fn corpus(file: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file);
    let entries = fs::read_dir(folder).expect("the corpus is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() > 8, "{} cases of {file}", paths.len());
    paths
}

fn valid(file: &str) -> Vec<u8> {
    let path =
        corpus(file).into_iter().find(|path| path.file_stem().is_some_and(|it| it == "valid"));
    fs::read(path.expect("one of them is right")).expect("it is there")
}

/// A good folder with one file replaced.
fn folder(file: &str, bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in FILES {
        // A template of its own would go before the one in the configuration.
        if file == FILES[1] && name == FILES[2] {
            continue;
        }
        let bytes = if name == file { bytes.to_vec() } else { valid(name) };
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    folder
}

/// Opens a folder and uses all of it.
fn use_all(folder: &Path) -> Result<(), TokenizeError> {
    let encoder = Encoder::open(folder)?;
    let ids = encoder.encode(TEXT)?;
    encoder.decode(&ids)?;
    encoder.encode_batch(&[TEXT, "", "a"])?;
    let turn = [Message::new(Role::User, TEXT), Message::new(Role::Assistant, "abc")];
    let template = encoder.chat_template()?;
    let marked = template.render_marked(&Conversation::new(&turn))?;
    encoder.encode(&marked.text)?;
    Ok(())
}

#[test]
fn the_valid_files_of_the_corpus_work_together() {
    use_all(folder("none", b"").path()).expect("all of them are right");
}

/// Those that are odd and still a tokenizer, or a template that writes something.
const HARMLESS: [&str; 16] = [
    "added-far-away",
    "added-empty",
    "added-normalized",
    "attributes-of-python",
    "byte-fallback-without-bytes",
    "cuts-more-than-it-keeps",
    "id-of-all-bits",
    "ids-twice",
    "normalizers-in-normalizers",
    "number-of-many-digits",
    "pads-to-all-bits",
    "pattern-is-empty",
    "pattern-looks-behind-without-end",
    "splits-in-splits",
    "template-of-unknown-tokens",
    "unigram-with-scores-beyond-numbers",
];

#[test]
fn every_file_of_the_corpus_is_refused_soon_and_by_name_or_harmless() {
    let mut wrong = Vec::new();
    for file in FILES {
        for path in corpus(file) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let folder = folder(file, &fs::read(&path).expect("it is there"));
            let start = processor_time();
            let answer = use_all(folder.path()).map_err(|error| error.to_string());
            let is_expected = match &answer {
                Ok(()) => name == "valid" || HARMLESS.contains(&name.as_str()),
                Err(message) => message.contains(&folder.path().display().to_string()),
            };
            let took = processor_time().saturating_sub(start);
            if !is_expected || took > SOON {
                wrong.push(format!("{file}/{name}: {answer:?} in {took:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn answers(file: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = folder(file, bytes);
    let start = processor_time();
    if let Err(error) = use_all(folder.path()) {
        prop_assert!(!error.to_string().contains("panicked"), "{error}");
    }
    let took = processor_time().saturating_sub(start);
    prop_assert!(took < SOON, "{took:?}");
    Ok(())
}

/// The good file many times, and the corpus.
fn seeds(file: &str) -> Vec<Vec<u8>> {
    let mut seeds = vec![valid(file); 24];
    seeds.extend(corpus(file).into_iter().map(|path| fs::read(path).expect("it is there")));
    seeds
}

/// Pieces of templates, of which some fit together.
const PIECES: [&str; 28] = [
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "for m in messages",
    "endfor",
    "if ",
    "else",
    "endif",
    "set x = ",
    "x",
    " ~ ",
    " + ",
    " * ",
    "m.content",
    "'a'",
    "7",
    "[",
    "]",
    "(",
    ")",
    "|length",
    "|join(x)",
    "messages",
    " is defined",
    "-",
    "\n",
    "loop.index",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn random_bytes_get_an_answer(
        file in prop::sample::select(FILES.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        answers(file, &bytes)?;
    }

    #[test]
    fn cut_files_get_an_answer(
        file in prop::sample::select(FILES.to_vec()),
        seed in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
    ) {
        let seeds = seeds(file);
        let bytes = seed.get(&seeds);
        answers(file, &bytes[..end.index(bytes.len() + 1)])?;
    }

    #[test]
    fn turned_bits_get_an_answer(
        file in prop::sample::select(FILES.to_vec()),
        seed in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..6),
    ) {
        let seeds = seeds(file);
        let mut bytes = seed.get(&seeds).clone();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        answers(file, &bytes)?;
    }

    #[test]
    fn templates_of_random_pieces_get_an_answer(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
    ) {
        answers("chat_template.jinja", pieces.concat().as_bytes())?;
    }
}
