//! Rules over recorded histories: where each would have stopped, and what that would have cost.

use crate::elementary::sqrt;
use crate::{Best, BestTracker, Goal, NonFinite, Observation, Rule, StopReason};
use alloc::vec::Vec;

/// What a rule would have made of a recorded run.
///
/// Times are epochs, [`Observation::at`]. The *oracle* knows the whole history: it keeps the best observation
/// of all and stops right there. Slowness and redundancy are those of L. Prechelt (*Early Stopping – But
/// When?*, 1998), with the oracle as the criterion that the rule is compared with.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Outcome {
    /// The rule.
    pub rule: Rule,
    /// Where it would have stopped; `None` if it lets the whole history pass.
    pub stop: Option<Stop>,
    /// The epoch of the last observation that it would have allowed: the stop or the end of the history.
    pub end: u64,
    /// The best observation up to there, which would have been kept; `None` if none is finite.
    pub chosen: Option<Best>,
    /// The best observation of the whole history.
    pub oracle: Option<Best>,
    /// The training time as a multiple of the oracle's: `end / oracle.at`. `None` if the oracle would not
    /// train.
    pub slowness: Option<f64>,
    /// How much of the training time went by after the choice, as a share of the time before: `end /
    /// chosen.at − 1`. `None` if the choice is an untrained model.
    pub redundancy: Option<f64>,
    /// How much worse the chosen value is than the oracle's, in its unit; zero if they are the same.
    pub loss: Option<f64>,
    /// The loss in percent of the oracle's value; infinite if that is zero and the chosen one is not.
    #[cfg_attr(feature = "serde", serde(with = "crate::float::optional"))]
    pub loss_percent: Option<f64>,
}

/// Where a rule stopped.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stop {
    /// The epoch.
    pub at: u64,
    /// How many observations came before.
    pub index: u64,
    /// Why.
    pub reason: StopReason,
}

/// Shows a recorded run to each of the rules, and tells where each would have stopped and at what price.
///
/// A history ends where its run did. To compare rules, record runs that were not stopped early.
///
/// ```
/// use highwater_early_stopping::{Goal, NonFinite, Observation, Rule, replay};
///
/// let losses = [9.0, 6.0, 4.0, 5.0, 4.5, 2.0, 2.5, 3.0];
/// let history: Vec<_> = (1..).zip(losses).map(|(epoch, loss)| Observation::new(epoch, loss)).collect();
/// let rules: [Rule; 2] = ["patience(1)".parse()?, "patience(3)".parse()?];
/// let outcomes = replay(&history, Goal::Minimize, NonFinite::Stop, &rules);
/// let (hasty, patient) = (&outcomes[0], &outcomes[1]);
/// assert_eq!(hasty.stop.as_ref().unwrap().at, 4);
/// assert_eq!((hasty.chosen.unwrap().at, hasty.loss), (3, Some(2.0)));
/// assert_eq!((patient.end, patient.chosen.unwrap().at), (8, 6));
/// assert_eq!((patient.slowness, patient.loss), (Some(8.0 / 6.0), Some(0.0)));
/// # Ok::<(), highwater_early_stopping::ParseError>(())
/// ```
///
/// # Panics
/// If a rule was put together by hand from numbers without sense, see [`Rule::check`].
#[track_caller]
pub fn replay(history: &[Observation], goal: Goal, non_finite: NonFinite, rules: &[Rule]) -> Vec<Outcome> {
    let best_of = |observations: &[Observation]| {
        let mut best = BestTracker::new(goal);
        observations.iter().for_each(|observation| _ = best.observe(observation));
        best.best()
    };
    let oracle = best_of(history);
    let mut outcomes = Vec::with_capacity(rules.len());
    for rule in rules {
        let mut running = rule.start(goal, non_finite);
        let stop = history.iter().enumerate().find_map(|(index, observation)| {
            let reason = running.observe(observation)?;
            Some(Stop { at: observation.at, index: index as u64, reason })
        });
        let allowed = stop.as_ref().map_or(history.len(), |stop| stop.index as usize + 1);
        let end = history[..allowed].last().map_or(0, |observation| observation.at);
        let chosen = best_of(&history[..allowed]);
        let times =
            |best: Option<Best>| best.filter(|best| best.at > 0).map(|best| end as f64 / best.at as f64);
        let errors = chosen.zip(oracle).map(|(c, o)| (goal.error(c.value), goal.error(o.value)));
        outcomes.push(Outcome {
            rule: rule.clone(),
            stop,
            end,
            chosen,
            oracle,
            slowness: times(oracle),
            redundancy: times(chosen).map(|times| times - 1.0),
            loss: errors.map(|(chosen, oracle)| chosen - oracle),
            loss_percent: errors.map(|(chosen, oracle)| 100.0 * crate::rule::excess(chosen, oracle)),
        });
    }
    outcomes
}

