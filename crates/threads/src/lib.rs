//! Short pieces of work on the threads of a [rayon] pool.
//!
//! A training step hands work over some ten to a hundred times, in pieces of 5 to 500 µs. Rayon is made for longer ones: a
//! thread with nothing to do gives its processor away, and goes to sleep soon after. Back from its sleep it is after some
//! 50 µs; and to a processor that another program took, after some milliseconds. Here
//!
//! - [`join`] and [`for_each_piece`] wait for the other threads without giving the processor away, and
//! - [`Awake`] keeps threads from going to sleep.
//!
//! Either way a thread that waits takes up whatever work there is in its pool, and keeps its core busy if there is none.
//!
//! ```
//! use highwater_threads::{Awake, for_each_piece};
//!
//! let mut values = vec![1.0_f32; 1 << 16];
//! let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
//! pool.install(|| {
//!     let _awake = Awake::new();
//!     for _ in 0..10 {
//!         for_each_piece(&mut values, 1 << 14, |_, piece| piece.iter_mut().for_each(|value| *value *= 0.5));
//!     }
//! });
//! assert!(values.iter().all(|&value| value == 0.5_f32.powi(10)));
//! # Ok::<(), rayon::ThreadPoolBuildError>(())
//! ```

mod awake;
mod join;

pub use awake::Awake;
pub use join::{for_each_piece, join};

use rayon::Yield;

/// Pauses between two looks for work: some tenths of a microsecond.
const PAUSES: usize = 4;

/// Does a piece of work of the current thread's pool, or pauses if there is none. Whether there was one.
fn work_or_pause() -> bool {
    let worked = rayon::yield_now() == Some(Yield::Executed);
    if !worked {
        (0..PAUSES).for_each(|_| std::hint::spin_loop());
    }
    worked
}
