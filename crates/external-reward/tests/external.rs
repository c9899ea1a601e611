//! Processes and endpoints that hang, crash, or answer nonsense: each fails the completion it was asked about alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use forethought_external_reward::{ExternalReward, GivenUp, open};
use forethought_reward::{
    ExternalConfig, Fields, HttpConfig, ProcessConfig, RewardConfig, RewardFn, RewardSet, Sample,
    Score, Verdict,
};

/// A program of the shell that answers 1, or does what the completion asks for. The id stands first in a question.
const PROGRAM: &str = r#"
while IFS= read -r line; do
  id=${line#*:}; id=${id%%,*}
  case "$line" in
    *hang*) sleep 60 ;;
    *crash*) echo "first line" >&2; echo "Traceback: boom" >&2; exit 3 ;;
    *nan*) echo "{\"id\":$id,\"score\":NaN}" ;;
    *list*) echo "{\"id\":$id,\"score\":[1,2]}" ;;
    *prose*) echo "loading the model" ;;
    *twice*) echo "{\"id\":$id,\"score\":1}"; echo "{\"id\":$id,\"score\":9}" ;;
    *ahead*) echo "{\"id\":9999,\"score\":1}" ;;
    *null*) echo "{\"id\":$id,\"score\":null}" ;;
    *) echo "{\"id\":$id,\"score\":1,\"reason\":\"process $$\"}" ;;
  esac
done"#;

fn config(timeout: f64) -> ProcessConfig {
    ProcessConfig {
        command: vec!["sh".to_owned(), "-c".to_owned(), PROGRAM.to_owned()],
        environment: std::collections::BTreeMap::new(),
        columns: None,
        timeout,
        startup: 10.0,
    }
}

fn judge(reward: &dyn RewardFn, completions: &[&str]) -> Vec<Score> {
    let fields = Fields::from([("solution".to_owned(), "4".into())]);
    let samples: Vec<Sample<'_>> =
        completions.iter().map(|text| Sample::new(text, &fields)).collect();
    reward.score(&samples)
}

fn process(timeout: f64) -> ExternalReward<forethought_external_reward::Process> {
    ExternalReward::process(&config(timeout)).expect("in range")
}

#[test]
fn a_process_is_asked_about_each_completion() {
    let scores = judge(&process(10.0), &["a", "b", "null"]);
    assert_eq!(scores[0].value, Some(1.0));
    assert!(scores[0].reason.starts_with("process "), "{}", scores[0].reason);
    assert_eq!(scores[0].reason, scores[1].reason);
    assert_eq!((scores[2].value, scores[2].verdict), (None, Verdict::Undecided));
}

/// Each fault between two good answers, with what its reason says.
#[test]
fn a_fault_fails_its_completion_and_no_other() {
    let faults = [
        (
            "crash",
            "it ended without an answer (exit status: 3); it said: first line / Traceback: boom",
        ),
        ("nan", "it answered with no JSON object"),
        ("list", "its score is no number: [1,2]"),
        (
            "prose",
            "it answered with no JSON object (expected value at line 1 column 1): loading the model",
        ),
        ("ahead", "it answered with id 9999 instead of id 2"),
    ];
    for (fault, reason) in faults {
        let reward = process(10.0);
        let scores = judge(&reward, &["a", fault, "b"]);
        let values: Vec<Option<f64>> = scores.iter().map(|score| score.value).collect();
        assert_eq!(values, [Some(1.0), None, Some(1.0)], "{fault}: {scores:?}");
        assert_eq!(scores[1].verdict, Verdict::Failed);
        assert!(scores[1].reason.starts_with(reason), "{fault}: {}", scores[1].reason);
    }
}

#[test]
fn an_answer_that_comes_twice_is_not_taken_for_the_next() {
    let scores = judge(&process(10.0), &["twice", "a"]);
    assert_eq!([scores[0].value, scores[1].value], [Some(1.0), Some(1.0)]);
}

#[test]
fn a_process_that_hangs_is_killed_within_its_time_and_started_again() {
    let reward = process(0.5);
    let before = judge(&reward, &["a"]).remove(0);
    let start = Instant::now();
    let scores = judge(&reward, &["hang", "b"]);
    let took = start.elapsed();
    assert_eq!(scores[0].reason, "it did not answer within 0.5 s and was killed");
    assert_eq!(scores[1].value, Some(1.0));
    assert_ne!(scores[1].reason, before.reason, "another process answered");
    assert!(Duration::from_millis(500) <= took && took < Duration::from_secs(30), "{took:?}");
}

