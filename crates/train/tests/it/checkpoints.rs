//! Damaged, foreign and stale checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use forethought_train::{Resume, RunLock};

use crate::toy::{Setup, Toy, ToySource};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.join("checkpoints"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

fn checkpoint(folder: &Path, step: u64) -> PathBuf {
    folder.join(format!("checkpoints/step-{step:06}"))
}

const FILES: [&str; 4] = ["model.safetensors", "optimizer.bpk.zst", "state.json", "manifest.json"];

/// A run of four steps with checkpoints of the third and the fourth.
fn finished(folder: &Path) -> Toy {
    let run = Setup::fresh(folder).saving_every(1).fit(Toy::new(0.0), ToySource::new(4));
    run.expect("a run").model
}

fn flip(path: &Path, position: usize, bit: u32) {
    let mut bytes = fs::read(path).expect("a file");
    let position = position % bytes.len();
    bytes[position] ^= 1 << bit;
    fs::write(path, bytes).expect("the file");
}

#[test]
fn the_newest_checkpoints_up_to_the_limit_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    assert_eq!(names(folder.path()), ["step-000003", "step-000004"]);
}

#[test]
fn a_flipped_bit_in_any_file_is_noticed_and_the_checkpoint_before_serves() {
    for file in FILES {
        for (position, bit) in [(0, 0), (40, 3), (12_345, 6)] {
            let folder = tempfile::tempdir().expect("a folder");
            let expected = finished(folder.path());
            flip(&checkpoint(folder.path(), 4).join(file), position, bit);
            let resumed = Setup::resumed(folder.path())
                .fit(Toy::new(9.0), ToySource::new(4))
                .expect("step 3 is intact");
            assert_eq!(resumed.model.bits(), expected.bits());
            let [damage, from] = &resumed.notices[..] else { panic!("{:?}", resumed.notices) };
            assert!(damage.contains("step-000004 is damaged (") && damage.contains(file));
            assert!(damage.ends_with("step-000004.bad"), "{damage}");
            assert_eq!(from, "resumed after step 3 of 4");
            assert_eq!(names(folder.path()), ["step-000003", "step-000004", "step-000004.bad"]);
        }
    }
}

#[test]
fn any_prefix_of_the_files_of_a_checkpoint_is_no_checkpoint() {
    let files = FILES;
    for num_kept in 0..files.len() {
        let folder = tempfile::tempdir().expect("a folder");
        let expected = finished(folder.path());
        for file in &files[num_kept..] {
            fs::remove_file(checkpoint(folder.path(), 4).join(file)).expect("a file");
        }
        let resumed = Setup::resumed(folder.path())
            .fit(Toy::new(9.0), ToySource::new(4))
            .expect("step 3 is intact");
        assert_eq!(resumed.notices[1], "resumed after step 3 of 4");
        assert_eq!(resumed.model.bits(), expected.bits());
    }
}

#[test]
fn a_cut_file_is_reported_with_both_lengths() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    let model = checkpoint(folder.path(), 4).join("model.safetensors");
    let bytes = fs::read(&model).expect("a file");
    fs::write(&model, &bytes[..100]).expect("the file");
    let resumed =
        Setup::resumed(folder.path()).fit(Toy::new(0.0), ToySource::new(4)).expect("step 3");
    let reason = format!("(model.safetensors: 100 bytes instead of {})", bytes.len());
    assert!(resumed.notices[0].contains(&reason), "{:?}", resumed.notices);
}

#[test]
fn a_second_damaged_checkpoint_of_a_step_does_not_replace_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    for _ in 0..2 {
        flip(&checkpoint(folder.path(), 4).join("model.safetensors"), 9, 1);
        Setup::resumed(folder.path()).fit(Toy::new(0.0), ToySource::new(4)).expect("step 3");
    }
    let kept = ["step-000003", "step-000004", "step-000004.bad", "step-000004.bad-2"];
    assert_eq!(names(folder.path()), kept);
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_never_starts_over_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    flip(&checkpoint(folder.path(), 3).join("optimizer.bpk.zst"), 9, 1);
    fs::remove_file(checkpoint(folder.path(), 4).join("manifest.json")).expect("a manifest");
    for _ in 0..2 {
        let error = Setup::resumed(folder.path())
            .fit(Toy::new(0.0), ToySource::new(4))
            .expect_err("both are damaged")
            .to_string();
        assert!(error.starts_with("none of the checkpoints in "), "{error}");
        assert!(error.contains(
            " can be resumed from; start over without resuming, which sets them aside:\n"
        ));
        assert!(error.contains("step-000003: optimizer.bpk.zst: its SHA-256 does not match"));
        assert!(error.contains("step-000004: cannot read ") && error.contains("manifest.json"));
    }
    assert_eq!(names(folder.path()), ["step-000003", "step-000004"]);
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    let other = Setup { config_hash: "dec0de", ..Setup::resumed(folder.path()) };
    let error = other.fit(Toy::new(0.0), ToySource::new(4)).expect_err("another run").to_string();
    let reason = "is of another run; it differs from this one (was -> is) in\n  config hash: c0ffee -> dec0de\n";
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_fresh_run_does_not_mix_with_an_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    let fresh = Setup { resume: Resume::Fresh, ..Setup::resumed(folder.path()) };
    let error = fresh.fit(Toy::new(0.0), ToySource::new(4)).expect_err("not empty").to_string();
    assert!(
        error.ends_with("already holds a checkpoint of step 4: resume it, or remove the folder")
    );
}

