//! The figures of the report's tables, of many runs.

use crate::history::{End, History};
use highwater_early_stopping::Spread;
use serde::{Deserialize, Serialize};

/// A line of tables 8 to 11 of the report: means and standard deviations over runs. Errors are squared error percentages,
/// the classification error is in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each deviation is that of the mean above it")]
pub struct Figures {
    /// The least training error of any epoch.
    pub train_mean: f64,
    pub train_sd: f64,
    /// The least validation error.
    pub valid_mean: f64,
    pub valid_sd: f64,
    /// The test error where the validation error was least.
    pub test_mean: f64,
    pub test_sd: f64,
    /// The correlation of these two over the runs; `None` where one of them does not vary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,
    /// The share of test examples that were put into a wrong class, at the same place; `None` where outputs are no
    /// classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_error_mean: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_error_sd: Option<f64>,
    /// The generalization loss at the end, in percent: by how much the validation error was above its least.
    pub overfit_mean: f64,
    pub overfit_sd: f64,
    /// The epochs until the stop.
    pub epochs_mean: f64,
    pub epochs_sd: f64,
    /// The epochs until the validation error was least.
    pub relevant_mean: f64,
    pub relevant_sd: f64,
}

impl Figures {
    /// Of some runs. A run whose validation error was never finite makes its figures NaN.
    ///
    /// # Panics
    /// Of no runs.
    #[track_caller]
    pub fn of(runs: &[History]) -> Figures {
        assert!(!runs.is_empty(), "figures of no runs");
        let spread = |figure: &dyn Fn(&History) -> f64| {
            let spread = Spread::of(runs.iter().map(figure)).expect("there are runs");
            (spread.mean, spread.deviation)
        };
        let chosen = |figure: fn(&End) -> f64| move |run: &History| run.best().map_or(f64::NAN, figure);
        let (train_mean, train_sd) = spread(&History::least_training_error);
        let (valid_mean, valid_sd) = spread(&chosen(|end| end.valid));
        let (test_mean, test_sd) = spread(&chosen(|end| end.test));
        let (overfit_mean, overfit_sd) = spread(&History::overfit);
        let (epochs_mean, epochs_sd) = spread(&|run| run.epochs() as f64);
        let (relevant_mean, relevant_sd) = spread(&chosen(|end| end.epoch as f64));
        let classes = runs.iter().all(|run| run.best().is_some_and(|best| best.class_error.is_some()));
        let class_error = classes.then(|| spread(&chosen(|end| end.class_error.unwrap_or(f64::NAN))));
        let products = spread(&|run| {
            run.best().map_or(f64::NAN, |best| (best.valid - valid_mean) * (best.test - test_mean))
        });
        // Deviations have n - 1 in the denominator.
        let runs = runs.len() as f64;
        let rho = products.0 * runs / (runs - 1.0) / (valid_sd * test_sd);
        Figures {
            train_mean,
            train_sd,
            valid_mean,
            valid_sd,
            test_mean,
            test_sd,
            rho: Some(rho).filter(|rho| rho.is_finite()),
            class_error_mean: class_error.map(|(mean, _)| mean),
            class_error_sd: class_error.map(|(_, sd)| sd),
            overfit_mean,
            overfit_sd,
            epochs_mean,
            epochs_sd,
            relevant_mean,
            relevant_sd,
        }
    }

    /// Whether the mean test error is within a tenth of the published one, or within one published deviation of it.
    pub fn reproduces(&self, published: &Figures) -> bool {
        let distance = (self.test_mean - published.test_mean).abs();
        distance <= (0.1 * published.test_mean).max(published.test_sd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(valid: [f64; 3], test: [f64; 3]) -> History {
        let ends = (1..).zip(valid.into_iter().zip(test)).map(|(strip, (valid, test))| End {
            epoch: 5 * strip,
            valid,
            test,
            class_error: Some(test / 2.0),
        });
        History { training: vec![4.0, 3.0, 3.5], untrained: 9.0, ends: ends.collect(), strip: 5 }
    }

    #[test]
    fn figures_are_those_of_the_least_validation_error() {
        let runs = [run([4.0, 2.0, 3.0], [6.0, 5.0, 1.0]), run([4.0, 5.0, 6.0], [7.0, 6.0, 1.0])];
        let figures = Figures::of(&runs);
        assert_eq!((figures.train_mean, figures.train_sd), (3.0, 0.0));
        assert_eq!((figures.valid_mean, figures.test_mean), (3.0, 6.0));
        assert!((figures.test_sd - 2_f64.sqrt()).abs() < 1e-15);
        assert_eq!(figures.class_error_mean, Some(3.0));
        assert_eq!((figures.overfit_mean, figures.overfit_sd), (50.0, 0.0));
        assert_eq!((figures.epochs_mean, figures.relevant_mean), (3.0, 7.5));
        assert!((figures.rho.unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_run_has_neither_deviation_nor_correlation() {
        let figures = Figures::of(&[run([4.0, 2.0, 3.0], [6.0, 5.0, 1.0])]);
        assert_eq!((figures.test_sd, figures.rho), (0.0, None));
    }

    #[test]
    fn a_run_that_was_never_finite_shows() {
        let figures = Figures::of(&[run([f64::NAN; 3], [1.0; 3])]);
        assert!(figures.test_mean.is_nan() && figures.relevant_mean.is_nan());
        assert!(!figures.reproduces(&Figures::of(&[run([4.0, 2.0, 3.0], [6.0, 5.0, 1.0])])));
    }

    #[test]
    fn a_tenth_or_a_deviation_is_near_enough() {
        let of = |test_mean, test_sd| Figures {
            test_mean,
            test_sd,
            ..Figures::of(&[run([4.0, 2.0, 3.0], [6.0, 5.0, 1.0])])
        };
        let check = |ours, published, expected| assert_eq!(of(ours, 0.0).reproduces(&published), expected);
        check(10.9, of(10.0, 0.5), true);
        check(11.1, of(10.0, 0.5), false);
        check(11.9, of(10.0, 2.0), true);
        check(7.9, of(10.0, 2.0), false);
    }
}
