//! How large the micro-batches and the samplings of an online method may become.

use forethought_model::pack;

use super::source::OnlineSource;
use crate::memory::{Asked, Load, SampledAtOnce};

impl OnlineSource {
    /// The largest micro-batch, and what one sampling of `num_prompts` questions holds, where every answer is as long as it may
    /// be: the longest questions, packed as they are when they come together.
    pub(crate) fn load(
        &self,
        num_prompts: usize,
        num_generations: usize,
        max_new_tokens: usize,
    ) -> (Load, SampledAtOnce) {
        let mut prompts: Vec<&[u32]> =
            self.sampler.questions.iter().map(|one| one.prompt.as_slice()).collect();
        prompts.sort_by_key(|prompt| std::cmp::Reverse(prompt.len()));
        let packed = |wanted: usize| {
            let chosen = &prompts[..wanted.min(prompts.len())];
            let load = Load { tokens: pack(chosen).tokens.len(), scored: 0 };
            load.scaled(wanted, chosen.len()).tokens
        };
        let answers = self.prompts_per_micro_batch * num_generations * max_new_tokens;
        let load = Load { tokens: packed(self.prompts_per_micro_batch) + answers, scored: answers };
        let asked = Asked { num_prompts, per_prompt: num_generations, new_tokens: max_new_tokens };
        (load, SampledAtOnce::largest(prompts.into_iter(), asked))
    }
}
