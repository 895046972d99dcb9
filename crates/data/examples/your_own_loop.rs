//! This crate alone, under a loop of your own: perceptrons (Rosenblatt, 1958) that learn the digits, one for each.
//!
//! `cargo run --release -p highwater-data --example your_own_loop [FILE.csv TARGET]`

#![allow(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;

use highwater_data::{
    Batch, BatchBuffer, Fractions, Preparation, Table, Task, digits, epoch_order_into, split_table,
};
use ndarray::Array2;

const SEED: u64 = 1;
const EPOCHS: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let (table, target) = match std::env::args().collect::<Vec<_>>().as_slice() {
        [_, file, target] => (Table::read_csv(file)?, target.clone()),
        _ => (digits(), "digit".to_owned()),
    };
    let parts = split_table(&table, &target, Task::Classification, Fractions::default(), SEED)?;
    let preparation = Preparation::fit(&table, &parts.train, &target, Task::Classification)?;
    let train = preparation.dataset(&table, &parts.train)?;
    let test = preparation.dataset(&table, &parts.test)?;

    let mut weights = Array2::<f32>::zeros((preparation.output_count(), preparation.input_count()));
    let (mut order, mut buffer) = (Vec::new(), BatchBuffer::new());
    for epoch in 0..EPOCHS {
        epoch_order_into(SEED, epoch, train.rows(), &mut order);
        for rows in order.chunks(16) {
            learn(&mut weights, buffer.gather(&train, rows));
        }
        if epoch % 5 == 4 {
            println!(
                "epoch {:2}: {:.3} of {} test rows are right",
                epoch + 1,
                accuracy(&weights, test.batch(0..test.rows())),
                test.rows()
            );
        }
    }
    println!("classes: {}", preparation.class_names().join(", "));
    if std::env::args().len() == 1 {
        assert!(accuracy(&weights, test.batch(0..test.rows())) > 0.9, "perceptrons read digits");
    }
    Ok(())
}

/// Moves the right class's weights towards each row that is taken for another class, and the other's away from it.
fn learn(weights: &mut Array2<f32>, batch: Batch<'_>) {
    let guesses = guesses(weights, batch);
    for ((row, class), guess) in batch.features.rows().into_iter().zip(classes(batch)).zip(guesses) {
        if guess != *class as usize {
            weights.row_mut(*class as usize).scaled_add(1.0, &row);
            weights.row_mut(guess).scaled_add(-1.0, &row);
        }
    }
}

fn accuracy(weights: &Array2<f32>, batch: Batch<'_>) -> f64 {
    let guesses = guesses(weights, batch);
    let right = guesses.iter().zip(classes(batch)).filter(|(guess, class)| **guess == **class as usize);
    right.count() as f64 / batch.features.nrows() as f64
}

/// The class with the highest score for each row.
fn guesses(weights: &Array2<f32>, batch: Batch<'_>) -> Vec<usize> {
    let scores = batch.features.dot(&weights.t());
    let best = |scores: ndarray::ArrayView1<'_, f32>| {
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
    };
    scores.rows().into_iter().map(|scores| best(scores).expect("two classes or more")).collect()
}

fn classes(batch: Batch<'_>) -> &[u32] {
    batch.targets.classes().expect("the task is classification")
}
