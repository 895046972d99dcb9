//! Recorded decisions of seven libraries against ours.
//!
//! `tests/data/early_stopping.json` holds curves, parameters, and where each library stopped and which
//! observation it held to be the best. With `HIGHWATER_ORACLE_DIR` set, the file of that name in that folder
//! is read instead.

use highwater_early_stopping::{
    BestTracker, Delta, Goal, NonFinite, Observation, Rule, Selection, Span, StoppingRule,
};
use serde_json::Value;
use std::path::PathBuf;

struct Case {
    peer: String,
    params: Value,
    curve: Vec<f64>,
    stop: Option<u64>,
    best: Option<u64>,
}

impl Case {
    fn count(&self, name: &str) -> u64 {
        self.params[name].as_u64().unwrap()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.params[name].as_f64()
    }

    fn flag(&self, name: &str) -> bool {
        self.params[name].as_bool().unwrap()
    }

    fn text(&self) -> String {
        format!("{} {} {:?}", self.peer, self.params, self.curve)
    }
}

fn cases() -> (Vec<Case>, bool) {
    let folder = std::env::var_os("HIGHWATER_ORACLE_DIR").map(PathBuf::from);
    let bundled = folder.is_none();
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data"));
    let path = folder.join("early_stopping.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap();
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap());
    let case = |case: &Value| Case {
        peer: case["peer"].as_str().unwrap().into(),
        params: case["params"].clone(),
        curve: case["curve"].as_array().unwrap().iter().map(number).collect(),
        stop: case["stop_index"].as_u64(),
        best: case["best_index"].as_u64(),
    };
    (file["cases"].as_array().unwrap().iter().map(case).collect(), bundled)
}

/// What a library does, in our terms.
struct Mapped {
    goal: Goal,
    rule: Rule,
    non_finite: NonFinite,
    /// Which observation it holds to be the best.
    selection: Selection,
    /// How many observations it does not look at.
    skipped: usize,
}

/// The mapping from each library's parameters, as `PEERS.md` explains it.
fn mapped(case: &Case) -> Mapped {
    let maximize = match case.peer.as_str() {
        "keras" | "lightning" => case.params["mode"] == "max",
        "ignite" | "sklearn" => true,
        _ => false,
    };
    let goal = if maximize { Goal::Maximize } else { Goal::Minimize };
    let delta = |name| case.number(name).unwrap();
    let patience = |wait: u64, delta: f64, rest: &str| -> Rule {
        format!("patience({wait}, min_delta={delta}{rest})").parse().unwrap()
    };
    let mut non_finite = NonFinite::Count;
    let mut skipped = 0;
    let mut best_delta = 0.0;
    let rule = match case.peer.as_str() {
        "keras" => {
            let baseline =
                case.number("baseline").map_or(String::new(), |level| format!(", baseline={level}"));
            let rule = patience(case.count("patience").max(1), delta("min_delta"), &baseline);
            let start = case.count("start_from_epoch");
            best_delta = delta("min_delta");
            skipped = start as usize;
            Rule::Skip { first: Span::observations(start), rule: Box::new(rule) }
        }
        "lightning" => {
            let mut rule = patience(case.count("patience").max(1), delta("min_delta"), "");
            if let Some(threshold) = case.number("stopping_threshold") {
                let beyond = if maximize { threshold.next_up() } else { threshold.next_down() };
                rule = Rule::Target(beyond).or(rule);
            }
            if let Some(threshold) = case.number("divergence_threshold") {
                rule = format!("diverged({threshold})").parse::<Rule>().unwrap().or(rule);
            }
            non_finite = if case.flag("check_finite") { NonFinite::Stop } else { NonFinite::Count };
            rule
        }
        "ignite" => {
            let cumulative = format!(", cumulative={}", case.flag("cumulative_delta"));
            patience(case.count("patience"), delta("min_delta"), &cumulative)
        }
        "transformers" => {
            let wait = case.count("early_stopping_patience");
            patience(wait, delta("early_stopping_threshold"), ", cumulative=false")
        }
        "lightgbm" => {
            best_delta = delta("min_delta");
            patience(case.count("stopping_rounds"), best_delta, "")
        }
        "xgboost" => {
            best_delta = delta("min_delta");
            patience(case.count("rounds"), best_delta, "")
        }
        "sklearn" => {
            let wait = case.count("n_iter_no_change") + 1;
            patience(wait, delta("tol"), ", cumulative=false, inclusive=true")
        }
        other => panic!("no mapping for {other}"),
    };
    let selection = Selection { min_delta: Delta::Absolute(best_delta), ..Selection::new(goal) };
    Mapped { goal, rule, non_finite, selection, skipped }
}

/// Where our rule stops, and which observation is the best until then.
fn decide(case: &Case, curve: &[f64], non_finite: NonFinite) -> (Option<u64>, Option<u64>) {
    let Mapped { goal, rule, selection, skipped, .. } = mapped(case);
    let mut running = rule.start(goal, non_finite);
    let mut best = BestTracker::with(selection);
    let mut stop = None;
    for (index, &value) in (0_u64..).zip(curve) {
        let observation = Observation::new(index + 1, value);
        if index as usize >= skipped {
            best.observe(&observation);
        }
        if running.observe(&observation).is_some() {
            stop = Some(index);
            break;
        }
    }
    (stop, best.best().map(|best| best.index + skipped as u64))
}

