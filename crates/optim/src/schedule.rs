//! The learning rate as a function of the step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::{Error, require, require_non_negative, require_positive};

/// The learning rate as a function of the step: one curve, or several one after the other.
///
/// There is no state, so there is nothing to save, and nothing that a restart could lose. A step is whatever the caller
/// counts, batches or epochs; the first is 0.
///
/// ```
/// use highwater_optim::{Curve, Schedule};
///
/// let warm_up = Curve::Linear { start_factor: 0.1, end_factor: 1.0, steps: 10 };
/// let schedule = Schedule::from(warm_up).then(10, Curve::Cosine { steps: 90, min_learning_rate: 0.0 });
/// assert_eq!(schedule.learning_rate(0.5, 0), 0.05);
/// assert_eq!(schedule.learning_rate(0.5, 10), 0.5);
/// assert_eq!(schedule.learning_rate(0.5, 55), 0.25);
/// assert_eq!(schedule.learning_rate(0.5, 100), 0.0);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The curve from step 0 on.
    pub first: Curve,
    /// The phases after it, in the order in which they start.
    pub then: Vec<Phase>,
}

/// A curve that takes over at a step, which is its own step 0 (as in PyTorch's `SequentialLR`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// The first step of the phase.
    pub from: u64,
    /// What holds from there.
    pub curve: Curve,
}

/// One curve; its step 0 is where it starts. Each gives what the PyTorch scheduler that its description names gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Curve {
    /// The base learning rate throughout. The default.
    #[default]
    Constant,
    /// Multiplied by `gamma` after every `step_size` steps (`StepLR`).
    Step {
        /// The number of steps between two changes.
        step_size: u64,
        /// The factor.
        gamma: f64,
    },
    /// Multiplied by `gamma` at each milestone, twice at one that is given twice (`MultiStepLR`).
    MultiStep {
        /// The steps at which the learning rate changes, in any order.
        milestones: Vec<u64>,
        /// The factor.
        gamma: f64,
    },
    /// Multiplied by `gamma` after each step (`ExponentialLR`).
    Exponential {
        /// The factor.
        gamma: f64,
    },
    /// Half a period of a cosine from the base to the minimum in `steps` steps, then up again, and so on
    /// (`CosineAnnealingLR`; Loshchilov & Hutter 2017, equation 5 without restarts).
    Cosine {
        /// The number of steps from the base to the minimum (`T_max`).
        steps: u64,
        /// The minimum (`eta_min`).
        min_learning_rate: f64,
    },
    /// From the base to the minimum along half a cosine, then back to the base at once, each time taking `factor` times
    /// as long (`CosineAnnealingWarmRestarts`; Loshchilov & Hutter 2017, equation 5).
    CosineRestarts {
        /// The number of steps before the first restart (`T_0`).
        steps: u64,
        /// What the number is multiplied by at each restart; at least 1 (`T_mult`).
        factor: u64,
        /// The minimum (`eta_min`).
        min_learning_rate: f64,
    },
    /// The base times a factor that goes from one value to another in `steps` steps, and stays (`LinearLR`). A warm-up
    /// if the first is the smaller one.
    Linear {
        /// The factor at step 0.
        start_factor: f64,
        /// The factor from step `steps` on.
        end_factor: f64,
        /// The number of steps from the one to the other (`total_iters`).
        steps: u64,
    },
    /// The base times (1 − step / `steps`) to a power, and 0 from `steps` on (`PolynomialLR`).
    Polynomial {
        /// The number of steps to 0 (`total_iters`).
        steps: u64,
        /// The exponent.
        power: f64,
    },
    /// Up to the base, which is the peak here, and down to nearly nothing (`OneCycleLR` without its momentum).
    OneCycle(OneCycle),
}

/// The 1cycle policy (Smith & Topin 2019) in PyTorch's form: from base / `div_factor` up to the base (PyTorch's `max_lr`)
/// and down to base / `div_factor` / `final_div_factor`, where it stays.
///
/// All but `steps` defaults to PyTorch's values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycle {
    /// The length of the cycle; the last value is reached at step `steps` − 1. It has no sensible default: 0 is refused.
    pub steps: u64,
    /// The share of the steps that goes up.
    pub pct_start: f64,
    /// How it goes from one value to the next.
    pub anneal: Anneal,
    /// The base over the first learning rate.
    pub div_factor: f64,
    /// The first learning rate over the last.
    pub final_div_factor: f64,
    /// Comes down to the first learning rate as fast as it went up, and only then to the last.
    pub three_phases: bool,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            steps: 0,
            pct_start: 0.3,
            anneal: Anneal::Cosine,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phases: false,
        }
    }
}

