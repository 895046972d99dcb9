//! The pictures of the guide: curves, and where each rule stops. Run it in the folder of the crate to make them anew:
//!
//! `cargo run -p highwater-early-stopping --example pictures`

#![allow(clippy::print_stdout, missing_docs)]

mod chart;
mod curves;

use chart::{Bar, Chart, Curve, Mark};
use highwater_early_stopping::{BestTracker, Goal, NonFinite, Observation, Rule, StoppingRule, replay};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/stopping/images")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder())?;
    for (name, chart) in pictures()? {
        let path = folder().join(name).with_extension("svg");
        std::fs::write(&path, chart.svg())?;
        println!("{}", path.display());
    }
    Ok(())
}

type Parsed<T> = std::result::Result<T, highwater_early_stopping::ParseError>;

fn pictures() -> Parsed<Vec<(&'static str, Chart)>> {
    let smooth = curves::overfitting(80, 0.045, 11);
    let noisy = curves::overfitting(80, 0.14, 12);
    let (exploding, staircase) = (curves::exploding(), curves::staircase());
    let (polynomial, accuracies) = (curves::polynomial(), curves::accuracies(&smooth));
    let values = |name: &str, history: &[Observation]| curve(name, history, |o| Some(o.value));
    let training = |history: &[Observation]| curve("training loss", history, |o| o.train);
    Ok(vec![
        (
            "patience",
            Chart {
                title: "A validation loss, and where rules of patience stop",
                curves: vec![values("validation loss", &smooth)],
                marks: marks(
                    &smooth,
                    &["patience(2)", "patience(10)", "patience(factor=1)", "patience(4, min_delta=0.05)"],
                )?,
                bars: vec![],
                range: (0.2, 1.2),
            },
        ),
        (
            "prechelt",
            Chart {
                title: "Training and validation loss, and where Prechelt's criteria stop",
                curves: vec![values("validation loss", &smooth), training(&smooth)],
                marks: marks(&smooth, &["gl(5)", "pq(0.75)", "up(2)", "progress_below(30)"])?,
                bars: vec![],
                range: (0.0, 1.2),
            },
        ),
        (
            "limits",
            Chart {
                title: "A loss that explodes, and where limits stop the run",
                curves: vec![values("validation loss", &exploding)],
                marks: marks(&exploding, &["target(0.5)", "time(1m)", "diverged(2x)", "never"])?,
                bars: vec![],
                range: (0.0, 2.0),
            },
        ),
        (
            "noise",
            Chart {
                title: "A noisy loss as it is and smoothed, and where rules stop that see one or the other",
                curves: vec![
                    values("validation loss", &noisy),
                    Curve { name: "median(9, …)".to_owned(), points: medians(&noisy, 9) },
                ],
                marks: marks(&noisy, &["gl(20)", "median(9, gl(20))", "ema(0.8, gl(20))"])?,
                bars: vec![],
                range: (0.1, 1.3),
            },
        ),
        (
            "plateau",
            Chart {
                title: "A loss that stands still until the learning rate is reduced",
                curves: vec![values("validation loss", &staircase)],
                marks: marks(
                    &staircase,
                    &[
                        "patience(8, min_delta=0.01)",
                        "plateau(1, min_delta=0.01)",
                        "plateau(2, min_delta=0.01)",
                    ],
                )?,
                bars: vec![bar(&staircase, "a reduction", |o| o.at.is_multiple_of(18))],
                range: (0.2, 1.0),
            },
        ),
        (
            "evidence",
            Chart {
                title: "The error of a fitted polynomial, and the evidence of its gradients",
                curves: vec![
                    values("held-out error, unseen by the rule", &polynomial),
                    training(&polynomial),
                ],
                marks: marks(&polynomial, &["evidence", "held(3, evidence)"])?,
                bars: vec![bar(&polynomial, "criterion above 0", |o| o.evidence > Some(0.0))],
                range: (0.0, 0.2),
            },
        ),
        (
            "composition",
            Chart {
                title: "When conditions hold, alone and composed",
                curves: vec![values("validation loss", &smooth)],
                marks: vec![],
                bars: [
                    "gl(5)",
                    "patience(4)",
                    "gl(5) or patience(4)",
                    "gl(5) and patience(4)",
                    "latched(gl(5))",
                    "held(3, gl(5))",
                    "after(40 epochs, gl(5))",
                ]
                .iter()
                .map(|rule| holding(&smooth, rule))
                .collect::<Parsed<_>>()?,
                range: (0.2, 1.2),
            },
        ),
        (
            "best",
            Chart {
                title: "Loss and accuracy have their best at different epochs",
                curves: vec![values("validation loss", &smooth), values("accuracy", &accuracies)],
                marks: two_scores(&smooth, &accuracies)?,
                bars: vec![],
                range: (0.2, 1.2),
            },
        ),
    ])
}

