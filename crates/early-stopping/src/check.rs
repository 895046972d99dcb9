//! How the unit tests of the rules watch a series.

use crate::{Goal, NonFinite, Observation, Rule, StopReason};

/// Observations of values at epochs.
pub(crate) fn epochs<const N: usize>(series: &[(u64, f64); N]) -> [Observation; N] {
    series.map(|(at, value)| Observation::new(at, value))
}

/// The first reason to stop that a rule gives, minimizing and counting non-finite values.
pub(crate) fn first_reason(rule: &str, history: &[Observation]) -> Option<(u64, StopReason)> {
    let parsed: Rule = rule.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut running = parsed.start(Goal::Minimize, NonFinite::Count);
    history.iter().find_map(|o| Some((o.at, running.observe(o)?)))
}

/// The epoch at which a rule stops.
pub(crate) fn stop_at(rule: &str, history: &[Observation]) -> Option<u64> {
    first_reason(rule, history).map(|(at, _)| at)
}

/// The same on values of epochs 1, 2, 3, …
pub(crate) fn stop(rule: &str, values: &[f64]) -> Option<u64> {
    let history: alloc::vec::Vec<_> =
        (1..).zip(values).map(|(at, &value)| Observation::new(at, value)).collect();
    stop_at(rule, &history)
}

/// Training errors and values of epochs 1, 2, 3, …
pub(crate) fn trained<const N: usize>(train: [f64; N], values: [f64; N]) -> [Observation; N] {
    core::array::from_fn(|i| Observation {
        train: Some(train[i]),
        ..Observation::new(i as u64 + 1, values[i])
    })
}
