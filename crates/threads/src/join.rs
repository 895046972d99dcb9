//! Work shared between two threads.

use crate::work_or_pause;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs both, on two threads of the current pool if another one is free, as `rayon::join` does. Whoever is done first keeps
/// its processor while it waits, which is right if the other one will be done soon.
///
/// ```
/// let (squares, cubes) = highwater_threads::join(
///     || (0..10).map(|n: u64| n.pow(2)).sum::<u64>(),
///     || (0..10).map(|n: u64| n.pow(3)).sum::<u64>(),
/// );
/// assert_eq!((squares, cubes), (285, 2025));
/// ```
///
/// # Panics
/// When both are over, if one of them has.
pub fn join<A: Send, B: Send>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B + Send) -> (A, B) {
    let over = AtomicBool::new(false);
    rayon::join(
        || {
            let result = first();
            let mut waited = false;
            while !over.load(Ordering::Acquire) {
                waited = !work_or_pause();
            }
            if waited {
                // Rayon, which would give the processor away, comes to know of it a moment later.
                std::hint::spin_loop();
            }
            result
        },
        || {
            let _over = SetWhenDropped(&over);
            second()
        },
    )
}

/// Also by a panic.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `work(start, piece)` on pieces of `length` items, the last of which may be shorter, each beginning with the item
/// number `start`. They are shared between the threads of the current pool as by [`join`].
///
/// ```
/// let mut numbers = [0; 10];
/// highwater_threads::for_each_piece(&mut numbers, 4, |start, piece: &mut [usize]| {
///     piece.iter_mut().enumerate().for_each(|(place, number)| *number = 100 * start + place);
/// });
/// assert_eq!(numbers, [0, 1, 2, 3, 400, 401, 402, 403, 800, 801]);
/// ```
///
/// # Panics
/// If `length` is 0, or if `work` does.
pub fn for_each_piece<T: Send>(items: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    fn share<T: Send>(
        items: &mut [T],
        start: usize,
        length: usize,
        work: &(impl Fn(usize, &mut [T]) + Sync),
    ) {
        let pieces = items.len().div_ceil(length);
        if pieces > 1 {
            let middle = pieces / 2 * length;
            let (first, second) = items.split_at_mut(middle);
            join(|| share(first, start, length, work), || share(second, start + middle, length, work));
        } else if pieces == 1 {
            work(start, items);
        }
    }
    share(items, 0, length, &work);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    fn sum(numbers: &[u64]) -> u64 {
        match numbers {
            [] => 0,
            [number] => *number,
            _ => {
                let (first, second) = numbers.split_at(numbers.len() / 2);
                let (first, second) = join(|| sum(first), || sum(second));
                first + second
            }
        }
    }

    #[test]
    fn both_are_done_whatever_the_pool() {
        let numbers: Vec<u64> = (0..10_000).collect();
        for threads in [1, 2, 5] {
            assert_eq!(pool(threads).install(|| sum(&numbers)), 49_995_000);
        }
        assert_eq!(sum(&numbers), 49_995_000, "from a thread of no pool");
    }

    #[test]
    fn two_threads_share_the_work() {
        // Each waits for the other, which would take for ever on one.
        let arrived = AtomicUsize::new(0);
        let meet = || {
            arrived.fetch_add(1, Ordering::Relaxed);
            while arrived.load(Ordering::Relaxed) < 2 {
                std::thread::yield_now();
            }
            rayon::current_thread_index()
        };
        let (first, second) = pool(2).install(|| join(meet, meet));
        assert_ne!(first, second);
    }

    #[test]
    fn a_panic_of_either_waits_for_the_other_and_goes_on() {
        for threads in [1, 2] {
            for panics in [0, 1] {
                let others = AtomicUsize::new(0);
                let run = |number: usize| {
                    assert_ne!(number, panics, "on purpose");
                    others.fetch_add(1, Ordering::Relaxed);
                };
                let both = || pool(threads).install(|| join(|| run(0), || run(1)));
                assert!(catch_unwind(AssertUnwindSafe(both)).is_err());
                assert_eq!(others.into_inner(), 1);
            }
        }
    }

    #[test]
    fn pieces_are_where_they_say_and_all_there() {
        for count in 0..40 {
            for length in 1..12 {
                let mut items = vec![usize::MAX; count];
                pool(2).install(|| {
                    for_each_piece(&mut items, length, |start, piece: &mut [usize]| {
                        assert!(start % length == 0 && piece.len() == length.min(count - start));
                        piece.iter_mut().zip(start..).for_each(|(item, number)| *item = number);
                    });
                });
                assert!(items.iter().copied().eq(0..count));
            }
        }
    }
}
