//! Why a run ended: a tree that prints as one sentence.

use crate::text::{Rounded, Timespan};
use crate::{Best, Delta, Divergence, Smoothing, Span, Unit};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::{fmt, time::Duration};

/// Why a run should end: which rule fired, with which values. Prints as one sentence.
///
/// Rules of rules give trees; [`leaves`](StopReason::leaves) lists what fired.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StopReason {
    /// [`Patience`](crate::Patience) ran out.
    NoImprovement {
        /// How long nothing was gained.
        waited: u64,
        /// What `waited` is counted in.
        unit: Unit,
        /// What a gain would have been.
        min_delta: Delta,
        /// The value over which nothing was gained.
        best: Option<Best>,
        /// The epoch now.
        at: u64,
        /// The value now.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
    },
    /// [`GeneralizationLoss`](crate::GeneralizationLoss) above alpha.
    GeneralizationLoss {
        /// GL(t), in percent.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        loss: f64,
        /// What it must not exceed.
        alpha: f64,
        /// The value that is exceeded.
        best: Best,
        /// The epoch at which it was measured.
        at: u64,
        /// The value there.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
    },
    /// [`ProgressQuotient`](crate::ProgressQuotient) above alpha.
    ProgressQuotient {
        /// GL(t) / P_k(t).
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        quotient: f64,
        /// What it must not exceed.
        alpha: f64,
        /// GL(t), in percent.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        loss: f64,
        /// P_k(t), in per thousand.
        progress: f64,
        /// k.
        strip: u64,
        /// The value that is exceeded.
        best: Best,
        /// The epoch at which it was measured.
        at: u64,
    },
    /// [`Rises`](crate::Rises), as many as it takes.
    Rises {
        /// How many in a row.
        rises: u64,
        /// From one end of a strip of so many epochs to the next.
        strip: u64,
        /// The value before the first of them.
        from: f64,
        /// The epoch of the last.
        at: u64,
        /// The value there.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
    },
    /// [`ProgressBelow`](crate::ProgressBelow) the threshold.
    ProgressBelow {
        /// P_k(t), in per thousand.
        progress: f64,
        /// What it must reach.
        threshold: f64,
        /// k.
        strip: u64,
        /// The epoch at which it was measured.
        at: u64,
    },
    /// A limit of observations, epochs or steps.
    Limit {
        /// The limit.
        limit: Span,
        /// How many are complete.
        completed: u64,
    },
    /// The limit of time.
    TimeLimit {
        /// The limit.
        limit: Duration,
        /// What is used of it.
        elapsed: Duration,
        /// What the next observation would take.
        next: Duration,
    },
    /// The target is reached.
    Target {
        /// The target.
        target: f64,
        /// The epoch that reached it.
        at: u64,
        /// The value there.
        value: f64,
    },
    /// The run [diverged](crate::Divergence).
    Diverged {
        /// The level beyond which it is.
        level: Divergence,
        /// The best value so far.
        best: Option<Best>,
        /// The epoch now.
        at: u64,
        /// The value now.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
    },
    /// A new best is improbable, by [`IncToDec`](crate::IncToDec).
    IncToDec {
        /// The probability.
        p: f64,
        /// What it must reach.
        threshold: f64,
        /// The best value so far.
        best: Option<Best>,
        /// The epoch now.
        at: u64,
        /// The value now.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
    },
    /// Reductions of the learning rate brought nothing, by [`Plateau`](crate::Plateau).
    Plateau {
        /// How many.
        reductions: u64,
        /// What a gain would have been.
        min_delta: Delta,
        /// The value over which nothing was gained.
        best: Option<Best>,
        /// The epoch now.
        at: u64,
        /// The value now.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
    },
    /// The gradients are noise, by [`GradientEvidence`](crate::GradientEvidence).
    Evidence {
        /// The criterion, above zero.
        criterion: f64,
        /// The epoch now.
        at: u64,
    },
    /// The value is not finite, see [`NonFinite`](crate::NonFinite).
    NonFinite {
        /// The epoch.
        at: u64,
        /// NaN or an infinity.
        #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
        value: f64,
        /// Whether this is a failure of the run and not only its end.
        failed: bool,
    },
    /// Several rules joined by `or` fired at once.
    Any(Vec<StopReason>),
    /// All rules joined by `and` hold.
    All(Vec<StopReason>),
    /// Enough of several rules hold.
    AtLeast {
        /// How many it takes.
        needed: u64,
        /// Of how many.
        of: u64,
        /// Those that hold.
        reasons: Vec<StopReason>,
    },
    /// A rule does not hold.
    Not {
        /// The rule, as text.
        rule: String,
    },
    /// A rule has held several times in a row.
    Held {
        /// How many.
        times: u64,
        /// Why the last time.
        reason: Box<StopReason>,
    },
    /// A rule that sees a smoothed series; the values in its reason are smoothed ones.
    Smoothed {
        /// How it is smoothed.
        by: Smoothing,
        /// Why.
        reason: Box<StopReason>,
    },
    /// A rule that is not of this crate.
    Custom(String),
}

