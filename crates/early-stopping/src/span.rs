//! A length of training, in observations, epochs or steps.

use crate::Observation;
use core::fmt;

/// What a [`Span`] is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Unit {
    /// The observations that a rule was shown. The default.
    #[default]
    Observations,
    /// [`Observation::at`].
    Epochs,
    /// [`Observation::step`]. An observation without one has no place on this scale: whatever waits in steps
    /// stands still.
    Steps,
}

impl Unit {
    /// How many units are complete with an observation that has `seen` before it.
    pub(crate) fn completed(self, seen: u64, observation: &Observation) -> Option<u64> {
        match self {
            Unit::Observations => Some(seen + 1),
            Unit::Epochs => Some(observation.at),
            Unit::Steps => observation.step,
        }
    }

    /// The name in the number that `count` asks for.
    pub(crate) fn name(self, count: u64) -> &'static str {
        match (self, count) {
            (Unit::Observations, 1) => "observation",
            (Unit::Observations, _) => "observations",
            (Unit::Epochs, 1) => "epoch",
            (Unit::Epochs, _) => "epochs",
            (Unit::Steps, 1) => "step",
            (Unit::Steps, _) => "steps",
        }
    }
}

/// A stretch of a run: so many observations, epochs or steps.
///
/// In text `10`, `10 epochs`, `10 steps`. A number alone counts observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span {
    /// How many.
    pub length: u64,
    /// Of what.
    pub unit: Unit,
}

impl Span {
    /// So many observations.
    pub fn observations(length: u64) -> Self {
        Self { length, unit: Unit::Observations }
    }

    /// So many epochs.
    pub fn epochs(length: u64) -> Self {
        Self { length, unit: Unit::Epochs }
    }

    /// So many optimizer steps.
    pub fn steps(length: u64) -> Self {
        Self { length, unit: Unit::Steps }
    }
}

/// A number alone counts observations.
impl From<u64> for Span {
    fn from(length: u64) -> Self {
        Self::observations(length)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.length)?;
        match self.unit {
            Unit::Observations => Ok(()),
            unit => write!(f, " {}", unit.name(self.length)),
        }
    }
}

/// Where a run is on the scale of a unit, and how fast it moves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    unit: Unit,
    seen: u64,
    last: Option<u64>,
    pace: u64,
}

impl Position {
    pub(crate) fn new(unit: Unit) -> Self {
        Self { unit, ..Self::default() }
    }

    /// Takes the observation in; returns how many units are complete.
    pub(crate) fn observe(&mut self, observation: &Observation) -> Option<u64> {
        let now = self.unit.completed(self.seen, observation);
        if let Some(now) = now {
            self.pace = now.saturating_sub(self.last.unwrap_or(0));
            self.last = Some(now);
        }
        self.seen += 1;
        now
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.unit);
    }

    /// How many observations were taken in.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// The units complete at the latest observation that had a place on the scale.
    pub(crate) fn completed(&self) -> u64 {
        self.last.unwrap_or(0)
    }

    /// How many observations it takes to complete `target` units if all advance as the latest did; at least
    /// 1.
    pub(crate) fn until(&self, target: u64) -> u64 {
        target.saturating_sub(self.completed()).div_ceil(self.pace.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_latest_observation() {
        let mut position = Position::new(Unit::Epochs);
        assert_eq!(position.until(10), 10);
        position.observe(&Observation::new(5, 0.0));
        assert_eq!(position.until(20), 3);
        position.observe(&Observation::new(7, 0.0));
        assert_eq!((position.until(20), position.until(3)), (7, 1));
    }
}
