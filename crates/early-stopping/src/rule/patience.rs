//! Patience: nothing was gained for a while.

use super::InvalidRule;
use crate::span::Position;
use crate::text::{Arguments, Shortest};
use crate::{Best, Delta, Goal, Observation, ParseError, Span, StopReason, StoppingRule, Unit};
use core::fmt;

/// Stop when nothing was gained for a while: `patience(10, min_delta=0.001)`.
///
/// The wait is counted from the latest gain, or from the first observation if there was none yet; an
/// observation that gains never stops the run, and neither does the first. With `patience(1)` the first
/// observation that gains nothing does.
///
/// This is the rule of Keras, PyTorch Lightning, Ignite, XGBoost, LightGBM, scikit-learn and others, who
/// differ in the fields below; [`peers`](crate::peers) says their parameters in ours.
///
/// Degenerate cases. A value that is not finite gains nothing. On a constant series the rule fires after
/// `wait` further observations, unless gains are `inclusive` with a delta of zero: then it never fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// How long to go on without a gain; at least 1. With epochs or steps the *difference* counts, so an
    /// interval in which nothing was observed is waited for too.
    pub wait: Span,
    /// Wait at least this share of the place of the best observation, in the unit of `wait`: with 0.5 and a
    /// best epoch of 40, twenty epochs. Zero by default. Runs that improve late get more time.
    pub factor: f64,
    /// What a gain is. Any improvement by default.
    pub min_delta: Delta,
    /// Whether a gain of exactly `min_delta` is one (scikit-learn) or it takes more (all others).
    pub inclusive: bool,
    /// Whether small gains add up until they exceed `min_delta` (the default): gains are measured against the
    /// value that last was one. Otherwise they are measured against the best of all values, so that a slow
    /// creep is no gain however far it gets (Transformers, scikit-learn, Ignite with
    /// `cumulative_delta=False`).
    pub cumulative: bool,
    /// Until this value is beaten, by more than `min_delta`, gains don't renew the patience, and the first
    /// observation is waited for as well (Keras).
    pub baseline: Option<f64>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            wait: Span::observations(10),
            factor: 0.0,
            min_delta: Delta::default(),
            inclusive: false,
            cumulative: true,
            baseline: None,
        }
    }
}

/// What `patience(factor=0.5)` waits at the least.
const SHORTEST: Span = Span { length: 1, unit: Unit::Epochs };

impl Patience {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        let defaults = Self::default();
        let wait = arguments.span("wait")?;
        let factor = arguments.number("factor")?;
        let wait = match (wait, factor) {
            (Some(wait), _) => wait,
            (None, Some(_)) => SHORTEST,
            (None, None) => return Err(arguments.missing("wait")),
        };
        Ok(Self {
            wait,
            factor: factor.unwrap_or(defaults.factor),
            min_delta: arguments.delta("min_delta")?.unwrap_or_default(),
            inclusive: arguments.flag("inclusive")?.unwrap_or(defaults.inclusive),
            cumulative: arguments.flag("cumulative")?.unwrap_or(defaults.cumulative),
            baseline: arguments.number("baseline")?,
        })
    }

    pub(crate) fn check(&self) -> Result<(), InvalidRule> {
        InvalidRule::unless(self.wait.length >= 1, "patience", "a wait of at least 1")?;
        InvalidRule::unless(
            self.factor.is_finite() && self.factor >= 0.0,
            "patience",
            "a factor of at least 0",
        )?;
        let delta = self.min_delta.amount();
        InvalidRule::unless(delta.is_finite() && delta >= 0.0, "patience", "a min_delta of at least 0")?;
        InvalidRule::unless(self.baseline.is_none_or(f64::is_finite), "patience", "a finite baseline")
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        Waiting { spec: self, goal, state: State::new(self.wait.unit) }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("patience(")?;
        if self.wait != SHORTEST || self.factor == 0.0 {
            write!(f, "{}", self.wait)?;
            f.write_str(if self.factor == 0.0 { "" } else { ", " })?;
        }
        if self.factor != 0.0 {
            write!(f, "factor={}", Shortest(self.factor))?;
        }
        if self.min_delta != Delta::default() {
            write!(f, ", min_delta={}", self.min_delta)?;
        }
        if self.inclusive {
            f.write_str(", inclusive=true")?;
        }
        if !self.cumulative {
            f.write_str(", cumulative=false")?;
        }
        if let Some(baseline) = self.baseline {
            write!(f, ", baseline={}", Shortest(baseline))?;
        }
        f.write_str(")")
    }
}

