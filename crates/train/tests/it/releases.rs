//! Checkpoints that released versions wrote are read by this one, and lead to the losses that followed then.
//!
//! `releases/VERSION` holds a checkpoint of the fourth of seven steps with the log of these four, and `end.json`: losses,
//! norms and weights of the whole run. With `FORETHOUGHT_BLESS` set, the folder of the present version is written anew;
//! those of older ones are never touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use forethought_tests::copy_folder;
use forethought_train::{Fitted, Outcome};
use serde::{Deserialize, Serialize};

use crate::toy::{Setup, Toy, ToySource, Trouble};

const STEPS: u64 = 7;
/// Steps of which the stored checkpoint is.
const SAVED: u64 = 4;
const BLESS: &str = "FORETHOUGHT_BLESS";

/// Where a run of seven steps ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    losses: Vec<f64>,
    grad_norms: Vec<f64>,
    weights: BTreeMap<String, Vec<f32>>,
}

impl End {
    fn of(fitted: &Fitted<Toy>) -> Self {
        let weights =
            fitted.model.bits().into_iter().map(|(name, bits)| {
                (name.to_owned(), bits.into_iter().map(f32::from_bits).collect())
            });
        Self {
            losses: fitted.history.iter().map(|step| step.loss).collect(),
            grad_norms: fitted.history.iter().map(|step| step.grad_norm).collect(),
            weights: weights.collect(),
        }
    }
}

fn releases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases")
}

/// Four steps, of which the last is saved, into a folder.
fn begin(folder: &Path) {
    let setup = Setup::fresh(folder).saving_every(SAVED);
    let source = ToySource::with(STEPS, Trouble::Fail { at: SAVED });
    setup.fit(Toy::new(0.0), source).expect_err("the fifth step fails");
}

/// Goes on with what is in the folder. Other initial weights: all that is known comes from the checkpoint.
fn go_on(folder: &Path) -> Fitted<Toy> {
    let setup = Setup::resumed(folder).saving_every(SAVED);
    setup.fit(Toy::new(9.0), ToySource::new(STEPS)).expect("the rest of the run")
}

fn bless(release: &Path) {
    let _ = fs::remove_dir_all(release);
    fs::create_dir_all(release).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    begin(folder.path());
    copy_folder(&folder.path().join("checkpoints"), &release.join("checkpoints")).expect("a copy");
    fs::copy(folder.path().join("metrics.jsonl"), release.join("metrics.jsonl")).expect("a log");
    let end = serde_json::to_string_pretty(&End::of(&go_on(folder.path()))).expect("numbers");
    fs::write(release.join("end.json"), end + "\n").expect("written");
}

/// Two lists of numbers of processors that round otherwise.
#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let distance = (found - expected).abs();
        assert!(distance <= 1e-5 * expected.abs().max(1e-2), "{what}: {found}, not {expected}");
    }
}

#[test]
fn checkpoints_of_every_release_lead_where_they_led_then() {
    let present = releases().join(env!("CARGO_PKG_VERSION"));
    if std::env::var_os(BLESS).is_some() {
        bless(&present);
    }
    assert!(present.is_dir(), "{} has no checkpoint yet: set {BLESS}", present.display());
    for release in fs::read_dir(releases()).expect("releases").flatten() {
        let name = release.file_name().to_string_lossy().into_owned();
        let folder = tempfile::tempdir().expect("a folder");
        copy_folder(&release.path(), folder.path()).expect("a copy");
        let text = fs::read_to_string(folder.path().join("end.json")).expect("where it led");
        let expected: End = serde_json::from_str(&text).expect("numbers");
        let resumed = go_on(folder.path());
        assert_eq!(resumed.outcome, Outcome::Finished, "{name}");
        assert_eq!(resumed.notices, [format!("resumed after step {SAVED} of {STEPS}")], "{name}");
        let found = End::of(&resumed);
        assert_close(&format!("losses of {name}"), &found.losses, &expected.losses);
        assert_close(&format!("norms of {name}"), &found.grad_norms, &expected.grad_norms);
        for (tensor, expected) in &expected.weights {
            let numbers = |list: &[f32]| list.iter().copied().map(f64::from).collect::<Vec<_>>();
            let found = numbers(&found.weights[tensor]);
            assert_close(&format!("{tensor} of {name}"), &found, &numbers(expected));
        }
    }
}

/// Names and layout of what the present version writes are those that are stored: who changes them gives the format a new
/// version, and a reader for the old one.
#[test]
fn the_present_version_writes_the_layout_that_is_stored_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    begin(folder.path());
    let place = format!("checkpoints/step-{SAVED:06}");
    let stored = releases().join(env!("CARGO_PKG_VERSION")).join(&place);
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a checkpoint").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let written = folder.path().join(&place);
    assert_eq!(names(&written), names(&stored));
    for file in ["manifest.json", "state.json"] {
        let keys = |folder: &Path| {
            let text = fs::read_to_string(folder.join(file)).expect(file);
            let mut keys = Vec::new();
            paths("", &serde_json::from_str(&text).expect(file), &mut keys);
            keys
        };
        assert_eq!(keys(&written), keys(&stored), "{file}");
    }
}

/// Every key of a value, with the keys above it.
fn paths(above: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    let Some(map) = value.as_object() else { return };
    for (key, below) in map {
        let path = format!("{above}/{key}");
        paths(&path, below, found);
        found.push(path);
    }
}
