//! What the page of a run answers to a request.

use forethought_pipeline::WatchedRun;
use serde_json::json;

/// A request, as far as the answer depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) is_get: bool,
    /// The header `Host`.
    pub(super) host: Option<&'a str>,
    /// Path and query.
    pub(super) url: &'a str,
    /// The port that is listened on.
    pub(super) port: u16,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

/// Headers of every answer: nothing is loaded from elsewhere, shown in another page, or kept.
pub(super) const HEADERS: [(&str, &str); 5] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
];

/// Answers a request.
///
/// A page of another site can make a browser ask this server under a name of its own that leads here; so the name is looked at.
pub(super) fn answer(run: &WatchedRun, asked: &Asked<'_>) -> Answer {
    let names = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", asked.port));
    if !asked.host.is_some_and(|host| names.iter().any(|name| name == host)) {
        return text(403, "this page is for 127.0.0.1 only");
    }
    if !asked.is_get {
        return text(405, "there is nothing to change here");
    }
    let (path, query) = asked.url.split_once('?').unwrap_or((asked.url, ""));
    match path {
        "/" => file("text/html; charset=utf-8", include_str!("page.html")),
        "/page.js" => file("text/javascript; charset=utf-8", include_str!("page.js")),
        "/page.css" => file("text/css; charset=utf-8", include_str!("page.css")),
        "/api/run" => match run.state() {
            Ok(state) => json(&state),
            Err(error) => text(500, &forethought_pipeline::redact(&error.to_string())),
        },
        "/api/steps" => {
            let after = parameter(query, "after").and_then(|text| text.parse().ok()).unwrap_or(0);
            json(&json!(run.steps(&parameter(query, "stage").unwrap_or_default(), after)))
        }
        "/api/completions" => {
            json(&json!(run.completions(&parameter(query, "file").unwrap_or_default())))
        }
        _ => text(404, "there is no such page"),
    }
}

/// A parameter of a query. Names of stages and files are of letters, digits, `-`, `_` and `.`, which browsers send as they are.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn text(status: u16, text: &str) -> Answer {
    let content_type = "text/plain; charset=utf-8";
    Answer { status, content_type, body: text.as_bytes().to_vec() }
}

fn file(content_type: &'static str, text: &str) -> Answer {
    Answer { status: 200, content_type, body: text.as_bytes().to_vec() }
}

fn json(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Answer { status: 200, content_type: "application/json", body },
        Err(error) => text(500, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use forethought_pipeline::FirstContact;

    use super::*;

    /// A run whose stage trains.
    fn run() -> (tempfile::TempDir, WatchedRun) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        write(
            "config.resolved.yaml",
            "name: x\nseed: 1\nstages: [{ingest: {sources: [{path: a.jsonl}]}}]\n",
        );
        let step = |step: u64| {
            format!(
                r#"{{"step":{step},"stage":"ingest","loss":0.5,"grad_norm":1,"learning_rate":0,"tokens_per_second":1}}"#
            )
        };
        write(
            "training/ingest/metrics.jsonl",
            &format!("{}\n{}\n{{\"step\":3,\"st", step(1), step(2)),
        );
        fs::create_dir_all(folder.path().join("artifacts/.ingest.part")).expect("made");
        let run = WatchedRun::open(folder.path(), FirstContact::Here).expect("a run");
        (folder, run)
    }

    fn asked(url: &str) -> Asked<'_> {
        Asked { is_get: true, host: Some("127.0.0.1:80"), url, port: 80 }
    }

    #[test]
    fn only_requests_for_this_machine_by_its_own_name_are_answered() {
        let (_folder, run) = run();
        for host in [None, Some("evil.example:80"), Some("127.0.0.1"), Some("127.0.0.1:81")] {
            assert_eq!(answer(&run, &Asked { host, ..asked("/") }).status, 403, "{host:?}");
        }
        assert_eq!(answer(&run, &Asked { host: Some("localhost:80"), ..asked("/") }).status, 200);
        assert_eq!(answer(&run, &Asked { is_get: false, ..asked("/") }).status, 405);
        assert_eq!(answer(&run, &asked("/config.resolved.yaml")).status, 404);
    }

    #[test]
    fn steps_come_after_the_last_one_known_and_without_a_line_that_is_being_written() {
        let (_folder, run) = run();
        let steps = |url: &str| -> Vec<u64> {
            let body = answer(&run, &asked(url)).body;
            let list: Vec<serde_json::Value> = serde_json::from_slice(&body).expect("JSON");
            list.iter().filter_map(|record| record["step"].as_u64()).collect()
        };
        assert_eq!(steps("/api/steps?stage=ingest"), [1, 2]);
        assert_eq!(steps("/api/steps?stage=ingest&after=1"), [2]);
        assert!(steps("/api/steps?stage=../../etc").is_empty());
    }

    #[test]
    fn no_name_of_completions_leads_out_of_their_folder() {
        let (_folder, run) = run();
        let body = answer(&run, &asked("/api/completions?file=../config.resolved.yaml")).body;
        assert_eq!(body, b"[]");
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for text in [include_str!("page.html"), include_str!("page.js"), include_str!("page.css")] {
            assert!(!text.contains("https://") && !text.contains("//cdn"), "{text}");
            assert!(!text.contains("innerHTML"), "texts of models are texts");
        }
    }
}
