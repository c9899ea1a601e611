//! Saving on a disk that stops, or loses what was not synced, at every place where it can.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::checkpoint::Origins;
use crate::checkpoint::durable::{Fill, Replacement, settle_folder_on};

/// What a disk was asked for, until it stopped.
#[derive(Debug, Default)]
struct Log {
    calls: Vec<String>,
    /// Files that were written and not yet synced.
    volatile: BTreeSet<PathBuf>,
    /// The call that fails, and every one after it; none before.
    stops_at: Option<usize>,
}

/// A disk that stops at one call, as if the process had been killed there.
#[derive(Clone, Debug, Default)]
struct Stopping(Arc<Mutex<Log>>);

impl Stopping {
    fn at(call: usize) -> Self {
        let log = Log { stops_at: Some(call), ..Log::default() };
        Self(Arc::new(Mutex::new(log)))
    }

    /// Notes a call; an error if the disk has stopped.
    fn note(&self, what: &str, path: &Path) -> io::Result<()> {
        let mut log = self.0.lock().expect("one thread");
        if log.stops_at.is_some_and(|call| call <= log.calls.len()) {
            return Err(io::Error::other("the process is gone"));
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        log.calls.push(format!("{what} {name}"));
        Ok(())
    }

    fn calls(&self) -> Vec<String> {
        self.0.lock().expect("one thread").calls.clone()
    }

    /// What a loss of power does to files that were not synced: their names are there, half of their bytes is not.
    fn lose_power(&self) {
        for path in &self.0.lock().expect("one thread").volatile {
            if let Ok(file) = File::options().write(true).open(path) {
                let length = file.metadata().expect("a file").len();
                file.set_len(length / 2).expect("a shorter file");
            }
        }
    }
}

impl Disk for Stopping {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.note("create", path)?;
        OsDisk.create_folder(path)
    }

    fn write(&self, path: &Path, fill: &mut Fill<'_>) -> io::Result<()> {
        self.note("write", path)?;
        self.0.lock().expect("one thread").volatile.insert(path.to_owned());
        OsDisk.write(path, fill)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.note("sync", path)?;
        self.0.lock().expect("one thread").volatile.remove(path);
        OsDisk.sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename", from)?;
        let mut log = self.0.lock().expect("one thread");
        let moved = |path: &PathBuf| match path.strip_prefix(from) {
            Ok(rest) => to.join(rest),
            Err(_) => path.clone(),
        };
        log.volatile = log.volatile.iter().map(moved).collect();
        OsDisk.rename(from, to)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.note("remove", path)?;
        OsDisk.remove_folder(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.note("remove", path)?;
        OsDisk.remove_file(path)
    }
}

const TWO: Keep = Keep { limit: 2, anchor: None };

fn identity() -> Identity {
    let origins = Origins::default();
    Identity { stage: "sft".to_owned(), config_hash: "c0ffee".to_owned(), origins }
}

fn save(store: &Store, step: u64) -> Result<Vec<String>, CheckpointError> {
    let state = RunState { step, ..RunState::default() };
    let file =
        |name: &'static str| move |file: &mut dyn Write| write!(file, "{name} after {step} steps");
    store.save(&state, Box::new(file("weights")), Box::new(file("moments")))
}

fn newest(folder: &Path) -> Contents {
    let store = Store::open(folder, identity(), TWO).expect("a store");
    store.load_newest().expect("a checkpoint").contents.expect("one at least")
}

/// A folder with checkpoints of steps 1 and 2.
fn two_saved() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), identity(), TWO).expect("a store");
    for step in [1, 2] {
        save(&store, step).expect("room");
    }
    folder
}

/// Saves step 3 on a disk that stops at one call, and returns it.
fn stopped_in_save(folder: &Path, call: usize) -> Stopping {
    let disk = Stopping::at(call);
    if let Ok(store) = Store::on(Box::new(disk.clone()), folder, identity(), TWO) {
        let _ = save(&store, 3);
    }
    disk
}

/// Calls of one save, the opening of the store included.
const CALLS: [&str; 15] = [
    "create checkpoints",
    "create step-000003.tmp",
    "write model.safetensors",
    "sync model.safetensors",
    "write optimizer.bpk.zst",
    "sync optimizer.bpk.zst",
    "write state.json",
    "sync state.json",
    "write manifest.json",
    "sync manifest.json",
    "sync step-000003.tmp",
    "rename step-000003.tmp",
    "sync checkpoints",
    "rename step-000001",
    "remove step-000001.tmp",
];

#[test]
fn every_file_is_synced_before_the_rename_and_the_folder_after_it() {
    let folder = two_saved();
    assert_eq!(stopped_in_save(folder.path(), usize::MAX).calls(), CALLS);
}

