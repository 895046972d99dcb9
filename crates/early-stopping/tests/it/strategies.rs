//! Random rules and random runs.

use highwater_early_stopping::{
    Delta, Divergence, GeneralizationLoss, Goal, IncToDec, NonFinite, Observation, Patience, Plateau,
    ProgressBelow, ProgressQuotient, Rises, Rule, Smoothing, Span, Unit,
};
use proptest::prelude::*;
use std::time::Duration;

pub(crate) fn goal() -> impl Strategy<Value = Goal> {
    prop_oneof![Just(Goal::Minimize), Just(Goal::Maximize)]
}

pub(crate) fn policy() -> impl Strategy<Value = NonFinite> {
    prop_oneof![Just(NonFinite::Ignore), Just(NonFinite::Count), Just(NonFinite::Stop), Just(NonFinite::Fail)]
}

fn span() -> impl Strategy<Value = Span> {
    let unit = prop_oneof![Just(Unit::Observations), Just(Unit::Epochs), Just(Unit::Steps)];
    (1..9_u64, unit).prop_map(|(length, unit)| Span { length, unit })
}

fn delta() -> impl Strategy<Value = Delta> {
    prop_oneof![
        Just(Delta::default()),
        (0.0..4.0).prop_map(Delta::Absolute),
        (0.0..0.001).prop_map(Delta::TimesBest),
        (0.0..4.0).prop_map(Delta::StandardErrors),
    ]
}

fn patience() -> impl Strategy<Value = Patience> {
    let factor = prop_oneof![3 => Just(0.0), 1 => 0.0..2.0];
    let baseline = prop::option::weighted(0.2, -9.0..9.0);
    (span(), factor, delta(), any::<bool>(), any::<bool>(), baseline).prop_map(
        |(wait, factor, min_delta, inclusive, cumulative, baseline)| Patience {
            wait,
            factor,
            min_delta,
            inclusive,
            cumulative,
            baseline,
        },
    )
}

/// Rules that watch whether the value gets better, and never fire while it does.
pub(crate) fn comparing() -> impl Strategy<Value = Rule> {
    prop_oneof![
        3 => patience().prop_map(Rule::Patience),
        1 => (0.0..60.0, 1..4_u64)
            .prop_map(|(alpha, strip)| Rule::GeneralizationLoss(GeneralizationLoss { alpha, strip })),
        1 => (0.0..3.0, 2..4_u64).prop_map(|(alpha, strip)| Rule::ProgressQuotient(ProgressQuotient { alpha, strip })),
        1 => (1..5_u64, 1..4_u64).prop_map(|(rises, strip)| Rule::Rises(Rises { rises, strip })),
        1 => (1.01..4.0).prop_map(|factor| Rule::Divergence(Divergence::TimesBest(factor))),
        1 => (1e-3..1.0, 1..9_u64).prop_map(|(threshold, wait)| Rule::IncToDec(IncToDec { threshold, wait })),
        1 => (1..4_u64, delta()).prop_map(|(reductions, min_delta)| Rule::Plateau(Plateau { reductions, min_delta })),
    ]
}

/// Rules that watch something else, or hold the value against a fixed level.
fn others() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::Never),
        Just(Rule::Evidence),
        span().prop_map(Rule::Limit),
        (1..99_u64).prop_map(|seconds| Rule::Time(Duration::from_millis(700 * seconds))),
        (-9.0..9.0).prop_map(Rule::Target),
        (-9.0..9.0).prop_map(|level| Rule::Divergence(Divergence::Beyond(level))),
        (0.1..99.0, 2..4_u64)
            .prop_map(|(threshold, strip)| Rule::ProgressBelow(ProgressBelow { threshold, strip })),
    ]
}

fn smoothing() -> impl Strategy<Value = Smoothing> {
    prop_oneof![(0.0..0.9).prop_map(Smoothing::Exponential), (1..6_u64).prop_map(Smoothing::Median)]
}

/// Everything but `not` over the given rules: what these compositions do, one of the rules does.
pub(crate) fn composed(leaf: impl Strategy<Value = Rule> + 'static) -> impl Strategy<Value = Rule> {
    leaf.prop_recursive(3, 16, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 2..4);
        let one = || inner.clone().prop_map(Box::new);
        prop_oneof![
            several().prop_map(Rule::Any),
            several().prop_map(Rule::All),
            several().prop_flat_map(|rules| {
                (1..=rules.len() as u64)
                    .prop_map(move |needed| Rule::AtLeast { needed, rules: rules.clone() })
            }),
            (span(), one()).prop_map(|(warm_up, rule)| Rule::After { warm_up, rule }),
            (span(), one()).prop_map(|(first, rule)| Rule::Skip { first, rule }),
            (1..4_u64, one()).prop_map(|(times, rule)| Rule::Held { times, rule }),
            (smoothing(), one()).prop_map(|(by, rule)| Rule::Smoothed { by, rule }),
            one().prop_map(Rule::Latched),
        ]
    })
}

/// Any rule.
pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    let leaf = || prop_oneof![comparing(), others()];
    prop_oneof![
        1 => leaf(),
        2 => composed(prop_oneof![3 => leaf(), 1 => leaf().prop_map(|rule| !rule)]),
        1 => composed(leaf()).prop_map(|rule| !rule),
    ]
}

/// A value on a coarse grid, so that ties are common, or seldom one that is not finite.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        30 => (-8..24_i32).prop_map(|n| f64::from(n) / 4.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
    ]
}

/// A run of up to so many observations, in which everything may be missing, repeated or not finite.
pub(crate) fn history(longest: usize) -> impl Strategy<Value = Vec<Observation>> {
    let extras = (
        prop::option::weighted(0.9, prop_oneof![20 => 0.0..2.0, 1 => Just(f64::NAN)]),
        prop::option::weighted(0.9, 0..3000_u64),
        prop::option::weighted(0.9, 0..3_u64),
        prop::option::weighted(0.9, 0.0..1.0),
        prop::option::weighted(0.9, 0..2_u64),
        prop::option::weighted(0.9, -1.0..1.0),
    );
    prop::collection::vec((0..3_u64, value(), extras), 0..longest).prop_map(|rows| {
        let (mut at, mut elapsed, mut steps, mut reduced) = (0, 0, 0, 0);
        rows.into_iter()
            .map(|(epochs, value, (train, milliseconds, step, standard_error, reductions, evidence))| {
                at += epochs;
                elapsed += milliseconds.unwrap_or(0);
                steps += step.unwrap_or(0);
                reduced += reductions.unwrap_or(0);
                Observation {
                    at,
                    value,
                    train,
                    elapsed: milliseconds.map(|_| Duration::from_millis(elapsed)),
                    step: step.map(|_| steps),
                    standard_error,
                    reductions: reductions.map(|_| reduced),
                    evidence,
                }
            })
            .collect()
    })
}

/// A run that advances by one epoch, ten steps and a second with each observation.
pub(crate) fn steady_history(longest: usize) -> impl Strategy<Value = Vec<Observation>> {
    history(longest).prop_map(|history| {
        (1..)
            .zip(history)
            .map(|(at, o)| Observation {
                at,
                step: Some(10 * at),
                elapsed: Some(Duration::from_secs(at)),
                ..o
            })
            .collect()
    })
}