#[derive(Debug)]
struct Waiting {
    spec: Patience,
    goal: Goal,
    state: State,
}

#[derive(Debug)]
struct State {
    position: Position,
    seen: u64,
    best: Option<Best>,
    /// The place of the best observation, and the place from which the wait is counted.
    best_place: u64,
    since: Option<u64>,
}

impl State {
    fn new(unit: Unit) -> Self {
        Self { position: Position::new(unit), seen: 0, best: None, best_place: 0, since: None }
    }
}

impl Waiting {
    fn gained(&self, over: f64, observation: &Observation) -> bool {
        let Patience { min_delta, inclusive, .. } = self.spec;
        match inclusive {
            true => min_delta.gained_at_least(self.goal, over, observation),
            false => min_delta.gained(self.goal, over, observation),
        }
    }

    /// How many units there are from where the wait is counted to where it ends.
    fn needed(&self) -> u64 {
        let share = self.spec.factor * self.state.best_place as f64;
        let whole = share as u64;
        self.spec.wait.length.max(whole.saturating_add(u64::from(whole as f64 != share)))
    }
}

impl StoppingRule for Waiting {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        let index = self.state.seen;
        self.state.seen += 1;
        let place = self.state.position.observe(observation);
        let unbeaten = u64::from(self.spec.baseline.is_some());
        self.state.since = self.state.since.or(place.map(|place| place.saturating_sub(unbeaten)));

