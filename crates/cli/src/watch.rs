//! `forethought watch`: a page with the curves and the sampled completions of a run, live.

mod answer;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use forethought_pipeline::{Console, WatchedRun};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::commands::{Failure, print};
use crate::examine::first_contact;
use answer::{Answer, Asked, answer};

/// Serves a page with the curves, the diagnosis and the sampled completions of a run, while it lasts and afterwards.
///
/// Only this machine can see it: it listens on 127.0.0.1, answers requests for that name alone, and asks nothing of any other
/// server. It reads the run folder and never writes to it. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  forethought watch runs/think
  forethought watch runs/think --port 8080")]
pub(crate) struct Watch {
    /// The run folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The port; 0 for any that is free
    #[arg(long, default_value_t = 7878)]
    port: u16,
}

pub(crate) fn run(arguments: &Watch) -> Result<ExitCode, Failure> {
    let run = WatchedRun::open(&arguments.run, first_contact()?)?;
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Failure::Usage(format!("127.0.0.1:{} cannot be listened on: {error}", arguments.port))
    };
    let server = Server::http(("127.0.0.1", arguments.port)).map_err(failed)?;
    let port = server.server_addr().to_ip().map_or(arguments.port, |address| address.port());
    print(&format!("http://127.0.0.1:{port}/"))?;
    for request in server.incoming_requests() {
        serve(&run, port, request);
    }
    Ok(ExitCode::SUCCESS)
}

/// Answers one request. A reader that has gone away is no failure.
fn serve(run: &WatchedRun, port: u16, request: Request) {
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    let asked = Asked {
        is_get: *request.method() == Method::Get,
        host: host.map(|header| header.value.as_str()),
        url: request.url(),
        port,
    };
    let Answer { status, content_type, body } = answer(run, &asked);
    let mut response = Response::from_data(body).with_status_code(status);
    for (name, value) in [("Content-Type", content_type)].into_iter().chain(answer::HEADERS) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    if let Err(error) = request.respond(response) {
        Console::Stderr.line(format!("a request was not answered: {error}"));
    }
}