/// The way from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// Along half a cosine. The default.
    #[default]
    Cosine,
    /// Along a line.
    Linear,
}

impl From<Curve> for Schedule {
    fn from(first: Curve) -> Self {
        Self { first, then: Vec::new() }
    }
}

impl Schedule {
    /// The same, but from step `from` on `curve` holds, counting its steps from there.
    pub fn then(mut self, from: u64, curve: Curve) -> Self {
        self.then.push(Phase { from, curve });
        self
    }

    /// The learning rate of a step (the first is 0), for a base learning rate.
    ///
    /// # Panics
    /// It may, if [`validate`](Self::validate) refuses the schedule.
    pub fn learning_rate(&self, base: f64, step: u64) -> f64 {
        match self.then.iter().rfind(|phase| phase.from <= step) {
            Some(phase) => phase.curve.learning_rate(base, step - phase.from),
            None => self.first.learning_rate(base, step),
        }
    }

    /// Whether the learning rate is the base throughout.
    pub fn is_constant(&self) -> bool {
        self.first == Curve::Constant && self.then.iter().all(|phase| phase.curve == Curve::Constant)
    }

    /// Checks that each curve is defined and that each phase starts after the one before it.
    ///
    /// # Errors
    /// [`Error::HyperParameter`] names what is out of range; [`Error::PhaseOrder`].
    pub fn validate(&self) -> Result<(), Error> {
        self.first.validate()?;
        let mut previous = 0;
        for Phase { from, curve } in &self.then {
            if *from <= previous {
                return Err(Error::PhaseOrder { start: *from, previous });
            }
            previous = *from;
            curve.validate()?;
        }
        Ok(())
    }
}

impl Curve {
    /// The learning rate at a step of this curve.
    fn learning_rate(&self, base: f64, step: u64) -> f64 {
        match *self {
            Self::Constant => base,
            Self::Step { step_size, gamma } => base * gamma.powf((step / step_size) as f64),
            Self::MultiStep { ref milestones, gamma } => {
                base * gamma.powf(milestones.iter().filter(|&&milestone| milestone <= step).count() as f64)
            }
            Self::Exponential { gamma } => base * gamma.powf(step as f64),
            Self::Cosine { steps, min_learning_rate } => {
                cosine(base, min_learning_rate, fraction(step % steps.saturating_mul(2), steps))
            }
            Self::CosineRestarts { mut steps, factor, min_learning_rate } => {
                let mut step = step;
                if factor == 1 {
                    step %= steps;
                }
                while step >= steps {
                    step -= steps;
                    steps = steps.saturating_mul(factor);
                }
                cosine(base, min_learning_rate, fraction(step, steps))
            }
            Self::Linear { start_factor, end_factor, steps } => {
                base * linear(start_factor, end_factor, fraction(step.min(steps), steps))
            }
            Self::Polynomial { steps, power } => base * (1.0 - fraction(step.min(steps), steps)).powf(power),
            Self::OneCycle(cycle) => cycle.learning_rate(base, step),
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let positive = |of, name, steps: u64| require(steps > 0, of, name, steps as f64, "at least 1");
        match *self {
            Self::Constant => Ok(()),
            Self::Step { step_size, gamma } => {
                positive("step schedule", "step_size", step_size)?;
                require_non_negative("step schedule", "gamma", gamma)
            }
            Self::MultiStep { gamma, .. } => require_non_negative("multi-step schedule", "gamma", gamma),
            Self::Exponential { gamma } => require_non_negative("exponential schedule", "gamma", gamma),
            Self::Cosine { steps, min_learning_rate } => {
                positive("cosine schedule", "steps", steps)?;
                require_non_negative("cosine schedule", "min_learning_rate", min_learning_rate)
            }
            Self::CosineRestarts { steps, factor, min_learning_rate } => {
                positive("cosine schedule with restarts", "steps", steps)?;
                positive("cosine schedule with restarts", "factor", factor)?;
                require_non_negative("cosine schedule with restarts", "min_learning_rate", min_learning_rate)
            }
            Self::Linear { start_factor, end_factor, steps } => {
                positive("linear schedule", "steps", steps)?;
                require_non_negative("linear schedule", "start_factor", start_factor)?;
                require_non_negative("linear schedule", "end_factor", end_factor)
            }
            Self::Polynomial { steps, power } => {
                positive("polynomial schedule", "steps", steps)?;
                require_non_negative("polynomial schedule", "power", power)
            }
            Self::OneCycle(OneCycle { steps, pct_start, div_factor, final_div_factor, .. }) => {
                let of = "one-cycle schedule";
                positive(of, "steps", steps)?;
                require((0.0..=1.0).contains(&pct_start), of, "pct_start", pct_start, "in [0, 1]")?;
                require_positive(of, "div_factor", div_factor)?;
                require_positive(of, "final_div_factor", final_div_factor)
            }
        }
    }
}

impl OneCycle {
    fn learning_rate(&self, peak: f64, step: u64) -> f64 {
        let first = peak / self.div_factor;
        let last = first / self.final_div_factor;
        let steps = self.steps as f64;
        let end = steps - 1.0;
        let top = self.pct_start * steps - 1.0;
        let phases = if self.three_phases {
            [(top, first, peak), (2.0 * self.pct_start * steps - 2.0, peak, first), (end, first, last)]
        } else {
            [(top, first, peak), (end, peak, last), (end, peak, last)]
        };
        let step = (step as f64).min(end);
        let mut start = 0.0;
        for (end, from, to) in phases {
            if step <= end {
                let fraction = if end > start { (step - start) / (end - start) } else { 1.0 };
                return match self.anneal {
                    Anneal::Cosine => cosine(from, to, fraction),
                    Anneal::Linear => linear(from, to, fraction),
                };
            }
            start = end;
        }
        last
    }
}

fn fraction(step: u64, steps: u64) -> f64 {
    step as f64 / steps as f64
}

/// From one value to another along half a cosine; past it, along the whole one.
fn cosine(from: f64, to: f64, fraction: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * fraction).cos())
}