#[test]
fn a_process_that_stops_anywhere_in_a_save_leaves_the_old_checkpoint_or_the_new_one() {
    for call in 0..=CALLS.len() {
        let folder = two_saved();
        stopped_in_save(folder.path(), call);
        let found = newest(folder.path());
        // From the rename on the new one counts.
        let expected = if call <= 11 { 2 } else { 3 };
        assert_eq!(found.state.step, expected, "stopped at call {call}");
        assert_eq!(found.model, format!("weights after {expected} steps").into_bytes());
        let leftovers = fs::read_dir(folder.path().join("checkpoints")).expect("a folder");
        let names = leftovers.map(|entry| entry.expect("an entry").file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().ends_with(STAGED)));
    }
}

#[test]
fn a_loss_of_power_anywhere_in_a_save_takes_no_checkpoint_that_was_there() {
    for call in 0..=CALLS.len() {
        let folder = two_saved();
        stopped_in_save(folder.path(), call).lose_power();
        let found = newest(folder.path());
        assert!(2 <= found.state.step, "stopped at call {call}");
        let step = found.state.step;
        assert_eq!(found.optimizer, format!("moments after {step} steps").into_bytes());
    }
}

/// Replaces a file on a disk that stops at one call, and returns what is in its folder then.
fn replaced(call: usize) -> (Stopping, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.yaml");
    fs::write(&path, "old").expect("a file");
    let disk = Stopping::at(call);
    let replacement = Replacement::on(Box::leak(Box::new(disk.clone())), &path);
    let written = replacement.fill(&mut |file| file.write_all(b"the new one"));
    assert_eq!(written.is_ok(), call >= REPLACING.len());
    disk.lose_power();
    let entries = fs::read_dir(folder.path()).expect("a folder").map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("text"))
    });
    let entries = entries.collect();
    (disk, entries)
}

const REPLACING: [&str; 4] =
    ["write config.yaml.tmp", "sync config.yaml.tmp", "rename config.yaml.tmp", "sync FOLDER"];

#[test]
fn a_file_that_is_replaced_is_the_old_or_the_new_one_whatever_stops_it() {
    let (disk, _) = replaced(usize::MAX);
    assert_eq!(disk.calls()[..3], REPLACING[..3]);
    assert_eq!(disk.calls().len(), REPLACING.len());
    for call in 0..=REPLACING.len() {
        let (_, entries) = replaced(call);
        let expected = if call <= 2 { "old" } else { "the new one" };
        let found = entries.iter().find(|(name, _)| name == "config.yaml").expect("it is there");
        assert_eq!(found.1, expected, "stopped at call {call}");
    }
}

#[test]
fn all_of_a_folder_is_synced_before_it_has_its_name_and_what_lists_it_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let (staged, target) =
        (folder.path().join("artifacts/.sft.part"), folder.path().join("artifacts/sft"));
    for (place, text) in [(&staged, "new"), (&target, "old")] {
        fs::create_dir_all(place.join("model")).expect("a folder");
        fs::write(place.join("model/weights"), text).expect("a file");
    }
    let disk = Stopping::at(usize::MAX);
    settle_folder_on(&disk, &staged, &target).expect("room");
    assert_eq!(
        disk.calls(),
        [
            "sync weights",
            "sync model",
            "sync .sft.part",
            "remove sft",
            "rename .sft.part",
            "sync artifacts"
        ]
    );
    assert_eq!(fs::read(target.join("model/weights")).expect("a file"), b"new");
}

#[test]
fn a_run_that_went_back_replaces_what_it_wrote_before() {
    let folder = two_saved();
    let store = Store::open(folder.path(), identity(), TWO).expect("a store");
    let state = RunState { step: 2, scheduler_step: 9, ..RunState::default() };
    store.save(&state, all_of(vec![1]), all_of(vec![2])).expect("room");
    assert_eq!(newest(folder.path()).state.scheduler_step, 9);
}

#[test]
fn room_for_the_checkpoints_to_come_is_asked_for_before_any_is_written() {
    let folder = two_saved();
    let store =
        Store::open(folder.path(), identity(), Keep { limit: 4, anchor: None }).expect("a store");
    store.require_room(1_000).expect("a disk with some kilobytes");
    let error = store.require_room(u64::MAX / 8).expect_err("no disk is that large").to_string();
    // Two of four are there; two, and one while it is written, are to come.
    assert!(error.contains(&format!("need {} bytes, ", u64::MAX / 8 * 3)), "{error}");
    assert!(error.contains(" are free; free some, lower save_total_limit"), "{error}");
}

#[test]
fn the_checkpoint_that_a_run_may_go_back_to_stays_however_many_come_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = Keep { limit: 2, anchor: Some(4) };
    let store = Store::open(folder.path(), identity(), keep).expect("a store");
    for step in [0, 4, 5, 6, 7] {
        save(&store, step).expect("room");
    }
    assert_eq!(store.steps().expect("a list"), [4, 6, 7]);
    let anchor = store.load_anchor().expect("it is intact").contents.expect("it is there");
    assert_eq!(anchor.state.step, 4);
    save(&store, 8).expect("room");
    assert_eq!(store.steps().expect("a list"), [7, 8]);
}