/// The default is a minute for the start. A start that is known to take next to nothing is not waited for as long.
#[test]
fn a_process_that_hangs_after_it_was_started_again_costs_no_second_start_limit() {
    let reward = ExternalReward::process(&ProcessConfig { startup: 60.0, ..config(1.0) });
    let reward = reward.expect("in range");
    assert_eq!(judge(&reward, &["a"])[0].value, Some(1.0));
    let start = Instant::now();
    let scores = judge(&reward, &["hang", "hang", "b", "hang", "c"]);
    let took = start.elapsed();
    let values: Vec<Option<f64>> = scores.iter().map(|score| score.value).collect();
    assert_eq!(values, [None, None, Some(1.0), None, Some(1.0)], "{scores:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_start_that_takes_long_is_waited_for_each_time_as_long_as_it_once_took() {
    let slow = format!("sleep 1.2\n{PROGRAM}");
    let command = vec!["sh".to_owned(), "-c".to_owned(), slow];
    let config = ProcessConfig { command, startup: 30.0, ..config(1.0) };
    let reward = ExternalReward::process(&config).expect("in range");
    let scores = judge(&reward, &["a", "crash", "b"]);
    assert_eq!([scores[0].value, scores[2].value], [Some(1.0), Some(1.0)], "{scores:?}");
}

#[test]
fn a_process_that_never_answers_is_granted_its_start_once_a_call() {
    let command = ["sh", "-c", "sleep 60"].map(str::to_owned).to_vec();
    let config = ProcessConfig { command, startup: 2.0, ..config(0.3) };
    let reward = ExternalReward::process(&config).expect("in range");
    for _ in 0..2 {
        let start = Instant::now();
        let scores = judge(&reward, &["a", "b", "c", "d"]);
        let took = start.elapsed();
        assert_eq!(scores[0].reason, "it did not answer within 2.3 s and was killed");
        assert_eq!(scores[1].reason, "it did not answer within 0.3 s and was killed");
        assert!(scores[3].reason.starts_with("not asked after 3 failures in a row"));
        // Three starts with the whole time for each would take 6.9 s.
        assert!(Duration::from_millis(2_900) <= took && took < Duration::from_secs(6), "{took:?}");
    }
}

/// A pipe holds 64 KiB; the rest of the question waits until the process reads, and it never does.
#[test]
fn a_process_that_does_not_read_blocks_nobody() {
    let command = ["sh", "-c", "sleep 60"].map(str::to_owned).to_vec();
    let config = ProcessConfig { command, startup: 0.0, ..config(0.3) };
    let reward = ExternalReward::process(&config).expect("in range");
    let start = Instant::now();
    let scores = judge(&reward, &[&"x".repeat(1 << 20)]);
    assert_eq!(scores[0].verdict, Verdict::Failed);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn a_completion_of_a_megabyte_and_a_surrogate_go_through() {
    let scores = judge(&process(20.0), &[&"é\u{0}\u{fffd}".repeat(200_000), "b"]);
    assert_eq!([scores[0].value, scores[1].value], [Some(1.0), Some(1.0)]);
}

#[test]
fn after_three_failures_in_a_row_the_rest_of_the_call_is_given_up() {
    let reward = process(10.0);
    let scores = judge(&reward, &["crash", "crash", "crash", "a", "b"]);
    assert!(scores.iter().all(|score| score.verdict == Verdict::Failed));
    let given_up = "not asked after 3 failures in a row; the last: it ended without an answer";
    assert!(scores[3].reason.starts_with(given_up), "{}", scores[3].reason);
    assert_eq!(judge(&reward, &["a"])[0].value, Some(1.0), "the next call tries again");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let config = ProcessConfig { command: vec!["no-such-program".to_owned()], ..config(1.0) };
    let reward = ExternalReward::process(&config).expect("in range");
    let reason = judge(&reward, &["a"]).remove(0).reason;
    assert!(reason.starts_with("no-such-program cannot be started: "), "{reason}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let error = |config: ProcessConfig| {
        ExternalReward::process(&config).expect_err("out of range").to_string()
    };
    assert_eq!(
        error(ProcessConfig { command: Vec::new(), ..config(1.0) }),
        "process.command must not be empty"
    );
    assert_eq!(
        error(config(0.0)),
        "process.timeout must be finite and above 0 and at most a day, got 0"
    );
    assert!(error(config(f64::NAN)).ends_with("got NaN"));
    let https = HttpConfig { url: "https://a".to_owned(), columns: None, timeout: 1.0 };
    let error = open(&ExternalConfig::Http(https), GivenUp::default()).err().expect("no TLS");
    assert!(error.starts_with("http.url must begin with `http://`, got `https://a`"), "{error}");
}

#[test]
fn columns_that_are_asked_for_must_be_there() {
    let columns = Some(vec!["answer".to_owned()]);
    let reward =
        ExternalReward::process(&ProcessConfig { columns, ..config(10.0) }).expect("in range");
    let scores = judge(&reward, &["a"]);
    assert_eq!(scores[0].reason, "answer is not among the columns: solution");
}

#[test]
fn an_external_reward_stands_in_a_set_beside_others() {
    let yaml =
        r#"[{"process": {"command": ["sh", "-c", "PROGRAM"]}, "weight": 2}, "think_format"]"#;
    let mut configs: Vec<RewardConfig> = serde_json::from_str(yaml).expect("a set");
    let forethought_reward::FunctionConfig::Process(process) = &mut configs[0].function else {
        panic!("a process")
    };
    process.command[2] = PROGRAM.to_owned();
    let set = RewardSet::with_external(&configs, &mut |config| open(config, GivenUp::default()))
        .expect("in range");
    let fields = Fields::new();
    let texts = ["<think></think>", "crash"];
    let samples = texts.map(|text| Sample::new(text, &fields));
    let scores = set.score(&samples);
    assert_eq!([scores[0].total, scores[1].total], [Some(3.0), Some(0.0)]);
    let unjudged = set.check_unjudged(&scores, 0.4).expect_err("half of them").to_string();
    let start = "the reward process could not judge 1 of 2 completions, more than the share of 0.4 that \
                 max_unjudged_share allows; the first because it ended without an answer";
    assert!(unjudged.starts_with(start), "{unjudged}");
}

/// Answers one request for each of these, with what it makes of the body.
fn serve(answers: Vec<fn(&str, &mut TcpStream)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/reward", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a header");
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            answer(&String::from_utf8(body).expect("JSON"), &mut stream);
        }
    });
    url
}

