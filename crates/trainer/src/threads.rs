//! On how many threads steps are done: on all, unless other programs keep the processors busy.
//!
//! A thread that is sent away in the middle of its piece keeps all others waiting until its turn comes again, some
//! milliseconds later. Beside another training, a step on all threads takes one and a half to two times as long as on one.
//! Nothing but the time of steps tells; and the number of threads changes no bit of the result.

use highwater_autodiff::Awake;
use std::time::{Duration, Instant};

/// Times steps, and chooses.
pub(crate) struct Threads {
    awake: Awake,
    choice: Choice,
}

impl Threads {
    /// `None` if there are no threads to choose from.
    pub(crate) fn new() -> Option<Threads> {
        Some(Threads { awake: Awake::new()?, choice: Choice::default() })
    }

    /// Does a step.
    pub(crate) fn step(&mut self, step: impl FnOnce()) {
        let began = Instant::now();
        step();
        if self.choice.took(began.elapsed()) {
            self.awake.rest(self.choice.alone);
        }
    }
}

/// How long steps are timed before a decision.
const WINDOW: Duration = Duration::from_millis(20);
/// After how long, with the others, one thread alone is tried first: shorter trainings are not worth it.
const FIRST_TRIAL: Duration = Duration::from_millis(250);
/// After how long alone the others are tried again; each time in vain, twice as long, up to the longest.
const TRIAL: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(16);

/// Whether one thread works alone, by what steps took.
#[derive(Default)]
struct Choice {
    alone: bool,
    /// Of the window.
    steps: u32,
    time: Duration,
    /// Since the last change.
    since: Duration,
    /// Of a step in the last window with the others, and alone.
    shared: Option<Duration>,
    solitary: Option<Duration>,
    /// The trials of the others that were in vain, one after another.
    vain: u32,
}

impl Choice {
    /// Takes in the time of a step. Whether the choice has changed.
    fn took(&mut self, time: Duration) -> bool {
        self.steps += 1;
        self.time += time;
        self.since += time;
        if self.time < WINDOW {
            return false;
        }
        let mean = self.time / self.steps;
        (self.steps, self.time) = (0, Duration::ZERO);
        let (own, other) = match self.alone {
            true => (&mut self.solitary, self.shared),
            false => (&mut self.shared, self.solitary),
        };
        *own = Some(mean);
        let is_slower = other.is_some_and(|other| mean > other);
        let change = match self.alone {
            true => is_slower || self.since >= (TRIAL * 2_u32.saturating_pow(self.vain)).min(LONGEST),
            false => is_slower || other.is_none() && self.since >= FIRST_TRIAL,
        };
        if !self.alone {
            self.vain = if is_slower { self.vain + 1 } else { 0 };
        }
        if change {
            self.alone = !self.alone;
            self.since = Duration::ZERO;
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a second, in which one takes so many microseconds with the others, and alone: how many there were of each.
    fn second(choice: &mut Choice, shared: u64, alone: u64) -> (u32, u32) {
        let (mut left, mut steps) = (Duration::from_secs(1), (0, 0));
        while !left.is_zero() {
            let (time, count) = match choice.alone {
                true => (alone, &mut steps.1),
                false => (shared, &mut steps.0),
            };
            let time = Duration::from_micros(time);
            *count += 1;
            choice.took(time);
            left = left.saturating_sub(time);
        }
        steps
    }

    #[test]
    fn the_others_work_unless_that_takes_longer() {
        let mut choice = Choice::default();
        // One window alone, to know what it takes.
        assert_eq!(second(&mut choice, 1000, 2000), (980, 10));
        assert_eq!(second(&mut choice, 1000, 2000), (1000, 0));
        // Others come: a window tells, and some trials are made in vain.
        let (shared, alone) = second(&mut choice, 8000, 3000);
        assert!(shared <= 3 && alone > 320, "{shared} {alone}");
        let busy: Vec<(u32, u32)> = (0..40).map(|_| second(&mut choice, 8000, 3000)).collect();
        assert!(busy.iter().map(|steps| steps.0).sum::<u32>() <= 20, "{busy:?}");
        // They leave, which is noticed before long, and the next time at once.
        let until = (0..20).position(|_| second(&mut choice, 1000, 2000).1 == 0);
        assert!(until.is_some_and(|seconds| seconds <= 17), "{until:?}");
        second(&mut choice, 8000, 3000);
        let until = (0..20).position(|_| second(&mut choice, 1000, 2000).1 == 0);
        assert!(until.is_some_and(|seconds| seconds <= 2), "{until:?}");
    }

    #[test]
    fn steps_longer_than_a_window_are_one_each() {
        let mut choice = Choice::default();
        assert_eq!(second(&mut choice, 100_000, 200_000), (8, 1));
        assert!(!choice.alone);
    }

    #[test]
    fn short_trainings_are_left_alone() {
        let mut choice = Choice::default();
        assert!(!(0..240).any(|_| choice.took(Duration::from_millis(1))));
    }
}
