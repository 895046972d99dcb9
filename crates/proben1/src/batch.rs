//! Many runs side by side.

use crate::error::Error;
use rayon::ThreadPoolBuilder;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does `run` for each number below `count`, on so many threads at once, each run on one; results are in the order of
/// the numbers. `done` is told after each run how many are over.
///
/// Runs are independent and many, so that sharing their steps between threads would only make threads wait.
///
/// # Errors
/// The first that a run gives; the others are then left out. [`Error::Threads`].
pub fn side_by_side<T: Send>(
    count: usize,
    threads: usize,
    run: impl Fn(usize) -> Result<T, Error> + Sync,
    done: impl Fn(usize) + Sync,
) -> Result<Vec<T>, Error> {
    let (next, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new((0..count).map(|_| None).collect::<Vec<Option<T>>>());
    let work = || -> Result<(), Error> {
        ThreadPoolBuilder::new().num_threads(1).build()?.install(|| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let result = run(number).inspect_err(|_| next.store(count, Ordering::Relaxed))?;
                results.lock().expect("nothing panics while it is held")[number] = Some(result);
                done(over.fetch_add(1, Ordering::Relaxed) + 1);
            }
        })
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, count.max(1))).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let results = results.into_inner().expect("nothing panics while it is held");
    Ok(results.into_iter().map(|result| result.expect("no run was left out")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_whatever_the_number_of_threads() {
        for threads in [0, 1, 3, 100] {
            let told = AtomicUsize::new(0);
            let results =
                side_by_side(20, threads, |n| Ok(n * n), |over| _ = told.fetch_max(over, Ordering::Relaxed));
            assert_eq!(results.unwrap(), (0..20).map(|n| n * n).collect::<Vec<_>>());
            assert_eq!(told.into_inner(), 20);
        }
        assert!(side_by_side(0, 2, Ok, |_| ()).unwrap().is_empty());
    }

    #[test]
    fn the_first_error_ends_the_batch() {
        let begun = AtomicUsize::new(0);
        let run = |n| {
            begun.fetch_add(1, Ordering::Relaxed);
            if n == 3 { Err(Error::NoEpochs) } else { Ok(n) }
        };
        assert!(matches!(side_by_side(1000, 1, run, |_| ()), Err(Error::NoEpochs)));
        assert_eq!(begun.into_inner(), 4);
    }

    #[test]
    fn each_run_has_one_thread() {
        let threads = side_by_side(4, 2, |_| Ok(rayon::current_num_threads()), |_| ()).unwrap();
        assert_eq!(threads, [1; 4]);
    }
}
