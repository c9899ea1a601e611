//! Which rows of a mix are taken, and in which order.

use forethought_seed::Seed;

use super::{Deduplicate, MixConfig, MixOrder, duplicates};
use crate::error::DatasetError;
use crate::question::Fingerprint;
use crate::records::{Examples, Met, num_samples};

/// A row in question.
#[derive(Clone)]
struct Candidate {
    source: usize,
    /// Its place as it was read.
    index: usize,
    /// Draws it before or after the others: by its content, and by its number among rows of the same content.
    key: (u64, u64),
    /// Whether it was drawn before: it has one place in the ledger.
    is_again: bool,
}

/// All rows in question.
pub(crate) struct Candidates<'c> {
    rows: Vec<Candidate>,
    /// What is compared of each row, where duplicates are looked for.
    compared: Vec<Fingerprint>,
    deduplicate: Option<&'c Deduplicate>,
    /// How many rows an index of LLaMA-Factory draws of each source.
    samples: Vec<Option<u64>>,
    seed: Seed,
}

impl<'c> Candidates<'c> {
    pub(crate) fn new(config: &'c MixConfig, seed: Seed) -> Result<Self, DatasetError> {
        let deduplicate = config.deduplicate.as_ref();
        let samples = config.sources.iter().map(num_samples).collect::<Result<_, _>>()?;
        Ok(Self { rows: Vec::new(), compared: Vec::new(), deduplicate, samples, seed })
    }

    /// Adds the next row that is read.
    pub(crate) fn add(&mut self, met: &Met<'_>) {
        let (source, index) = (met.source, self.rows.len());
        let key = (self.seed.key("mix", met.json), 0);
        self.rows.push(Candidate { source, index, key, is_again: false });
        if let Some(deduplicate) = self.deduplicate {
            self.compared.push(duplicates::fingerprint(&met.example.record, deduplicate.by));
        }
    }

    /// Drops duplicates, then what an index, caps and proportions leave no room for, and says in which order the others are.
    /// A row that is drawn several times stands there as often.
    pub(crate) fn select(
        mut self,
        examples: &mut Examples,
        config: &MixConfig,
    ) -> Result<Vec<usize>, DatasetError> {
        self.number_repeats();
        // Of two that are the same the one of the earlier source stays, and of one source the one drawn first.
        self.rows.sort_by_key(|one| (one.source, one.key));
        if let Some(deduplicate) = self.deduplicate {
            let order: Vec<(usize, Fingerprint)> =
                self.rows.iter().map(|one| (one.index, self.compared[one.index])).collect();
            let mut fates = duplicates::find(&mut examples.rows, &order, deduplicate)?.into_iter();
            self.rows.retain(|one| match fates.next().flatten() {
                Some(reason) => {
                    examples.drop_row(one.index, reason);
                    false
                }
                None => true,
            });
        }
        let sampled = sampled(examples, (&self.samples, self.seed), self.rows);
        let candidates = within_caps(examples, config, sampled);
        Ok(ordered(candidates, config.order))
    }

    /// Counts rows of the same content in the order they were read.
    fn number_repeats(&mut self) {
        self.rows.sort_by_key(|one| (one.key.0, one.index));
        let mut last = None;
        for one in &mut self.rows {
            let repeat = match last {
                Some((key, repeat)) if key == one.key.0 => repeat + 1,
                _ => 1,
            };
            one.key.1 = repeat;
            last = Some(one.key);
        }
    }
}

/// Takes of each source, sorted by its draws, as many rows as an index says. Where it has fewer, all of them and some again,
/// as LLaMA-Factory 0.9 does (`np.random.permutation`, then `np.random.choice` of what is missing).
fn sampled(
    examples: &mut Examples,
    (samples, seed): (&[Option<u64>], Seed),
    candidates: Vec<Candidate>,
) -> Vec<Candidate> {
    let mut taken: Vec<Vec<Candidate>> = vec![Vec::new(); samples.len()];
    for one in candidates {
        let of_source = &mut taken[one.source];
        if samples[one.source].is_none_or(|number| (of_source.len() as u64) < number) {
            of_source.push(one);
        } else {
            examples.drop_row(one.index, "over_num_samples");
        }
    }
    for (source, rows) in taken.iter_mut().enumerate() {
        let num_rows = rows.len() as u64;
        let missing =
            samples[source].filter(|_| num_rows > 0).unwrap_or(0).saturating_sub(num_rows);
        for number in 0..missing {
            let key = seed.key("num_samples", format!("{source} {number}").as_bytes());
            let place = usize::try_from(key % num_rows).unwrap_or_default();
            let again = Candidate { key: (key, number), is_again: true, ..rows[place].clone() };
            rows.push(again);
        }
    }
    taken.into_iter().flatten().collect()
}

/// Takes of each source, sorted by its draws, as many as its cap and its share allow.
fn within_caps(
    examples: &mut Examples,
    config: &MixConfig,
    candidates: Vec<Candidate>,
) -> Vec<Candidate> {
    let mut available = vec![0; config.sources.len()];
    for one in &candidates {
        available[one.source] += 1;
    }
    let capped: Vec<usize> = available
        .iter()
        .zip(&config.sources)
        .map(|(count, source)| source.max_rows.map_or(*count, |cap| cap.min(*count)))
        .collect();
    let shares = shares(config, &capped);
    let mut taken = vec![0; config.sources.len()];
    let mut kept = Vec::with_capacity(candidates.len());
    for one in candidates {
        let source = one.source;
        taken[source] += 1;
        if taken[source] <= shares[source] {
            kept.push(one);
        } else if !one.is_again {
            let is_over_cap = taken[source] > capped[source];
            let reason = if is_over_cap { "over_max_rows" } else { "over_its_share" };
            examples.drop_row(one.index, reason);
        }
    }
    kept
}

