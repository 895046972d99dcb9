//! A learning rate that falls when a metric no longer improves.

use serde::{Deserialize, Serialize};

use crate::error::{Error, require, require_non_negative};

/// Lowers the learning rate when a metric has stopped improving. The rules and the defaults are those of PyTorch's
/// `ReduceLROnPlateau`; [`Plateau`] follows them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReduceOnPlateau {
    /// Whether a larger metric is the better one.
    pub maximize: bool,
    /// What the learning rate is multiplied by; in [0, 1).
    pub factor: f64,
    /// The number of observations without improvement that are borne: the next one lowers the learning rate.
    pub patience: u64,
    /// What counts as an improvement.
    pub threshold: Threshold,
    /// The number of observations after a reduction during which none is counted as bad.
    pub cooldown: u64,
    /// The learning rate never goes below this.
    pub min_learning_rate: f64,
    /// A reduction by this or less is not made.
    pub eps: f64,
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        Self {
            maximize: false,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            min_learning_rate: 0.0,
            eps: 1e-8,
        }
    }
}

/// How much better than the best a metric must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// By this share of the best, below 1 where the metric is minimized: PyTorch takes more, and then no metric is ever an
    /// improvement. For metrics that are positive: with a negative best, it asks for less than nothing,
    /// as it does in PyTorch.
    Relative(f64),
    /// By this.
    Absolute(f64),
}

/// [`ReduceOnPlateau`] at work. Its state is a function of what it observed: it is restored by observing that again.
///
/// A metric that is not finite is never an improvement. Beside a [`Schedule`](crate::Schedule) it gives the base that the
/// schedule starts from: `schedule.learning_rate(plateau.learning_rate(), step)`.
///
/// ```
/// use highwater_optim::{Plateau, ReduceOnPlateau};
///
/// let mut plateau = Plateau::new(ReduceOnPlateau { patience: 1, factor: 0.5, ..Default::default() }, 0.1)?;
/// let rates = [3.0, 2.0, 2.5, 2.4].map(|loss| plateau.observe(loss));
/// assert_eq!(rates, [0.1, 0.1, 0.1, 0.05]);
/// # Ok::<(), highwater_optim::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plateau {
    rule: ReduceOnPlateau,
    learning_rate: f64,
    best: f64,
    bad: u64,
    cooldown: u64,
    reductions: u64,
}

impl Plateau {
    /// Before the first observation, with the learning rate to start from.
    ///
    /// # Errors
    /// [`Error::HyperParameter`] names what is out of range.
    pub fn new(rule: ReduceOnPlateau, learning_rate: f64) -> Result<Self, Error> {
        let of = "reduce-on-plateau";
        let (Threshold::Relative(threshold) | Threshold::Absolute(threshold)) = rule.threshold;
        require((0.0..1.0).contains(&rule.factor), of, "factor", rule.factor, "in [0, 1)")?;
        for (name, value) in [
            ("threshold", threshold),
            ("min_learning_rate", rule.min_learning_rate),
            ("eps", rule.eps),
            ("learning_rate", learning_rate),
        ] {
            require_non_negative(of, name, value)?;
        }
        if let (false, Threshold::Relative(share)) = (rule.maximize, rule.threshold) {
            require(share < 1.0, of, "threshold.relative", share, "below 1 where the metric is minimized")?;
        }
        let best = if rule.maximize { f64::NEG_INFINITY } else { f64::INFINITY };
        Ok(Self { rule, learning_rate, best, bad: 0, cooldown: 0, reductions: 0 })
    }

    /// Takes one metric in and returns the learning rate from here on.
    pub fn observe(&mut self, metric: f64) -> f64 {
        if self.improves(metric) {
            self.best = metric;
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad = 0;
        }
        if self.bad > self.rule.patience {
            self.bad = 0;
            self.cooldown = self.rule.cooldown;
            self.reductions += 1;
            let reduced = (self.learning_rate * self.rule.factor).max(self.rule.min_learning_rate);
            if self.learning_rate - reduced > self.rule.eps {
                self.learning_rate = reduced;
            }
        }
        self.learning_rate
    }

    /// The learning rate after the last observation.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// How often it was time for a smaller learning rate so far; also when it could go no lower.
    pub fn reductions(&self) -> u64 {
        self.reductions
    }

