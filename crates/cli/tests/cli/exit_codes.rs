//! 0 done, 1 failed, 2 bad usage or config; the message says what to change.

use std::process::Command;

use forethought_tests::{Project, repository};

use crate::{forethought, outcome, pipeline};

#[test]
fn a_bad_config_or_command_line_ends_with_2() {
    let project = Project::new();
    let misspelt = project.pipeline_with("learning_rate", "learning_rat");
    project.write("misspelt.yaml", misspelt);
    for (arguments, part) in [
        (&["pipeline.yaml", "--device", "gpu"][..], "use cpu, cuda or cuda:N"),
        (&["pipeline.yaml", "--from", "stf"], "did you mean `sft`?"),
        (&["pipeline.yaml", "--from", "grpo", "--until", "sft"], "no stage would run"),
        (&["pipeline.yaml", "--set", "sft.lora"], "expected key=value"),
        (&["pipeline.yaml", "--set", "sft.num_train_epochs=0"], "must be at least 1, got 0"),
        (&["misspelt.yaml"], "stages.5.sft.training.learning_rat: unknown field"),
        (&["no-such-pipeline"], "there is no pipeline file `no-such-pipeline`"),
        (&["--config", "none.yaml"], "none.yaml: cannot read the file"),
        (&["pipeline.yaml", "--form", "sft"], "'--from'"),
        (&[], "NAME|FILE"),
    ] {
        let mut command = forethought(&project.path(""));
        let (code, _, error) = outcome(command.arg("pipeline").args(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    assert!(!project.path("runs").join("parrots").join("artifacts").exists(), "nothing was begun");
}

#[test]
fn a_misspelt_pipeline_is_told_the_nearest_name() {
    let (code, _, error) = outcome(forethought(&repository()).args(["pipeline", "thnk"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("did you mean `think`?") && error.contains("think-files"), "{error}");
}

#[test]
fn data_that_cannot_be_used_ends_with_1_and_one_message() {
    let project = Project::new();
    let set = "ingest.sources.0.path=tracse.jsonl";
    let (code, output, error) = outcome(&mut pipeline(&project, &["--set", set]));
    assert_eq!((code, output.as_str()), (Some(1), ""));
    let expected = "error: --set ingest.sources.0.path=tracse.jsonl: stages.0.ingest.sources.0.path: tracse.jsonl: \
                    no such file (did you mean `traces.jsonl`?)\n";
    assert_eq!(error, expected);
    let (code, _, error) = outcome(&mut pipeline(&project, &["--set", "balance.min_count=1000"]));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("error: nothing is left for training") && !error.contains("panicked"),
        "{error}"
    );
}

/// What a run leaves beside its artifacts.
const OF_RUN: [&str; 5] =
    ["config.resolved.yaml", "manifest.json", "metrics.jsonl", "report.html", "report.json"];

#[test]
fn no_file_of_a_finished_run_is_cut_by_a_disk_that_is_full() {
    let project = Project::new();
    let (code, _, error) = outcome(&mut pipeline(&project, &[]));
    assert_eq!(code, Some(0), "{error}");
    let read = |name: &str| std::fs::read(project.path("runs/parrots").join(name)).expect(name);
    let before = OF_RUN.map(read);
    // Files may have half a kilobyte.
    let limited = format!(
        "ulimit -f 1; exec '{}' pipeline pipeline.yaml --from report",
        env!("CARGO_BIN_EXE_forethought")
    );
    let mut command = Command::new("sh");
    let (code, _, error) = outcome(command.args(["-c", &limited]).current_dir(project.path("")));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("config.resolved.yaml: File too large"), "{error}");
    assert_eq!(OF_RUN.map(read), before);
    let left = std::fs::read_dir(project.path("runs/parrots")).expect("a folder").flatten();
    let mut left = left.map(|entry| entry.path());
    assert!(left.all(|path| path.extension().is_none_or(|end| end != "tmp")), "it is removed");
}

#[test]
fn a_training_without_examples_shows_their_account_once() {
    let project = Project::new();
    let set = ["--set", "sft.max_length=20", "--set", "sft.on_overflow=drop", "--until", "sft"];
    let (code, _, error) = outcome(&mut pipeline(&project, &set));
    assert_eq!(code, Some(1), "{error}");
    let account = "sft: 64 rows read = 0 kept + 64 dropped";
    assert_eq!(error.matches(account).count(), 1, "{error}");
    assert!(error.contains("error: stage sft: no example is left"), "{error}");
}

#[test]
fn a_folder_that_holds_no_run_ends_with_1() {
    let project = Project::new();
    for command in ["evaluate", "report"] {
        let (code, _, error) = outcome(forethought(&project.path("")).args([command, "nowhere"]));
        assert_eq!(code, Some(1));
        assert!(
            error.contains("nowhere has no report; run its pipeline to the end first"),
            "{error}"
        );
    }
}

#[test]
fn a_run_into_a_place_that_cannot_be_written_ends_with_1_and_the_path() {
    let project = Project::new();
    let (code, _, error) = outcome(&mut pipeline(&project, &["--out", "prompt.txt/run"]));
    assert_eq!(code, Some(1));
    assert!(error.contains("prompt.txt/run"), "{error}");
}

#[test]
fn a_run_into_a_file_system_that_is_read_only_is_refused_before_its_first_stage() {
    let project = Project::new();
    let out = project.path("out");
    std::fs::create_dir_all(&out).expect("a folder");
    let binary = env!("CARGO_BIN_EXE_forethought");
    let script = format!(
        "mount --bind out out && mount -o remount,bind,ro out && exec {binary} pipeline pipeline.yaml --out out"
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).current_dir(project.path(""));
    let can_mount = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", "mount --bind /tmp /tmp"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !can_mount {
        return crate::skipped("no right to mount a file system");
    }
    let (code, _, error) = outcome(&mut command);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("out") && error.contains("Read-only file system"), "{error}");
    assert!(!error.contains("[1/"), "no stage was begun: {error}");
    assert_eq!(std::fs::read_dir(&out).expect("the folder").count(), 0);
}

#[test]
fn a_folder_of_another_user_is_refused_before_the_first_stage() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new();
    let out = project.path("out");
    std::fs::create_dir_all(&out).expect("a folder");
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o555)).expect("a mode");
    if std::fs::write(out.join("probe"), "").is_ok() {
        return crate::skipped("this user may write anywhere");
    }
    let (code, _, error) = outcome(&mut pipeline(&project, &["--out", "out"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("out") && error.contains("Permission denied"), "{error}");
    assert!(!error.contains("[1/"), "no stage was begun: {error}");
}

#[cfg(unix)]
#[test]
fn a_run_folder_that_is_a_link_or_leads_up_is_shown_as_what_it_is_and_its_trainings_may_be_none() {
    use std::os::unix::fs::symlink;

    let project = Project::new();
    let real = project.path("").canonicalize().expect("a folder").join("disk");
    std::fs::create_dir_all(real.join("runs")).expect("a folder");
    symlink(&real, project.path("link")).expect("a link");
    for (out, place) in [("link/one", "one"), ("link/runs/../two", "two")] {
        let until = &["--out", out, "--until", "ingest"];
        let (code, _, error) = outcome(&mut pipeline(&project, until));
        assert_eq!(code, Some(0), "{error}");
        let line = format!("{out} is {}\n", real.join(place).display());
        assert!(error.contains(&line), "{error}");
        assert!(real.join(place).join("artifacts/ingest/artifact.json").is_file());
    }
    let (_, _, error) =
        outcome(&mut pipeline(&project, &["--out", "disk/one", "--until", "ingest"]));
    assert!(!error.contains(" is /"), "nothing is said of a plain path: {error}");

    std::fs::create_dir(project.path("elsewhere")).expect("a folder");
    symlink(project.path("elsewhere"), real.join("one/training")).expect("a link");
    let (code, _, error) =
        outcome(&mut pipeline(&project, &["--out", "disk/one", "--until", "sft"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("disk/one/training is a link to "), "{error}");
    assert_eq!(std::fs::read_dir(project.path("elsewhere")).expect("a folder").count(), 0);
}
