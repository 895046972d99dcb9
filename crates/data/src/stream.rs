//! Random numbers as a function of (seed, purpose, counter), with nothing left to the choice of a library's version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What random numbers are for. Streams of different purposes have nothing to do with each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Order,
    Split,
    Friedman,
}

impl Purpose {
    fn tag(self) -> [u8; 8] {
        *match self {
            Purpose::Order => b"order   ",
            Purpose::Split => b"split   ",
            Purpose::Friedman => b"friedman",
        }
    }
}

/// The ChaCha8 key stream whose key is the seed, the purpose's eight letters, the counter (little-endian) and eight
/// zero bytes; nonce and first block number are zero. Its 32-bit words are used in order.
pub(crate) fn stream(seed: u64, purpose: Purpose, counter: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose.tag());
    key[16..24].copy_from_slice(&counter.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A number below `bound`, each equally likely: Lemire, "Fast Random Integer Generation in an Interval", ACM
/// Transactions on Modeling and Computer Simulation 29(1), 2019, algorithm 5 with 32-bit words.
fn below(bound: u32, words: &mut ChaCha8Rng) -> u32 {
    let mut product = u64::from(words.next_u32()) * u64::from(bound);
    if (product as u32) < bound {
        let threshold = bound.wrapping_neg() % bound;
        while (product as u32) < threshold {
            product = u64::from(words.next_u32()) * u64::from(bound);
        }
    }
    (product >> 32) as u32
}

/// Puts the items into a random order, each equally likely: Fisher and Yates's shuffle from the last item down
/// (Knuth, The Art of Computer Programming, volume 2, section 3.4.2, algorithm P).
///
/// # Panics
/// With more than `u32::MAX` items.
pub(crate) fn shuffle<T>(items: &mut [T], words: &mut ChaCha8Rng) {
    let count = u32::try_from(items.len()).expect("at most u32::MAX items");
    for last in (1..count).rev() {
        items.swap(last as usize, below(last + 1, words) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_numbers_stay_below_and_are_even() {
        let mut words = stream(1, Purpose::Order, 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[below(6, &mut words) as usize] += 1;
        }
        // Five standard deviations of a binomial count: 5 · √(60,000 · 1/6 · 5/6) ≈ 456.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 456), "{counts:?}");
        let bound = (1 << 31) + 1; // rejects nearly half of the words
        assert!((0..1000).all(|_| below(bound, &mut words) < bound));
    }

    #[test]
    fn every_order_of_four_items_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut stream(seed, Purpose::Split, 0));
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Five standard deviations: 5 · √(24,000 · 1/24 · 23/24) ≈ 155.
        assert!(counts.values().all(|count| count.abs_diff(1000) < 155), "{counts:?}");
    }

    #[test]
    fn seed_purpose_and_counter_each_change_the_stream() {
        let first = |seed, purpose, counter| stream(seed, purpose, counter).next_u64();
        let reference = first(1, Purpose::Order, 1);
        assert_eq!(reference, first(1, Purpose::Order, 1));
        assert_ne!(reference, first(2, Purpose::Order, 1));
        assert_ne!(reference, first(1, Purpose::Split, 1));
        assert_ne!(reference, first(1, Purpose::Order, 2));
    }
}
