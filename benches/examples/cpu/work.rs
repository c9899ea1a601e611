//! The steps that are measured, and their data: random tokens, other ones in every step.

use std::error::Error;
use std::time::Instant;

use clap::ValueEnum;
use forethought_model::Decoder;
use forethought_rollout::{Completion, Request, Sampling, generate};
use forethought_seed::Seed;
use rand::Rng as _;

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// GRPO: 8 completions of 20 tokens of a prompt of 358 are sampled, scored and trained on.
    Grpo,
    /// Supervised, 4 examples with prompts of 350 tokens and answers of 4, which alone are scored.
    Sft,
    /// As `sft`, and the prompts begin with the same 300 tokens.
    SftShared,
    /// DPO: 2 pairs with prompts of 350 tokens and answers of 20, the reference computed in the step.
    Dpo,
    /// Supervised, 4 rows of 256 tokens, all scored.
    Causal,
    /// Sampling: 16 prompts of 32 tokens, 96 new ones each.
    Sample,
}

/// Random token ids, named by their place.
pub(crate) fn tokens(vocab_size: usize, length: usize, place: [u64; 2]) -> Vec<u32> {
    let mut random = Seed::new(7).stream("benchmark tokens", &place);
    let most = u32::try_from(vocab_size).unwrap_or(u32::MAX).max(1);
    (0..length).map(|_| random.next_u32() % most).collect()
}

/// Times the sampling of 16 x (32 + 96) tokens.
pub(crate) fn sample(decoder: &Decoder, steps: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let vocab_size = decoder.config().vocab_size;
    let mut seconds = Vec::new();
    for step in 0..=steps as u64 {
        let prompts: Vec<_> = (0..16).map(|row| tokens(vocab_size, 32, [step, row])).collect();
        let start = Instant::now();
        let completions = complete(decoder, &prompts, (1, 96), step)?;
        seconds.push(start.elapsed().as_secs_f64());
        assert!(completions.iter().all(|one| one.ids.len() == 96), "a completion was cut");
    }
    Ok(seconds.split_off(1))
}

/// Samples completions of one length.
pub(crate) fn complete(
    decoder: &Decoder,
    prompts: &[Vec<u32>],
    (samples_per_prompt, max_new_tokens): (usize, usize),
    step: u64,
) -> Result<Vec<Completion>, Box<dyn Error>> {
    let sampling = Sampling { max_new_tokens, ..Sampling::default() };
    let request = Request { samples_per_prompt, step, ..Request::new(prompts, Seed::new(3)) };
    Ok(generate(decoder, &sampling, &request, &mut |_| {})?)
}