fn reply(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("written");
}

#[test]
fn an_endpoint_that_fails_fails_its_completion_alone() {
    let url = serve(vec![
        |body, stream| {
            assert!(body.contains(r#""columns":{"solution":"4"}"#), "{body}");
            reply(stream, "200 OK", r#"{"score": 0.25, "reason": "a quarter"}"#);
        },
        |_, stream| reply(stream, "500 Internal Server Error", "out of memory"),
        |_, stream| reply(stream, "200 OK", r#"{"score": "high"}"#),
        |_, stream| reply(stream, "200 OK", r#"{"score": 1}"#),
        |_, stream| {
            std::thread::sleep(Duration::from_secs(3));
            reply(stream, "200 OK", r#"{"score": 1}"#);
        },
    ]);
    let config = HttpConfig { url: url.clone(), columns: None, timeout: 1.0 };
    let reward = ExternalReward::http(&config).expect("in range");
    let scores = judge(&reward, &["a", "b", "c", "d", "e"]);
    let values: Vec<Option<f64>> = scores.iter().map(|score| score.value).collect();
    assert_eq!(values, [Some(0.25), None, None, Some(1.0), None], "{scores:?}");
    assert_eq!(scores[1].reason, format!("{url} answered with status 500: out of memory"));
    assert_eq!(scores[2].reason, r#"its score is no number: "high""#);
    assert_eq!(scores[4].reason, format!("{url} did not answer within 1 s"));
}

#[test]
fn nobody_at_the_address_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let reward = ExternalReward::http(&HttpConfig { url, columns: None, timeout: 2.0 });
    let reason = judge(&reward.expect("in range"), &["a"]).remove(0).reason;
    assert!(reason.contains("could not be asked"), "{reason}");
}

#[test]
fn an_answer_that_nobody_wants_any_more_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    // Both would take a minute.
    let rewards: [&dyn Fn(GivenUp) -> Box<dyn RewardFn>; 2] =
        [&|given_up| Box::new(process(60.0).with_given_up(given_up)), &|given_up| {
            let config = HttpConfig { url: url.clone(), timeout: 60.0, columns: None };
            Box::new(ExternalReward::http(&config).expect("in range").with_given_up(given_up))
        }];
    for reward in rewards {
        let started = Instant::now();
        let reward = reward(GivenUp::when(move || started.elapsed() > Duration::from_millis(300)));
        let scores = judge(reward.as_ref(), &["hang", "never asked"]);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        for score in scores {
            assert_eq!((score.value, score.verdict), (None, Verdict::Failed));
            assert!(score.reason.starts_with("given up, for nobody wants"), "{}", score.reason);
        }
    }
}