/// How many rows of each source are taken, of those that there are.
///
/// With weights it is the largest mix in their proportions; a limit on all rows is divided in the same way, or, without
/// weights, in proportion to what there is. Rounding favours the largest remainder, and of equals the earlier source.
fn shares(config: &MixConfig, available: &[usize]) -> Vec<usize> {
    let weights: Option<Vec<f64>> = config.sources.iter().map(|source| source.weight).collect();
    let sum: usize = available.iter().sum();
    let Some(weights) = weights else {
        let Some(limit) = config.max_rows.filter(|limit| *limit < sum) else {
            return available.to_vec();
        };
        let weights: Vec<f64> = available.iter().map(|count| *count as f64).collect();
        return divide(limit, &weights);
    };
    let total: f64 = weights.iter().sum();
    let whole = |(count, weight): (&usize, &f64)| *count as f64 * total / weight;
    let largest = available.iter().zip(&weights).map(whole).fold(f64::INFINITY, f64::min);
    // The nudge keeps 30 * (2 / 3) from becoming 19.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of rows")]
    let largest = (largest + 1e-9).floor() as usize;
    let divided = divide(config.max_rows.map_or(largest, |limit| limit.min(largest)), &weights);
    divided.into_iter().zip(available).map(|(share, count)| share.min(*count)).collect()
}

/// A number in parts that go with weights.
fn divide(number: usize, weights: &[f64]) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let exact: Vec<f64> = weights.iter().map(|weight| number as f64 * weight / total).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of rows")]
    let mut parts: Vec<usize> = exact.iter().map(|part| (part + 1e-9).floor() as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let remainder = |index: &usize| exact[*index] - exact[*index].floor();
    order.sort_by(|a, b| remainder(b).total_cmp(&remainder(a)).then(a.cmp(b)));
    let missing = number.saturating_sub(parts.iter().sum());
    for index in order.into_iter().take(missing) {
        parts[index] += 1;
    }
    parts
}

/// The places, as they were read, in the order of the mix.
fn ordered(mut candidates: Vec<Candidate>, order: MixOrder) -> Vec<usize> {
    match order {
        MixOrder::AsRead => candidates.sort_by_key(|one| one.index),
        MixOrder::Shuffle => candidates.sort_by_key(|one| (one.key, one.source)),
        MixOrder::Interleave => {
            let num_sources = candidates.iter().map(|one| one.source + 1).max().unwrap_or(0);
            let mut counts = vec![0_u64; num_sources];
            for one in &candidates {
                counts[one.source] += 1;
            }
            let mut placed = vec![0_u64; num_sources];
            // The j-th of n rows stands at (2j + 1) / 2n of the whole; fractions are compared without division.
            let mut places: Vec<(u64, u64, usize, usize)> = Vec::new();
            for one in &candidates {
                let place = 2 * placed[one.source] + 1;
                placed[one.source] += 1;
                places.push((place, 2 * counts[one.source], one.source, one.index));
            }
            places.sort_by(|a, b| {
                let (left, right) =
                    (u128::from(a.0) * u128::from(b.1), u128::from(b.0) * u128::from(a.1));
                left.cmp(&right).then(a.2.cmp(&b.2))
            });
            return places.into_iter().map(|(.., index)| index).collect();
        }
    }
    candidates.into_iter().map(|one| one.index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn config(weights: &[f64], max_rows: Option<usize>) -> MixConfig {
        let source = |weight: &f64| Source {
            weight: (*weight > 0.0).then_some(*weight),
            ..Source::default()
        };
        MixConfig { max_rows, ..MixConfig::of(weights.iter().map(source).collect()) }
    }

    #[test]
    fn the_largest_mix_in_the_proportions_of_the_weights_is_taken() {
        assert_eq!(shares(&config(&[2.0, 1.0], None), &[20, 50]), [20, 10]);
        assert_eq!(shares(&config(&[2.0, 1.0], None), &[100, 7]), [14, 7]);
        assert_eq!(shares(&config(&[0.7, 0.3], Some(10)), &[100, 100]), [7, 3]);
        assert_eq!(shares(&config(&[1.0, 1.0, 1.0], Some(10)), &[9, 9, 9]), [4, 3, 3]);
        assert_eq!(shares(&config(&[0.0, 0.0], Some(9)), &[20, 10]), [6, 3]);
        assert_eq!(shares(&config(&[0.0, 0.0], None), &[20, 10]), [20, 10]);
    }

    #[test]
    fn interleaving_spreads_every_source_over_the_whole() {
        let of =
            |source, index| Candidate { source, index, key: (index as u64, 1), is_again: false };
        let candidates = (0..6).map(|index| of(0, index)).chain((6..8).map(|index| of(1, index)));
        let order = ordered(candidates.collect(), MixOrder::Interleave);
        assert_eq!(order, [0, 1, 6, 2, 3, 4, 7, 5]);
    }
}
