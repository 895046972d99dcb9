//! `highwater-nn` and this crate under a loop of your own, with no optimizer but one line: a small net learns to tell
//! the points of two rings apart, one within the other, which no straight line does.
//!
//! `cargo run -p highwater-objective --example two_rings`

#![allow(clippy::print_stdout, reason = "an example shows its result")]

use highwater_autodiff::Mode;
use highwater_nn::{Activation, Error, Init, Mlp, Model};
use highwater_objective::metrics::{Classification, Scores};
use highwater_objective::{CrossEntropy, Loss};
use ndarray::Array2;

const STEPS: u64 = 400;
const LEARNING_RATE: f32 = 0.5;

fn main() -> Result<(), Error> {
    let (train, train_classes) = rings(200, 0.0);
    let (test, test_classes) = rings(200, 0.5);
    let activation = Activation::Tanh;
    let mlp = Mlp { inputs: 2, hidden: vec![16], outputs: 2, activation, dropout: 0.0 };
    let mut model = Model::<f32>::new(mlp.network(), Init::GlorotUniform, 1)?;

    let loss = Loss::CrossEntropy(CrossEntropy::default());
    let program = model.compile(|logits| loss.record(logits));
    let mut ws = program.workspace(train.nrows());
    let mut gradients = vec![0.0; model.parameters().len()];
    let feeds = [(&train).into(), train_classes.as_slice().into()];
    for step in 0..=STEPS {
        program.forward(&mut ws, model.parameters(), &feeds, Mode::Train { key: step });
        program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
        if step % 100 == 0 {
            println!("step {step:3}: loss {:.4}", ws.loss());
        }
        model.parameters_mut().iter_mut().zip(&gradients).for_each(|(p, g)| *p -= LEARNING_RATE * g);
    }

    let logits = model.predict(test.view());
    let mut seen = Classification::new(2, Scores::Logits);
    seen.update(logits.as_slice().expect("rows one after another"), &test_classes);
    let [accuracy, log_loss] = [seen.accuracy(), seen.log_loss()].map(|value| value.expect("there are rows"));
    println!("{} points it has not seen: accuracy {accuracy:.3}, log loss {log_loss:.4}", test.nrows());
    assert!(accuracy > 0.98 && log_loss < 0.1);
    Ok(())
}

/// Points on two rings with something like noise, and which ring each is on.
fn rings(count: usize, shift: f32) -> (Array2<f32>, Vec<u32>) {
    let classes: Vec<u32> = (0..count).map(|row| row as u32 % 2).collect();
    let points = Array2::from_shape_fn((count, 2), |(row, column)| {
        let angle = (row as f32 + shift) * 2.4;
        let radius = 0.5 + 0.6 * classes[row] as f32 + 0.15 * (7.3 * angle).sin();
        radius * if column == 0 { angle.cos() } else { angle.sin() }
    });
    (points, classes)
}
