//! A wrong class beside a true one.

use forethought_schema::{PreferencePair, Prompt};
use forethought_seed::Seed;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a wrong class is made of a true one. Classes start at 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairingRule {
    /// Always lower: the rule of the think-length workflow. Since every rejected class is below its true one, a policy can
    /// also lower the loss by answering higher whatever it is asked.
    Lower(LowerRule),
    /// Lower or higher, with equal chance.
    Symmetric(SymmetricRule),
}

/// The rejected class is lower by a distance drawn uniformly from `min_distance ..= max_distance`; where that would be
/// below 0, lower by 1. The class 0 has no lower one and gets no pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LowerRule {
    /// The least distance, in classes: `>= 1`. Default 3, as in the think-length workflow.
    pub min_distance: u32,
    /// The greatest distance, in classes: `>= min_distance`. Default 10, as in the think-length workflow.
    pub max_distance: u32,
}

/// The rejected class is lower or higher, by the toss of a coin, by a distance drawn uniformly from
/// `min_distance ..= max_distance`. Where one side leaves the range of classes, the other is taken; where both do, the
/// neighbour that is in range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SymmetricRule {
    /// The least distance, in classes: `>= 1`. Default 3, as [`LowerRule`].
    pub min_distance: u32,
    /// The greatest distance, in classes: `>= min_distance`. Default 10, as [`LowerRule`].
    pub max_distance: u32,
    /// The greatest class there is. Default: none, any class is possible.
    pub max_class: Option<u32>,
}

impl Default for LowerRule {
    fn default() -> Self {
        Self { min_distance: 3, max_distance: 10 }
    }
}

impl Default for SymmetricRule {
    fn default() -> Self {
        Self { min_distance: 3, max_distance: 10, max_class: None }
    }
}

impl Default for PairingRule {
    fn default() -> Self {
        Self::Symmetric(SymmetricRule::default())
    }
}

/// A pairing rule that cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairingRuleError {
    /// A distance of 0 would reject the true class.
    #[error("min_distance must be at least 1, got 0")]
    MinDistance,
    /// There is no distance to draw.
    #[error("max_distance must be at least min_distance = {min_distance}, got {max_distance}")]
    MaxDistance {
        /// The least distance.
        min_distance: u32,
        /// The greatest distance.
        max_distance: u32,
    },
}

impl PairingRule {
    /// Checks the distances.
    ///
    /// # Errors
    ///
    /// If a distance of 0 or none at all could be drawn.
    pub fn check(&self) -> Result<(), PairingRuleError> {
        let (min_distance, max_distance) = self.distances();
        if min_distance == 0 {
            return Err(PairingRuleError::MinDistance);
        }
        if max_distance < min_distance {
            return Err(PairingRuleError::MaxDistance { min_distance, max_distance });
        }
        Ok(())
    }

    /// A wrong class, never the true one; none where the rule knows none. What is drawn depends on the seed and the counters
    /// alone.
    ///
    /// # Panics
    ///
    /// If [`Self::check`] finds the rule wrong.
    #[must_use]
    pub fn rejected(&self, true_class: u32, seed: Seed, counters: &[u64]) -> Option<u32> {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
        let mut stream = seed.stream("pairing", counters);
        let (min_distance, max_distance) = self.distances();
        let num_distances = u64::from(max_distance - min_distance) + 1;
        let distance = min_distance.saturating_add(below(num_distances, stream.next_u64()));
        let lower = |distance| true_class.checked_sub(distance);
        match self {
            Self::Lower(_) => lower(distance).or_else(|| lower(1)),
            Self::Symmetric(rule) => {
                let higher = |distance| rule.higher(true_class, distance);
                let is_lower_first = below(2, stream.next_u64()) == 0;
                let [first, second] = if is_lower_first {
                    [lower(distance), higher(distance)]
                } else {
                    [higher(distance), lower(distance)]
                };
                first.or(second).or_else(|| lower(1)).or_else(|| higher(1))
            }
        }
    }

    fn distances(&self) -> (u32, u32) {
        match self {
            Self::Lower(rule) => (rule.min_distance, rule.max_distance),
            Self::Symmetric(rule) => (rule.min_distance, rule.max_distance),
        }
    }
}

impl SymmetricRule {
    fn higher(&self, true_class: u32, distance: u32) -> Option<u32> {
        let class = true_class.checked_add(distance)?;
        (class <= self.max_class.unwrap_or(u32::MAX)).then_some(class)
    }
}

/// A number below `bound` from a random word: the high half of their product.
fn below(bound: u64, word: u64) -> u32 {
    let scaled = (u128::from(bound) * u128::from(word)) >> 64;
    u32::try_from(scaled).expect("there are at most 2^32 distances")
}

/// The pairs made of labelled prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassPairs {
    /// The pairs, in the order of the prompts.
    pub pairs: Vec<PreferencePair>,
    /// Indices of the prompts for which the rule knows no wrong class.
    pub skipped: Vec<usize>,
}

/// `num_per_prompt` pairs for each prompt and its true class, as [`pairs_of_class`] makes them. A prompt whose rule knows no
/// wrong class is skipped and named.
///
/// # Panics
///
/// If [`PairingRule::check`] finds the rule wrong.
#[must_use]
pub fn class_pairs<P: Clone + Into<Prompt>>(
    examples: &[(P, u32)],
    rule: &PairingRule,
    num_per_prompt: usize,
    seed: Seed,
) -> ClassPairs {
    let mut made = ClassPairs { pairs: Vec::new(), skipped: Vec::new() };
    for (index, (prompt, class)) in examples.iter().enumerate() {
        let example = (index, prompt.clone().into(), *class);
        let pairs = pairs_of_class(&example, rule, num_per_prompt, seed);
        if pairs.len() < num_per_prompt {
            made.skipped.push(index);
        }
        made.pairs.extend(pairs);
    }
    made
}

/// So many pairs for a prompt and its true class, or fewer where the rule knows no wrong class: the true number is chosen, a
/// wrong one rejected. Which wrong class it gets depends on the seed and its index.
///
/// # Panics
///
/// If [`PairingRule::check`] finds the rule wrong.
#[must_use]
pub fn pairs_of_class(
    (index, prompt, class): &(usize, Prompt, u32),
    rule: &PairingRule,
    num_pairs: usize,
    seed: Seed,
) -> Vec<PreferencePair> {
    let wrong = (0..num_pairs as u64)
        .filter_map(|number| rule.rejected(*class, seed, &[*index as u64, number]));
    wrong.map(|wrong| pair(prompt.clone(), *class, wrong)).collect()
}

fn pair(prompt: Prompt, class: u32, wrong: u32) -> PreferencePair {
    PreferencePair { prompt, chosen: class.to_string(), rejected: wrong.to_string(), margin: None }
}