    fn improves(&self, metric: f64) -> bool {
        let better = match (self.rule.maximize, self.rule.threshold) {
            (false, Threshold::Relative(share)) => metric < self.best * (1.0 - share),
            (true, Threshold::Relative(share)) => metric > self.best * (1.0 + share),
            (false, Threshold::Absolute(difference)) => metric < self.best - difference,
            (true, Threshold::Absolute(difference)) => metric > self.best + difference,
        };
        better && metric.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_is_not_finite_is_never_the_best() {
        let rule = ReduceOnPlateau { patience: 0, factor: 0.5, ..Default::default() };
        for (maximize, metric) in [(false, f64::NEG_INFINITY), (true, f64::INFINITY), (false, f64::NAN)] {
            let mut plateau = Plateau::new(ReduceOnPlateau { maximize, ..rule }, 1.0).unwrap();
            assert_eq!([metric, 1.0, metric].map(|metric| plateau.observe(metric)), [0.5, 0.5, 0.25]);
        }
    }

    #[test]
    fn reductions_are_counted_at_the_lower_end_too() {
        let rule = ReduceOnPlateau {
            patience: 1,
            factor: 0.5,
            cooldown: 1,
            min_learning_rate: 0.25,
            ..Default::default()
        };
        let mut plateau = Plateau::new(rule, 1.0).unwrap();
        let seen = [1.0; 13].map(|metric| (plateau.observe(metric), plateau.reductions()));
        assert_eq!(seen[2], (0.5, 1));
        assert_eq!(seen[3], (0.5, 1), "while it cools down nothing is counted");
        assert_eq!((seen[5], seen[8], seen[11]), ((0.25, 2), (0.25, 3), (0.25, 4)));
        assert_eq!(plateau.learning_rate(), 0.25);
    }

    #[test]
    fn an_improvement_is_more_than_the_threshold() {
        use Threshold::{Absolute, Relative};
        for (maximize, threshold, metric, improves) in [
            (false, Relative(0.25), 3.0, false),
            (false, Relative(0.25), 2.9, true),
            (true, Relative(0.25), 5.0, false),
            (true, Relative(0.25), 5.1, true),
            (false, Absolute(0.5), 3.5, false),
            (false, Absolute(0.5), 3.4, true),
            (true, Absolute(0.5), 4.5, false),
            (true, Absolute(0.5), 4.6, true),
        ] {
            let rule =
                ReduceOnPlateau { maximize, threshold, patience: 0, factor: 0.5, ..Default::default() };
            let mut plateau = Plateau::new(rule, 1.0).unwrap();
            let rates = [4.0, metric].map(|metric| plateau.observe(metric));
            assert_eq!(rates, [1.0, if improves { 1.0 } else { 0.5 }], "{metric} {threshold:?}");
        }
    }

    #[test]
    fn a_reduction_by_eps_or_less_is_not_made() {
        for (eps, expected) in [(0.5, 1.0), (0.4, 0.5)] {
            let rule = ReduceOnPlateau { patience: 0, factor: 0.5, eps, ..Default::default() };
            let mut plateau = Plateau::new(rule, 1.0).unwrap();
            assert_eq!([2.0, 2.0].map(|metric| plateau.observe(metric)), [1.0, expected]);
        }
    }

    #[test]
    fn hyper_parameters_out_of_range_are_refused() {
        let default = ReduceOnPlateau::default();
        for (rule, name) in [
            (ReduceOnPlateau { factor: 1.0, ..default }, "factor"),
            (ReduceOnPlateau { threshold: Threshold::Absolute(f64::NAN), ..default }, "threshold"),
            (ReduceOnPlateau { threshold: Threshold::Relative(1.0), ..default }, "threshold.relative"),
            (ReduceOnPlateau { min_learning_rate: -1.0, ..default }, "min_learning_rate"),
        ] {
            assert!(Plateau::new(rule, 0.1).unwrap_err().to_string().contains(name));
        }
        assert!(Plateau::new(default, f64::NAN).is_err());
        let more = ReduceOnPlateau { maximize: true, threshold: Threshold::Relative(1.5), ..default };
        assert!(Plateau::new(more, 0.1).is_ok());
    }
}
