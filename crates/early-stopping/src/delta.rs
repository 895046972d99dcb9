//! How much better a value must be to count as a gain.

use crate::text::Shortest;
use crate::{Goal, Observation};
use core::fmt;

/// How much better a value must be than the best one to count as an improvement.
///
/// In text `0.01`, `0.01x` (times the best) or `2se` (standard errors).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Delta {
    /// By this much, in the unit of the value.
    Absolute(f64),
    /// By this share of the best value's magnitude: 0.01 asks for one hundredth of |best|, whether the best
    /// is above or below zero. With a best of zero any gain counts.
    TimesBest(f64),
    /// By this many of the new observation's standard errors. Any gain counts where the observation carries
    /// none, or one that is negative or not finite.
    StandardErrors(f64),
}

impl Delta {
    /// Whether the observation's value is better than `best` by more than delta.
    pub fn gained(self, goal: Goal, best: f64, observation: &Observation) -> bool {
        goal.error(observation.value) < goal.error(best) - self.margin(best, observation)
    }

    /// Whether the observation's value is better than `best` by delta or more.
    pub fn gained_at_least(self, goal: Goal, best: f64, observation: &Observation) -> bool {
        goal.error(observation.value) <= goal.error(best) - self.margin(best, observation)
    }

    fn margin(self, best: f64, observation: &Observation) -> f64 {
        match self {
            Delta::Absolute(delta) => delta,
            Delta::TimesBest(share) => share * best.abs(),
            Delta::StandardErrors(z) => {
                z * observation.standard_error.filter(|se| se.is_finite() && *se >= 0.0).unwrap_or(0.0)
            }
        }
    }

    /// The number without its unit.
    pub(crate) fn amount(self) -> f64 {
        let (Delta::Absolute(amount) | Delta::TimesBest(amount) | Delta::StandardErrors(amount)) = self;
        amount
    }
}

/// Any strict gain counts.
impl Default for Delta {
    fn default() -> Self {
        Delta::Absolute(0.0)
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let suffix = match self {
            Delta::Absolute(_) => "",
            Delta::TimesBest(_) => "x",
            Delta::StandardErrors(_) => "se",
        };
        write!(f, "{}{suffix}", Shortest(self.amount()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_measured_in_the_unit_of_its_delta() {
        for (delta, goal, best, value, gained, at_least) in [
            (Delta::default(), Goal::Minimize, 1.0, 1.0, false, true),
            (Delta::Absolute(0.25), Goal::Minimize, 1.0, 0.75, false, true),
            (Delta::Absolute(0.25), Goal::Maximize, 1.0, 1.5, true, true),
            (Delta::TimesBest(0.5), Goal::Minimize, 4.0, 2.5, false, false),
            (Delta::TimesBest(0.5), Goal::Minimize, 4.0, 1.5, true, true),
            (Delta::TimesBest(0.5), Goal::Minimize, -4.0, -5.0, false, false),
            (Delta::TimesBest(0.5), Goal::Maximize, -4.0, -1.5, true, true),
            (Delta::TimesBest(0.5), Goal::Minimize, 0.0, -1e-9, true, true),
            (Delta::StandardErrors(2.0), Goal::Minimize, 1.0, 0.75, false, false),
            (Delta::StandardErrors(2.0), Goal::Minimize, 1.0, 0.25, true, true),
            (Delta::Absolute(0.0), Goal::Minimize, 1.0, f64::NEG_INFINITY, false, false),
        ] {
            let observation = Observation { standard_error: Some(0.25), ..Observation::new(1, value) };
            assert_eq!(delta.gained(goal, best, &observation), gained, "{delta:?} {goal:?} {best} {value}");
            assert_eq!(delta.gained_at_least(goal, best, &observation), at_least, "{delta:?} {best} {value}");
        }
    }

    #[test]
    fn a_missing_or_senseless_standard_error_asks_for_nothing() {
        for standard_error in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            let observation = Observation { standard_error, ..Observation::new(1, 0.9) };
            assert!(
                Delta::StandardErrors(2.0).gained(Goal::Minimize, 1.0, &observation),
                "{standard_error:?}"
            );
        }
    }
}