fn curve(name: &str, history: &[Observation], of: fn(&Observation) -> Option<f64>) -> Curve {
    let points = history.iter().filter_map(|o| Some((o.at, of(o)?))).collect();
    Curve { name: name.to_owned(), points }
}

/// Where each rule stops, and what it keeps.
fn marks(history: &[Observation], rules: &[&str]) -> Parsed<Vec<Mark>> {
    let parsed = rules.iter().map(|rule| rule.parse()).collect::<Parsed<Vec<Rule>>>()?;
    let outcomes = replay(history, Goal::Minimize, NonFinite::Stop, &parsed);
    let mark = |outcome: highwater_early_stopping::Outcome| Mark {
        label: outcome.rule.to_string(),
        stop: outcome.stop.map(|stop| stop.at),
        kept: outcome.chosen.map(|best| (best.at, best.value)),
    };
    Ok(outcomes.into_iter().map(mark).collect())
}

fn bar(history: &[Observation], label: &str, holds: fn(&Observation) -> bool) -> Bar {
    Bar { label: label.to_owned(), holds: history.iter().map(|o| (o.at, holds(o))).collect() }
}

fn holding(history: &[Observation], rule: &str) -> Parsed<Bar> {
    let mut running = rule.parse::<Rule>()?.start(Goal::Minimize, NonFinite::Stop);
    let holds = history.iter().map(|o| (o.at, running.observe(o).is_some())).collect();
    Ok(Bar { label: rule.to_owned(), holds })
}

/// What the smoothed rules of the same picture see.
fn medians(history: &[Observation], window: usize) -> Vec<(u64, f64)> {
    let median = |end: usize| {
        let mut recent: Vec<f64> =
            history[(end + 1).saturating_sub(window)..=end].iter().map(|o| o.value).collect();
        recent.sort_by(f64::total_cmp);
        (recent[(recent.len() - 1) / 2] + recent[recent.len() / 2]) / 2.0
    };
    history.iter().enumerate().map(|(end, o)| (o.at, median(end))).collect()
}

/// A rule watches the loss; the loss chooses one model, the accuracy another.
fn two_scores(losses: &[Observation], accuracies: &[Observation]) -> Parsed<Vec<Mark>> {
    let rule = "patience(15)";
    let stop = marks(losses, &[rule])?.remove(0).stop;
    let seen = stop.map_or(losses.len(), |stop| stop as usize);
    let best = |history: &[Observation], goal: Goal| {
        let mut tracker = BestTracker::new(goal);
        history[..seen].iter().for_each(|o| _ = tracker.observe(o));
        tracker.best().map(|best| (best.at, best.value))
    };
    Ok(vec![
        Mark {
            label: format!("{rule} on the loss, selected by the loss"),
            stop,
            kept: best(losses, Goal::Minimize),
        },
        Mark {
            label: format!("{rule} on the loss, selected by the accuracy"),
            stop,
            kept: best(accuracies, Goal::Maximize),
        },
    ])
}

#[test]
fn the_pictures_of_the_guide_are_those_of_the_library() {
    for (name, chart) in pictures().expect("rules") {
        let path = folder().join(name).with_extension("svg");
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(file == chart.svg(), "{} is another: run this example", path.display());
    }
}