fn linear(from: f64, to: f64, fraction: f64) -> f64 {
    from + (to - from) * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_stays_where_it_ends() {
        let check = |curve: Curve, expected: f64| {
            let found = Schedule::from(curve.clone()).learning_rate(2.0, 1_000_000_007);
            assert!((found - expected).abs() < 1e-12, "{curve:?}: {found} {expected}");
        };
        check(Curve::Constant, 2.0);
        check(Curve::Step { step_size: 10, gamma: 0.1 }, 0.0);
        check(Curve::MultiStep { milestones: vec![7, 3], gamma: 0.1 }, 0.02);
        check(Curve::Linear { start_factor: 0.1, end_factor: 0.5, steps: 10 }, 1.0);
        check(Curve::Polynomial { steps: 10, power: 1.0 }, 0.0);
        check(Curve::OneCycle(OneCycle { steps: 10, ..Default::default() }), 2.0 / 25e4);
        check(Curve::OneCycle(OneCycle { steps: 10, three_phases: true, ..Default::default() }), 2.0 / 25e4);
    }

    #[test]
    fn degenerate_cycles_are_still_numbers() {
        for (steps, pct_start) in [(1, 0.3), (1, 1.0), (2, 0.5), (10, 0.0), (10, 0.1), (10, 1.0)] {
            for three_phases in [false, true] {
                let cycle =
                    Curve::OneCycle(OneCycle { steps, pct_start, three_phases, ..Default::default() });
                let schedule = Schedule::from(cycle);
                schedule.validate().unwrap();
                for step in 0..12 {
                    let found = schedule.learning_rate(1.0, step);
                    assert!((0.0..=1.0).contains(&found), "{schedule:?} at {step}: {found}");
                }
            }
        }
    }

    #[test]
    fn restarts_come_later_and_later() {
        let curve = Curve::CosineRestarts { steps: 1, factor: 2, min_learning_rate: 0.0 };
        let schedule = Schedule::from(curve);
        let restarts: Vec<u64> = (0..100).filter(|&step| schedule.learning_rate(1.0, step) == 1.0).collect();
        assert_eq!(restarts, [0, 1, 3, 7, 15, 31, 63]);
        assert!(schedule.learning_rate(1.0, u64::MAX).is_finite());
    }

    #[test]
    fn what_is_not_a_schedule_is_refused_by_name() {
        let check = |schedule: Schedule, expected: &str| {
            assert_eq!(schedule.validate().unwrap_err().to_string(), expected);
        };
        check(
            Curve::Step { step_size: 0, gamma: 0.1 }.into(),
            "step schedule: `step_size` is 0 but must be at least 1",
        );
        check(
            Curve::Exponential { gamma: f64::NAN }.into(),
            "exponential schedule: `gamma` is NaN but must be at least 0 and finite",
        );
        check(
            Curve::OneCycle(OneCycle::default()).into(),
            "one-cycle schedule: `steps` is 0 but must be at least 1",
        );
        check(
            Schedule::default().then(10, Curve::Constant).then(10, Curve::Constant),
            "schedule: a phase starts at step 10, which is not after step 10",
        );
        check(
            Schedule::default().then(10, Curve::Cosine { steps: 0, min_learning_rate: 0.0 }),
            "cosine schedule: `steps` is 0 but must be at least 1",
        );
    }
}
