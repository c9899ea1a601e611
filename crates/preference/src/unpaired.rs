//! Single labelled completions made of pairs.

use forethought_schema::{PreferencePair, UnpairedPreference};

/// Each pair as two completions: first all chosen ones, then all rejected ones, as TRL 1.16's `unpair_preference_dataset`.
///
/// KTO estimates a divergence from prompts followed by their neighbours' answers. Were the two sides of a pair neighbours,
/// such an answer would belong to its prompt after all.
#[must_use]
pub fn unpair(pairs: &[PreferencePair]) -> Vec<UnpairedPreference> {
    let completion = |pair: &PreferencePair, completion: &str, label| UnpairedPreference {
        prompt: pair.prompt.clone(),
        completion: completion.to_owned(),
        label,
    };
    let chosen = pairs.iter().map(|pair| completion(pair, &pair.chosen, true));
    let rejected = pairs.iter().map(|pair| completion(pair, &pair.rejected, false));
    chosen.chain(rejected).collect()
}
