//! Seeded, counted randomness: every draw is named by its purpose and its counters.
//!
//! A generator that is passed along drifts as soon as somebody draws once more. Here nothing is passed along: each use
//! asks for the stream of its purpose and counters (step, prompt, sample), so a resumed run draws what the
//! uninterrupted one would have drawn, whatever the threads or the order of the work.
//!
//! ```
//! use forethought_seed::Seed;
//! use rand::Rng;
//!
//! let seed = Seed::new(42);
//! let mut once = seed.stream("dropout", &[3, 0]);
//! let mut again = seed.stream("dropout", &[3, 0]);
//! assert_eq!(once.next_u64(), again.next_u64());
//! assert_ne!(once.next_u64(), seed.stream("dropout", &[3, 1]).next_u64());
//! ```

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The seed of a run, from which every stream is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed with this number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The number this seed was made of.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The stream of random numbers of one purpose at one place, e.g. `("sample", &[step, prompt, sample])`.
    #[must_use]
    pub fn stream(self, purpose: &str, counters: &[u64]) -> ChaCha8Rng {
        let bytes: Vec<u8> = counters.iter().flat_map(|counter| counter.to_le_bytes()).collect();
        ChaCha8Rng::from_seed(self.digest(purpose, &bytes))
    }

    /// A seed of its own for one part of the work, so that two parts may use the same purposes.
    #[must_use]
    pub fn derive(self, part: &str) -> Self {
        Self(self.key("derive", part.as_bytes()))
    }

    /// A number that depends on nothing but the seed, the purpose and the item: sorting by it shuffles items in a way
    /// that does not depend on the order they came in.
    #[must_use]
    pub fn key(self, purpose: &str, item: &[u8]) -> u64 {
        ChaCha8Rng::from_seed(self.digest(purpose, item)).next_u64()
    }

    /// SHA-256 over the seed, the length of the purpose, the purpose and the rest; the length keeps `("ab", "c")` and
    /// `("a", "bc")` apart.
    fn digest(self, purpose: &str, rest: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.0.to_le_bytes());
        hasher.update((purpose.len() as u64).to_le_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(rest);
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /* Python:
    import hashlib
    d = hashlib.sha256((42).to_bytes(8, "little") + (4).to_bytes(8, "little") + b"test" + (7).to_bytes(8, "little"))
    print(d.hexdigest()[:16])  # the ChaCha8 key starts with these bytes
    */
    #[test]
    fn the_key_of_a_stream_is_sha256_of_its_name() {
        let digest = Seed::new(42).digest("test", &7u64.to_le_bytes());
        let mut expected = Sha256::new();
        expected.update(b"\x2a\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0test\x07\0\0\0\0\0\0\0");
        assert_eq!(digest.as_slice(), expected.finalize().as_slice());
    }

    #[test]
    fn a_purpose_cannot_run_into_its_item() {
        let seed = Seed::new(0);
        assert_ne!(seed.key("ab", b"c"), seed.key("a", b"bc"));
    }

    #[test]
    fn derived_seeds_differ_by_part() {
        let seed = Seed::new(1);
        assert_ne!(seed.derive("sft"), seed.derive("grpo"));
        assert_eq!(seed.derive("sft"), seed.derive("sft"));
    }

    proptest! {
        #[test]
        fn streams_of_different_counters_differ(a in any::<u64>(), b in any::<u64>()) {
            prop_assume!(a != b);
            let seed = Seed::new(9);
            prop_assert_ne!(seed.stream("p", &[a]).next_u64(), seed.stream("p", &[b]).next_u64());
        }
    }
}
