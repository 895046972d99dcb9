//! How many processes were killed, at which moments, and what is told of it. The command's tests use it, too.

#![allow(clippy::print_stdout, reason = "the counts are for people")]

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

/// Seconds from one word on the progress to the next.
const WORD: u64 = 5;

/// Kills that are wanted, and those that came. Dropped, it tells how many these were, whatever ended them.
pub(crate) struct Kills {
    whose: &'static str,
    wanted: u64,
    /// Somebody asked for more than usual, and watches.
    watched: bool,
    moments: AtomicU64,
    came: AtomicU64,
    /// Of these, the ones that came while a checkpoint was on its way to the disk.
    while_saving: AtomicU64,
    began: Instant,
    /// When a word is due, in seconds.
    due: AtomicU64,
    /// By a signal, or because one of the workers failed.
    given_up: Arc<AtomicBool>,
}

impl Kills {
    /// So many, or as many as `cargo xtask crash` asks for.
    pub(crate) fn of(whose: &'static str, usual: u64) -> Kills {
        let asked = std::env::var("HIGHWATER_KILLS").ok();
        let given_up = Arc::new(AtomicBool::new(false));
        if asked.is_some() {
            for signal in [SIGINT, SIGTERM] {
                flag::register(signal, Arc::clone(&given_up)).unwrap();
            }
        }
        Kills {
            whose,
            wanted: asked.as_ref().map_or(usual, |number| number.parse().unwrap()),
            watched: asked.is_some(),
            moments: AtomicU64::new(0),
            came: AtomicU64::new(0),
            while_saving: AtomicU64::new(0),
            began: Instant::now(),
            due: AtomicU64::new(WORD),
            given_up,
        }
    }

    /// At how many processes at once. They wait for the disk far more than they compute, and a disk has many syncs done in
    /// hardly more time than one.
    fn workers(&self) -> u64 {
        let processors = thread::available_parallelism().map_or(1, usize::from) as u64;
        (self.wanted / 10).clamp(1, 8 * processors)
    }

    /// Has all workers do this at once, until [`Kills::is_over`]. If one fails, the others leave.
    pub(crate) fn share(&self, work: impl Fn() + Sync) {
        struct Leaving<'a>(&'a AtomicBool);
        impl Drop for Leaving<'_> {
            fn drop(&mut self) {
                if thread::panicking() {
                    self.0.store(true, Relaxed);
                }
            }
        }
        thread::scope(|scope| {
            for _ in 0..self.workers() {
                let work = &work;
                scope.spawn(move || {
                    let _leaving = Leaving(&self.given_up);
                    work();
                });
            }
        });
        assert!(!self.is_given_up(), "given up before {} kills", self.wanted);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_given_up() || self.came.load(Relaxed) >= self.wanted
    }

    /// What a process does now may be for the same reason, and says nothing.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Relaxed)
    }

    /// The next of numbers that are spread over 0 to 1.
    pub(crate) fn moment(&self) -> f64 {
        let mut x = (self.moments.fetch_add(1, Relaxed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((x ^ (x >> 27)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Counts one.
    pub(crate) fn add(&self, while_saving: bool) {
        self.came.fetch_add(1, Relaxed);
        self.while_saving.fetch_add(u64::from(while_saving), Relaxed);
        let (now, due) = (self.began.elapsed().as_secs(), self.due.load(Relaxed));
        if self.watched && now >= due && self.due.fetch_max(now + WORD, Relaxed) == due {
            let came = self.came.load(Relaxed);
            let left =
                self.began.elapsed().as_secs_f64() / came as f64 * self.wanted.saturating_sub(came) as f64;
            println!("{self}; {} min {:02} s left", left as u64 / 60, left as u64 % 60);
        }
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (came, while_saving) = (self.came.load(Relaxed), self.while_saving.load(Relaxed));
        write!(f, "{came} of {} kills of {}, {while_saving} of them during a save", self.wanted, self.whose)
    }
}

impl Drop for Kills {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f64();
        println!("{self}{}; {seconds:.0} s", if self.is_given_up() { ", then given up" } else { "" });
    }
}

/// Kills a process. Whether it was at a file that has no name before it is complete: such a file goes with its writer.
pub(crate) fn kill_child(child: &mut Child) -> bool {
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
    let mut files = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    let was_at_one = files.any(|file| file.to_string_lossy().contains("/#"));
    child.kill().unwrap();
    was_at_one
}

/// Whether a folder has a file that its writer, who is dead, had only begun.
pub(crate) fn is_begun(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name());
    names.into_iter().any(|name| name.to_string_lossy().ends_with(".tmp"))
}
