//! The study of 1998: what is gained by stopping later.

use crate::history::History;
use highwater_early_stopping::{Goal, NonFinite, Rule, replay};
use serde::Serialize;

/// One of the 14 criteria of L. Prechelt, *Early Stopping – But When?* (1998).
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// As the paper writes it: `GL2`.
    pub name: String,
    /// The criterion at the end of each strip, or no more progress (P_k < 0.1), to which the paper joins each.
    pub rule: Rule,
}

/// Fast or slow, a criterion is compared with this one.
const BASELINE: &str = "GL2";

/// The 14 criteria, for strips of so many epochs.
///
/// # Panics
/// If `strip` is below 2: of a single epoch there is no progress.
#[track_caller]
pub fn criteria(strip: u64) -> Vec<Criterion> {
    let families: [(&str, &[&str]); 3] = [
        ("gl", &["1", "2", "3", "5"]),
        ("pq", &["0.5", "0.75", "1", "2", "3"]),
        ("up", &["2", "3", "4", "6", "8"]),
    ];
    let members = families.into_iter().flat_map(|(family, all)| all.iter().map(move |n| (family, n)));
    let criterion = |(family, number): (&str, &&str)| Criterion {
        name: format!("{}{number}", family.to_uppercase()),
        rule: format!("{family}({number}, strip={strip}) or progress_below(0.1, strip={strip})")
            .parse()
            .expect("strips are of at least 2 epochs"),
    };
    members.map(criterion).collect()
}

/// Where a criterion would have stopped a run, and what it would have kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// The epochs until the stop, or until the end of the run.
    pub epochs: u64,
    /// The epochs until the least validation error.
    pub relevant: u64,
    /// The test error there.
    pub test: f64,
}

/// Where each of the criteria would have stopped a run that was not stopped; `None` if one of them would have kept
/// nothing, as no validation error was finite.
pub fn stops(history: &History, criteria: &[Criterion]) -> Option<Vec<Stop>> {
    let rules: Vec<Rule> = criteria.iter().map(|criterion| criterion.rule.clone()).collect();
    let outcomes = replay(&history.observations(), Goal::Minimize, NonFinite::Stop, &rules);
    let stop = |epochs| {
        let best = history.best_until(epochs)?;
        Some(Stop { epochs, relevant: best.epoch, test: best.test })
    };
    outcomes.iter().map(|outcome| stop(outcome.end)).collect()
}

/// What a criterion costs and brings: the means over runs of the paper's measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// The criterion.
    pub criterion: String,
    /// Epochs until the stop, as a multiple of GL2's.
    pub slowness: f64,
    /// Test error, as a multiple of GL2's.
    pub badness: f64,
    /// Epochs as a multiple of those of the run's best criterion: of those with the least test error the fastest.
    pub slowness_to_best: f64,
    /// Test error as a multiple of the run's best criterion's.
    pub badness_to_best: f64,
    /// Epochs after the least validation error, as a share of those before it.
    pub redundancy: f64,
    /// The share of runs in which no other criterion had a smaller test error.
    pub good: f64,
}

/// Compares criteria, each run of `runs` having one stop for each of them.
///
/// # Panics
/// If there are no runs, or GL2 is not among the criteria.
#[track_caller]
pub fn compare(criteria: &[Criterion], runs: &[Vec<Stop>]) -> Vec<Measures> {
    assert!(!runs.is_empty(), "a comparison of no runs");
    let baseline = criteria.iter().position(|criterion| criterion.name == BASELINE);
    let baseline = baseline.expect("GL2 is what the others are compared with");
    let best: Vec<Stop> = runs.iter().map(|stops| best(stops)).collect();
    let measure = |at: usize| {
        let mean = |figure: &dyn Fn(Stop, Stop, Stop) -> f64| {
            let figures =
                runs.iter().zip(&best).map(|(stops, best)| figure(stops[at], stops[baseline], *best));
            figures.sum::<f64>() / runs.len() as f64
        };
        let times = |epochs: u64, of: u64| epochs as f64 / of as f64;
        Measures {
            criterion: criteria[at].name.clone(),
            slowness: mean(&|stop, baseline, _| times(stop.epochs, baseline.epochs)),
            badness: mean(&|stop, baseline, _| ratio(stop.test, baseline.test)),
            slowness_to_best: mean(&|stop, _, best| times(stop.epochs, best.epochs)),
            badness_to_best: mean(&|stop, _, best| ratio(stop.test, best.test)),
            redundancy: mean(&|stop, _, _| times(stop.epochs, stop.relevant) - 1.0),
            good: mean(&|stop, _, best| f64::from(stop.test == best.test)),
        }
    };
    (0..criteria.len()).map(measure).collect()
}

