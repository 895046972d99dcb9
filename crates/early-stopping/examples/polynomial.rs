//! Early stopping in a training loop that belongs to no framework: a polynomial is fitted to a few noisy
//! points by gradient descent, and the validation error falls, wiggles and rises.
//!
//! `cargo run -p highwater-early-stopping --example polynomial -- "patience(20) or epochs(2000)"`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use highwater_early_stopping::{EarlyStopping, Goal, NonFinite, Observation, Rule, replay};

const DEGREE: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "patience(100) or epochs(20000)".into());
    let rule: Rule = match text.parse() {
        Ok(rule) => rule,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    };
    let mut stopper = EarlyStopping::new(Goal::Minimize, rule.clone());
    let (train, validation) = (points(12, 0.0), points(40, 0.5));
    let mut weights = [0.0; DEGREE + 1];
    let mut best = weights;
    let mut history = Vec::new();

    for epoch in 1.. {
        let batch = if epoch % 2 == 0 { &train[..6] } else { &train[6..] };
        let training_error = descend(&mut weights, batch);
        let observation = Observation {
            train: Some(training_error),
            ..Observation::new(epoch, error(&weights, &validation))
        };
        history.push(observation);

        let verdict = stopper.observe(&observation);
        if verdict.improved {
            best = weights;
        }
        if let Some(reason) = verdict.stop {
            println!("stopped after epoch {epoch}: {reason}");
            break;
        }
    }
    let [last, kept] = [weights, best].map(|weights| error(&weights, &validation));
    println!("last model {last:.5}, best model {kept:.5}");
    assert_eq!(stopper.best().map(|best| best.value), Some(kept), "what was copied is what was judged");

    let others = ["patience(1)", "patience(20)", "gl(5)", "up(3)"].map(|rule| rule.parse().expect("a rule"));
    for outcome in replay(&history, Goal::Minimize, NonFinite::Stop, &others) {
        let kept = outcome.chosen.map_or(f64::NAN, |best| best.value);
        println!(
            "{:16} would have stopped after epoch {:5} and kept {kept:.5}",
            outcome.rule.to_string(),
            outcome.end
        );
    }
    Ok(())
}

/// A sine with something like noise, seen at so many places.
fn points(count: usize, shift: f64) -> Vec<(f64, f64)> {
    let place = |i: usize| 2.0 * (i as f64 + shift + 0.25) / count as f64 - 1.0;
    (0..count).map(place).map(|x| (x, (3.0 * x).sin() + 0.5 * (40.0 * (x + shift)).sin())).collect()
}

fn chebyshev(x: f64) -> [f64; DEGREE + 1] {
    let mut terms = [1.0; DEGREE + 1];
    terms[1] = x;
    for n in 2..=DEGREE {
        terms[n] = 2.0 * x * terms[n - 1] - terms[n - 2];
    }
    terms
}

fn predict(weights: &[f64], x: f64) -> f64 {
    chebyshev(x).iter().zip(weights).map(|(term, weight)| term * weight).sum()
}

fn error(weights: &[f64], points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(x, y)| (predict(weights, *x) - y).powi(2)).sum::<f64>() / points.len() as f64
}

/// One step against the gradient of the mean squared error; returns the error before it.
fn descend(weights: &mut [f64; DEGREE + 1], points: &[(f64, f64)]) -> f64 {
    let before = error(weights, points);
    let mut gradient = [0.0; DEGREE + 1];
    for (x, y) in points {
        let residual = predict(weights, *x) - y;
        for (slope, term) in gradient.iter_mut().zip(chebyshev(*x)) {
            *slope += 2.0 * residual * term / points.len() as f64;
        }
    }
    for (weight, slope) in weights.iter_mut().zip(gradient) {
        *weight -= 0.05 * slope;
    }
    before
}
