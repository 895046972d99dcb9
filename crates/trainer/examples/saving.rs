//! What saving every epoch costs a run of the digits: `cargo run --release -p highwater-trainer --example saving [DIR]`.
//!
//! Runs it with and without a store in turns, and prints one JSON object a line: medians of the whole run's time, and of the
//! time that training waited for saving.
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use highwater_checkpoint::{Goal, KeepBest, KeepLast, Retention, Store};
use highwater_data::{Fractions, Preparation, Task, digits, split_table};
use highwater_nn::{Activation, Init, Mlp, Model};
use highwater_objective::{CrossEntropy, Loss, metrics::Metric};
use highwater_optim::{Adam, Method, Schedule};
use highwater_trainer::{Checkpoints, Config, Data, Every, Run, Saves, Saving, Score, fit};
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let table = digits();
    let split = split_table(&table, "digit", Task::Classification, Fractions::default(), 0)?;
    let preparation = Preparation::fit(&table, &split.train, "digit", Task::Classification)?;
    let train = preparation.dataset(&table, &split.train)?;
    let validation = preparation.dataset(&table, &split.validation)?;
    let mlp = Mlp { inputs: 64, hidden: vec![256], outputs: 10, activation: Activation::Relu, dropout: 0.0 };
    let config = Config {
        seed: 0,
        epochs: 40,
        batch_size: 32,
        micro_batch: None,
        learning_rate: 0.001,
        schedule: Schedule::default(),
        plateau: None,
        optimizer: Method::Adam(Adam::default()),
        clip_norm: None,
        validate: Every::Epochs(1),
        stop: "never".parse()?,
        monitor: Score::Loss,
        select: Score::Loss,
        non_finite: Default::default(),
        metrics: vec![Metric::Accuracy],
    };
    let loss = Loss::CrossEntropy(CrossEntropy::default());
    let dir = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);

    // One round to warm up.
    let mut times = [Vec::new(), Vec::new()];
    let (mut stalls, mut last) = (Vec::new(), Saves::default());
    for round in 0..=ROUNDS {
        for (saves, times) in times.iter_mut().enumerate() {
            let mut model = Model::new(mlp.network(), Init::Pytorch, 0)?;
            let folder = tempfile::tempdir_in(&dir)?;
            let best = folder.path().join("best.safetensors");
            let mut checkpoints = None;
            if saves == 1 {
                let mut store = Store::open(folder.path().join("checkpoints"))?;
                store.retain(KeepLast(2).or(KeepBest(2, Goal::Minimize)));
                let saving = Saving::default();
                checkpoints = Some(Checkpoints { store, best: Some(&best), sections: &[], saving });
            }
            let run = Run {
                model: &mut model,
                loss: &loss,
                store: checkpoints,
                observers: vec![],
                interrupt: None,
            };
            let began = Instant::now();
            let report = fit(run, Data { train: &train, validation: &validation, units: &[] }, &config)?;
            if round > 0 {
                times.push(began.elapsed().as_secs_f64());
                if saves == 1 {
                    stalls.push(report.saves.stalled / report.saves.training);
                    last = report.saves;
                }
            }
        }
    }
    let [without, with] = times.map(median);
    println!(r#"{{"what": "without saving", "ms": {:.1}}}"#, without * 1e3);
    println!(r#"{{"what": "saving every epoch", "ms": {:.1}}}"#, with * 1e3);
    println!(r#"{{"what": "share that training waited", "percent": {:.2}}}"#, median(stalls) * 100.0);
    let each = last.took / last.written.max(1) as f64;
    let Saves { written, superseded, .. } = last;
    println!(
        r#"{{"what": "a save in the background", "ms": {:.2}, "written": {written}, "superseded": {superseded}}}"#,
        each * 1e3
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