/// The stop of the best criterion of a run.
fn best(stops: &[Stop]) -> Stop {
    let better = |one: Stop, other: &Stop| {
        if (other.test, other.epochs) < (one.test, one.epochs) { *other } else { one }
    };
    stops[1..].iter().fold(stops[0], better)
}

/// Of two errors; 1 if both are zero.
fn ratio(error: f64, other: f64) -> f64 {
    if error == other { 1.0 } else { error / other }
}

/// The abstract's two numbers: from the fastest of the criteria to the slowest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TradeOff {
    /// The fastest, by its slowness.
    pub fastest: String,
    /// The slowest.
    pub slowest: String,
    /// How many times longer the slowest trains.
    pub times_longer: f64,
    /// By how many percent the slowest's test error is smaller.
    pub gain_percent: f64,
}

impl TradeOff {
    /// Of at least one criterion.
    pub fn of(measures: &[Measures]) -> Option<TradeOff> {
        let slowness = |one: &&Measures, other: &&Measures| one.slowness.total_cmp(&other.slowness);
        let fastest = measures.iter().min_by(slowness)?;
        let slowest = measures.iter().max_by(slowness)?;
        Some(TradeOff {
            fastest: fastest.criterion.clone(),
            slowest: slowest.criterion.clone(),
            times_longer: slowest.slowness / fastest.slowness,
            gain_percent: 100.0 * (1.0 - slowest.badness / fastest.badness),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::End;

    #[test]
    fn the_criteria_are_those_of_the_paper() {
        let names: Vec<String> = criteria(5).into_iter().map(|criterion| criterion.name).collect();
        let all = "GL1 GL2 GL3 GL5 PQ0.5 PQ0.75 PQ1 PQ2 PQ3 UP2 UP3 UP4 UP6 UP8";
        assert_eq!(names.join(" "), all);
    }

    /// The hand vector of `early-stopping`'s tests, with strips of 2 epochs.
    #[test]
    fn criteria_stop_where_the_definitions_say() {
        let valid = [8.0, 6.0, 5.0, 5.05, 5.2, 5.3];
        let end = |(strip, valid): (u64, f64)| End {
            epoch: 2 * strip,
            valid,
            test: 10.0 - valid,
            class_error: None,
        };
        let history = History {
            training: vec![10.0, 8.0, 7.0, 6.0, 5.5, 5.0, 4.9, 4.8, 4.8, 4.7, 4.7, 4.6],
            untrained: 9.0,
            ends: (1..).zip(valid).map(end).collect(),
            strip: 2,
        };
        let criteria = criteria(2);
        let stops = stops(&history, &criteria).unwrap();
        let of = |name: &str| stops[criteria.iter().position(|c| c.name == name).unwrap()];
        // GL = 0, 0, 0, 1, 4, 6; P = 125, 83.3, 50, 10.4, 10.6, 10.9; two rises at 10, three at 12.
        assert_eq!(["GL1", "GL2", "GL3", "GL5"].map(|name| of(name).epochs), [10, 10, 10, 12]);
        assert_eq!(["PQ0.5", "PQ0.75", "UP2", "UP3"].map(|name| of(name).epochs), [12, 12, 10, 12]);
        assert_eq!(of("UP2"), Stop { epochs: 10, relevant: 6, test: 5.0 });
    }

    #[test]
    fn measures_are_means_of_ratios() {
        let criteria: Vec<Criterion> = criteria(5).into_iter().take(2).collect();
        let stop = |epochs, relevant, test| Stop { epochs, relevant, test };
        let runs = [vec![stop(10, 5, 4.0), stop(20, 10, 2.0)], vec![stop(10, 5, 3.0), stop(10, 5, 3.0)]];
        let measures = compare(&criteria, &runs);
        let (gl1, gl2) = (&measures[0], &measures[1]);
        assert_eq!((gl1.slowness, gl1.badness, gl1.slowness_to_best), (0.75, 1.5, 0.75));
        assert_eq!((gl1.badness_to_best, gl1.redundancy, gl1.good), (1.5, 1.0, 0.5));
        assert_eq!((gl2.slowness, gl2.badness, gl2.good), (1.0, 1.0, 1.0));
        let trade_off = TradeOff::of(&measures).unwrap();
        assert_eq!((trade_off.fastest.as_str(), trade_off.slowest.as_str()), ("GL1", "GL2"));
        assert!((trade_off.times_longer - 4.0 / 3.0).abs() < 1e-12);
        assert!((trade_off.gain_percent - 100.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_run_that_keeps_nothing_has_no_stops() {
        let history = History { training: vec![1.0], untrained: 1.0, ends: vec![], strip: 5 };
        assert_eq!(stops(&history, &criteria(5)), None);
    }
}
