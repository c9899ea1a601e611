//! What is asked, what is answered, and every fault in between.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use forethought_endpoint::EndpointConfig;
use forethought_remote_rollout::{
    Answer, Api, Drawing, Ending, Question, RemoteError, RolloutServer,
};
use forethought_seed::Seed;
use serde_json::{Value, json};

use crate::http::{Act, HttpServer, Seen};

/// A completion in vLLM's shape, of a prompt as it was sent.
fn completion(prompt: &Value, ids: &[u32], log_probs: &[f64], reason: &str) -> String {
    let tokens: Vec<String> = ids.iter().map(|id| format!("token_id:{id}")).collect();
    json!({
        "id": "cmpl-1", "object": "text_completion", "model": "m",
        "choices": [{
            "index": 0, "text": "…", "finish_reason": reason, "stop_reason": null,
            "token_ids": ids, "prompt_token_ids": prompt,
            "logprobs": {"tokens": tokens, "token_logprobs": log_probs, "top_logprobs": null, "text_offset": []},
        }],
        "usage": {"prompt_tokens": 2, "completion_tokens": ids.len()},
    })
    .to_string()
    .replace("\"top_logprobs\":null,", "")
}

/// The last token of the prompt twice, then the end.
fn echoed(seen: &Seen) -> String {
    let prompt = &seen.body["prompt"];
    let last = prompt.as_array().and_then(|ids| ids.last()).and_then(Value::as_u64);
    let last = u32::try_from(last.expect("ids")).expect("an id");
    completion(prompt, &[last, last, 2], &[-0.5, -0.25, -0.125], "stop")
}

fn well(body: String) -> Act {
    Act::Answer(200, String::new(), body)
}

fn config(http: &HttpServer) -> EndpointConfig {
    EndpointConfig {
        first_wait_seconds: 0.01,
        longest_wait_seconds: 2.0,
        timeout_seconds: 5.0,
        retries: 3,
        concurrency: NonZeroUsize::new(4).expect("not 0"),
        ..EndpointConfig::new(format!("http://{}/v1", http.address), "base")
    }
}

fn drawing() -> Drawing {
    Drawing { max_new_tokens: 4, eos_ids: vec![2], ..Drawing::default() }
}

fn server(http: &HttpServer) -> RolloutServer {
    let server = RolloutServer::new(Api::Vllm, &config(http), drawing(), Seed::new(1));
    server.expect("valid").with_vocab_size(50)
}

fn questions(count: u32) -> Vec<Question> {
    (0..count).map(|index| Question { prompt: vec![1, 3 + index], seed: index }).collect()
}

fn ask(http: &HttpServer, count: u32) -> Result<Vec<Answer>, RemoteError> {
    server(http).ask("lora-1", questions(count), &|| false, &mut |_, _| Ok(()))
}

