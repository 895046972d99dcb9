//! Metrics of predicted values.

use std::ops::RangeInclusive;

/// MAE, MSE, RMSE, R², MAPE and squared error percentage of predictions seen so far.
///
/// With several columns, R² and RMSE are the mean over the columns of what each gives by itself.
///
/// ```
/// use highwater_objective::metrics::Regression;
///
/// let mut seen = Regression::new(1);
/// seen.update(&[2.5_f32, 0.0, 2.0, 8.0], &[3.0, -0.5, 2.0, 7.0]);
/// assert_eq!(seen.mae(), Some(0.5));
/// assert_eq!(seen.mse(), Some(0.375));
/// assert_eq!(seen.r2().map(|r2| format!("{r2:.4}")), Some("0.9486".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    rows: u64,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Column {
    absolute: f64,
    squared: f64,
    relative: f64,
    /// Mean of the targets, and the sum of their squared distances from it (Welford 1962).
    mean: f64,
    spread: f64,
}

impl Regression {
    /// For rows of this many columns.
    ///
    /// # Panics
    /// If there is no column.
    #[track_caller]
    pub fn new(columns: usize) -> Regression {
        assert!(columns > 0, "a prediction has at least one column");
        Regression { rows: 0, columns: vec![Column::default(); columns] }
    }

    /// Takes in more rows, `[rows, columns]` row-major.
    ///
    /// # Panics
    /// If there are not as many predictions as targets, or they are not whole rows.
    #[track_caller]
    pub fn update<T: Copy + Into<f64>>(&mut self, predictions: &[T], targets: &[T]) {
        let width = self.columns.len();
        assert!(
            predictions.len() == targets.len() && predictions.len().is_multiple_of(width),
            "{} predictions and {} targets are not the same rows of {width} columns",
            predictions.len(),
            targets.len(),
        );
        for (predictions, targets) in predictions.chunks_exact(width).zip(targets.chunks_exact(width)) {
            self.rows += 1;
            for ((column, &prediction), &target) in self.columns.iter_mut().zip(predictions).zip(targets) {
                column.update(prediction.into(), target.into(), self.rows as f64);
            }
        }
    }

    /// The number of rows seen.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Mean absolute error, in the unit of the targets.
    pub fn mae(&self) -> Option<f64> {
        self.mean(|column, rows| column.absolute / rows)
    }

    /// Mean squared error.
    pub fn mse(&self) -> Option<f64> {
        self.mean(|column, rows| column.squared / rows)
    }

    /// Root of the mean squared error, in the unit of the targets.
    pub fn rmse(&self) -> Option<f64> {
        self.mean(|column, rows| (column.squared / rows).sqrt())
    }

    /// Coefficient of determination, 1 - Σ(o - t)² / Σ(t - mean t)²: 1 is perfect, 0 no better than the mean of the
    /// targets. Where all targets are equal it is 1 if every prediction is exact, and 0 otherwise. `None` with fewer
    /// than two rows.
    pub fn r2(&self) -> Option<f64> {
        if self.rows < 2 { None } else { self.mean(|column, _| column.r2()) }
    }

    /// Mean absolute percentage error, as a share: 0.1 is 10%. A target nearer to zero than the ε of `f64` counts as ε.
    pub fn mape(&self) -> Option<f64> {
        self.mean(|column, rows| column.relative / rows)
    }

    /// Squared error percentage, 100·(omax - omin)/(N·P)·Σ(o - t)² over N columns and P rows, where `range` is the
    /// least and the greatest value that a target can take (Prechelt, *Proben1*, TR 21/94).
    pub fn squared_error_percentage(&self, range: RangeInclusive<f64>) -> Option<f64> {
        self.mse().map(|mse| 100.0 * (range.end() - range.start()) * mse)
    }

    fn mean(&self, of_column: impl Fn(&Column, f64) -> f64) -> Option<f64> {
        let sum: f64 = self.columns.iter().map(|column| of_column(column, self.rows as f64)).sum();
        (self.rows > 0).then(|| sum / self.columns.len() as f64)
    }
}

impl Column {
    /// Takes in the row with this number, counted from one.
    fn update(&mut self, prediction: f64, target: f64, number: f64) {
        let error = (prediction - target).abs();
        self.absolute += error;
        self.squared += error * error;
        self.relative += error / target.abs().max(f64::EPSILON);
        let distance = target - self.mean;
        self.mean += distance / number;
        self.spread += distance * (target - self.mean);
    }

    fn r2(&self) -> f64 {
        if self.absolute == 0.0 {
            1.0
        } else if self.spread == 0.0 && !self.squared.is_nan() {
            0.0
        } else {
            1.0 - self.squared / self.spread
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(columns: usize, predictions: &[f64], targets: &[f64]) -> Regression {
        let mut regression = Regression::new(columns);
        regression.update(predictions, targets);
        regression
    }

    #[test]
    fn what_nothing_defines_is_none() {
        let none = seen(2, &[], &[]);
        assert_eq!((none.rows(), none.mae(), none.rmse()), (0, None, None));
        assert_eq!((none.r2(), none.mape()), (None, None));
        let one = seen(1, &[1.0], &[3.0]);
        assert_eq!((one.rows(), one.mae(), one.r2()), (1, Some(2.0), None));
    }

    #[test]
    fn equal_targets_leave_no_variance_to_explain() {
        assert_eq!(seen(1, &[0.1; 7], &[0.1; 7]).r2(), Some(1.0));
        assert_eq!(seen(1, &[0.2; 7], &[0.1; 7]).r2(), Some(0.0));
    }

    #[test]
    fn r2_survives_targets_that_lie_far_from_zero() {
        let r2 = |offset: f64| {
            let add = |values: [f64; 4]| values.map(|value| value + offset);
            seen(1, &add([1.5, 2.0, 2.5, 4.0]), &add([1.0, 2.0, 3.0, 4.0])).r2()
        };
        assert_eq!(r2(0.0), Some(0.9));
        assert_eq!(r2(1e9), Some(0.9));
    }

    #[test]
    fn a_nan_is_passed_on() {
        let spoilt = seen(1, &[f64::NAN, 1.0], &[1.0, 1.0]);
        for value in [
            spoilt.mae(),
            spoilt.rmse(),
            spoilt.r2(),
            spoilt.mape(),
            spoilt.squared_error_percentage(0.0..=1.0),
        ] {
            assert!(value.is_some_and(f64::is_nan), "{value:?}");
        }
    }

    #[test]
    fn the_squared_error_percentage_scales_with_the_range() {
        let two_by_two = seen(2, &[0.0, 1.0, 0.5, 0.5], &[0.0, 0.0, 0.0, 1.0]);
        assert_eq!(two_by_two.squared_error_percentage(0.0..=1.0), Some(100.0 * 1.5 / 4.0));
        assert_eq!(two_by_two.squared_error_percentage(-1.0..=1.0), Some(200.0 * 1.5 / 4.0));
    }

    #[test]
    #[should_panic(expected = "3 predictions and 3 targets are not the same rows of 2 columns")]
    fn half_a_row_is_refused() {
        seen(2, &[0.0; 3], &[0.0; 3]);
    }
}
