//! The order of the rows of an epoch: a function of (seed, epoch).

use crate::stream::{Purpose, shuffle, stream};

/// The order in which an epoch visits `rows` rows: a permutation of `0..rows` that depends on nothing but the
/// arguments, so that there is no generator to save when a run is interrupted.
///
/// The permutation is part of this crate's promise and stays what it is: the algorithm-P shuffle with Lemire's
/// bounded numbers over the ChaCha8 key stream of the key `seed`, `"order   "`, `epoch`, 0 (four times eight bytes,
/// numbers little-endian).
///
/// ```
/// use highwater_data::epoch_order;
///
/// assert_eq!(epoch_order(42, 1, 8), [1, 4, 5, 7, 6, 0, 2, 3]);
/// assert_ne!(epoch_order(42, 2, 8), epoch_order(42, 1, 8));
/// ```
///
/// # Panics
/// With more than `u32::MAX` rows.
pub fn epoch_order(seed: u64, epoch: u64, rows: usize) -> Vec<u32> {
    let mut order = Vec::new();
    epoch_order_into(seed, epoch, rows, &mut order);
    order
}

/// [`epoch_order`] into a vector that is reused from epoch to epoch; what was in it is replaced.
///
/// # Panics
/// With more than `u32::MAX` rows.
pub fn epoch_order_into(seed: u64, epoch: u64, rows: usize, order: &mut Vec<u32>) {
    let rows = u32::try_from(rows).expect("at most u32::MAX rows");
    order.clear();
    order.extend(0..rows);
    shuffle(order, &mut stream(seed, Purpose::Order, epoch));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_order_visits_every_row_once(seed: u64, epoch: u64, rows in 0..2000_usize) {
            let mut order = epoch_order(seed, epoch, rows);
            prop_assert_eq!(&order, &epoch_order(seed, epoch, rows));
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..rows as u32));
        }

        #[test]
        fn a_used_vector_gives_the_same_order_as_a_new_one(seed: u64, first in 0..200_usize, then in 0..200_usize) {
            let mut order = epoch_order(seed, 0, first);
            epoch_order_into(seed, 1, then, &mut order);
            prop_assert_eq!(order, epoch_order(seed, 1, then));
        }
    }

    #[test]
    fn the_permutation_is_the_documented_one() {
        // From a second implementation, written in Python from the description alone.
        assert_eq!(epoch_order(0, 0, 10), [2, 9, 3, 1, 8, 0, 5, 6, 7, 4]);
        assert_eq!(epoch_order(u64::MAX, 7, 10), [3, 7, 1, 5, 2, 9, 8, 0, 6, 4]);
        let sum = epoch_order(3, 1_000_000, 60_000)
            .iter()
            .zip(1_u64..)
            .map(|(row, at)| u64::from(*row) * at)
            .sum::<u64>();
        assert_eq!(sum, 53_883_449_408_628);
    }
}
