//! Reductions of the learning rate that brought nothing.

use super::InvalidRule;
use crate::text::Arguments;
use crate::{BestTracker, Delta, Goal, Observation, ParseError, Selection, StopReason, StoppingRule};
use core::fmt;

/// Stop when the learning rate was reduced so many times without a gain: `plateau(3)`.
///
/// For runs under a schedule that reduces the learning rate when the value stands still (Keras'
/// `ReduceLROnPlateau`, scikit-learn's `learning_rate="adaptive"`): each reduction gives the run another
/// chance, until several in a row bring nothing. The reductions are [`Observation::reductions`], counted from
/// the latest gain or from the first observation. The rule fires with the last of them, so it is not the one
/// that is tried out.
///
/// A value that is not finite gains nothing; an observation without a count of reductions has as many as the
/// one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    /// How many reductions; at least 1.
    pub reductions: u64,
    /// What a gain is. Any improvement by default.
    pub min_delta: Delta,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { reductions: 3, min_delta: Delta::default() }
    }
}

impl Plateau {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        Ok(Self {
            reductions: arguments.count("reductions")?.ok_or_else(|| arguments.missing("reductions"))?,
            min_delta: arguments.delta("min_delta")?.unwrap_or_default(),
        })
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        InvalidRule::unless(self.reductions >= 1, "plateau", "at least 1 reduction")?;
        let delta = self.min_delta.amount();
        InvalidRule::unless(delta.is_finite() && delta >= 0.0, "plateau", "a min_delta of at least 0")
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        let selection = Selection { min_delta: self.min_delta, ..Selection::new(goal) };
        Reducing { spec: self, best: BestTracker::with(selection), reductions: 0, since: None }
    }
}

impl fmt::Display for Plateau {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "plateau({}", self.reductions)?;
        if self.min_delta != Delta::default() {
            write!(f, ", min_delta={}", self.min_delta)?;
        }
        f.write_str(")")
    }
}

#[derive(Debug)]
struct Reducing {
    spec: Plateau,
    best: BestTracker,
    reductions: u64,
    /// The reductions at the latest gain, or at the first observation.
    since: Option<u64>,
}

impl StoppingRule for Reducing {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        let Plateau { reductions: needed, min_delta } = self.spec;
        self.reductions = observation.reductions.unwrap_or(self.reductions);
        let since = *self.since.get_or_insert(self.reductions);
        if self.best.observe(observation) == Some(0) {
            self.since = Some(self.reductions);
            return None;
        }
        let reductions = self.reductions.saturating_sub(since);
        let best = self.best.best();
        (reductions >= needed).then_some(StopReason::Plateau { reductions, min_delta, best, at, value })
    }

    fn reset(&mut self) {
        self.best.reset();
        (self.reductions, self.since) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{epochs, stop_at};
    use crate::{Goal, NonFinite, Observation, Rule};

    #[test]
    fn a_gain_forgives_the_reductions_before_it() {
        let values = [5.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0];
        let reductions = [0, 0, 1, 2, 2, 3, 4, 5];
        let mut history = epochs(&[(0, 0.0); 8]);
        for (i, observation) in history.iter_mut().enumerate() {
            *observation =
                Observation { reductions: Some(reductions[i]), ..Observation::new(i as u64 + 1, values[i]) };
        }
        for (rule, at) in [
            ("plateau(1)", Some(3)),
            ("plateau(2)", Some(4)),
            ("plateau(3)", Some(8)),
            ("plateau(4)", None),
            ("plateau(3, min_delta=2)", Some(6)),
        ] {
            assert_eq!(stop_at(rule, &history), at, "{rule}");
        }
        let later = history.map(|o| Observation { reductions: o.reductions.map(|r| r + 7), ..o });
        assert_eq!(stop_at("plateau(3)", &later), Some(8), "a count that does not begin at zero");
        assert_eq!(stop_at("plateau(1)", &history.map(|o| Observation { reductions: None, ..o })), None);
    }

    #[test]
    fn values_that_are_not_finite_gain_nothing() {
        let mut rule = "plateau(1)".parse::<Rule>().unwrap().start(Goal::Maximize, NonFinite::Count);
        let show = |o: (u64, f64)| Observation { reductions: Some(o.0), ..Observation::new(o.0, o.1) };
        assert_eq!(rule.observe(&show((0, f64::NAN))), None);
        assert!(rule.observe(&show((1, f64::INFINITY))).is_some());
    }
}
