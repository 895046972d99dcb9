//! What saving every epoch costs a run of the digits:
//! `cargo run --release -p highwater-trainer --example saving [DIR [ROUNDS]]`.
//!
//! Runs it without a store, with one, and with one that passes over no checkpoint, in turns, and prints one JSON object a
//! line: medians of the time of the training loop, of the time until the last state is on the disk, and of their parts.
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use highwater_checkpoint::{Goal, KeepBest, KeepLast, Retention, Store};
use highwater_data::{Fractions, Preparation, Task, digits, split_table};
use highwater_nn::{Activation, Init, Mlp, Model};
use highwater_objective::{CrossEntropy, Loss, metrics::Metric};
use highwater_trainer::{Checkpoints, Config, Data, Pace, Run, Saves, Saving, fit};
use std::error::Error;
use std::path::PathBuf;

const ROUNDS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let table = digits();
    let split = split_table(&table, "digit", Task::Classification, Fractions::default(), 0)?;
    let preparation = Preparation::fit(&table, &split.train, "digit", Task::Classification)?;
    let train = preparation.dataset(&table, &split.train)?;
    let validation = preparation.dataset(&table, &split.validation)?;
    let mlp = Mlp {
        inputs: train.inputs(),
        hidden: vec![256],
        outputs: 10,
        activation: Activation::Relu,
        dropout: 0.0,
    };
    let config = Config {
        epochs: 500,
        stop: "patience(20)".parse()?,
        metrics: vec![Metric::Accuracy],
        ..Config::default()
    };
    let loss = Loss::CrossEntropy(CrossEntropy::default());
    let mut words = std::env::args().skip(1);
    let dir = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let rounds = words.next().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;

    let mut modes = MODES.map(|(name, pace)| Mode { name, pace, runs: Vec::new() });
    for round in 0..=rounds {
        // Whoever comes first in a round comes last in the next but one.
        for mode in (0..modes.len()).map(|at| (at + round) % MODES.len()) {
            let Mode { pace, runs, .. } = &mut modes[mode];
            let mut model = Model::new(mlp.network(), Init::Pytorch, 0)?;
            let folder = tempfile::tempdir_in(&dir)?;
            let best = folder.path().join("best.safetensors");
            let mut checkpoints = None;
            if let Some(pace) = *pace {
                let mut store = Store::open(folder.path().join("checkpoints"))?;
                store.retain(KeepLast(2).or(KeepBest(2, Goal::Minimize)));
                let saving = Saving { pace, ..Saving::default() };
                checkpoints = Some(Checkpoints { best: Some(&best), saving, ..Checkpoints::new(store) });
            }
            let run = Run { checkpoints, ..Run::new(&mut model, &loss) };
            let saves = fit(run, Data::new(&train, &validation), &config)?.saves;
            // One round to warm up.
            if round > 0 {
                runs.push(saves);
            }
        }
    }
    let [without, with @ ..] = &modes;
    for mode in &modes {
        let ms = |figure: fn(&Saves) -> f64| 1e3 * median(mode.runs.iter().map(figure));
        println!(
            r#"{{"what": "{}", "loop_ms": {:.2}, "to_the_end_ms": {:.2}, "copies_ms": {:.2}, "last_write_ms": {:.2}, "a_write_ms": {:.2}, "written": {}, "passed_over": {}}}"#,
            mode.name,
            ms(|saves| saves.training - saves.finishing),
            ms(|saves| saves.training),
            ms(|saves| saves.stalled - saves.finishing),
            ms(|saves| saves.finishing),
            ms(|saves| saves.took / saves.written.max(1) as f64),
            median(mode.runs.iter().map(|saves| saves.written as f64)),
            median(mode.runs.iter().map(|saves| saves.superseded as f64)),
        );
    }
    for mode in with {
        // Each round is compared with itself: what else the machine does changes slowly.
        let more = |figure: fn(&Saves) -> f64| {
            let pairs = mode.runs.iter().zip(&without.runs);
            100.0 * (median(pairs.map(|(with, without)| figure(with) / figure(without))) - 1.0)
        };
        println!(
            r#"{{"what": "{}, more than without", "loop_percent": {:.2}, "to_the_end_percent": {:.2}}}"#,
            mode.name,
            more(|saves| saves.training - saves.finishing),
            more(|saves| saves.training),
        );
    }
    Ok(())
}

/// A way to save, and what came of it in each round.
struct Mode {
    name: &'static str,
    pace: Option<Pace>,
    runs: Vec<Saves>,
}

const MODES: [(&str, Option<Pace>); 3] = [
    ("without saving", None),
    ("a snapshot each epoch, the newest written", Some(Pace::Newest)),
    ("each epoch written", Some(Pace::Every)),
];

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
