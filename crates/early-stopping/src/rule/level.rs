//! Rules that compare one value with a level: target and divergence.

use super::InvalidRule;
use crate::text::{Arguments, Shortest};
use crate::{BestTracker, Goal, Observation, ParseError, StopReason, StoppingRule};
use core::fmt;

/// Fires while the value is as good as the target or better.
#[derive(Debug)]
pub(super) struct Reaching {
    pub(super) target: f64,
    pub(super) goal: Goal,
}

impl StoppingRule for Reaching {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        (self.goal.error(value) <= self.goal.error(self.target)).then_some(StopReason::Target {
            target: self.target,
            at,
            value,
        })
    }

    fn reset(&mut self) {}
}

/// Stop when the value is worse than it can be in a run that goes well: `diverged(2.5)`, `diverged(10x)`.
///
/// Non-finite values are worse than any level. Relative to the best, nothing is decided at the first
/// observation, nor while the best is exactly zero, which gives no scale.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Divergence {
    /// Worse than this value.
    Beyond(f64),
    /// Worse than this many times the best, more than 1: for a positive loss, above `c · best`. In general
    /// the distance to the best exceeds `(c − 1) · |best|`, so that it is right for negative values and
    /// scores too.
    TimesBest(f64),
}

impl Divergence {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        match arguments.level("level")? {
            None => Err(arguments.missing("level")),
            Some((factor, true)) => Ok(Divergence::TimesBest(factor)),
            Some((level, false)) => Ok(Divergence::Beyond(level)),
        }
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        match self {
            Divergence::Beyond(level) => InvalidRule::unless(level.is_finite(), "diverged", "a finite level"),
            Divergence::TimesBest(factor) => {
                InvalidRule::unless(factor.is_finite() && factor > 1.0, "diverged", "a factor above 1")
            }
        }
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        Diverging { spec: self, goal, best: BestTracker::new(goal) }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Divergence::Beyond(level) => write!(f, "diverged({})", Shortest(*level)),
            Divergence::TimesBest(factor) => write!(f, "diverged({}x)", Shortest(*factor)),
        }
    }
}

#[derive(Debug)]
struct Diverging {
    spec: Divergence,
    goal: Goal,
    best: BestTracker,
}

impl StoppingRule for Diverging {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        let error = self.goal.error(value);
        let diverged = match (self.spec, self.best.best()) {
            (Divergence::Beyond(level), _) => error > self.goal.error(level),
            (Divergence::TimesBest(factor), Some(best)) if best.value != 0.0 => {
                error - self.goal.error(best.value) > (factor - 1.0) * best.value.abs()
            }
            (Divergence::TimesBest(_), _) => false,
        };
        self.best.observe(observation);
        diverged.then_some(StopReason::Diverged { level: self.spec, best: self.best.best(), at, value })
    }

    fn reset(&mut self) {
        self.best.reset();
    }
}

#[cfg(test)]
mod tests {
    use crate::check::stop;
    use crate::{Goal, NonFinite, Observation, Rule};

    #[test]
    fn levels_fire_when_they_are_crossed() {
        for (rule, values, at) in [
            ("target(2)", [9.0, 3.0, 2.0, 1.0], Some(3)),
            ("target(2)", [9.0, f64::NEG_INFINITY, f64::NAN, 3.0], None),
            ("diverged(10)", [9.0, 10.0, 10.5, 1.0], Some(3)),
            ("diverged(10)", [9.0, f64::NEG_INFINITY, 1.0, 1.0], Some(2)),
            ("diverged(2x)", [9.0, 2.0, 4.0, 4.5], Some(4)),
            ("diverged(2x)", [-1.0, -2.0, 0.0, 0.5], Some(4)),
            ("diverged(2x)", [0.0, 9.0, 1.0, 1.0], None),
            ("diverged(2x)", [9.0, 99.0, 1.0, 1.0], Some(2)),
        ] {
            assert_eq!(stop(rule, &values), at, "{rule} {values:?}");
        }
    }

    #[test]
    fn levels_are_mirrored_for_scores() {
        for (rule, at) in
            [("target(0.75)", Some(3)), ("diverged(0.25)", Some(4)), ("diverged(1.5x)", Some(4))]
        {
            let mut running = rule.parse::<Rule>().unwrap().start(Goal::Maximize, NonFinite::Count);
            let stop = (1..)
                .zip([0.5, 0.625, 0.75, 0.125])
                .find(|&(at, value)| running.observe(&Observation::new(at, value)).is_some());
            assert_eq!(stop.map(|(at, _)| at), at, "{rule}");
        }
    }
}