        let gained =
            value.is_finite() && self.state.best.is_none_or(|best| self.gained(best.value, observation));
        let better = self.state.best.is_none_or(|best| self.goal.better(value, best.value));
        if better && (gained || !self.spec.cumulative && value.is_finite()) {
            self.state.best = Some(Best { at, value, index });
            self.state.best_place = self.state.position.completed();
        }
        if gained && self.spec.baseline.is_none_or(|baseline| self.gained(baseline, observation)) {
            self.state.since = self.state.since.map(|_| self.state.position.completed());
        }
        if gained || index == 0 {
            return None;
        }
        let waited = self.state.position.completed().saturating_sub(self.state.since?);
        (waited >= self.needed()).then_some(StopReason::NoImprovement {
            waited,
            unit: self.spec.wait.unit,
            min_delta: self.spec.min_delta,
            best: self.state.best,
            at,
            value,
        })
    }

    fn reset(&mut self) {
        self.state = State::new(self.spec.wait.unit);
    }

    fn earliest(&self) -> u64 {
        let start = self.state.since.unwrap_or_else(|| {
            let counts_first = self.spec.wait.unit != Unit::Observations || self.spec.baseline.is_some();
            self.state.position.completed() + u64::from(!counts_first)
        });
        self.state.position.until(start.saturating_add(self.needed()))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{epochs, stop, stop_at};

    #[test]
    fn the_wait_is_counted_from_the_latest_gain() {
        let wiggle = [10.0, 9.0, 8.0, 9.0, 8.9, 8.8, 8.7, 8.6, 8.5];
        for (rule, at) in [
            ("patience(1)", Some(4)),
            ("patience(2)", Some(5)),
            ("patience(3)", Some(6)),
            ("patience(7)", None),
            ("patience(3, min_delta=1)", Some(6)),
            ("patience(factor=1)", Some(6)),
            ("patience(factor=0.34)", Some(5)),
            ("patience(1, factor=1)", Some(6)),
        ] {
            assert_eq!(stop(rule, &wiggle), at, "{rule}");
        }
        assert_eq!(stop("patience(3)", &[1.0; 8]), Some(4));
        assert_eq!(stop("patience(3)", &[1.0]), None);
        assert_eq!(stop("patience(3, inclusive=true)", &[1.0; 8]), None);
    }

    #[test]
    fn small_gains_add_up_unless_told_not_to() {
        let creep = [1.0, 0.75, 0.5, 0.25, 0.0, -0.25, -0.5];
        for (rule, at) in [
            ("patience(2, min_delta=0.375)", None),
            ("patience(2, min_delta=0.75)", Some(3)),
            ("patience(3, min_delta=0.5, cumulative=false)", Some(4)),
            ("patience(3, min_delta=0.25, cumulative=false)", Some(4)),
            ("patience(3, min_delta=0.25, cumulative=false, inclusive=true)", None),
        ] {
            assert_eq!(stop(rule, &creep), at, "{rule}");
        }
    }

    #[test]
    fn until_the_baseline_is_beaten_gains_do_not_renew_the_patience() {
        let rule = "patience(5, baseline=0.5)";
        assert_eq!(stop(rule, &[0.9, 0.8, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75]), Some(5));
        let rule = "patience(3, baseline=0.5)";
        assert_eq!(stop(rule, &[0.9, 0.8, 0.7, 0.6, 0.55, 0.54, 0.53, 0.52, 0.53]), Some(9));
        assert_eq!(stop("patience(2, baseline=0.5)", &[0.5, 0.5, 0.5, 0.5]), Some(2));
        assert_eq!(stop(rule, &[0.9, 0.4, 0.5, 0.5, 0.5]), Some(5));
    }

    #[test]
    fn a_wait_in_epochs_counts_the_epochs_between() {
        let sparse = epochs(&[(10, 1.0), (20, 0.5), (25, 0.6), (35, 0.6), (36, 0.6)]);
        for (rule, at) in
            [("patience(15 epochs)", Some(35)), ("patience(16 epochs)", Some(36)), ("patience(3)", Some(36))]
        {
            assert_eq!(stop_at(rule, &sparse), at, "{rule}");
        }
        assert_eq!(stop_at("patience(1 step)", &sparse), None, "without step counts nothing is waited for");
    }

    #[test]
    fn a_wait_in_steps_counts_the_steps_between() {
        let steps = [(1, 100, 1.0), (1, 150, 0.5), (2, 200, 0.6), (2, 260, 0.6), (3, 300, 0.6)];
        let history = steps.map(|(at, step, value)| crate::Observation {
            step: Some(step),
            ..crate::Observation::new(at, value)
        });
        for (rule, index) in [
            ("patience(50 steps)", Some(2)),
            ("patience(110 steps)", Some(3)),
            ("patience(150 steps)", Some(4)),
            ("patience(151 steps)", None),
            // The best is at step 150.
            ("patience(1 step, factor=0.7)", Some(3)),
            ("patience(1 step, factor=1)", Some(4)),
            // The best is at epoch 1, the second observation.
            ("patience(1 epoch, factor=1)", Some(2)),
            ("patience(1, factor=1)", Some(3)),
        ] {
            let mut running =
                rule.parse::<crate::Rule>().unwrap().start(crate::Goal::Minimize, crate::NonFinite::Stop);
            let found = history.iter().position(|o| crate::StoppingRule::observe(&mut *running, o).is_some());
            assert_eq!(found, index, "{rule}");
        }
    }

    #[test]
    fn a_gain_without_a_step_count_renews_a_wait_in_steps_all_the_same() {
        let at =
            |step: Option<u64>, at, value| crate::Observation { step, ..crate::Observation::new(at, value) };
        let history = [
            at(Some(0), 0, 1.0),
            at(Some(90), 1, 1.0),
            at(None, 2, 0.5),
            at(Some(110), 3, 0.6),
            at(Some(190), 4, 0.6),
        ];
        assert_eq!(
            stop_at("patience(100 steps)", &history),
            Some(4),
            "from the latest place before the gain"
        );
        assert_eq!(stop_at("patience(101 steps)", &history), None);
    }

    #[test]
    fn no_share_of_a_run_is_too_long_to_wait_for() {
        assert_eq!(stop("patience(1, factor=1e300)", &[1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn a_relative_delta_is_a_share_of_the_magnitude() {
        // From -4, a tenth is 0.4.
        let falling = [-4.0, -4.375, -4.5, -5.0];
        assert_eq!(stop("patience(1, min_delta=0.1x)", &falling), Some(2));
        assert_eq!(stop("patience(2, min_delta=0.1x)", &falling), None);
        assert_eq!(
            stop("patience(3, min_delta=0.25x)", &falling),
            Some(4),
            "from -4 to -5 is exactly a quarter"
        );
        assert_eq!(stop("patience(3, min_delta=0.25x, inclusive=true)", &falling), None);
        assert_eq!(
            stop("patience(1, min_delta=9x)", &[0.0, -1e-300, -5e-300]),
            Some(3),
            "of zero any gain counts"
        );
    }

    #[test]
    fn a_delta_can_be_relative_or_in_standard_errors() {
        let falling = [1.0, 0.875, 0.75, 0.625];
        assert_eq!(stop("patience(1, min_delta=0.1x)", &falling), None);
        assert_eq!(stop("patience(1, min_delta=0.2x)", &falling), Some(2));
        let noisy =
            epochs(&[(1, 1.0), (2, 0.875)]).map(|o| crate::Observation { standard_error: Some(0.125), ..o });
        assert_eq!(stop_at("patience(1, min_delta=0.5se)", &noisy), None);
        assert_eq!(stop_at("patience(1, min_delta=2se)", &noisy), Some(2));
    }
}
