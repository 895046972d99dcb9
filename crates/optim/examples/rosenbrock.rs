//! This crate alone, on a function that has nothing to do with networks: Rosenbrock's banana-shaped valley (1960), from
//! its far end to the minimum at (1, 1), with the gradient written by hand.
//!
//! `cargo run -p highwater-optim --example rosenbrock`

#![allow(clippy::print_stdout, reason = "an example shows its result")]

use highwater_optim::{Adam, Curve, Error, Method, Optimizer, Rprop, Schedule, Sgd};

const STEPS: u64 = 5000;

fn main() -> Result<(), Error> {
    let falling = || Schedule::from(Curve::Cosine { steps: STEPS, min_learning_rate: 0.0 });
    let nesterov = Sgd { momentum: 0.9, nesterov: true, ..Sgd::default() };
    println!("                        x        y    value");
    for (name, method, learning_rate, schedule, at_most) in [
        ("gradient descent", Method::Sgd(Sgd::default()), 1e-3, Schedule::default(), 1e-1),
        ("Nesterov's momentum", Method::Sgd(nesterov), 1e-3, falling(), 1e-4),
        ("Adam", Method::Adam(Adam::default()), 0.05, falling(), 1e-6),
        ("Rprop", Method::Rprop(Rprop::default()), 0.1, Schedule::default(), 1e-6),
    ] {
        let mut at = [-1.5_f64, 2.0];
        let mut optimizer = Optimizer::new(method, at.len())?;
        for step in 0..STEPS {
            let slope = gradient(at);
            optimizer.step(&mut at, &slope, schedule.learning_rate(learning_rate, step));
        }
        println!("{name:19}  {:.4}  {:.4}  {:.1e}", at[0], at[1], value(at));
        assert!(value(at) < at_most, "{name} is at {at:?}");
    }
    Ok(())
}

fn value([x, y]: [f64; 2]) -> f64 {
    (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)
}

fn gradient([x, y]: [f64; 2]) -> [f64; 2] {
    let off = y - x * x;
    [-2.0 * (1.0 - x) - 400.0 * x * off, 200.0 * off]
}
