//! Prechelt's UP: successive rises from strip to strip.

use super::InvalidRule;
use super::strip::{AtEnds, Criterion, Strip};
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
        AtEnds::new(self.strip, Rising { spec: self, goal, from: None, previous: None, rises: 0 })
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

#[derive(Clone, Debug)]
struct Rising {
    spec: Rises,
    goal: Goal,
    /// The value before the first of the rises, and the latest finite one.
    from: Option<f64>,
    previous: Option<f64>,
    rises: u64,
}

impl Criterion for Rising {
    fn judge(&mut self, _: &Strip, observation: &Observation) -> Option<StopReason> {
        let (Rises { rises: needed, strip }, Observation { at, value, .. }) = (self.spec, *observation);
        if self.previous.is_some_and(|previous| self.goal.better(previous, value)) {
            self.rises += 1;
        } else {
            self.rises = 0;
            self.from = value.is_finite().then_some(value);
        }
        self.previous = if value.is_finite() { Some(value) } else { self.previous };
        let (rises, from) = (self.rises, self.from?);
        (rises >= needed).then_some(StopReason::Rises { rises, strip, from, at, value })
    }

    fn missing(&self) -> u64 {
        let first = u64::from(self.previous.is_none());
        self.spec.rises.saturating_sub(self.rises).saturating_add(first)
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
