//! Keeping threads at hand between one piece of work and the next.

use crate::work_or_pause;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// While it lives, the other threads of the current thread's pool look for work without ever going to sleep.
///
/// A thread that sleeps is back after some 50 µs, which is longer than many a matrix product; a thread that looks for
/// work takes it up within 1 µs, at the price of a busy core. Hold one while steps follow each other, and drop it
/// before anything else.
///
/// ```
/// use highwater_threads::Awake;
///
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
/// let sum = pool.install(|| {
///     let awake = Awake::new().expect("there is a second thread");
///     let sum = || (0..100).map(|n| rayon::join(|| n, || 2 * n)).map(|(a, b)| a + b).sum::<u64>();
///     let shared = sum();
///     awake.rest(true);
///     shared + sum()
/// });
/// assert_eq!(sum, 2 * 3 * 4950);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "threads may sleep again when it is dropped"]
pub struct Awake(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    resting: AtomicBool,
    /// Waited for and signalled under the lock, so that no change is missed.
    lock: Mutex<()>,
    changed: Condvar,
}

impl Awake {
    /// Wakes the other threads of the current pool. `None` if there are none, and outside of a pool, where every piece of
    /// work is handed over by a thread that sleeps itself.
    pub fn new() -> Option<Awake> {
        let caller = rayon::current_thread_index().filter(|_| rayon::current_num_threads() > 1)?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        rayon::spawn_broadcast(move |context| {
            // The caller takes this up when it next waits for another thread.
            if context.index() != caller {
                theirs.look_for_work();
            }
        });
        Some(Awake(shared))
    }

    /// Has the other threads rest, or look for work again. While they rest they take up nothing, whoever it is from, and the
    /// current thread does all of its work itself, to the same bits.
    pub fn rest(&self, rest: bool) {
        self.0.change(&self.0.resting, rest);
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.change(&self.0.over, true);
    }
}

impl Shared {
    fn look_for_work(&self) {
        while !self.over.load(Ordering::Relaxed) {
            if self.resting.load(Ordering::Relaxed) {
                let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
                let rests =
                    |(): &mut ()| self.resting.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed);
                drop(self.changed.wait_while(lock, rests));
            } else {
                work_or_pause();
            }
        }
    }

    fn change(&self, flag: &AtomicBool, value: bool) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        flag.store(value, Ordering::Relaxed);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The threads that take part in work of many pieces.
    fn workers() -> BTreeSet<usize> {
        fn halve(pieces: usize, workers: &Mutex<BTreeSet<usize>>) {
            if pieces > 1 {
                rayon::join(|| halve(pieces / 2, workers), || halve(pieces - pieces / 2, workers));
            } else {
                std::thread::sleep(std::time::Duration::from_millis(1));
                workers.lock().unwrap().insert(rayon::current_thread_index().unwrap());
            }
        }
        let workers = Mutex::default();
        halve(32, &workers);
        workers.into_inner().unwrap()
    }

    #[test]
    fn threads_that_rest_leave_the_work_to_the_caller() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            let own = BTreeSet::from([rayon::current_thread_index().unwrap()]);
            let awake = Awake::new().unwrap();
            assert!(workers().len() > 1);
            awake.rest(true);
            // One may still be at the work of before.
            workers();
            assert_eq!(workers(), own);
            awake.rest(false);
            assert!(workers().len() > 1);
            awake.rest(true);
            drop(awake);
            assert!(workers().len() > 1);
        });
    }

    #[test]
    fn there_is_nobody_to_wake_in_a_pool_of_one_or_outside_of_pools() {
        assert!(Awake::new().is_none());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(pool.install(|| Awake::new().is_none()));
    }
}
