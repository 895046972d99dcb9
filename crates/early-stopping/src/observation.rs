//! What is known about a run at one moment.

use core::time::Duration;

/// What is known about a run at one moment: the watched value, and whatever else the rules in use need.
///
/// A run's observations are its history. Rules hold no state that the history does not determine, so a run
/// continues by showing the history to fresh rules.
///
/// ```
/// use core::time::Duration;
/// use highwater_early_stopping::Observation;
///
/// let plain = Observation::new(1, 0.62);
/// let fuller = Observation { train: Some(0.58), elapsed: Some(Duration::from_secs(3)), ..plain };
/// assert_eq!(fuller.value, 0.62);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Observation {
    /// How many epochs (or rounds, or whatever the run counts in) were complete: 1 after the first epoch, 0
    /// before any training. Observations of one run never go back; several may share an epoch.
    pub at: u64,
    /// The watched value, usually a validation loss or score. Non-finite values are allowed, see
    /// [`NonFinite`](crate::NonFinite).
    #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
    pub value: f64,
    /// Mean training error since the previous observation, in any unit. Used by `pq` and `progress_below`.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::float::optional"))]
    pub train: Option<f64>,
    /// Training time of the whole run so far, interruptions not counted. Used by `time`.
    pub elapsed: Option<Duration>,
    /// Optimizer steps taken so far. Used by spans that are measured in steps.
    pub step: Option<u64>,
    /// Standard error of `value`, in its unit: for an accuracy p over n rows √(p(1−p)/n). Used by a
    /// `min_delta` in standard errors.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::float::optional"))]
    pub standard_error: Option<f64>,
    /// How often the learning rate was reduced so far. Used by `plateau`.
    pub reductions: Option<u64>,
    /// The evidence-based criterion of [`GradientEvidence`](crate::GradientEvidence): above zero, the
    /// gradients look like noise. Used by `evidence`.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::float::optional"))]
    pub evidence: Option<f64>,
}

impl Observation {
    /// An observation with nothing but its epoch and its value.
    pub fn new(at: u64, value: f64) -> Self {
        Self { at, value, ..Self::default() }
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn in_json_only_the_epoch_and_the_value_are_needed() {
        let read = |text: &str| serde_json::from_str::<Observation>(text);
        assert_eq!(read(r#"{"at": 3, "value": 1}"#).unwrap(), Observation::new(3, 1.0));
        assert!(read(r#"{"at": 3, "value": "nan"}"#).unwrap().value.is_nan());
        let infinite = read(r#"{"at": 3, "value": "-inf", "train": "inf"}"#).unwrap();
        assert_eq!((infinite.value, infinite.train), (f64::NEG_INFINITY, Some(f64::INFINITY)));
        let whole = read(r#"{"at": 3, "value": -2, "train": 4}"#).unwrap();
        assert_eq!((whole.value, whole.train), (-2.0, Some(4.0)));
        let error = read(r#"{"at": 3, "value": "many"}"#).unwrap_err().to_string();
        assert!(error.contains(r#"expected a number, or one of "nan""#), "{error}");
    }
}
