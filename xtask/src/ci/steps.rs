//! The steps of `cargo xtask ci`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Outcome, readme};
use crate::finding::Finding;
use crate::interop::{self, Compared};
use crate::layers::ALGORITHMS;
use crate::workspace::{Workspace, run};
use crate::{dispatch, layers, tidy};

/// One check.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// What it checks, in half a line.
    pub(super) what: &'static str,
    pub(super) run: fn(&Workspace) -> Result<Outcome, String>,
}

/// All checks, cheapest first.
pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", what: "the formatting", run: fmt },
    Step { name: "tidy", what: "the rules of docs/style.md that no other tool knows", run: tidy },
    Step { name: "layers", what: "who may depend on whom", run: layers },
    Step { name: "xtask", what: "the tests of xtask itself", run: xtask },
    Step { name: "clippy", what: "clippy without a warning, tests included", run: clippy },
    Step {
        name: "crates",
        what: "each algorithm crate alone, with the features it declares",
        run: crates,
    },
    Step { name: "doc", what: "the API documentation without a warning", run: doc },
    Step { name: "test", what: "the test command of README.md", run: test },
    Step { name: "pipeline", what: "the pipelines of configs/ci, in release mode", run: pipeline },
    Step {
        name: "chaos",
        what: "the release binary, killed, signalled, starved and damaged (a minute of it)",
        run: chaos,
    },
    Step { name: "tui", what: "the dashboard, in a terminal that `script` makes", run: dashboard },
    Step { name: "hub", what: "the hub feature, against a server on this machine", run: hub },
    Step {
        name: "interop",
        what: "what forethought writes, read by transformers and PEFT (needs FORETHOUGHT_PYTHON)",
        run: interop,
    },
    Step {
        name: "files",
        what: "the pipeline on traces nobody here wrote (needs FORETHOUGHT_SHARED)",
        run: files,
    },
    Step {
        name: "parity",
        what: "the golden cases of the Python stack (needs FORETHOUGHT_SHARED)",
        run: parity,
    },
    Step {
        name: "cuda",
        what: "the types of the cuda feature (nothing is linked or run)",
        run: cuda,
    },
];

/// Names a folder with material that is not part of the repository: tests and steps that need it say so without it.
const SHARED: &str = "FORETHOUGHT_SHARED";

fn fmt(workspace: &Workspace) -> Result<Outcome, String> {
    run(workspace.cargo().args(["fmt", "--all", "--check"])).map(|()| Outcome::Passed)
}

fn tidy(workspace: &Workspace) -> Result<Outcome, String> {
    judge(&tidy::check(workspace)?)
}

fn layers(workspace: &Workspace) -> Result<Outcome, String> {
    judge(&layers::check(workspace)?)
}

fn xtask(workspace: &Workspace) -> Result<Outcome, String> {
    run(workspace.cargo().args(["test", "--package", "xtask"])).map(|()| Outcome::Passed)
}

