//! Which observations were best, whatever ends the run.

use crate::{Delta, Goal, Observation};
use alloc::vec::Vec;

/// The observation that was best, and where it is found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Best {
    /// Its epoch, [`Observation::at`].
    pub at: u64,
    /// Its value; always finite.
    pub value: f64,
    /// How many observations came before it.
    pub index: u64,
}

/// Which of two equal values is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Ties {
    /// The one seen first: the shorter training that does as well. The default.
    #[default]
    First,
    /// The one seen last.
    Last,
}

/// What a [`BestTracker`] holds to be best.
///
/// ```
/// use highwater_early_stopping::{BestTracker, Goal, Observation, Selection};
///
/// let mut best = BestTracker::with(Selection { keep: 2, ..Selection::new(Goal::Maximize) });
/// for (epoch, accuracy) in [(1, 0.90), (2, 0.95), (3, f64::NAN), (4, 0.93)] {
///     best.observe(&Observation::new(epoch, accuracy));
/// }
/// let epochs: Vec<u64> = best.ranking().iter().map(|best| best.at).collect();
/// assert_eq!(epochs, [2, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Selection {
    /// Whether small or large values are good.
    pub goal: Goal,
    /// How many of the best are remembered; at least 1.
    pub keep: usize,
    /// Which of two equal values is kept.
    pub ties: Ties,
    /// What a value must gain on another to go before it. Zero by default; anything else keeps, on purpose, a
    /// value that is not the best of all.
    pub min_delta: Delta,
}

impl Selection {
    /// The single best; of equal values the first.
    pub fn new(goal: Goal) -> Self {
        Self { goal, keep: 1, ties: Ties::First, min_delta: Delta::default() }
    }
}

/// Remembers which observations were best, whatever ends the run. Never a non-finite one.
///
/// It is apart from every rule: the metric that selects a model need not be the one that stops the run.
#[derive(Clone, Debug)]
pub struct BestTracker {
    selection: Selection,
    ranking: Vec<Best>,
    seen: u64,
}

impl BestTracker {
    /// A tracker of the single best observation; of equal values it keeps the first.
    pub fn new(goal: Goal) -> Self {
        Self::with(Selection::new(goal))
    }

    /// A tracker of what the selection says.
    ///
    /// # Panics
    /// If `min_delta` is negative or not finite: then worse values would go before better ones, or none before any.
    #[track_caller]
    pub fn with(selection: Selection) -> Self {
        let delta = selection.min_delta.amount();
        assert!(
            delta.is_finite() && delta >= 0.0,
            "`min_delta` is {delta} but must be at least 0 and finite"
        );
        Self { selection, ranking: Vec::new(), seen: 0 }
    }

    /// Takes an observation in. Returns its rank among the best, 0 for a new best, or `None` if it is not
    /// among them.
    pub fn observe(&mut self, observation: &Observation) -> Option<usize> {
        let Selection { goal, keep, ties, min_delta } = self.selection;
        let index = self.seen;
        self.seen += 1;
        if !observation.value.is_finite() {
            return None;
        }
        let goes_before = |best: &Best| {
            min_delta.gained(goal, best.value, observation)
                || (ties == Ties::Last && observation.value == best.value)
        };
        let rank = self.ranking.iter().position(goes_before).unwrap_or(self.ranking.len());
        if rank >= keep.max(1) {
            return None;
        }
        self.ranking.truncate(keep.max(1) - 1);
        self.ranking.insert(rank, Best { at: observation.at, value: observation.value, index });
        Some(rank)
    }

    /// The best observation so far.
    pub fn best(&self) -> Option<Best> {
        self.ranking.first().copied()
    }

    /// The best observations, the best of all first; at most [`Selection::keep`].
    pub fn ranking(&self) -> &[Best] {
        &self.ranking
    }

    /// Forgets every observation.
    pub fn reset(&mut self) {
        self.ranking.clear();
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn check(selection: Selection, values: &[f64], ranks: &[Option<usize>], kept: &[u64]) {
        let mut tracker = BestTracker::with(selection);
        let seen: Vec<_> = values
            .iter()
            .zip(1..)
            .map(|(&value, at)| tracker.observe(&Observation::new(at, value)))
            .collect();
        assert_eq!(seen, ranks, "{selection:?} {values:?}");
        assert_eq!(tracker.ranking().iter().map(|best| best.index).collect::<Vec<_>>(), kept);
        tracker.reset();
        assert_eq!(tracker.best(), None);
    }

    #[test]
    fn of_equal_values_the_first_is_kept_unless_the_last_is_asked_for() {
        let first = Selection::new(Goal::Minimize);
        check(first, &[2.0, 1.0, 1.0, 3.0], &[Some(0), Some(0), None, None], &[1]);
        let last = Selection { ties: Ties::Last, ..first };
        check(last, &[2.0, 1.0, 1.0, 3.0], &[Some(0), Some(0), Some(0), None], &[2]);
    }

    #[test]
    fn what_is_not_finite_is_never_best() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let minimize = Selection::new(Goal::Minimize);
        check(minimize, &[nan, -inf, 1.0, inf, nan], &[None, None, Some(0), None, None], &[2]);
        let maximize = Selection::new(Goal::Maximize);
        check(maximize, &[inf, nan, -inf], &[None, None, None], &[]);
    }

    #[test]
    fn the_best_k_are_ranked() {
        let three = Selection { keep: 3, ..Selection::new(Goal::Maximize) };
        let ranks = vec![Some(0), Some(0), Some(1), Some(2), None, Some(0)];
        check(three, &[1.0, 5.0, 3.0, 2.0, 2.0, 6.0], &ranks, &[5, 1, 2]);
    }

    #[test]
    fn a_min_delta_keeps_the_earlier_of_two_that_are_close() {
        let coarse = Selection { min_delta: Delta::Absolute(0.5), ..Selection::new(Goal::Minimize) };
        check(coarse, &[2.0, 1.75, 1.5, 1.25], &[Some(0), None, None, Some(0)], &[3]);
    }

    #[test]
    #[should_panic(expected = "`min_delta` is -0.5 but must be at least 0 and finite")]
    fn a_delta_below_zero_is_refused() {
        BestTracker::with(Selection { min_delta: Delta::Absolute(-0.5), ..Selection::new(Goal::Minimize) });
    }
}