/// A way of treating NaN and infinities that we don't follow: what the library does, and what ours does.
struct Fault {
    name: &'static str,
    applies: fn(&Case) -> bool,
}

/// The values that the library looks at until it stops.
fn watched(case: &Case) -> &[f64] {
    let end = case.stop.map_or(case.curve.len(), |stop| stop as usize + 1);
    &case.curve[mapped(case).skipped.min(end)..end]
}

fn holds_first_best(case: &Case) -> bool {
    case.best == Some(mapped(case).skipped as u64)
}

/// The infinity that nothing can be better than.
fn perfect(case: &Case) -> f64 {
    if mapped(case).goal == Goal::Maximize { f64::INFINITY } else { f64::NEG_INFINITY }
}

const FAULTS: [Fault; 7] = [
    Fault {
        name: "a first value that is infinitely bad is the best if nothing better comes before the stop; \
               ours has no best until a value is finite",
        applies: |case| holds_first_best(case) && watched(case).iter().all(|value| !value.is_finite()),
    },
    Fault {
        name: "a first NaN stays the best for ever, as nothing compares as better; \
               ours has no best until a value is finite",
        applies: |case| holds_first_best(case) && watched(case)[0].is_nan(),
    },
    Fault {
        name: "the infinity on the good side is an improvement and the best for ever; ours never takes it",
        applies: |case| {
            watched(case).contains(&perfect(case))
                && case.best.is_none_or(|best| case.curve[best as usize] == perfect(case))
        },
    },
    Fault {
        name: "ignite: NaN is an improvement, and so is the value after it, however bad; \
               ours counts NaN as no improvement",
        applies: |case| case.peer == "ignite" && watched(case).iter().any(|value| value.is_nan()),
    },
    Fault {
        name: "sklearn: NaN starts the count afresh, so that a run of NaN never stops; \
               ours counts NaN as no improvement",
        applies: |case| case.peer == "sklearn" && case.curve.iter().any(|value| value.is_nan()),
    },
    Fault {
        name: "lightning without check_finite: NaN passes the divergence threshold; in ours it is beyond any level",
        applies: |case| {
            case.peer == "lightning"
                && !case.flag("check_finite")
                && case.number("divergence_threshold").is_some()
                && case.curve.iter().any(|value| value.is_nan())
        },
    },
    Fault {
        name: "lightning without check_finite: a first value that is not finite is already held against the \
               patience; ours waits from the first observation on",
        applies: |case| case.peer == "lightning" && !case.flag("check_finite") && !case.curve[0].is_finite(),
    },
];

#[test]
fn finite_curves_are_decided_as_each_library_decides_them() {
    let (cases, bundled) = cases();
    let finite: Vec<_> =
        cases.iter().filter(|case| case.curve.iter().all(|value| value.is_finite())).collect();
    for case in &finite {
        let (stop, best) = decide(case, &case.curve, mapped(case).non_finite);
        assert_eq!(stop, case.stop, "stop of {}", case.text());
        if case.best.is_some() {
            assert_eq!(best, case.best, "best of {}", case.text());
        }
    }
    assert!(!finite.is_empty());
    assert!(!bundled || finite.len() == 462, "{}", finite.len());
}

#[test]
fn curves_that_are_not_finite_are_decided_alike_but_for_the_named_faults() {
    let (cases, bundled) = cases();
    let mut used = [0; FAULTS.len()];
    for case in cases.iter().filter(|case| !case.curve.iter().all(|value| value.is_finite())) {
        let (stop, best) = decide(case, &case.curve, mapped(case).non_finite);
        if stop == case.stop && (case.best.is_none() || best == case.best) {
            continue;
        }
        let fault = FAULTS.iter().position(|fault| (fault.applies)(case));
        let ours = (stop, best);
        let theirs = (case.stop, case.best);
        let fault = fault.unwrap_or_else(|| panic!("{ours:?} and not {theirs:?}: {}", case.text()));
        used[fault] += 1;
    }
    for (fault, used) in FAULTS.iter().zip(used) {
        println!("{used} times: {}", fault.name);
    }
    assert!(!bundled || used == [0, 0, 25, 0, 2, 0, 0], "{used:?}");
}

/// What ours does instead: it decides as every library would if the value were finite and worse than all
/// others.
#[test]
fn a_value_that_is_not_finite_is_decided_as_the_worst_of_all() {
    for case in cases().0 {
        let worst = -perfect(&case).signum() * 1e9;
        let replaced: Vec<_> =
            case.curve.iter().map(|value| if value.is_finite() { *value } else { worst }).collect();
        let (stop, _) = decide(&case, &case.curve, NonFinite::Count);
        assert_eq!(stop, decide(&case, &replaced, NonFinite::Count).0, "{}", case.text());
    }
}