fn clippy(workspace: &Workspace) -> Result<Outcome, String> {
    run(workspace.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    // Programs of the tests that no test runs.
    let programs = ["--package", "forethought-tests", "--features", "chaos,memory", "--bins"];
    run(workspace.cargo().arg("clippy").args(programs).args(["--", "-D", "warnings"]))?;
    Ok(Outcome::Passed)
}

/// A workspace build gives every crate the features that any crate asks for; only alone does a missing one show.
fn crates(workspace: &Workspace) -> Result<Outcome, String> {
    let is_there = |name: &&&str| workspace.root().join("crates").join(name).is_dir();
    for name in ALGORITHMS.iter().filter(is_there) {
        run(workspace.cargo().args(["check", "--package", &format!("forethought-{name}")]))?;
    }
    Ok(Outcome::Passed)
}

fn doc(workspace: &Workspace) -> Result<Outcome, String> {
    let mut cargo = workspace.cargo();
    cargo.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    run(&mut cargo).map(|()| Outcome::Passed)
}

/// Runs what the readme says as it says it, through a shell.
fn test(workspace: &Workspace) -> Result<Outcome, String> {
    let readme = workspace.read("README.md")?;
    let command = readme::test_command(&readme)?;
    println!("$ {command}");
    run(workspace.command("sh").args(["-c", command]))?;
    Ok(match shared() {
        Ok(_) => Outcome::Passed,
        Err(why) => Outcome::PassedWithout(format!("tests against that folder did nothing: {why}")),
    })
}

fn pipeline(workspace: &Workspace) -> Result<Outcome, String> {
    let configs = configs_in(&workspace.root().join("configs/ci"))?;
    if configs.is_empty() {
        return Ok(Outcome::Skipped("configs/ci holds no pipeline".into()));
    }
    for config in &configs {
        run_pipeline(workspace, config, &[])?;
    }
    Ok(Outcome::Passed)
}

/// Of the crates, and of the binary with the feature. For the latter, features are those of the whole workspace: alone, it would
/// build every dependency anew.
fn hub(workspace: &Workspace) -> Result<Outcome, String> {
    let model = ["test", "--package", "forethought-model", "--features", "hub", "hub"];
    let data = ["test", "--package", "forethought-hub", "--features", "fetch"];
    let binary = ["test", "--workspace", "--features", "forethought/hub", "--test", "cli", "hub::"];
    for arguments in [&model[..], &data, &binary] {
        let mut test = workspace.cargo();
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            test.env_remove(proxy);
        }
        run(test.args(arguments))?;
    }
    Ok(Outcome::Passed)
}

fn interop(workspace: &Workspace) -> Result<Outcome, String> {
    Ok(match interop::compare(workspace)? {
        Compared::All => Outcome::Passed,
        Compared::AllBut(why) => Outcome::PassedWithout(why),
        Compared::Skipped(why) => Outcome::Skipped(why),
    })
}

