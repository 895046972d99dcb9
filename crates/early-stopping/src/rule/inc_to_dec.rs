//! CatBoost's IncToDec: a new best is improbable.

use super::InvalidRule;
use super::expected_increase::ExpectedIncrease;
use crate::elementary::exp;
use crate::text::{Arguments, Shortest};
use crate::{BestTracker, Goal, Observation, ParseError, StopReason, StoppingRule};
use core::fmt;

/// Stop when the increases of the past make a new best improbable: `inc_to_dec(0.001, wait=20)`.
///
/// CatBoost's overfitting detector `IncToDec`, as [documented], for a score s that is maximized. After
/// observation i, with
///
/// * the expected increase `E = max over i₁ ≤ i₂ ≤ i of 0.99^(i − i₁) · (s[i₂] − s[i₁])` and
/// * the distance to the best `D = max over j ≤ i of s[j] − s[i]`,
///
/// it holds when `p = exp(−0.5 · D / E)` is below the threshold and the best observation is at least `wait`
/// observations ago. CatBoost recommends thresholds from 1e-10 to 1e-2; larger ones stop earlier.
///
/// Degenerate cases. A value as good as the best has p = 1, unless there has never been an increase: then p =
/// 0, so that a constant series is stopped after the wait. A value that is not finite has p = 0 and is no
/// part of any increase. CatBoost bounds both D and E/D from below by 1e-10 and forgets scores after 2000
/// iterations; here nothing depends on the scale of the values, and a score is forgotten when its weight is
/// below 1e-12.
///
/// [documented]: https://catboost.ai/docs/en/concepts/overfitting-detector
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IncToDec {
    /// What p must be below; above 0, at most 1.
    pub threshold: f64,
    /// How many observations after the best one the rule can fire at the earliest; at least 1.
    pub wait: u64,
}

impl Default for IncToDec {
    fn default() -> Self {
        Self { threshold: 1e-3, wait: 20 }
    }
}

impl IncToDec {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        Ok(Self {
            threshold: arguments.number("threshold")?.ok_or_else(|| arguments.missing("threshold"))?,
            wait: arguments.count("wait")?.unwrap_or(Self::default().wait),
        })
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        let probability = self.threshold > 0.0 && self.threshold <= 1.0;
        InvalidRule::unless(probability, "inc_to_dec", "a threshold above 0 and at most 1")?;
        InvalidRule::unless(self.wait >= 1, "inc_to_dec", "a wait of at least 1")
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        let (best, increase) = (BestTracker::new(goal), ExpectedIncrease::default());
        Doubting { spec: self, goal, best, waited: None, increase }
    }
}

impl fmt::Display for IncToDec {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "inc_to_dec({}", Shortest(self.threshold))?;
        if self.wait != Self::default().wait {
            write!(f, ", wait={}", self.wait)?;
        }
        f.write_str(")")
    }
}

#[derive(Debug)]
struct Doubting {
    spec: IncToDec,
    goal: Goal,
    best: BestTracker,
    /// Observations since the best one, or since the first.
    waited: Option<u64>,
    increase: ExpectedIncrease,
}

impl StoppingRule for Doubting {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        let IncToDec { threshold, wait } = self.spec;
        let expected = self.increase.observe(-self.goal.error(value));
        if self.best.observe(observation) == Some(0) {
            self.waited = Some(0);
            return None;
        }
        let waited = self.waited.map_or(0, |waited| waited + 1);
        self.waited = Some(waited);
        if waited < wait {
            return None;
        }
        let best = self.best.best();
        let missing = best.map_or(f64::INFINITY, |best| self.goal.error(value) - self.goal.error(best.value));
        let p = if expected > 0.0 { exp(-0.5 * missing / expected) } else { 0.0 };
        (p < threshold).then_some(StopReason::IncToDec { p, threshold, best, at, value })
    }

    fn reset(&mut self) {
        self.best.reset();
        (self.waited, self.increase) = (None, ExpectedIncrease::default());
    }

    fn earliest(&self) -> u64 {
        let first = u64::from(self.waited.is_none());
        self.spec.wait.saturating_sub(self.waited.unwrap_or(0)).max(1).saturating_add(first)
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{first_reason, stop};
    use crate::{Observation, StopReason};
    use alloc::vec::Vec;

    #[test]
    fn the_probability_is_as_worked_by_hand() {
        let scores = [0.0, 8.0, 6.0, 4.0, 4.0];
        let history: Vec<_> = (1..).zip(scores).map(|(at, score)| Observation::new(at, -score)).collect();
        for (rule, at, distance) in [
            ("inc_to_dec(0.9, wait=1)", 3, 2.0 / (0.99 * 0.99 * 8.0)),
            ("inc_to_dec(0.8, wait=1)", 4, 4.0 / (0.99 * 0.99 * 0.99 * 8.0)),
            ("inc_to_dec(0.9, wait=3)", 5, 4.0 / (0.99 * 0.99 * 0.99 * 0.99 * 8.0)),
        ] {
            match first_reason(rule, &history) {
                Some((found, StopReason::IncToDec { p, .. })) => {
                    assert_eq!(found, at, "{rule}");
                    assert!((p - f64::exp(-0.5 * distance)).abs() < 1e-14, "{rule}: {p}");
                }
                other => panic!("{rule}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_wait_and_the_scale_are_kept() {
        let nan = f64::NAN;
        for (rule, values, at) in [
            ("inc_to_dec(0.01, wait=3)", [1.0; 6], Some(4)),
            ("inc_to_dec(1, wait=2)", [3.0, 2.0, 2.0, 2.0, 2.0, 2.0], None),
            ("inc_to_dec(1, wait=2)", [3.0, 2.0, 2.5, 2.5, 2.5, 2.5], Some(4)),
            ("inc_to_dec(1, wait=2)", [3e-30, 2e-30, 2.5e-30, 2.5e-30, 2.5e-30, 2.5e-30], Some(4)),
            ("inc_to_dec(0.01, wait=3)", [nan; 6], Some(4)),
            ("inc_to_dec(0.01, wait=1)", [3.0, 2.0, nan, 1.0, 0.5, 0.25], Some(3)),
            ("inc_to_dec(0.01, wait=2)", [3.0, 2.0, nan, 1.0, 0.5, 0.25], None),
        ] {
            assert_eq!(stop(rule, &values), at, "{rule} {values:?}");
        }
    }
}