#[test]
fn what_a_killed_process_left_half_written_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    finished(folder.path());
    let stale = folder.path().join("checkpoints/step-000005.tmp");
    fs::create_dir(&stale).expect("a folder");
    fs::write(stale.join("model.safetensors"), "half").expect("a file");
    Setup::resumed(folder.path()).fit(Toy::new(0.0), ToySource::new(4)).expect("resumed");
    assert_eq!(names(folder.path()), ["step-000003", "step-000004"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_the_first_step() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("checkpoints"), "a file in the way").expect("a file");
    let error =
        Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(4)).expect_err("in the way");
    assert!(error.to_string().starts_with("cannot create "), "{error}");
    assert!(!folder.path().join("metrics.jsonl").exists());
}

#[test]
fn weights_are_a_safetensors_file_of_what_is_trained_and_the_state_says_where_the_run_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let frozen = Toy::new(0.0).frozen_embedding();
    let run = Setup::fresh(folder.path()).fit(frozen, ToySource::new(3)).expect("a run");
    let checkpoint = checkpoint(folder.path(), 3);
    let bytes = fs::read(checkpoint.join("model.safetensors")).expect("weights");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["norm.gamma", "project.bias", "project.weight"]);
    let gamma = file.tensor("norm.gamma").expect("a tensor").data().to_vec();
    let expected: Vec<u8> =
        run.model.bits()[2].1.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    assert_eq!(gamma, expected);

    let text = fs::read_to_string(checkpoint.join("state.json")).expect("state");
    let state: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&state["step"], &state["micro_batch"]), (&3.into(), &0.into()));
    assert_eq!(state["scheduler_step"], 3);
    assert_eq!(state["cursor"], serde_json::json!({"epoch": 0, "step_of_epoch": 3, "seed": 7}));
    let best = run.best.expect("finite losses");
    let lowest = run.history.iter().map(|record| record.loss).fold(f64::INFINITY, f64::min);
    assert_eq!((best.metric.as_str(), best.value.to_bits()), ("loss", lowest.to_bits()));
    assert_eq!(state["best"]["step"], best.step);
}

#[test]
fn a_disk_that_cannot_take_the_checkpoints_is_refused_before_the_first_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::fresh(folder.path());
    setup.config.save_total_limit = 1_000_000_000_000;
    let error = setup.fit(Toy::new(0.0), ToySource::new(4)).expect_err("petabytes").to_string();
    assert!(error.contains("has too little room: the checkpoints of this run need "), "{error}");
    assert!(error.contains(" are free; free some, lower save_total_limit"), "{error}");
    assert!(!folder.path().join("metrics.jsonl").exists());
}

#[test]
fn a_folder_in_which_another_process_runs_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = RunLock::acquire(folder.path()).expect("a free folder");
    let refused = || Setup::resumed(folder.path()).fit(Toy::new(0.0), ToySource::new(1));
    let error = refused().expect_err("taken").to_string();
    assert!(error.contains(&format!("the process {} that is running", std::process::id())));
    drop(lock);
    refused().expect("free");
}

#[cfg(unix)]
#[test]
fn checkpoints_are_not_written_through_a_link() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let place = folder.path().join("checkpoints");
    std::os::unix::fs::symlink(elsewhere.path(), &place).expect("a link");
    let run = Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(2));
    let error = run.expect_err("a link").to_string();
    let start = format!("{} is a link to {}", place.display(), elsewhere.path().display());
    assert!(error.contains(&start), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);

    // A link in the place where a checkpoint is put together goes; what it leads to stays.
    fs::remove_file(&place).expect("the link");
    fs::create_dir(&place).expect("a folder of its own");
    fs::write(elsewhere.path().join("diary"), "mine").expect("a file");
    let staged = place.join("step-000002.tmp");
    std::os::unix::fs::symlink(elsewhere.path(), staged).expect("a link");
    let run = Setup::fresh(folder.path()).saving_every(2);
    run.fit(Toy::new(0.0), ToySource::new(2)).expect("a run");
    assert!(place.join("step-000002").is_dir() && !place.join("step-000002").is_symlink());
    assert_eq!(fs::read_to_string(elsewhere.path().join("diary")).expect("a file"), "mine");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 1);
}
