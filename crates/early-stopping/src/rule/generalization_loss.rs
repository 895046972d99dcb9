//! Prechelt's GL: the value is so many percent worse than the best.

use super::InvalidRule;
use super::strip::{AtEnds, Criterion, Strip, excess};
use crate::text::{Arguments, Shortest};
use crate::{Best, Goal, Observation, ParseError, StopReason, StoppingRule};
use core::fmt;

/// Stop when the validation error exceeds its least value by more than so many percent: `gl(5)`.
///
/// GL_α of L. Prechelt (*Proben1*, TR 21/94, section 3.3; *Early Stopping – But When?*, 1998): `GL(t) = 100 ·
/// (E_va(t) / E_opt(t) − 1) > α`, with E_opt the least validation error so far.
///
/// Degenerate cases. The definition is for positive errors; in general the distance to the best is divided by
/// |best|, so that it is right for negative values and, mirrored, for scores. With a best of exactly zero
/// anything worse is infinitely worse, and so is a value that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralizationLoss {
    /// α, in percent.
    pub alpha: f64,
    /// Look at the value only at the end of strips of so many epochs. 1, the default, looks at every
    /// observation.
    pub strip: u64,
}

impl Default for GeneralizationLoss {
    fn default() -> Self {
        Self { alpha: 5.0, strip: 1 }
    }
}

impl GeneralizationLoss {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        Ok(Self {
            alpha: arguments.number("alpha")?.ok_or_else(|| arguments.missing("alpha"))?,
            strip: arguments.count("strip")?.unwrap_or(Self::default().strip),
        })
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        InvalidRule::unless(self.alpha.is_finite() && self.alpha >= 0.0, "gl", "an alpha of at least 0")?;
        InvalidRule::unless(self.strip >= 1, "gl", "a strip of at least 1")
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        AtEnds::new(self.strip, Watching { alpha: self.alpha, loss: Loss::new(goal) })
    }
}

impl fmt::Display for GeneralizationLoss {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "gl({}", Shortest(self.alpha))?;
        if self.strip != Self::default().strip {
            write!(f, ", strip={}", self.strip)?;
        }
        f.write_str(")")
    }
}

/// GL(t) of the values it is shown.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    goal: Goal,
    best: Option<Best>,
}

impl Loss {
    pub(super) fn new(goal: Goal) -> Self {
        Self { goal, best: None }
    }

    /// In percent, with the best value. Zero for a new best; `None` before there is a finite value.
    pub(super) fn observe(&mut self, strip: &Strip, observation: &Observation) -> Option<(f64, Best)> {
        let Observation { at, value, .. } = *observation;
        let index = strip.index;
        if value.is_finite() && self.best.is_none_or(|best| self.goal.better(value, best.value)) {
            self.best = Some(Best { at, value, index });
        }
        let best = self.best?;
        Some((100.0 * excess(self.goal.error(value), self.goal.error(best.value)), best))
    }
}

#[derive(Clone, Debug)]
struct Watching {
    alpha: f64,
    loss: Loss,
}

impl Criterion for Watching {
    fn judge(&mut self, strip: &Strip, observation: &Observation) -> Option<StopReason> {
        let (alpha, Observation { at, value, .. }) = (self.alpha, *observation);
        let (loss, best) = self.loss.observe(strip, observation)?;
        (loss > alpha).then_some(StopReason::GeneralizationLoss { loss, alpha, best, at, value })
    }

    fn missing(&self) -> u64 {
        if self.loss.best.is_some() { 1 } else { 2 }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{epochs, first_reason, stop, stop_at};
    use crate::{Best, StopReason};

    #[test]
    fn the_loss_is_the_share_by_which_the_best_is_exceeded() {
        let nan = f64::NAN;
        for (rule, values, at) in [
            ("gl(25)", [8.0, 4.0, 5.0, 5.5, 6.0], Some(4)),
            ("gl(24.9)", [8.0, 4.0, 5.0, 5.5, 6.0], Some(3)),
            ("gl(50)", [8.0, 4.0, 5.0, 5.5, 6.0], None),
            ("gl(0)", [1.0, 1.0, 1.0, 1.0, 1.0], None),
            ("gl(50)", [-2.0, -4.0, -2.0, -1.5, 0.0], Some(4)),
            ("gl(500)", [1.0, 0.0, 0.0, 1e-12, 0.0], Some(4)),
            ("gl(5)", [nan, nan, 2.0, 1.0, nan], Some(5)),
        ] {
            assert_eq!(stop(rule, &values), at, "{rule} {values:?}");
        }
    }

    #[test]
    fn between_strip_ends_nothing_is_looked_at() {
        let history =
            epochs(&[(1, 1.0), (2, 8.0), (3, 99.0), (4, 6.0), (5, 1.0), (6, 5.0), (8, 5.5), (10, 6.0)]);
        for (rule, at) in [("gl(5, strip=2)", Some(8)), ("gl(15, strip=2)", Some(10)), ("gl(5)", Some(2))] {
            assert_eq!(stop_at(rule, &history), at, "{rule}");
        }
        assert_eq!(stop_at("gl(5, strip=2) and epochs(9)", &history), Some(10));
    }

    #[test]
    fn the_reason_names_the_best_of_the_strip_ends() {
        let history = epochs(&[(1, 1.0), (2, 8.0), (4, 6.0), (5, 1.0), (6, 7.0)]);
        let Some((6, StopReason::GeneralizationLoss { best, .. })) = first_reason("gl(5, strip=2)", &history)
        else {
            panic!("it stops at epoch 6")
        };
        assert_eq!(best, Best { at: 4, value: 6.0, index: 2 });
    }
}
