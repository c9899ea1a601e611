//! Every fault an endpoint may have, and what it costs.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use forethought_seed::Seed;
use forethought_teacher::{
    Asked, Cache, Endpoint, EndpointConfig, Progress, Reply, Sampling, TeacherError,
};

use crate::server::{Act, Server};

/// Quick to try again, and one request at a time.
fn config(server: &Server) -> EndpointConfig {
    EndpointConfig {
        concurrency: NonZeroUsize::MIN,
        first_wait_seconds: 0.01,
        longest_wait_seconds: 2.0,
        timeout_seconds: 5.0,
        retries: 3,
        ..EndpointConfig::new(&server.url, "teacher")
    }
}

fn prompts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn ask(
    config: &EndpointConfig,
    folder: &tempfile::TempDir,
    prompts: &[String],
) -> Result<Asked, TeacherError> {
    let endpoint = Endpoint::new(config, Sampling::default(), Seed::new(1))?;
    let mut cache = Cache::open(folder.path())?;
    endpoint.ask(prompts, &mut cache, &|| false, &mut |_| {})
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[track_caller]
fn text(reply: Option<&Reply>) -> &str {
    match reply {
        Some(Reply::Answered(answer)) => &answer.text,
        other => panic!("no answer: {other:?}"),
    }
}

#[test]
fn what_is_sent_is_what_the_source_asks_for() {
    let server = Server::start(|_, _| Act::Say("<count_step>5</count_step>"));
    let (mut config, folder) = (config(&server), folder());
    config.api_key_env = Some("CARGO_PKG_NAME".to_owned());
    let asked = ask(&config, &folder, &prompts(&["Count."])).expect("an answer");
    let Some(Reply::Answered(answer)) = &asked.replies[0] else { panic!("{asked:?}") };
    assert_eq!(answer.text, "<count_step>5</count_step>");
    assert_eq!((answer.finish_reason.as_deref(), answer.tokens), (Some("stop"), Some(5)));
    let seen = &server.seen()[0];
    assert!(seen.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
    let bearer = format!("authorization: Bearer {}", env!("CARGO_PKG_NAME"));
    assert!(seen.head.to_lowercase().contains(&bearer.to_lowercase()), "{}", seen.head);
    let of = |field: &str| seen.body[field].to_string();
    assert_eq!(
        [of("temperature"), of("top_p"), of("top_k"), of("max_tokens")],
        ["0.3", "0.95", "50", "400"]
    );
    assert_eq!(of("model"), "\"teacher\"");
    let kept = std::fs::read_to_string(folder.path().join("answers.jsonl")).expect("it is kept");
    assert!(!kept.contains(env!("CARGO_PKG_NAME")), "the key is in no file");
}

#[test]
fn nothing_is_asked_twice() {
    let server = Server::start(|_, prompt| Act::Say(if prompt == "a" { "1" } else { "2" }));
    let (config, folder) = (config(&server), folder());
    let first = ask(&config, &folder, &prompts(&["a", "b", "a"])).expect("answers");
    assert_eq!(server.seen().len(), 2, "the same prompt twice is one request");
    assert_eq!([0, 1, 2].map(|index| text(first.replies[index].as_ref())), ["1", "2", "1"]);
    let again = ask(&config, &folder, &prompts(&["b", "c", "a"])).expect("answers");
    assert_eq!(server.seen().len(), 3, "only c is new");
    assert_eq!((again.progress.num_kept, again.progress.num_to_ask), (2, 1));
    assert_eq!(text(again.replies[0].as_ref()), "2");
}

#[test]
fn what_may_pass_is_tried_again() {
    let acts = [
        Act::Status(500, "", "oops"),
        Act::CutShort,
        Act::Hang,
        Act::Status(429, "", r#"{"error": {"message": "slow down"}}"#),
        Act::Status(503, "", ""),
        Act::Status(200, "", "{\"choices\": ["),
    ];
    for act in acts {
        let failing = act.clone();
        let server = Server::start(
            move |number, _| if number < 2 { failing.clone() } else { Act::Say("7") },
        );
        let asked = ask(&config(&server), &folder(), &prompts(&["a"]));
        let asked = asked.unwrap_or_else(|error| panic!("{act:?}: {error}"));
        assert_eq!(text(asked.replies[0].as_ref()), "7", "{act:?}");
        assert_eq!((asked.progress.num_retries, server.seen().len()), (2, 3), "{act:?}");
    }
}

#[test]
fn an_answer_that_comes_too_late_is_asked_for_again() {
    let server = Server::start(|number, _| match number {
        0 => Act::Late(Duration::from_secs(3)),
        _ => Act::Say("3"),
    });
    let config = EndpointConfig { timeout_seconds: 0.4, ..config(&server) };
    let asked = ask(&config, &folder(), &prompts(&["a"])).expect("the second try");
    assert_eq!((text(asked.replies[0].as_ref()), asked.progress.num_retries), ("3", 1));
}

#[test]
fn a_wait_that_the_endpoint_asks_for_holds_for_all() {
    let server = Server::start(|number, _| match number {
        0 => Act::Status(429, "retry-after: 1\r\n", "busy"),
        _ => Act::Say("4"),
    });
    let folder = folder();
    let asked = ask(&config(&server), &folder, &prompts(&["a", "b"])).expect("answers");
    assert_eq!(asked.progress.num_answered, 2);
    let times: Vec<Instant> = server.seen().iter().map(|seen| seen.at).collect();
    assert!(times[1] - times[0] >= Duration::from_millis(950), "{:?}", times[1] - times[0]);

    let server = Server::start(|_, _| Act::Status(429, "retry-after: 900\r\n", "quota"));
    let error = ask(&config(&server), &folder, &prompts(&["c"])).expect_err("too long a wait");
    let said = error.to_string();
    assert!(said.contains("status 429: quota; it asks to come back after 900 s"), "{said}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn what_does_not_pass_ends_the_work_and_says_what_to_do() {
    let cases = [
        (
            Act::Status(401, "", r#"{"error": {"message": "bad key"}}"#),
            "status 401: bad key; is the key right",
        ),
        (
            Act::Status(404, "", r#"{"detail": "Not Found"}"#),
            "status 404: Not Found; is the url right up to /v1",
        ),
        (Act::Status(302, "location: http://127.0.0.1:9/v1\r\n", ""), "status 302"),
        (Act::Status(200, "", r#"{"object": "list", "data": []}"#), "expected text in `choices`"),
        (
            Act::Status(200, "", r#"{"choices": [{"text": "5"}]}"#),
            "expected text in `choices[0].message.content`",
        ),
    ];
    for (act, expected) in cases {
        let failing = act.clone();
        let server = Server::start(move |_, _| failing.clone());
        let error =
            ask(&config(&server), &folder(), &prompts(&["a", "b"])).expect_err("it is final");
        let said = error.to_string();
        assert!(said.contains(expected) && said.contains(&server.url), "{said}");
        assert_eq!(server.seen().len(), 1, "{act:?} is not tried again");
    }
}

#[test]
fn a_server_that_stays_away_is_named_after_the_last_try() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let config = EndpointConfig {
        first_wait_seconds: 0.01,
        retries: 2,
        ..EndpointConfig::new(format!("http://{address}/v1"), "m")
    };
    let error = ask(&config, &folder(), &prompts(&["a"])).expect_err("nobody listens");
    let said = error.to_string();
    assert!(said.contains("refused") && said.contains("given up after 3 tries"), "{said}");
}

#[test]
fn one_refused_prompt_costs_no_other_but_sixteen_in_a_row_end_the_work() {
    let act = |_: usize, prompt: &str| match prompt {
        "long" => Act::Status(400, "", r#"{"error": {"message": "context length exceeded"}}"#),
        _ => Act::Say("2"),
    };
    let server = Server::start(act);
    let folder = folder();
    let asked = ask(&config(&server), &folder, &prompts(&["long", "a"])).expect("one answer");
    let refused = Reply::Refused("status 400: context length exceeded".to_owned());
    assert_eq!(asked.replies[0], Some(refused));
    assert_eq!(text(asked.replies[1].as_ref()), "2");

    let server = Server::start(|_, _| Act::Status(422, "", r#"{"detail": "top_k is unknown"}"#));
    let many: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let error = ask(&config(&server), &folder, &many).expect_err("all are refused");
    assert!(error.to_string().contains("refused the first 16 prompts"), "{error}");
    assert!(error.to_string().contains("top_k is unknown"), "{error}");
    assert!((16..=17).contains(&server.seen().len()), "one may have been under way");
}

#[test]
fn several_requests_are_under_way_at_once_and_no_more_than_allowed() {
    let (now, most) = (AtomicUsize::new(0), std::sync::Arc::new(AtomicUsize::new(0)));
    let seen_most = std::sync::Arc::clone(&most);
    let server = Server::start(move |_, _| {
        let running = now.fetch_add(1, Ordering::SeqCst) + 1;
        seen_most.fetch_max(running, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(60));
        now.fetch_sub(1, Ordering::SeqCst);
        Act::Say("1")
    });
    let config =
        EndpointConfig { concurrency: NonZeroUsize::new(4).expect("not 0"), ..config(&server) };
    let many: Vec<String> = (0..24).map(|number| number.to_string()).collect();
    let asked = ask(&config, &folder(), &many).expect("answers");
    assert!(asked.replies.iter().all(|reply| text(reply.as_ref()) == "1"));
    let most = most.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} at once");
}

#[test]
fn a_stopped_run_keeps_what_was_answered_and_goes_on_from_there() {
    let server = Server::start(|_, _| Act::Say("6"));
    let (config, folder) = (config(&server), folder());
    let many: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let endpoint = Endpoint::new(&config, Sampling::default(), Seed::new(1)).expect("valid");
    let mut cache = Cache::open(folder.path()).expect("an empty cache");
    let answered = AtomicUsize::new(0);
    let stop = || 4 <= answered.load(Ordering::SeqCst);
    let mut progress = |now: Progress| answered.store(now.num_answered, Ordering::SeqCst);
    let asked = endpoint.ask(&many, &mut cache, &stop, &mut progress).expect("a stop is no error");
    let done = asked.replies.iter().flatten().count();
    assert!((4..=6).contains(&done), "{done} answered");
    drop(cache);
    let again = ask(&config, &folder, &many).expect("answers");
    assert_eq!((again.progress.num_kept, again.progress.num_to_ask), (done, 10 - done));
    assert_eq!(server.seen().len(), 10, "each prompt was asked once");
}

#[test]
fn answers_that_came_before_a_failure_are_kept() {
    let server = Server::start(|number, _| match number {
        0 | 1 => Act::Say("8"),
        _ => Act::Status(401, "", "the key was withdrawn"),
    });
    let folder = folder();
    ask(&config(&server), &folder, &prompts(&["a", "b", "c"])).expect_err("it ends");
    let server = Server::start(|_, _| Act::Say("9"));
    let asked = ask(&config(&server), &folder, &prompts(&["a", "b", "c"])).expect("answers");
    assert_eq!(server.seen().len(), 1);
    assert_eq!([0, 1, 2].map(|index| text(asked.replies[index].as_ref())), ["8", "8", "9"]);
}
