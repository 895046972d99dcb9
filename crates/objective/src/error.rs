//! What can be wrong with a loss.

use thiserror::Error as ThisError;

/// What is wrong with the settings of a loss.
#[derive(Debug, Clone, PartialEq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A setting is outside the range in which the loss is defined.
    #[error("{of}: `{name}` is {value} but must be {expected}")]
    Setting {
        /// The loss, as a configuration file has it.
        of: &'static str,
        /// Its setting, as the field is called.
        name: &'static str,
        /// What was given; of several weights the first that is not in the range.
        value: f64,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// Every class has the weight 0: the mean over rows would be 0 / 0.
    #[error("cross_entropy: `class_weights` are all 0, but one of them must be above 0")]
    NoWeight,
    /// There are weights, and not one for each output.
    #[error("{of}: `{name}` has {found} weights but the network has {outputs} outputs")]
    WeightCount {
        /// The loss.
        of: &'static str,
        /// Which of its settings.
        name: &'static str,
        /// The number of weights.
        found: usize,
        /// The number of outputs.
        outputs: usize,
    },
}

/// Refuses a value outside its range; NaN is outside every range.
pub(crate) fn require(
    accepted: bool,
    of: &'static str,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), Error> {
    if accepted { Ok(()) } else { Err(Error::Setting { of, name, value, expected }) }
}

/// Refuses what is not above 0, or not finite.
pub(crate) fn require_positive(of: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require(value > 0.0 && value.is_finite(), of, name, value, "above 0 and finite")
}
