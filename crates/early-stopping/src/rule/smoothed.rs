//! Rules on a smoothed series.

use super::InvalidRule;
use crate::text::Shortest;
use crate::{Observation, StopReason, StoppingRule};
use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::fmt;

/// How a noisy series is smoothed before a rule sees it: `ema(0.9, gl(5))`, `median(5, patience(10))`.
///
/// Only the value is smoothed. Values that are not finite pass as they are and leave no trace in those after
/// them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Smoothing {
    /// The mean of all values, a value weighing this much less with each one after it; at least 0, below 1.
    /// The weights are normalised, so that the first values are not drawn towards zero or towards the very
    /// first.
    Exponential(f64),
    /// The median of so many latest values, of as many as there are in the beginning, and of an even number
    /// the mean of the two in the middle; at least 1.
    Median(u64),
}

impl Smoothing {
    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        match self {
            Smoothing::Exponential(decay) => {
                InvalidRule::unless((0.0..1.0).contains(&decay), "ema", "a decay of at least 0 and below 1")
            }
            Smoothing::Median(window) => InvalidRule::unless(window >= 1, "median", "a window of at least 1"),
        }
    }
}

/// The name of the rule and its first argument: `ema(0.9` or `median(5`.
impl fmt::Display for Smoothing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Smoothing::Exponential(decay) => write!(f, "ema({}", Shortest(*decay)),
            Smoothing::Median(window) => write!(f, "median({window}"),
        }
    }
}

/// Shows a rule the smoothed series.
#[derive(Debug)]
pub(super) struct Smoothed {
    by: Smoothing,
    average: Average,
    rule: Box<dyn StoppingRule>,
}

impl Smoothed {
    pub(super) fn new(by: Smoothing, rule: Box<dyn StoppingRule>) -> Self {
        Self { by, average: Average::new(by), rule }
    }
}

impl StoppingRule for Smoothed {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let mut smooth = *observation;
        if smooth.value.is_finite() {
            smooth.value = self.average.observe(smooth.value);
        }
        let reason = Box::new(self.rule.observe(&smooth)?);
        Some(StopReason::Smoothed { by: self.by, reason })
    }

    fn reset(&mut self) {
        self.average = Average::new(self.by);
        self.rule.reset();
    }

    fn earliest(&self) -> u64 {
        self.rule.earliest()
    }
}

#[derive(Debug)]
enum Average {
    Exponential { decay: f64, mean: f64, weight: f64 },
    Median { window: u64, recent: VecDeque<f64>, sorted: Vec<f64> },
}

impl Average {
    fn new(by: Smoothing) -> Self {
        match by {
            Smoothing::Exponential(decay) => Average::Exponential { decay, mean: 0.0, weight: 0.0 },
            Smoothing::Median(window) => {
                Average::Median { window, recent: VecDeque::new(), sorted: Vec::new() }
            }
        }
    }

    fn observe(&mut self, value: f64) -> f64 {
        match self {
            Average::Exponential { decay, mean, weight } => {
                *weight = *decay * *weight + 1.0;
                *mean += (value - *mean) / *weight;
                *mean
            }
            Average::Median { window, recent, sorted } => {
                if recent.len() as u64 == *window
                    && let Some(oldest) = recent.pop_front()
                {
                    sorted.remove(sorted.partition_point(|v| *v < oldest));
                }
                recent.push_back(value);
                sorted.insert(sorted.partition_point(|v| *v < value), value);
                let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
                low / 2.0 + high / 2.0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::stop;

    #[test]
    fn averages_are_as_worked_by_hand() {
        for (by, values, smooth) in [
            (Smoothing::Exponential(0.5), [4.0, 1.0, 1.0, 8.0], [4.0, 2.0, 10.0 / 7.0, 74.0 / 15.0]),
            (Smoothing::Exponential(0.0), [4.0, 1.0, 1.0, 8.0], [4.0, 1.0, 1.0, 8.0]),
            (Smoothing::Median(3), [4.0, 1.0, 2.0, 8.0], [4.0, 2.5, 2.0, 2.0]),
            (Smoothing::Median(2), [4.0, 1.0, 2.0, 8.0], [4.0, 2.5, 1.5, 5.0]),
            (Smoothing::Median(1), [4.0, 1.0, 1.0, 8.0], [4.0, 1.0, 1.0, 8.0]),
        ] {
            let mut average = Average::new(by);
            for (value, expected) in values.into_iter().zip(smooth) {
                let found = average.observe(value);
                assert!((found - expected).abs() < 1e-15, "{by:?} {value}: {found} {expected}");
            }
        }
    }

    #[test]
    fn an_outlier_does_not_stop_a_smoothed_run() {
        let outlier = [9.0, 8.0, 7.0, 70.0, 5.0, 4.0, 3.0];
        assert_eq!(stop("gl(50)", &outlier), Some(4));
        assert_eq!(stop("median(3, gl(50))", &outlier), None);
        assert_eq!(stop("ema(0.9, gl(50))", &outlier), Some(4));
    }
}