/// What a rule would have made of many runs.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Summary {
    /// How many runs.
    pub runs: u64,
    /// How many of them it would have stopped.
    pub stopped: u64,
    /// How many would have kept a value as good as the oracle's.
    pub right: u64,
    /// [`Outcome::slowness`] over the runs that have one.
    pub slowness: Option<Spread>,
    /// [`Outcome::redundancy`].
    pub redundancy: Option<Spread>,
    /// [`Outcome::loss`].
    pub loss: Option<Spread>,
    /// [`Outcome::loss_percent`].
    pub loss_percent: Option<Spread>,
}

impl Summary {
    /// Of the outcomes of one rule on many runs.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let outcomes: Vec<_> = outcomes.into_iter().collect();
        let count =
            |holds: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| holds(outcome)).count() as u64;
        let spread =
            |figure: fn(&Outcome) -> Option<f64>| Spread::of(outcomes.iter().filter_map(|o| figure(o)));
        Self {
            runs: outcomes.len() as u64,
            stopped: count(|outcome| outcome.stop.is_some()),
            right: count(|outcome| outcome.loss == Some(0.0)),
            slowness: spread(|outcome| outcome.slowness),
            redundancy: spread(|outcome| outcome.redundancy),
            loss: spread(|outcome| outcome.loss),
            loss_percent: spread(|outcome| outcome.loss_percent),
        }
    }
}

/// Mean and spread of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Spread {
    /// How many numbers.
    pub count: u64,
    /// Their mean.
    #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
    pub mean: f64,
    /// Their standard deviation, with n − 1 in the denominator; zero for a single number.
    #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
    pub deviation: f64,
}

impl Spread {
    /// `None` of no numbers.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let numbers: Vec<f64> = numbers.into_iter().collect();
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let squares: f64 = numbers.iter().map(|number| (number - mean) * (number - mean)).sum();
        let deviation = sqrt(squares / (count - 1.0).max(1.0));
        (!numbers.is_empty()).then_some(Self { count: numbers.len() as u64, mean, deviation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::epochs;

    fn outcomes(rule: &str, goal: Goal, values: [f64; 6]) -> Outcome {
        let mut history = epochs(&[(0, 0.0); 6]);
        for (i, value) in values.into_iter().enumerate() {
            history[i] = Observation::new(2 * i as u64, value);
        }
        replay(&history, goal, NonFinite::Count, &[rule.parse().unwrap()]).remove(0)
    }

    #[test]
    fn an_outcome_prices_the_stop_against_the_oracle() {
        let scores = [0.25, 0.5, 0.25, 0.25, 0.25, 1.0];
        let outcome = outcomes("patience(2)", Goal::Maximize, scores);
        assert_eq!(outcome.stop.as_ref().map(|stop| (stop.at, stop.index)), Some((6, 3)));
        assert_eq!((outcome.end, outcome.chosen.map(|best| best.at)), (6, Some(2)));
        assert_eq!(outcome.oracle.map(|best| best.at), Some(10));
        assert_eq!((outcome.slowness, outcome.redundancy), (Some(0.6), Some(2.0)));
        assert_eq!((outcome.loss, outcome.loss_percent), (Some(0.5), Some(50.0)));
    }

    #[test]
    fn a_rule_that_lets_a_run_pass_is_charged_with_all_of_it() {
        let outcome = outcomes("never", Goal::Minimize, [4.0, 2.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!((outcome.stop.as_ref(), outcome.end), (None, 10));
        assert_eq!((outcome.slowness, outcome.redundancy, outcome.loss), (Some(2.5), Some(1.5), Some(0.0)));
    }

    #[test]
    fn what_cannot_be_priced_is_not() {
        let untrained = outcomes("patience(1)", Goal::Minimize, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!((untrained.slowness, untrained.redundancy, untrained.loss), (None, None, Some(0.0)));
        let nothing = outcomes("patience(1)", Goal::Minimize, [f64::NAN; 6]);
        assert_eq!((nothing.chosen, nothing.loss, nothing.end), (None, None, 2));
        let perfect = outcomes("patience(1)", Goal::Minimize, [2.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!((perfect.loss, perfect.loss_percent), (Some(1.0), Some(f64::INFINITY)));
        assert_eq!(replay(&[], Goal::Minimize, NonFinite::Stop, &[Rule::Never])[0].end, 0);
    }

    #[test]
    fn many_runs_have_means_and_spreads() {
        let runs = [
            outcomes("patience(2)", Goal::Minimize, [4.0, 2.0, 1.0, 2.0, 3.0, 4.0]),
            outcomes("patience(2)", Goal::Minimize, [4.0, 2.0, 3.0, 2.0, 1.0, 4.0]),
            outcomes("patience(2)", Goal::Minimize, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]),
        ];
        let summary = Summary::of(&runs);
        assert_eq!((summary.runs, summary.stopped, summary.right), (3, 2, 2));
        assert_eq!(summary.loss, Spread::of([0.0, 1.0, 0.0]));
        let spread = Spread::of([1.0, 2.0, 3.0, 6.0]).unwrap();
        assert_eq!((spread.count, spread.mean), (4, 3.0));
        assert!((spread.deviation - f64::sqrt(14.0 / 3.0)).abs() < 1e-15);
        assert_eq!(Spread::of([5.0]), Some(Spread { count: 1, mean: 5.0, deviation: 0.0 }));
        assert_eq!(Spread::of([]), None);
    }
}
