//! What a value of NaN or infinity does to a run.

use crate::{Observation, ParseError, Problem, StopReason, StoppingRule};
use alloc::boxed::Box;
use core::{fmt, str::FromStr};

/// What a value of NaN or infinity does to a run. Whatever the choice, it is never an improvement and never
/// becomes the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum NonFinite {
    /// Rules that watch the value are not shown the observation and say what they said before; limits of
    /// epochs, steps and time still hold.
    Ignore,
    /// It counts as a value that is worse than any other.
    Count,
    /// It stops the run, with [`StopReason::NonFinite`]. The default.
    #[default]
    Stop,
    /// It stops the run as a failure: [`StopReason::is_failure`] holds.
    Fail,
}

impl NonFinite {
    const NAMES: [(NonFinite, &'static str); 4] = [
        (NonFinite::Ignore, "ignore"),
        (NonFinite::Count, "count"),
        (NonFinite::Stop, "stop"),
        (NonFinite::Fail, "fail"),
    ];
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(policy, _)| policy == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for NonFinite {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let policy = Self::NAMES.iter().find(|(_, name)| *name == text).map(|(policy, _)| *policy);
        let expected = "one of ignore, count, stop and fail";
        policy.ok_or_else(|| ParseError::new(text, 0..text.len(), Problem::Expected { expected }))
    }
}

/// Ends the run at a non-finite value, whatever the rule within says.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) rule: Box<dyn StoppingRule>,
    pub(crate) failed: bool,
}

impl StoppingRule for Guarded {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let Observation { at, value, .. } = *observation;
        let reason = self.rule.observe(observation);
        if value.is_finite() {
            reason
        } else {
            Some(StopReason::NonFinite { at, value, failed: self.failed })
        }
    }

    fn reset(&mut self) {
        self.rule.reset();
    }

    fn earliest(&self) -> u64 {
        self.rule.earliest()
    }
}

/// Keeps non-finite values from a rule that watches the value.
#[derive(Debug)]
pub(crate) struct Ignoring<R> {
    pub(crate) rule: R,
    pub(crate) latest: Option<StopReason>,
}

impl<R: StoppingRule> StoppingRule for Ignoring<R> {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        if observation.value.is_finite() {
            self.latest = self.rule.observe(observation);
        }
        self.latest.clone()
    }

    fn reset(&mut self) {
        self.rule.reset();
        self.latest = None;
    }

    fn earliest(&self) -> u64 {
        if self.latest.is_some() { 1 } else { self.rule.earliest() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, Rule};
    use alloc::string::ToString;

    fn stops_at(rule: &str, policy: NonFinite, values: &[f64]) -> Option<u64> {
        let mut rule = rule.parse::<Rule>().unwrap().start(Goal::Minimize, policy);
        (1..).zip(values).find_map(|(at, &value)| rule.observe(&Observation::new(at, value)).map(|_| at))
    }

    #[test]
    fn each_policy_does_what_its_name_says() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (rule, values, [ignore, count, stop]) in [
            ("patience(2)", [1.0, nan, 2.0, nan, 2.0], [Some(5), Some(3), Some(2)]),
            ("patience(2)", [nan, nan, nan, nan, nan], [None, Some(3), Some(1)]),
            ("patience(2)", [2.0, -inf, 1.0, -inf, -inf], [None, Some(5), Some(2)]),
            ("patience(9) or epochs(4)", [2.0, nan, nan, nan, nan], [Some(4), Some(4), Some(2)]),
            ("patience(1) and epochs(4)", [1.0, 2.0, nan, nan, 1.0], [Some(4), Some(4), Some(3)]),
            ("gl(5)", [1.0, nan, 1.0, 1.0, 1.0], [None, Some(2), Some(2)]),
            ("target(0)", [1.0, -inf, 1.0, 1.0, 1.0], [None, None, Some(2)]),
        ] {
            for (policy, expected) in [
                (NonFinite::Ignore, ignore),
                (NonFinite::Count, count),
                (NonFinite::Stop, stop),
                (NonFinite::Fail, stop),
            ] {
                assert_eq!(stops_at(rule, policy, &values), expected, "{rule} {policy} {values:?}");
            }
        }
    }

    #[test]
    fn only_where_the_run_is_to_fail_is_the_reason_a_failure() {
        for (policy, failed) in [(NonFinite::Stop, false), (NonFinite::Fail, true)] {
            let mut rule = Rule::Never.start(Goal::Minimize, policy);
            let reason = rule.observe(&Observation::new(1, f64::NAN)).unwrap();
            assert_eq!(reason.is_failure(), failed, "{policy}");
        }
    }

    #[test]
    fn policies_parse_and_print() {
        for (policy, name) in NonFinite::NAMES {
            assert_eq!((policy.to_string().as_str(), name.parse()), (name, Ok(policy)));
        }
        assert!(
            "nan".parse::<NonFinite>().unwrap_err().to_string().starts_with("expected one of ignore, count")
        );
    }
}
