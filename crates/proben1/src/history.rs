//! What is recorded of a run.

use highwater_early_stopping::Observation;

/// A run: the training error of each epoch, and the other errors at the end of each strip, where the report measures
/// them. All errors are squared error percentages (section 3.2 of the report): 100 times the mean square of the
/// difference of output and target, the outputs' range being 1.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Of each epoch: the error that its gradient was computed from.
    pub training: Vec<f64>,
    /// The validation error before the first epoch.
    pub untrained: f64,
    /// One for each strip that was completed.
    pub ends: Vec<End>,
    /// The epochs of a strip.
    pub strip: u64,
}

/// The errors at the end of a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// How many epochs were complete.
    pub epoch: u64,
    /// The validation error.
    pub valid: f64,
    /// The test error.
    pub test: f64,
    /// The percentage of test examples whose largest output stands for a wrong class, where outputs stand for classes.
    pub class_error: Option<f64>,
}

impl History {
    /// How many epochs were trained.
    pub fn epochs(&self) -> u64 {
        self.training.len() as u64
    }

    /// The end of the strip with the least validation error, of equal ones the first; `None` if none is finite.
    pub fn best(&self) -> Option<&End> {
        self.best_until(u64::MAX)
    }

    /// The same of the first so many epochs.
    pub fn best_until(&self, epoch: u64) -> Option<&End> {
        let ends = self.ends.iter().filter(|end| end.epoch <= epoch && end.valid.is_finite());
        ends.min_by(|one, other| one.valid.total_cmp(&other.valid))
    }

    /// The least of any epoch; NaN of no epochs.
    pub fn least_training_error(&self) -> f64 {
        self.training.iter().copied().fold(f64::NAN, f64::min)
    }

    /// By how many percent the last validation error is above the least.
    pub fn overfit(&self) -> f64 {
        match (self.best(), self.ends.last()) {
            (Some(best), Some(last)) if last.valid == best.valid => 0.0,
            (Some(best), Some(last)) => 100.0 * (last.valid / best.valid - 1.0),
            _ => f64::NAN,
        }
    }

    /// The run as a stopping rule sees it, one observation before training and one after each epoch. Within a strip the
    /// value is the one last measured: a rule that tests at the end of strips does not see it.
    pub fn observations(&self) -> Vec<Observation> {
        let mut observations = vec![Observation::new(0, self.untrained)];
        let mut ends = self.ends.iter().peekable();
        let mut value = self.untrained;
        for (epoch, &error) in (1..).zip(&self.training) {
            if let Some(end) = ends.next_if(|end| end.epoch == epoch) {
                value = end.valid;
            }
            observations.push(Observation { train: Some(error), ..Observation::new(epoch, value) });
        }
        observations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(valid: &[f64]) -> History {
        let end =
            |(strip, &valid): (u64, &f64)| End { epoch: 2 * strip, valid, test: 0.0, class_error: None };
        let ends: Vec<End> = (1..).zip(valid).map(end).collect();
        History { training: (1..=2 * ends.len()).map(|n| n as f64).collect(), untrained: 9.0, ends, strip: 2 }
    }

    #[test]
    fn of_equal_validation_errors_the_first_is_best() {
        let history = history(&[5.0, f64::NAN, 3.0, 3.0]);
        assert_eq!(history.best().map(|end| end.epoch), Some(6));
        assert_eq!(history.best_until(5).map(|end| end.epoch), Some(2));
        assert_eq!(history.best_until(1), None);
        assert_eq!(history.overfit(), 0.0);
    }

    #[test]
    fn within_a_strip_the_value_is_the_last_one() {
        let values: Vec<f64> = history(&[5.0, 3.0]).observations().iter().map(|o| o.value).collect();
        assert_eq!(values, [9.0, 9.0, 5.0, 5.0, 3.0]);
        let train: Vec<_> = history(&[5.0]).observations().iter().map(|o| o.train).collect();
        assert_eq!(train, [None, Some(1.0), Some(2.0)]);
    }

    #[test]
    fn an_error_of_zero_has_no_percentage() {
        assert_eq!(history(&[0.0]).overfit(), 0.0);
        assert_eq!(history(&[0.0, 1.0]).overfit(), f64::INFINITY);
        assert!(history(&[f64::NAN]).overfit().is_nan());
    }
}
