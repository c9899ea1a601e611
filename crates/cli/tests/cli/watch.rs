//! `forethought watch`: the page of a run, as a browser sees it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use forethought_tests::Project;
use serde_json::Value;

use crate::{forethought, outcome, pipeline, skipped};

/// A server that is ended when it is dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// The page of a run, from a command with these variables.
    pub(crate) fn of(project: &Project, run: &str, variables: &[(&str, &str)]) -> Self {
        let mut process = forethought(&project.path(""))
            .args(["watch", run, "--port", "0"])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let mut line = String::new();
        let output = process.stdout.take().expect("standard output");
        BufReader::new(output).read_line(&mut line).expect("an address");
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { process, address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn get(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn finished() -> Project {
    let project = Project::new();
    let set = ["--until", "grpo", "--set", "grpo.log_completions_steps=1"];
    let (code, _, log) = outcome(&mut pipeline(&project, &set));
    assert_eq!(code, Some(0), "{log}");
    project
}

#[test]
fn curves_and_completions_are_served_to_this_machine_alone() {
    let project = finished();
    let server = Server::of(&project, "runs/parrots", &[]);
    assert!(server.address.starts_with("127.0.0.1:"));
    let page = server.get("/", &server.address);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("default-src 'none'"), "{page}");
    assert!(server.get("/", "evil.example").starts_with("HTTP/1.1 403"));
    let run = server.get("/api/run", &server.address);
    assert!(run.contains(r#""name":"grpo","state":"done""#), "{run}");
    assert!(run.contains("grpo-000001.parquet"), "{run}");
    let steps = server.get("/api/steps?stage=grpo&after=2", &server.address);
    assert!(steps.contains(r#""step":3"#) && !steps.contains(r#""step":2"#), "{steps}");
    let rows = server.get("/api/completions?file=grpo-000001.parquet", &server.address);
    assert!(rows.contains("Say its number") && rows.contains("\"advantage\":"), "{rows}");
}

/// Chromium, where it is installed.
fn chromium() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

/// What a browser makes of the page of a run; with `FORETHOUGHT_SCREENSHOTS` it leaves a picture there, too.
fn seen(browser: &Path, project: &Project, server: &Server, name: &str) -> String {
    let profile = project.path(&format!("profile-{name}"));
    let open = |arguments: &[String]| {
        let mut command = Command::new(browser);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(["--virtual-time-budget=8000", "--window-size=1400,1600"])
            .args(arguments)
            .arg(format!("http://{}/", server.address));
        outcome(&mut command)
    };
    if let Some(folder) = std::env::var_os("FORETHOUGHT_SCREENSHOTS") {
        let picture = Path::new(&folder).join(format!("{name}.png"));
        open(&[format!("--screenshot={}", picture.display())]);
    }
    let (code, page, error) = open(&["--dump-dom".to_owned()]);
    assert_eq!(code, Some(0), "{error}");
    assert!(page.contains("data-ready=\"true\""), "{page}");
    page
}

#[test]
fn a_browser_draws_the_curves_and_lists_the_completions() {
    let Some(browser) = chromium() else {
        return skipped("the page of a run in a browser: Chromium is not installed");
    };
    let project = finished();
    let server = Server::of(&project, "runs/parrots", &[]);
    let page = seen(&browser, &project, &server, "done");
    for metric in ["loss", "reward", "grad_norm", "completions/mean_length"] {
        let figure = format!("data-metric=\"{metric}\"");
        assert!(page.contains(&figure), "{metric} is not drawn: {page}");
    }
    assert!(page.contains("class=\"curve\"") && page.contains("Say its number"), "{page}");
    assert!(page.contains("data-state=\"done\""), "{page}");
}

/// How far each stage of a run is, as the server says.
fn states(server: &Server) -> (bool, Vec<(String, String)>) {
    let answer = server.get("/api/run", &server.address);
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let run: Value = serde_json::from_str(body).expect("JSON");
    let stage = |one: &Value| {
        let text = |key: &str| one[key].as_str().expect("a text").to_owned();
        (text("name"), text("state"))
    };
    let stages = run["stages"].as_array().expect("a list").iter().map(stage).collect();
    (run["is_running"].as_bool().expect("a claim"), stages)
}

fn state_of(states: &[(String, String)], name: &str) -> String {
    states.iter().find(|(known, _)| known == name).expect("a stage").1.clone()
}

#[test]
fn a_run_that_was_interrupted_is_not_said_to_run_and_stages_of_an_earlier_run_are_told_apart() {
    let project = finished();
    // The same folder with other settings, killed in its first training.
    let set = [
        "--set",
        "seed=8",
        "--set",
        "sft.num_train_epochs=4000",
        "--set",
        "sft.training.max_steps=4000",
    ];
    let log = project.path("runs/parrots/training/sft/metrics.jsonl");
    let (_, during) = {
        let mut command = pipeline(&project, &set);
        let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
        crate::signals::wait_for_steps(1, &log);
        let server = Server::of(&project, "runs/parrots", &[]);
        let during = states(&server);
        child.kill().expect("killed");
        child.wait().expect("over");
        (server, during)
    };
    assert!(during.0, "a process has the folder");
    assert_eq!(state_of(&during.1, "sft"), "running");
    let server = Server::of(&project, "runs/parrots", &[]);
    let (is_running, after) = states(&server);
    assert!(!is_running);
    let expected =
        [("ingest", "done"), ("sft", "interrupted"), ("grpo", "older"), ("predict", "waiting")];
    for (stage, state) in expected {
        assert_eq!(state_of(&after, stage), state, "{stage}");
    }
    let Some(browser) = chromium() else {
        return skipped("an interrupted run in a browser: Chromium is not installed");
    };
    let page = seen(&browser, &project, &server, "interrupted");
    assert!(page.contains("sft was interrupted after step "), "{page}");
    assert!(page.contains("grpo (of an earlier run)"), "{page}");
}

#[test]
fn one_step_is_a_dot_and_counts_are_whole() {
    let Some(browser) = chromium() else {
        return skipped("the page of one step in a browser: Chromium is not installed");
    };
    let project = Project::new();
    let set = ["--until", "sft", "--set", "sft.training.max_steps=1"];
    let (code, _, log) = outcome(&mut pipeline(&project, &set));
    assert_eq!(code, Some(0), "{log}");
    // A count that four digits do not hold.
    let history = project.path("runs/parrots/artifacts/sft/history.jsonl");
    let text = std::fs::read_to_string(&history).expect("a log");
    let (before, rest) = text.split_once("\"num_tokens\":").expect("a count");
    let (_, rest) = rest.split_once(',').expect("more metrics");
    std::fs::write(&history, format!("{before}\"num_tokens\":20649.0,{rest}")).expect("written");
    let server = Server::of(&project, "runs/parrots", &[]);
    let page = seen(&browser, &project, &server, "one-step");
    assert!(page.contains("class=\"curve point\""), "{page}");
    assert!(page.contains("<span>20649</span>"), "{page}");
    assert!(!page.contains("e-4 s"), "seconds are told as a person would: {page}");
}
