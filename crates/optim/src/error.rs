//! What can be wrong with an optimizer, its groups or a schedule.

use thiserror::Error;

/// What can be wrong with an optimizer, its groups, its saved state or a schedule.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A hyper-parameter is outside the range in which its method is defined.
    #[error("{of}: `{name}` is {value} but must be {expected}")]
    HyperParameter {
        /// The method, schedule or rule the hyper-parameter belongs to.
        of: &'static str,
        /// Its name, as the field is called.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// Nesterov's momentum is defined with a momentum and without dampening only.
    #[error("sgd: `nesterov` needs a `momentum` above 0 and a `dampening` of 0")]
    Nesterov,
    /// A group asks for weight decay from a method that has none.
    #[error("{method} has no weight decay, but a group asks for {weight_decay}")]
    NoWeightDecay {
        /// The method.
        method: &'static str,
        /// What the group asks for.
        weight_decay: f64,
    },
    /// The learning rate is asked to do what it cannot do with this method.
    #[error("{method} takes the learning rate for its first step sizes at most: {what}")]
    FirstStepOnly {
        /// The method.
        method: &'static str,
        /// What is asked for, and what becomes of it.
        what: &'static str,
    },
    /// None of a rule's patterns matches a parameter: most likely a misspelt name.
    #[error("no parameter's name matches {}; the names are {}", quoted(patterns), quoted(names))]
    NothingMatches {
        /// The rule's patterns.
        patterns: Vec<String>,
        /// The names of all parameters.
        names: Vec<String>,
    },
    /// Rules before it take every parameter that a rule matches, so that it would do nothing.
    #[error(
        "every parameter whose name matches {} is in an earlier group: put the narrower rule first",
        quoted(patterns)
    )]
    Hidden {
        /// The rule's patterns.
        patterns: Vec<String>,
    },
    /// The parameters' ranges leave a gap in the flat slice, or overlap.
    #[error(
        "parameter `{name}` starts at {start} in the flat slice but the one before it ends at {expected}"
    )]
    NotContiguous {
        /// The parameter.
        name: String,
        /// Where it starts.
        start: usize,
        /// Where it would have to start.
        expected: usize,
    },
    /// A saved state lacks an array that the method needs.
    #[error("{method}: the saved state has no `{slot}`")]
    MissingSlot {
        /// The method.
        method: &'static str,
        /// The array's name.
        slot: &'static str,
    },
    /// A saved state has an array that the method does not know: it was saved by another one.
    #[error("{method}: the saved state has `{slot}`, which this method does not use")]
    UnknownSlot {
        /// The method.
        method: &'static str,
        /// The array's name.
        slot: String,
    },
    /// A saved state has two arrays of one name.
    #[error("{method}: the saved state has `{slot}` more than once")]
    RepeatedSlot {
        /// The method.
        method: &'static str,
        /// The arrays' name.
        slot: &'static str,
    },
    /// A saved array belongs to a model of another size.
    #[error("`{slot}` has {found} values but the model has {expected} parameters")]
    SlotLength {
        /// The array's name.
        slot: &'static str,
        /// The number of parameters.
        expected: usize,
        /// The number of values in the saved array.
        found: usize,
    },
    /// The phases of a schedule do not start one after the other.
    #[error("schedule: a phase starts at step {start}, which is not after step {previous}")]
    PhaseOrder {
        /// Where the phase starts.
        start: u64,
        /// Where the phase before it starts.
        previous: u64,
    },
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "an empty list".to_owned() } else { quoted.join(", ") }
}

/// Refuses a hyper-parameter outside its range; NaN is outside every range.
pub(crate) fn require(
    accepted: bool,
    of: &'static str,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), Error> {
    if accepted { Ok(()) } else { Err(Error::HyperParameter { of, name, value, expected }) }
}

/// Refuses what is negative or not finite.
pub(crate) fn require_non_negative(of: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require((0.0..f64::INFINITY).contains(&value), of, name, value, "at least 0 and finite")
}

/// Refuses what is not above 0, or not finite.
pub(crate) fn require_positive(of: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require(value > 0.0 && value.is_finite(), of, name, value, "above 0 and finite")
}
