//! `forethought watch`: the page of a run, as a browser sees it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use forethought_tests::Project;

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

#[test]
fn a_browser_draws_the_curves_and_lists_the_completions() {
    let Some(browser) = chromium() else {
        return skipped("the page of a run in a browser: Chromium is not installed");
    };
    let project = finished();
    let server = Server::of(&project, "runs/parrots", &[]);
    let profile = project.path("profile");
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=8000", "--window-size=1400,1600"])
        .arg("--dump-dom")
        .arg(format!("http://{}/", server.address));
    let (code, page, error) = outcome(&mut command);
    assert_eq!(code, Some(0), "{error}");
    assert!(page.contains("data-ready=\"true\""), "{page}");
    for metric in ["loss", "reward", "grad_norm", "completions/mean_length"] {
        let figure = format!("data-metric=\"{metric}\"");
        assert!(page.contains(&figure), "{metric} is not drawn: {page}");
    }
    assert!(page.contains("class=\"curve\"") && page.contains("Say its number"), "{page}");
    assert!(page.contains("data-state=\"done\""), "{page}");
}
