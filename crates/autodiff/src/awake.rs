//! Keeping threads at hand between one piece of work and the next.

use rayon::Yield;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pauses between two looks for work: some tenths of a microsecond.
const PAUSES: usize = 4;

/// While it lives, the other threads of the current thread's pool look for work without ever going to sleep.
///
/// A thread that sleeps is back after some 50 µs, which is longer than many a matrix product; a thread that looks for
/// work takes it up within 1 µs, at the price of a busy core. Hold one while steps follow each other, and drop it
/// before anything else. [`Workspace::shares_work`](crate::Workspace::shares_work) says whether it is worth the while.
///
/// ```
/// use highwater_autodiff::Awake;
///
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
/// let sum = pool.install(|| {
///     let _awake = Awake::new();
///     (0..100).map(|n| rayon::join(|| n, || 2 * n)).map(|(a, b)| a + b).sum::<u64>()
/// });
/// assert_eq!(sum, 3 * 4950);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "threads may sleep again when it is dropped"]
pub struct Awake {
    over: Arc<AtomicBool>,
}

impl Awake {
    /// Wakes the other threads of the current pool. Outside of a pool, where every piece of work is handed over by a
    /// thread that sleeps itself, it does nothing.
    #[allow(clippy::new_without_default, reason = "it does something")]
    pub fn new() -> Awake {
        let over = Arc::new(AtomicBool::new(false));
        if let Some(caller) = rayon::current_thread_index()
            && rayon::current_num_threads() > 1
        {
            let over = Arc::clone(&over);
            rayon::spawn_broadcast(move |context| {
                // The caller takes this up when it next waits for another thread.
                while context.index() != caller && !over.load(Ordering::Relaxed) {
                    if rayon::yield_now() != Some(Yield::Executed) {
                        (0..PAUSES).for_each(|_| spin_loop());
                    }
                }
            });
        }
        Awake { over }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
