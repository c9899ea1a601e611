//! A server in vLLM's shapes that samples with this project's own sampler, and reads the adapters that it is told to load.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use forethought_model::{Decoder, load, load_adapter};
use forethought_pipeline::parse_device;
use forethought_rollout::{Request, Sampling, generate};
use forethought_seed::Seed;
use serde_json::{Value, json};

use crate::http::{Act, HttpServer, Seen};

/// A running server.
pub(crate) struct Vllm {
    pub(crate) http: HttpServer,
    state: Arc<State>,
}

struct State {
    /// The folder of the model that it serves, read with the first question.
    folder: PathBuf,
    base: Mutex<Option<Decoder>>,
    adapters: Mutex<HashMap<String, Decoder>>,
    /// Counts the completions: the same question is answered otherwise each time.
    num_sampled: AtomicU64,
    /// The number of the completion from which on questions are refused.
    refused_from: AtomicU64,
}

impl Vllm {
    /// Serves the model of a folder, which need not be there yet.
    pub(crate) fn start(folder: PathBuf) -> Self {
        let state = Arc::new(State {
            folder,
            base: Mutex::default(),
            adapters: Mutex::default(),
            num_sampled: AtomicU64::new(0),
            refused_from: AtomicU64::new(u64::MAX),
        });
        let served = Arc::clone(&state);
        let http = HttpServer::start(move |_, seen| served.act(seen));
        Self { http, state }
    }

    /// The setting `rollout` of a stage that samples here.
    pub(crate) fn setting(&self, more: &str) -> String {
        let address = self.http.address;
        format!(
            "{{engine: server, api: vllm, endpoint: {{url: 'http://{address}/v1', model: base, first_wait_seconds: 0.01, retries: 1}}{more}}}"
        )
    }

    /// Forgets its adapters, as a server does that is started anew.
    pub(crate) fn forget(&self) {
        self.state.adapters.lock().expect("no panic").clear();
    }

    /// Refuses every question after so many more completions.
    pub(crate) fn refuse_after(&self, count: u64) {
        let sampled = self.state.num_sampled.load(Ordering::SeqCst);
        self.state.refused_from.store(sampled.saturating_add(count), Ordering::SeqCst);
    }

    pub(crate) fn num_sampled(&self) -> u64 {
        self.state.num_sampled.load(Ordering::SeqCst)
    }

    /// The folders that it was told to load.
    pub(crate) fn loaded(&self) -> Vec<PathBuf> {
        let seen = self.http.seen();
        let loads = seen.iter().filter(|one| one.path() == "/v1/load_lora_adapter");
        loads.map(|one| one.body["lora_path"].as_str().expect("a path").into()).collect()
    }
}

impl State {
    fn act(&self, seen: &Seen) -> Act {
        let (status, body) = match seen.path() {
            "/v1/models" => (200, self.models()),
            "/v1/load_lora_adapter" => self.load(&seen.body),
            "/v1/unload_lora_adapter" => self.unload(&seen.body),
            "/v1/completions" => self.complete(&seen.body),
            _ => (404, json!({"detail": "Not Found"})),
        };
        Act::Answer(status, String::new(), body.to_string())
    }

    fn base(&self) -> Decoder {
        let mut base = self.base.lock().expect("no panic");
        base.get_or_insert_with(|| {
            let device = parse_device("cpu").expect("the CPU");
            load(&self.folder, &device).expect("a model folder").decoder
        })
        .clone()
    }

    fn models(&self) -> Value {
        let adapters = self.adapters.lock().expect("no panic");
        let names = adapters.keys().map(String::as_str).chain(["base"]);
        json!({"object": "list", "data": names.map(|name| json!({"id": name})).collect::<Vec<_>>()})
    }

    fn load(&self, body: &Value) -> (u16, Value) {
        let name = body["lora_name"].as_str().expect("a name").to_owned();
        let path = Path::new(body["lora_path"].as_str().expect("a path"));
        let refuse = |message: String| (400, json!({"object": "error", "message": message}));
        if self.adapters.lock().expect("no panic").contains_key(&name) {
            return refuse(format!("The lora adapter '{name}' has already been loaded."));
        }
        let device = parse_device("cpu").expect("the CPU");
        match load_adapter(self.base(), path, &device) {
            Ok(adapted) => {
                self.adapters.lock().expect("no panic").insert(name, adapted);
                (200, json!("Success"))
            }
            Err(error) => refuse(error.to_string()),
        }
    }

    fn unload(&self, body: &Value) -> (u16, Value) {
        let name = body["lora_name"].as_str().expect("a name");
        match self.adapters.lock().expect("no panic").remove(name) {
            Some(_) => (200, json!("Success")),
            None => (404, json!({"object": "error", "message": "it cannot be found"})),
        }
    }

    fn complete(&self, body: &Value) -> (u16, Value) {
        let name = body["model"].as_str().expect("a name");
        let adapted = self.adapters.lock().expect("no panic").get(name).cloned();
        let model = match adapted {
            Some(adapted) => adapted,
            None if name == "base" => self.base(),
            None => {
                let message = format!("The model `{name}` does not exist.");
                return (404, json!({"error": {"message": message, "code": 404}}));
            }
        };
        let number = self.num_sampled.fetch_add(1, Ordering::SeqCst);
        if self.refused_from.load(Ordering::SeqCst) <= number {
            return (401, json!({"error": {"message": "the key was withdrawn"}}));
        }
        (200, answer(&model, body, number))
    }
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("token ids")
}

fn answer(model: &Decoder, body: &Value, number: u64) -> Value {
    let prompts = [ids(&body["prompt"])];
    let eos_ids = ids(&body["stop_token_ids"]);
    let sampling = Sampling {
        temperature: body["temperature"].as_f64().expect("a number"),
        max_new_tokens: usize::try_from(body["max_tokens"].as_u64().expect("a number"))
            .expect("few"),
        ..Sampling::default()
    };
    let seed = Seed::new(number);
    let request = Request { eos_ids: &eos_ids, ..Request::new(&prompts, seed) };
    let completions = generate(model, &sampling, &request, &mut |_| {}).expect("a completion");
    let one = &completions[0];
    let tokens: Vec<String> = one.ids.iter().map(|id| format!("token_id:{id}")).collect();
    json!({"object": "text_completion", "choices": [{
        "index": 0, "text": "", "finish_reason": if one.is_finished { "stop" } else { "length" },
        "token_ids": one.ids, "prompt_token_ids": prompts[0],
        "logprobs": {"tokens": tokens, "token_logprobs": one.log_probs, "top_logprobs": [], "text_offset": []},
    }]})
}
