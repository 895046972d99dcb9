//! Standardising a column, and back.

use serde::{Deserialize, Serialize};

/// Puts values on a scale where those it was fitted to have mean 0 and standard deviation 1, and back.
///
/// ```
/// use highwater_data::Scale;
///
/// let scale = Scale::fit([2.0, 4.0, 6.0, 8.0]);
/// assert_eq!(scale, Scale { mean: 5.0, sd: 5.0_f64.sqrt() });
/// assert_eq!(scale.apply(5.0), 0.0);
/// assert!((scale.invert(scale.apply(8.0)) - 8.0).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What becomes 0.
    pub mean: f64,
    /// What becomes 1 when added to the mean. Never 0.
    pub sd: f64,
}

impl Scale {
    /// The mean and the standard deviation (dividing by the number of values) of these values. Values that are all
    /// equal, or none, have the `sd` 1.
    ///
    /// One pass in the order given: Welford, "Note on a Method for Calculating Corrected Sums of Squares and
    /// Products", Technometrics 4(3), 1962. A second one where the squares are too small to be told from 0.
    pub fn fit(values: impl IntoIterator<Item = f64, IntoIter: Clone>) -> Scale {
        /// The squares of smaller deviations have fewer digits than they should, or none.
        const SMALL: f64 = f64::MIN_POSITIVE / f64::EPSILON;
        let values = values.into_iter();
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in values.clone() {
            count += 1.0;
            let deviation = value - mean;
            mean += deviation / count;
            squares += deviation * (value - mean);
        }
        if squares > SMALL {
            return Scale { mean, sd: f64::sqrt(squares / count) };
        }
        let deviations = values.map(|value| (value - mean).abs());
        let largest = deviations.clone().fold(0.0, f64::max);
        if largest == 0.0 {
            return Scale { mean, sd: 1.0 };
        }
        let squares: f64 = deviations.map(|deviation| (deviation / largest).powi(2)).sum();
        Scale { mean, sd: largest * f64::sqrt(squares / count) }
    }

    /// The value in standard deviations from the mean.
    pub fn apply(&self, value: f64) -> f32 {
        ((value - self.mean) / self.sd) as f32
    }

    /// The value that is so many standard deviations from the mean.
    pub fn invert(&self, standardised: f32) -> f64 {
        self.mean + f64::from(standardised) * self.sd
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn constant_values_become_zero() {
        for value in [0.0, 0.1, -1e30, 3.4e38] {
            let scale = Scale::fit([value; 7]);
            assert_eq!(scale, Scale { mean: value, sd: 1.0 });
            assert_eq!(scale.apply(value), 0.0);
        }
        assert_eq!(Scale::fit([]), Scale { mean: 0.0, sd: 1.0 });
    }

    #[test]
    fn tiny_values_are_told_apart() {
        for size in [1e-130, 1e-160, 1e-200, 1e-300] {
            let scale = Scale::fit([2.0 * size, 4.0 * size, 6.0 * size, 8.0 * size]);
            assert!((scale.sd / size - 5.0_f64.sqrt()).abs() < 1e-9, "{scale:?}");
            assert!((scale.apply(8.0 * size) - 1.341_640_8).abs() < 1e-6, "{scale:?}");
            assert!((scale.invert(1.0) / size - 5.0 - 5.0_f64.sqrt()).abs() < 1e-9, "{scale:?}");
        }
        assert_eq!(Scale::fit([5e-324, 0.0]).apply(0.0), -1.0, "the least that there is");
    }

    #[test]
    fn a_large_mean_does_not_swallow_the_deviation() {
        let scale = Scale::fit([1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((scale.mean, scale.sd), (1e9 + 10.0, 22.5_f64.sqrt()));
    }

    proptest! {
        #[test]
        fn fitted_values_get_mean_zero_and_deviation_one(values in prop::collection::vec(-1e6..1e6, 2..200)) {
            let scale = Scale::fit(values.iter().copied());
            let count = values.len() as f64;
            let scaled = || values.iter().map(|value| f64::from(scale.apply(*value)));
            prop_assert!((scaled().sum::<f64>() / count).abs() < 1e-5);
            prop_assert!((scaled().map(|z| z * z).sum::<f64>() / count - 1.0).abs() < 1e-5);
            for value in values {
                let back = scale.invert(scale.apply(value));
                prop_assert!((back - value).abs() <= 1e-6 * (value.abs() + scale.sd * 10.0));
            }
        }
    }
}
