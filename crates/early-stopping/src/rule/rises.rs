//! Prechelt's UP: successive rises from strip to strip.

use super::InvalidRule;
use super::strip::Strips;
use crate::text::Arguments;
use crate::{Goal, Observation, ParseError, StopReason, StoppingRule};
use core::fmt;

/// Stop when the validation error has risen in so many successive strips: `up(3, strip=5)`.
///
/// UP_s of L. Prechelt (*Early Stopping – But When?*, 1998): UP_1 stops at the end of a strip whose
/// validation error is above that of the strip before, UP_s if in addition UP_{s−1} would have stopped there.
/// Each strip is compared with its predecessor, not with the best. s rises need s + 1 strips.
///
/// Degenerate cases. An equal value is no rise. A value that is not finite is one, and the next strip is
/// compared with the last value that was finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rises {
    /// s, at least 1.
    pub rises: u64,
    /// The length of a strip in epochs; with 1 each observation is a strip.
    pub strip: u64,
}

impl Default for Rises {
    fn default() -> Self {
        Self { rises: 3, strip: 5 }
    }
}

impl Rises {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        Ok(Self {
            rises: arguments.count("rises")?.ok_or_else(|| arguments.missing("rises"))?,
            strip: arguments.count("strip")?.unwrap_or(Self::default().strip),
        })
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        InvalidRule::unless(self.rises >= 1, "up", "at least 1 rise")?;
        InvalidRule::unless(self.strip >= 1, "up", "a strip of at least 1")
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        Rising { spec: self, goal, state: State::new(self) }
    }
}

impl fmt::Display for Rises {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "up({}", self.rises)?;
        if self.strip != Self::default().strip {
            write!(f, ", strip={}", self.strip)?;
        }
        f.write_str(")")
    }
}

#[derive(Debug)]
struct Rising {
    spec: Rises,
    goal: Goal,
    state: State,
}

#[derive(Debug)]
struct State {
    strips: Strips,
    /// The value before the first of the rises, and the latest finite one.
    from: Option<f64>,
    previous: Option<f64>,
    rises: u64,
    /// What the latest complete strip decided.
    latest: Option<StopReason>,
}

impl State {
    fn new(spec: Rises) -> Self {
        Self { strips: Strips::new(spec.strip), from: None, previous: None, rises: 0, latest: None }
    }
}

impl StoppingRule for Rising {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        let Rises { rises: needed, strip } = self.spec;
        let state = &mut self.state;
        if state.strips.observe(observation).is_some() {
            if state.previous.is_some_and(|previous| self.goal.better(previous, value)) {
                state.rises += 1;
            } else {
                state.rises = 0;
                state.from = value.is_finite().then_some(value);
            }
            state.previous = if value.is_finite() { Some(value) } else { state.previous };
            state.latest = state.from.filter(|_| state.rises >= needed).map(|from| StopReason::Rises {
                rises: state.rises,
                strip,
                from,
                at,
                value,
            });
        }
        state.latest.clone()
    }

    fn reset(&mut self) {
        self.state = State::new(self.spec);
    }

    fn earliest(&self) -> u64 {
        let State { strips, previous, rises, latest, .. } = &self.state;
        let first = u64::from(previous.is_none());
        let missing = self.spec.rises.saturating_sub(*rises).saturating_add(first);
        if latest.is_some() { 1 } else { strips.until(missing) }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{epochs, stop, stop_at};

    #[test]
    fn rises_are_counted_from_one_strip_to_the_next() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (rule, values, at) in [
            ("up(1, strip=1)", [3.0, 2.0, 1.0, 1.5, 1.0, 2.0], Some(4)),
            ("up(2, strip=1)", [3.0, 2.0, 2.5, 2.5, 2.75, 3.0], Some(6)),
            ("up(2, strip=1)", [9.0, 1.0, 2.0, 1.5, 2.0, 1.5], None),
            ("up(3, strip=1)", [9.0, 1.0, 2.0, 3.0, 4.0, 5.0], Some(5)),
            ("up(2, strip=1)", [3.0, nan, 2.0, nan, inf, 2.0], Some(5)),
            ("up(2, strip=1)", [nan, nan, nan, 2.0, 3.0, 4.0], Some(6)),
            ("up(1, strip=3)", [1.0, 2.0, 3.0, 2.0, 1.0, 3.5], Some(6)),
            ("up(1)", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None),
        ] {
            assert_eq!(stop(rule, &values), at, "{rule} {values:?}");
        }
    }

    #[test]
    fn rises_hold_until_the_next_strip_decides_anew() {
        let history = epochs(&[(5, 1.0), (10, 2.0), (11, 0.0), (12, 0.0), (15, 1.0), (16, 9.0)]);
        for (rule, at) in
            [("up(1)", Some(10)), ("up(1) and epochs(12)", Some(12)), ("up(1) and epochs(15)", None)]
        {
            assert_eq!(stop_at(rule, &history), at, "{rule}");
        }
    }
}