impl StopReason {
    /// Whether the run should be reported as failed: a non-finite value under
    /// [`NonFinite::Fail`](crate::NonFinite::Fail).
    pub fn is_failure(&self) -> bool {
        matches!(self, StopReason::NonFinite { failed: true, .. })
    }

    /// The reasons that are not made of others, from left to right.
    pub fn leaves(&self) -> Vec<&StopReason> {
        match self {
            StopReason::Any(reasons) | StopReason::All(reasons) | StopReason::AtLeast { reasons, .. } => {
                reasons.iter().flat_map(StopReason::leaves).collect()
            }
            StopReason::Held { reason, .. } | StopReason::Smoothed { reason, .. } => reason.leaves(),
            _ => Vec::from([self]),
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            StopReason::NoImprovement { waited, unit, min_delta, best, at, .. } => {
                let each_epoch = *unit == Unit::Observations
                    && best.is_some_and(|best| at.checked_sub(best.at) == Some(*waited));
                let unit = if each_epoch { Unit::Epochs } else { *unit };
                let gain = Gain(*min_delta);
                write!(f, "no improvement{gain} in {waited} {}: {}", unit.name(*waited), Found(*best))
            }
            StopReason::GeneralizationLoss { loss, alpha, best, at, value } => {
                let (loss, alpha) = (Rounded(*loss), Rounded(*alpha));
                let found = Found(Some(*best));
                write!(
                    f,
                    "{} at epoch {at} is {loss}% worse than the {found}, more than {alpha}%",
                    Rounded(*value)
                )
            }
            StopReason::ProgressQuotient { quotient, alpha, loss, progress, strip, best, at } => {
                let [quotient, alpha, loss, progress] =
                    [quotient, alpha, loss, progress].map(|n| Rounded(*n));
                let found = Found(Some(*best));
                write!(
                    f,
                    "at epoch {at} the generalization loss of {loss}% over the {found} is {quotient} times the "
                )?;
                write!(f, "progress of {progress}‰ in {strip} epochs, more than {alpha}")
            }
            StopReason::Rises { rises, strip, from, at, value } => {
                let [from, value] = [from, value].map(|n| Rounded(*n));
                match (rises, strip) {
                    (1, 1) => write!(f, "worse")?,
                    (1, _) => write!(f, "worse after {strip} epochs")?,
                    (_, 1) => write!(f, "worse {rises} times in a row")?,
                    _ => write!(f, "worse {rises} times in a row, each after {strip} epochs")?,
                }
                write!(f, ": from {from} to {value} at epoch {at}")
            }
            StopReason::ProgressBelow { progress, threshold, strip, at } => {
                let (progress, threshold) = (Rounded(*progress), Rounded(*threshold));
                write!(f, "training progress of {progress}‰ in the {strip} epochs up to epoch {at} ")?;
                write!(f, "is below {threshold}‰")
            }
            StopReason::Limit { limit, .. } => {
                write!(f, "the limit of {} {} is reached", limit.length, limit.unit.name(limit.length))
            }
            StopReason::TimeLimit { limit, elapsed, next } => {
                let (used, next) = (Timespan::rounded(*elapsed), Timespan::rounded(*next));
                write!(f, "of the time limit of {}, {used} are used", Timespan(*limit))?;
                if elapsed < limit { write!(f, " and going on takes another {next}") } else { Ok(()) }
            }
            StopReason::Target { target, at, value } => {
                write!(f, "the target of {} is reached: {} at epoch {at}", Rounded(*target), Rounded(*value))
            }
            StopReason::Diverged { level: Divergence::Beyond(level), at, value, .. } => {
                write!(f, "diverged: {} at epoch {at} is worse than {}", Rounded(*value), Rounded(*level))
            }
            StopReason::Diverged { level: Divergence::TimesBest(factor), best, at, value } => {
                let (factor, found) = (Rounded(*factor), Found(*best));
                write!(
                    f,
                    "diverged: {} at epoch {at} is more than {factor} times worse than the {found}",
                    Rounded(*value)
                )
            }
            StopReason::IncToDec { p, threshold, best, .. } => {
                let (p, threshold, found) = (Rounded(*p), Rounded(*threshold), Found(*best));
                write!(f, "a new best is improbable (p = {p}, below {threshold}): {found}")
            }
            StopReason::Plateau { reductions, min_delta, best, .. } => {
                let (times, gain) =
                    (if *reductions == 1 { "reduction" } else { "reductions" }, Gain(*min_delta));
                write!(
                    f,
                    "no improvement{gain} in {reductions} {times} of the learning rate: {}",
                    Found(*best)
                )
            }
            StopReason::Evidence { criterion, at } => {
                write!(
                    f,
                    "the gradients of epoch {at} are no more than noise (criterion {}, above 0)",
                    Rounded(*criterion)
                )
            }
            StopReason::NonFinite { at, value, .. } => write!(f, "the value at epoch {at} is {value}"),
            StopReason::Any(reasons) => f.write_str(&join(reasons, "; also ")),
            StopReason::All(reasons) => f.write_str(&join(reasons, "; and ")),
            StopReason::AtLeast { needed, of, reasons } => {
                write!(
                    f,
                    "{} of {of} conditions hold, {needed} suffice: {}",
                    reasons.len(),
                    join(reasons, "; ")
                )
            }
            StopReason::Not { rule } => write!(f, "`{rule}` does not hold"),
            StopReason::Held { times, reason } => write!(f, "{times} times in a row: {reason}"),
            StopReason::Smoothed { by: Smoothing::Exponential(decay), reason } => {
                write!(f, "averaged with decay {}: {reason}", Rounded(*decay))
            }
            StopReason::Smoothed { by: Smoothing::Median(window), reason } => {
                write!(f, "by the median of {window}: {reason}")
            }
            StopReason::Custom(reason) => f.write_str(reason),
        }
    }
}

