//! Prints how long the fused and the stock operations take, forward and backward, at the shape of SmolLM2-135M.
//!
//! `cargo run --release -p forethought-kernels --example time`
#![allow(clippy::print_stdout, reason = "printing is its job")]

use std::time::Instant;

use burn::tensor::{Device, Distribution, Int, Tensor};
use forethought_kernels::{self as kernels, AttentionPlan, HeadShape, Segment, stock};

const HIDDEN: usize = 576;
const INTERMEDIATE: usize = 1536;
const VOCAB: usize = 49_152;
const PROMPT: usize = 358;
const COMPLETION: usize = 20;
const COMPLETIONS: usize = 8;
const TOKENS: usize = PROMPT + COMPLETIONS * COMPLETION;
const HEADS: HeadShape = HeadShape { num_heads: 9, num_kv_heads: 3, head_dim: 64 };

fn random(shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device).require_grad()
}

/// The median of seven runs, in milliseconds, after one to warm up.
fn median(work: impl Fn()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..7)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[3]
}

fn report(name: &str, fused: impl Fn() -> Tensor<1>, stock: impl Fn() -> Tensor<1>) {
    let forward = [median(|| drop(fused())), median(|| drop(stock()))];
    let both = [median(|| drop(fused().backward())), median(|| drop(stock().backward()))];
    println!(
        "{name:16} forward {:8.2} ms fused {:8.2} ms stock | and backward {:8.2} ms fused {:8.2} ms stock",
        forward[0], forward[1], both[0], both[1]
    );
}

/// A prompt, and completions that all see it.
fn training_plan() -> AttentionPlan {
    let shared = 0..PROMPT;
    let prompt = Segment { queries: shared.clone(), context: vec![], own: 0 };
    let completions = (0..COMPLETIONS).map(move |index| {
        let start = PROMPT + index * COMPLETION;
        Segment { queries: start..start + COMPLETION, context: vec![shared.clone()], own: start }
    });
    AttentionPlan::new(TOKENS, TOKENS, std::iter::once(prompt).chain(completions).collect())
}

/// One new token of each of 64 completions of 8 prompts, in a cache of whole sequences.
fn decoding_plan() -> AttentionPlan {
    let segment = |query: usize| {
        let prompt = query / 8 * PROMPT;
        let own = 8 * PROMPT + query * COMPLETION;
        let context = vec![prompt..prompt + PROMPT, own..own + COMPLETION - 1];
        Segment { queries: query..query + 1, context, own: own + COMPLETION - 1 }
    };
    AttentionPlan::new(64, 8 * PROMPT + 64 * COMPLETION, (0..64).map(segment).collect())
}

fn report_attention(name: &str, plan: &AttentionPlan, device: &Device) {
    let width = HEADS.num_kv_heads * HEADS.head_dim;
    let q = random([plan.num_queries(), HEADS.num_heads * HEADS.head_dim], device);
    let (k, v) =
        (random([plan.num_keys(), width], device), random([plan.num_keys(), width], device));
    report(
        name,
        || kernels::attention(q.clone(), k.clone(), v.clone(), plan, HEADS).sum(),
        || stock::attention(q.clone(), k.clone(), v.clone(), plan, HEADS).sum(),
    );
}

fn main() {
    let device = Device::flex().autodiff();
    let (x, weight) = (random([TOKENS, HIDDEN], &device), random([1, HIDDEN], &device));
    let weight = weight.flatten(0, 1).detach().require_grad();
    report(
        "rms_norm",
        || kernels::rms_norm(x.clone(), weight.clone(), 1e-6).sum(),
        || stock::rms_norm(x.clone(), weight.clone(), 1e-6).sum(),
    );
    let [gate, up] = [(); 2].map(|()| random([TOKENS, INTERMEDIATE], &device));
    report(
        "swiglu",
        || kernels::swiglu(gate.clone(), up.clone()).sum(),
        || stock::swiglu(gate.clone(), up.clone()).sum(),
    );
    let angles = random([TOKENS, 32], &device).inner();
    let (cos, sin) = (angles.clone().cos(), angles.sin());
    report(
        "rope",
        || kernels::rope(x.clone(), cos.clone(), sin.clone(), 64).sum(),
        || stock::rope(x.clone(), cos.clone(), sin.clone(), 64).sum(),
    );
    report_attention("attention, train", &training_plan(), &device);
    report_attention("attention, decode", &decoding_plan(), &device);
    let hidden = random([COMPLETIONS * COMPLETION, HIDDEN], &device);
    let head = (random([VOCAB, HIDDEN], &device) * 0.05).detach().require_grad();
    let targets = Tensor::<1, Int>::zeros([COMPLETIONS * COMPLETION], &device);
    report(
        "linear_log_prob",
        || {
            kernels::linear_log_prob(hidden.clone(), head.clone(), targets.clone(), 1.0)
                .log_probs
                .sum()
        },
        || {
            stock::linear_log_prob(hidden.clone(), head.clone(), targets.clone(), 1.0)
                .log_probs
                .sum()
        },
    );
}
