//! This crate alone, under a loop of your own: a small net learns a sine by gradient descent.
//!
//! `cargo run --release -p highwater-autodiff --example sine`

#![allow(clippy::print_stdout, reason = "an example shows its result")]

use highwater_autodiff::{Graph, Mode, Program, Var};
use ndarray::Array2;
use std::f32::consts::PI;

const STEPS: u64 = 20_000;
const LEARNING_RATE: f32 = 0.03;

fn main() {
    let g = Graph::new();
    let y = layer(layer(g.input(1), "hidden", 16).tanh(), "output", 1);
    let loss = (y - g.input(1)).square().mean();
    let program = g.compile(loss, &[y]);

    let x = Array2::from_shape_fn((200, 1), |(row, _)| (row as f32 / 99.5 - 1.0) * PI);
    let target = x.mapv(f32::sin);
    let feeds = [(&x).into(), (&target).into()];
    let mut params = initial(&program);
    let mut gradients = vec![0.0; params.len()];
    let mut ws = program.workspace(x.nrows());
    for step in 0..=STEPS {
        program.forward(&mut ws, &params, &feeds, Mode::Train { key: step });
        program.backward(&mut ws, &params, &feeds, &mut gradients);
        params.iter_mut().zip(&gradients).for_each(|(p, g)| *p -= LEARNING_RATE * g);
        if step % (STEPS / 8) == 0 {
            println!("step {step:5}: loss {:.5}", ws.loss());
        }
    }

    println!("\n    x   sin x     net");
    let y = ws.output(0);
    for row in (0..x.nrows()).step_by(20) {
        println!("{:5.2}  {:6.3}  {:6.3}", x[[row, 0]], target[[row, 0]], y[[row, 0]]);
    }
    assert!(ws.loss() < 3e-3, "the net has learned the sine");
}

/// x · weightᵀ + bias with `outputs` columns.
fn layer<'g>(x: Var<'g>, name: &str, outputs: usize) -> Var<'g> {
    let g = x.graph();
    let weight = g.param(format!("{name}.weight"), [outputs, x.columns()]);
    x.matmul_t(weight) + g.param_vector(format!("{name}.bias"), outputs)
}

/// Weights of the size of 1/√inputs, spread evenly by the golden ratio; no bias.
fn initial(program: &Program) -> Vec<f32> {
    let mut params = vec![0.0; program.parameter_count()];
    for parameter in program.parameters() {
        if let [_, inputs] = parameter.shape[..] {
            let weights = &mut params[parameter.range()];
            for (i, weight) in weights.iter_mut().enumerate() {
                let even = (i as f32 + 1.0) * 0.618_034 % 1.0;
                *weight = (2.0 * even - 1.0) / (inputs as f32).sqrt();
            }
        }
    }
    params
}
