//! How much of a sampling is held at once.

use forethought_model::pack;
use forethought_rollout::DEFAULT_MAX_CACHED_TOKENS;

use super::plan::SampledAtOnce;

/// A sampling: how often it asks how many prompts, and how long answers may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Prompts; a check has fewer than there will be.
    pub(crate) num_prompts: usize,
    /// Answers to each.
    pub(crate) per_prompt: usize,
    /// Tokens of the longest answer.
    pub(crate) new_tokens: usize,
}

impl SampledAtOnce {
    /// The largest part of a sampling that is held at once: the longest of the prompts, packed as they are when they come
    /// together, and their answers. More is sampled in several rounds.
    pub(crate) fn largest<'a>(prompts: impl Iterator<Item = &'a [u32]>, asked: Asked) -> Self {
        let Asked { num_prompts, per_prompt, new_tokens } = asked;
        let mut prompts: Vec<&[u32]> = prompts.collect();
        prompts.sort_by_key(|prompt| std::cmp::Reverse(prompt.len()));
        let total: usize = prompts.iter().map(|prompt| prompt.len()).sum();
        let each = total / prompts.len().max(1) + per_prompt * new_tokens;
        let together = (DEFAULT_MAX_CACHED_TOKENS / each.max(1)).clamp(1, num_prompts.max(1));
        let chosen = &prompts[..together.min(prompts.len())];
        let packed = pack(chosen).tokens.len();
        Self {
            prompt_tokens: packed * together / chosen.len().max(1),
            sequences: together * per_prompt,
            new_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prompts_count_once_where_they_are_the_same_and_rounds_bound_what_is_held() {
        let prompts: [&[u32]; 3] = [&[1, 2, 3, 4], &[1, 2, 5], &[9]];
        let largest = |num_prompts, per_prompt, new_tokens| {
            let asked = Asked { num_prompts, per_prompt, new_tokens };
            SampledAtOnce::largest(prompts.into_iter(), asked)
        };
        // 1 2 3 4, and 5 behind 1 2.
        let two = SampledAtOnce { prompt_tokens: 5, sequences: 16, new_tokens: 10 };
        assert_eq!(largest(2, 8, 10), two);
        // Twelve prompts like these three of 6 tokens.
        let twelve = SampledAtOnce { prompt_tokens: 24, sequences: 12, new_tokens: 1 };
        assert_eq!(largest(12, 1, 1), twelve);
        // 8 x 2,048 and a prompt are half of what is held at once.
        assert_eq!(largest(100, 8, 2_000).sequences, 16);
        assert_eq!(largest(100, 8, 50_000).sequences, 8);
    }
}