fn join(reasons: &[StopReason], separator: &str) -> String {
    use alloc::string::ToString;
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

/// The best value and where it was.
struct Found(Option<Best>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Some(best) => write!(f, "best {} at epoch {}", Rounded(best.value), best.at),
            None => f.write_str("no finite value yet"),
        }
    }
}

/// What an improvement had to be, if it was not just any.
struct Gain(Delta);

impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            delta if delta.amount() == 0.0 => Ok(()),
            Delta::Absolute(delta) => write!(f, " by {}", Rounded(delta)),
            Delta::TimesBest(share) => write!(f, " by {}%", Rounded(100.0 * share)),
            Delta::StandardErrors(z) => write!(f, " by {} standard errors", Rounded(z)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{epochs, first_reason};
    use crate::{Observation, StopReason};
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use core::time::Duration;

    fn history() -> Vec<Observation> {
        [0.9, 0.5, 0.625, 0.75, 0.7, 0.8, 0.875, 1.5, 5.5, f64::NAN]
            .into_iter()
            .zip(1..)
            .map(|(value, at)| Observation {
                train: Some(1.0 - at as f64 / 100.0),
                elapsed: Some(Duration::from_secs(30 * at)),
                reductions: Some(at / 3),
                evidence: Some(at as f64 / 8.0 - 1.0),
                ..Observation::new(at, value)
            })
            .collect()
    }

    #[test]
    fn reasons_are_sentences() {
        for (rule, sentence) in [
            ("patience(1)", "no improvement in 1 epoch: best 0.5 at epoch 2"),
            ("patience(3 epochs, min_delta=0.05x)", "no improvement by 5% in 3 epochs: best 0.5 at epoch 2"),
            ("gl(30)", "0.75 at epoch 4 is 50% worse than the best 0.5 at epoch 2, more than 30%"),
            (
                "pq(5, strip=2)",
                "at epoch 4 the generalization loss of 50% over the best 0.5 at epoch 2 is 9.6 times the progress of \
                 5.208‰ in 2 epochs, more than 5",
            ),
            ("up(3, strip=1)", "worse 3 times in a row: from 0.7 to 1.5 at epoch 8"),
            ("up(1, strip=1)", "worse: from 0.5 to 0.625 at epoch 3"),
            ("up(1, strip=4)", "worse after 4 epochs: from 0.75 to 1.5 at epoch 8"),
            (
                "progress_below(5.2, strip=2)",
                "training progress of 5.102‰ in the 2 epochs up to epoch 2 is below 5.2‰",
            ),
            ("epochs(7)", "the limit of 7 epochs is reached"),
            ("time(2m10s)", "of the time limit of 2m10s, 2m are used and going on takes another 30s"),
            ("time(2m)", "of the time limit of 2m, 2m are used"),
            ("target(0.55)", "the target of 0.55 is reached: 0.5 at epoch 2"),
            ("diverged(2)", "diverged: 5.5 at epoch 9 is worse than 2"),
            (
                "diverged(9.5x)",
                "diverged: 5.5 at epoch 9 is more than 9.5 times worse than the best 0.5 at epoch 2",
            ),
            (
                "inc_to_dec(0.9, wait=2)",
                "a new best is improbable (p = 0.7247, below 0.9): best 0.5 at epoch 2",
            ),
            ("plateau(2)", "no improvement in 2 reductions of the learning rate: best 0.5 at epoch 2"),
            ("evidence", "the gradients of epoch 9 are no more than noise (criterion 0.125, above 0)"),
            (
                "patience(1) or gl(20)",
                "no improvement in 1 epoch: best 0.5 at epoch 2; also 0.625 at epoch 3 is 25% worse than the best \
                 0.5 at epoch 2, more than 20%",
            ),
            ("patience(9) or epochs(3)", "the limit of 3 epochs is reached"),
            ("epochs(3) and not gl(90)", "the limit of 3 epochs is reached; and `gl(90)` does not hold"),
            (
                "2 of (epochs(3), never, patience(1))",
                "2 of 3 conditions hold, 2 suffice: the limit of 3 epochs is reached; no improvement in 1 epoch: best 0.5 at \
                 epoch 2",
            ),
            ("held(2, epochs(3))", "2 times in a row: the limit of 3 epochs is reached"),
            ("median(1, patience(1))", "by the median of 1: no improvement in 1 epoch: best 0.5 at epoch 2"),
            (
                "ema(0, gl(20))",
                "averaged with decay 0: 0.625 at epoch 3 is 25% worse than the best 0.5 at epoch 2, more than 20%",
            ),
        ] {
            let (_, reason) = first_reason(rule, &history()).unwrap();
            assert_eq!(reason.to_string(), sentence, "{rule}");
        }
    }

    #[test]
    fn a_wait_is_told_in_epochs_where_each_of_them_was_observed() {
        let each_second = epochs(&[(2, 1.0), (4, 2.0), (6, 2.0)]);
        let (_, reason) = first_reason("patience(2)", &each_second).unwrap();
        assert_eq!(reason.to_string(), "no improvement in 2 observations: best 1 at epoch 2");
    }

    #[test]
    fn leaves_are_listed_from_left_to_right() {
        let rule = "epochs(3) and (held(1, patience(1)) or gl(1)) and median(1, target(9))";
        let (_, reason) = first_reason(rule, &history()).unwrap();
        let leaves = reason.leaves();
        assert!(
            matches!(
                leaves[..],
                [
                    StopReason::Limit { .. },
                    StopReason::NoImprovement { .. },
                    StopReason::GeneralizationLoss { .. },
                    StopReason::Target { .. }
                ]
            ),
            "{leaves:?}"
        );
    }
}