/// Three files in three shapes of record, with real and often unfinished traces, under a small budget.
fn files(workspace: &Workspace) -> Result<Outcome, String> {
    let shared = match shared() {
        Ok(shared) => shared,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let config = workspace.root().join("configs/pipelines/think-files.yaml");
    if !config.is_file() {
        return Ok(Outcome::Skipped("configs/pipelines/think-files.yaml is not there".into()));
    }
    run_pipeline(workspace, &config, &files_arguments(&shared))?;
    Ok(Outcome::Passed)
}

/// Every case whose kind is known must agree.
fn parity(workspace: &Workspace) -> Result<Outcome, String> {
    let shared = match shared() {
        Ok(shared) => shared,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let mut forethought = workspace.command(dispatch::build(workspace, &[])?);
    forethought.arg("parity").arg(shared.join("goldens")).arg("--failures");
    run(&mut forethought).map(|()| Outcome::Passed)
}

/// What `think-files` is told: all shared traces, their columns recognised, the tokenizer of a published model, and a
/// few steps only, for this is about the data and not about the numbers.
fn files_arguments(shared: &Path) -> Vec<String> {
    let traces = yaml_string(&shared.join("data/think/*"));
    let tokenizer = yaml_string(&shared.join("data/tokenizers/qwen2.5"));
    let settings = [
        format!("ingest.sources=[{{path: {traces}}}]"),
        format!("model.scratch.tokenizer={{folder: {tokenizer}}}"),
        "sft.training.max_steps=4".to_owned(),
        "grpo.training.max_steps=2".to_owned(),
    ];
    settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect()
}

/// A path between single quotes, as YAML reads it literally.
fn yaml_string(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}

/// What a run survives; the long form is run by hand.
fn chaos(workspace: &Workspace) -> Result<Outcome, String> {
    let binary = dispatch::build(workspace, &[])?;
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--package", "forethought-tests", "--features", "chaos", "--bin", "chaos"]);
    cargo.arg("--").arg(binary).arg("--short");
    run(&mut cargo)?;
    Ok(Outcome::PassedWithout("the short form".into()))
}

fn dashboard(workspace: &Workspace) -> Result<Outcome, String> {
    let package = ["--package", "forethought-train", "--features", "tui"];
    let lints = ["--all-targets", "--", "-D", "warnings"];
    run(workspace.cargo().arg("clippy").args(package).args(lints))?;
    let tests = ["--lib", "--test", "it", "dashboard"];
    run(workspace.cargo().arg("test").args(package).args(tests))?;
    let has_script = std::process::Command::new("script").arg("--version").output().is_ok();
    Ok(if has_script {
        Outcome::Passed
    } else {
        Outcome::PassedWithout("there is no `script`, so that nothing was drawn".into())
    })
}

/// Compiling CUDA code needs LLVM, type-checking it does not: the build scripts that would fetch it return early when
/// they believe they build documentation.
fn cuda(workspace: &Workspace) -> Result<Outcome, String> {
    if !has_feature(&workspace.read("crates/cli/Cargo.toml")?, "cuda") {
        return Ok(Outcome::Skipped("crates/cli has no `cuda` feature".into()));
    }
    let mut cargo = workspace.cargo();
    cargo.args(["check", "--package", "forethought", "--features", "cuda"]).env("DOCS_RS", "1");
    run(&mut cargo)?;
    Ok(Outcome::PassedWithout("type-checked only, no GPU code was run".into()))
}

/// Any finding fails the step.
fn judge(findings: &[Finding]) -> Result<Outcome, String> {
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(Outcome::Passed),
        count => Err(format!("{count} finding(s)")),
    }
}

/// The folder of shared material.
fn shared() -> Result<PathBuf, String> {
    let folder = env::var_os(SHARED).ok_or_else(|| format!("{SHARED} is not set"))?;
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(format!("{SHARED} names no folder: {}", folder.display()))
    }
}

/// The pipelines of a folder, in the order of their names.
fn configs_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("{}: {error}", folder.display());
    let mut configs = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        configs.push(entry.map_err(unreadable)?.path());
    }
    configs.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    configs.sort();
    Ok(configs)
}

/// Runs a pipeline from nothing, into a folder below the target folder that stays for a look at it.
fn run_pipeline(workspace: &Workspace, config: &Path, arguments: &[String]) -> Result<(), String> {
    let binary = dispatch::build(workspace, &[])?;
    let name = config.file_stem().unwrap_or_default();
    let out = workspace.target().join("ci").join(name);
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let mut forethought = workspace.command(binary);
    forethought.arg("pipeline").arg(config).arg("--out").arg(&out).args(arguments);
    run(&mut forethought)
}

/// Whether a manifest declares this feature.
fn has_feature(manifest: &str, feature: &str) -> bool {
    let features = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    let mut names =
        features.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
    names.any(|(name, _)| name.trim() == feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_found_in_its_table_only() {
        let manifest =
            "[features]\ndefault = []\ncuda = [\"burn/cuda\"]\n\n[dependencies]\nserde = \"1\"\n";
        assert!(has_feature(manifest, "cuda"));
        assert!(!has_feature(manifest, "serde"));
        assert!(!has_feature("[dependencies]\ncuda = \"1\"\n", "cuda"));
    }

    #[test]
    fn shared_traces_and_tokenizer_are_set_as_yaml_strings() {
        let arguments = files_arguments(Path::new("it's"));
        assert_eq!(arguments[..2], ["--set", "ingest.sources=[{path: 'it''s/data/think/*'}]"]);
        let tokenizer = "model.scratch.tokenizer={folder: 'it''s/data/tokenizers/qwen2.5'}";
        assert_eq!(arguments[2..4], ["--set", tokenizer]);
    }

    #[test]
    fn step_names_are_unique() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