#[test]
fn every_question_has_its_own_answer_in_ids_and_log_probabilities() {
    let http = HttpServer::start(|_, seen| well(echoed(seen)));
    let answers = ask(&http, 6).expect("answers");
    for (index, answer) in (0..).zip(&answers) {
        assert_eq!(answer.ids, [3 + index, 3 + index, 2]);
        assert_eq!(
            (answer.log_probs.as_slice(), answer.ending),
            (&[Some(-0.5), Some(-0.25), Some(-0.125)][..], Ending::Stop)
        );
    }
    let seen = &http.seen()[0];
    assert_eq!((seen.path(), seen.body["model"].as_str()), ("/v1/completions", Some("lora-1")));
    assert_eq!(seen.body["stop_token_ids"], json!([2]));
    let mut seeds: Vec<u64> =
        http.seen().iter().filter_map(|one| one.body["seed"].as_u64()).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn answers_are_handed_over_as_they_come_and_what_was_handed_over_outlives_a_failure() {
    let http = HttpServer::start(|_, seen| match seen.body["seed"].as_u64() {
        Some(3) => Act::Answer(401, String::new(), "the key was withdrawn".to_owned()),
        _ => well(echoed(seen)),
    });
    let config = EndpointConfig { concurrency: NonZeroUsize::MIN, ..config(&http) };
    let server = RolloutServer::new(Api::Vllm, &config, drawing(), Seed::new(1)).expect("valid");
    let mut taken = Vec::new();
    let mut take = |place: usize, _: &Answer| {
        taken.push(place);
        Ok(())
    };
    let error = server.ask("m", questions(6), &|| false, &mut take).expect_err("no key");
    assert!(error.to_string().contains("the key was withdrawn; is the key right"), "{error}");
    assert_eq!(taken, [0, 1, 2]);
}

#[test]
fn what_may_pass_is_tried_again() {
    let faults: [fn(&Seen) -> Act; 5] = [
        |_| Act::Answer(500, String::new(), "CUDA error".to_owned()),
        |_| Act::Answer(503, String::new(), String::new()),
        |seen| Act::CutShort(echoed(seen)),
        |_| Act::Hang,
        |seen| well(completion(&seen.body["prompt"], &[3], &[-1.0], "abort")),
    ];
    for (index, fault) in faults.into_iter().enumerate() {
        let http = HttpServer::start(
            move |number, seen| {
                if number < 2 { fault(seen) } else { well(echoed(seen)) }
            },
        );
        let answers = ask(&http, 1).unwrap_or_else(|error| panic!("fault {index}: {error}"));
        assert_eq!((answers[0].ids.len(), http.seen().len()), (3, 3), "fault {index}");
    }
}

#[test]
fn a_late_answer_is_asked_for_again_and_a_server_that_stays_late_is_given_up() {
    let http = HttpServer::start(|number, seen| match number {
        0 => Act::Late(Duration::from_secs(2), echoed(seen)),
        _ => well(echoed(seen)),
    });
    let hasty = |retries| EndpointConfig { timeout_seconds: 0.3, retries, ..config(&http) };
    let server = RolloutServer::new(Api::Vllm, &hasty(2), drawing(), Seed::new(1)).expect("valid");
    server.ask("m", questions(1), &|| false, &mut |_, _| Ok(())).expect("the second try");

    let http = HttpServer::start(|_, seen| Act::Late(Duration::from_secs(2), echoed(seen)));
    let hasty = EndpointConfig { timeout_seconds: 0.2, retries: 1, ..config(&http) };
    let server = RolloutServer::new(Api::Vllm, &hasty, drawing(), Seed::new(1)).expect("valid");
    let started = Instant::now();
    let error = server.ask("m", questions(1), &|| false, &mut |_, _| Ok(())).expect_err("late");
    assert!(error.to_string().contains("given up after 2 tries"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_named() {
    let http = HttpServer::start(|_, seen| well(echoed(seen)));
    let server = server(&http);
    server.ask("m", questions(3), &|| false, &mut |_, _| Ok(())).expect("it is there");
    http.leave();
    let error = server.ask("m", questions(3), &|| false, &mut |_, _| Ok(())).expect_err("gone");
    let said = error.to_string();
    assert!(
        said.contains(&http.address.to_string()) && said.contains("given up after 4 tries"),
        "{said}"
    );
}

#[test]
fn an_answer_that_the_trained_model_cannot_have_given_ends_the_work() {
    type Body = fn(&Value) -> String;
    let cases: [(Body, &str); 4] = [
        (
            |prompt| completion(prompt, &[3, 50], &[-0.5, -0.5], "stop"),
            "token id 50, the vocabulary of the trained model 50",
        ),
        (|prompt| completion(prompt, &[3], &[0.5], "stop"), "token 0 has the log-probability 0.5"),
        (
            |prompt| completion(prompt, &[3; 5], &[-0.5; 5], "length"),
            "it has 5 tokens, 4 were asked for",
        ),
        (|_| completion(&json!([9]), &[3], &[-0.5], "stop"), "it completed another prompt"),
    ];
    for (body, expected) in cases {
        let http = HttpServer::start(move |_, seen| well(body(&seen.body["prompt"])));
        let error = ask(&http, 1).expect_err("it is wrong").to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(http.seen().len(), 1, "it is not tried again");
    }
}

#[test]
fn a_stop_ends_the_work_at_once_though_requests_are_under_way() {
    let http = HttpServer::start(|_, seen| Act::Late(Duration::from_secs(4), echoed(seen)));
    let started = Instant::now();
    let stop = || started.elapsed() > Duration::from_millis(200);
    let stopped = server(&http).ask("m", questions(8), &stop, &mut |_, _| Ok(()));
    assert_eq!(stopped, Err(RemoteError::Cancelled));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(http.seen().len() <= 4, "nothing new is sent");
}

#[test]
fn a_model_that_is_not_there_is_told_from_other_faults() {
    let missing = r#"{"error": {"message": "The model `lora-1` does not exist.", "code": 404}}"#;
    let http = HttpServer::start(|_, _| Act::Answer(404, String::new(), missing.to_owned()));
    let error = ask(&http, 2).expect_err("it is missing");
    assert!(matches!(&error, RemoteError::NoModel { model, .. } if model == "lora-1"), "{error}");
}

#[test]
fn an_adapter_is_loaded_by_name_and_path_and_what_hinders_it_is_told() {
    let http = HttpServer::start(|_, _| well("Success: LoRA adapter added.".to_owned()));
    let client = server(&http);
    client.load_adapter("lora-1", "/runs/adapter", &|| false).expect("loaded");
    client.unload_adapter("lora-0", &|| false).expect("unloaded");
    let seen = http.seen();
    assert_eq!(seen[0].path(), "/v1/load_lora_adapter");
    assert_eq!(seen[0].body, json!({"lora_name": "lora-1", "lora_path": "/runs/adapter"}));
    assert_eq!(seen[1].path(), "/v1/unload_lora_adapter");
    assert_eq!(seen[1].body, json!({"lora_name": "lora-0"}));

    let there =
        r#"{"object": "error", "message": "The lora adapter 'lora-1' has already been loaded."}"#;
    let http = HttpServer::start(move |_, _| Act::Answer(400, String::new(), there.to_owned()));
    server(&http).load_adapter("lora-1", "/a", &|| false).expect("it is there");

    let plain = r#"{"detail": "Not Found"}"#;
    let http = HttpServer::start(move |_, _| Act::Answer(404, String::new(), plain.to_owned()));
    let error = server(&http).load_adapter("lora-1", "/a", &|| false).expect_err("no such path");
    let said = error.to_string();
    assert!(said.contains("Not Found") && said.contains("--enable-lora"), "{said}");
    server(&http).unload_adapter("lora-1", &|| false).expect("what is not there is forgotten");

    let config = config(&http);
    let llama = RolloutServer::new(Api::LlamaCpp, &config, drawing(), Seed::new(1));
    let error = llama.expect("valid").load_adapter("lora-1", "/a", &|| false).expect_err("never");
    assert!(error.to_string().contains("loads adapters when it starts"), "{error}");
}

#[test]
fn log_probabilities_from_before_the_temperature_are_noticed() {
    // Five logits; told are their log-probabilities at the temperature asked for, or at 1 whatever was asked for.
    let told = |temperature: f64| {
        let logits = [0.0, -1.0, -1.5, -2.0, -4.0].map(|logit: f64| logit / temperature);
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        let top: serde_json::Map<String, Value> = (0..)
            .zip(logits)
            .map(|(id, logit): (u32, f64)| (format!("token_id:{id}"), json!(logit - sum.ln())))
            .collect();
        json!({"choices": [{"text": "", "finish_reason": "length", "token_ids": [0],
            "logprobs": {"tokens": ["token_id:0"], "token_logprobs": [-0.5], "top_logprobs": [top]}}]})
        .to_string()
    };
    let is_processed = AtomicUsize::new(0);
    let is_processed: &'static AtomicUsize = Box::leak(Box::new(is_processed));
    let http = HttpServer::start(move |_, seen| {
        let asked = seen.body["temperature"].as_f64().expect("a number");
        well(told(if is_processed.load(Ordering::SeqCst) == 1 { asked } else { 1.0 }))
    });
    let cold = Drawing { temperature: 0.7, ..drawing() };
    let client = RolloutServer::new(Api::Vllm, &config(&http), cold, Seed::new(1)).expect("valid");
    let error = client.check_log_probs("m", &[1, 3], &|| false).expect_err("raw");
    assert!(error.to_string().contains("--logprobs-mode processed_logprobs"), "{error}");
    is_processed.store(1, Ordering::SeqCst);
    client.check_log_probs("m", &[1, 3], &|| false).expect("processed");
    let num_before = http.seen().len();
    server(&http).check_log_probs("m", &[1, 3], &|| false).expect("temperature 1 has no before");
    assert_eq!(http.seen().len(), num_before, "there is nothing to ask");
}

#[test]
fn the_list_of_models_says_whether_the_right_one_is_served() {
    let list = json!({"object": "list", "data": [{"id": "base"}, {"id": "lora-1"}]}).to_string();
    let http = HttpServer::start(move |_, _| well(list.clone()));
    assert_eq!(server(&http).check(&|| false), Ok(()));
    let other = EndpointConfig { model: "other".to_owned(), ..config(&http) };
    let client = RolloutServer::new(Api::Vllm, &other, drawing(), Seed::new(1)).expect("valid");
    let error = client.check(&|| false).expect_err("it has another").to_string();
    assert!(error.contains("no model `other`: it has base, lora-1"), "{error}");
}
