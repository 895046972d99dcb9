//! Work that several threads share.

use std::sync::{Mutex, PoisonError};
use std::vec::IntoIter;

/// Pieces of work, each for whoever asks first.
pub(crate) struct Queue<T>(Mutex<IntoIter<T>>);

impl<T> Iterator for &Queue<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

/// How many threads so many bytes are worth, at `worth` for each, and at most so many.
pub(crate) fn threads(bytes: u64, worth: u64, most: usize) -> usize {
    let useful = most.min(usize::try_from(bytes / worth).unwrap_or(usize::MAX));
    // To ask the system takes longer than a small file.
    if useful < 2 { 1 } else { useful.min(std::thread::available_parallelism().map_or(1, usize::from)) }
}

/// Does `work` on so many threads at once, the caller's among them, each of which takes pieces until there are none. Returns
/// what each made of its pieces.
pub(crate) fn share<T: Send, R: Send>(
    threads: usize,
    pieces: Vec<T>,
    work: impl Fn(&Queue<T>) -> R + Sync,
) -> Vec<R> {
    let queue = Queue(Mutex::new(pieces.into_iter()));
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(&queue))).collect();
        let own = work(&queue);
        let join = |helper: std::thread::ScopedJoinHandle<'_, R>| {
            helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        std::iter::once(own).chain(helpers.into_iter().map(join)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_taken_once() {
        for threads in [1, 2, 5] {
            let taken = share(threads, (0..1000).collect(), |queue| queue.collect::<Vec<u32>>());
            assert_eq!(taken.len(), threads);
            let mut all = taken.concat();
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn little_work_is_not_shared() {
        for (bytes, most, expected) in [(0, 8, 1), (199, 8, 1), (u64::MAX, 1, 1), (1 << 40, 0, 1)] {
            assert_eq!(threads(bytes, 100, most), expected, "{bytes}");
        }
        assert!((1..=8).contains(&threads(u64::MAX, 1, 8)));
    }
}
