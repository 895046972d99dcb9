//! The shortest useful program: a network that reads digits, stopped in time, with checkpoints.
//! `cargo run --release -p highwater-trainer --example digits`
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use highwater_trainer::checkpoint::{KeepLast, Store};
use highwater_trainer::data::{Fractions, Preparation, Task, digits, split_table};
use highwater_trainer::nn::{Activation, Init, Mlp, Model};
use highwater_trainer::objective::{CrossEntropy, Loss, metrics::Metric};
use highwater_trainer::{Checkpoints, Config, Data, Event, Run, evaluate, fit};
use std::ops::ControlFlow;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (table, task) = (digits(), Task::Classification);
    let split = split_table(&table, "digit", task, Fractions::default(), 1)?;
    let preparation = Preparation::fit(&table, &split.train, "digit", task)?;
    let part = |rows: &[usize]| preparation.dataset(&table, rows);
    let (train, validation, test) = (part(&split.train)?, part(&split.validation)?, part(&split.test)?);

    let (inputs, outputs) = (preparation.input_count(), preparation.output_count());
    let mlp = Mlp { inputs, hidden: vec![64], outputs, activation: Activation::Relu, dropout: 0.2 };
    let mut model = Model::new(mlp.network(), Init::HeUniform, 1)?;
    let loss = Loss::CrossEntropy(CrossEntropy::default());
    let config = Config {
        seed: 1,
        epochs: 200,
        learning_rate: 0.003,
        stop: "patience(10)".parse()?,
        metrics: vec![Metric::Accuracy],
        ..Config::default()
    };

    let dir = tempfile::tempdir()?;
    let best = dir.path().join("best.safetensors");
    let mut store = Store::open(dir.path().join("checkpoints"))?;
    store.retain(KeepLast(2));
    let mut show = |event: &Event<'_>| {
        if let Event::Validated { record, improved, .. } = event {
            let mark = if *improved { " *" } else { "" };
            println!("epoch {:3}   validation loss {:.4}{mark}", record.epoch, record.validation_loss);
        }
        ControlFlow::Continue(())
    };
    let run = Run {
        checkpoints: Some(Checkpoints { best: Some(&best), ..Checkpoints::new(store) }),
        observers: vec![&mut show],
        ..Run::new(&mut model, &loss)
    };
    let report = fit(run, Data::new(&train, &validation), &config)?;

    let kept = report.best().ok_or("no finite loss")?;
    println!("stopped: {}; kept: epoch {}", report.ended, kept.epoch);
    let scores = evaluate(&model, &loss, &config.metrics, &test, &[]);
    println!("test accuracy {:.4} on {} rows", scores.metrics[0].1, scores.rows);
    assert!(scores.metrics[0].1 > 0.95 && report.history.len() < 200, "it reads, and it stopped in time");
    Ok(())
}
