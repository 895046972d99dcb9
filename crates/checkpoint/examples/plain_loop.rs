//! A training loop over plain `Vec<f32>`s, with nothing else of Highwater: it is interrupted, goes on from its newest
//! sound checkpoint, and ends with the very bits of a run that nobody interrupted.
//!
//! `cargo run -p highwater-checkpoint --example plain_loop`
#![allow(clippy::print_stdout)] // a program

use std::path::Path;

use highwater_checkpoint::{
    Array, Checkpoint, Goal, KeepBest, KeepLast, Retention, Section, Snapshot, Store,
};
use serde::{Deserialize, Serialize};

const STEPS: u64 = 200;

/// Least squares by gradient descent with momentum: everything that the next step depends on.
struct Training {
    weights: Vec<f32>,
    velocity: Vec<f32>,
    counters: Counters,
}

#[derive(Serialize, Deserialize)]
struct Counters {
    step: u64,
    losses: Vec<f64>,
}

impl Training {
    fn new() -> Self {
        let counters = Counters { step: 0, losses: Vec::new() };
        Self { weights: vec![0.0; 8], velocity: vec![0.0; 8], counters }
    }

    fn from_checkpoint(checkpoint: &Checkpoint) -> Result<Self, highwater_checkpoint::Error> {
        Ok(Self {
            weights: checkpoint.array("model.weight")?.of_shape(&[8])?.as_f32()?.into_owned(),
            velocity: checkpoint.array("optimizer.velocity.weight")?.of_shape(&[8])?.as_f32()?.into_owned(),
            counters: checkpoint.section("counters", 1)?,
        })
    }

    /// One step on one example, which is a function of the step's number. Returns the loss.
    fn step(&mut self) -> f64 {
        let input: Vec<f32> = (0..8).map(|i| (self.counters.step as f32 * 0.7 + i as f32).sin()).collect();
        let target = input.iter().zip(1..).map(|(x, i)| x * i as f32).sum::<f32>();
        let error = input.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f32>() - target;
        for ((w, v), x) in self.weights.iter_mut().zip(&mut self.velocity).zip(&input) {
            *v = 0.9 * *v - 0.01 * error * x;
            *w += *v;
        }
        self.counters.step += 1;
        let loss = f64::from(error * error);
        self.counters.losses.push(loss);
        loss
    }
}

/// Trains until `until`, saving every ten steps. Goes on from what is in `run`.
fn train(run: &Path, until: u64) -> Result<Training, highwater_checkpoint::Error> {
    let mut store = Store::open(run.join("checkpoints"))?;
    store.retain(KeepLast(3).or(KeepBest(1, Goal::Minimize)));
    let (found, report) = store.latest()?;
    for rejected in &report.rejected {
        println!("passed over: {}", rejected.error);
    }
    let mut training = match &found {
        Some(checkpoint) => {
            store.continue_from(checkpoint)?;
            println!("going on from step {}", checkpoint.facts().step);
            Training::from_checkpoint(checkpoint)?
        }
        None => Training::new(),
    };
    // Not a counter: after a kill between saving and publishing it would promise what is not there.
    let best_file = run.join("best.safetensors");
    let best = store.publish_best(Goal::Minimize, &best_file)?;
    let mut best = best.and_then(|facts| facts.score).unwrap_or(f64::INFINITY);

    while training.counters.step < until {
        let loss = training.step();
        let step = training.counters.step;
        if !step.is_multiple_of(10) {
            continue;
        }
        let snapshot = Snapshot {
            step,
            score: Some(loss),
            arrays: &[
                Array::f32("model.weight", &[8], &training.weights),
                Array::f32("optimizer.velocity.weight", &[8], &training.velocity),
            ],
            sections: &[Section::required("counters", 1, &training.counters)?],
            ..Snapshot::default()
        };
        if loss < best {
            best = loss;
            store.save_and_publish(&snapshot, &best_file)?;
        } else {
            store.save(&snapshot)?;
        }
    }
    Ok(training)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("highwater-plain-loop-{}", std::process::id()));
    let whole = train(&dir.join("whole"), STEPS)?;

    let interrupted = dir.join("interrupted");
    train(&interrupted, 95)?;
    // A bit flips on the disk.
    let newest = Store::open(interrupted.join("checkpoints"))?.latest()?.1.chosen.ok_or("no checkpoint")?;
    let mut bytes = std::fs::read(&newest)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&newest)?;
    std::fs::write(&newest, bytes)?;
    // And a kill came after the best was saved, before it was published.
    std::fs::remove_file(interrupted.join("best.safetensors"))?;
    let resumed = train(&interrupted, STEPS)?;

    let bits = |training: &Training| training.weights.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&whole), bits(&resumed));
    let best = |run: &Path| Checkpoint::open(run.join("best.safetensors")).map(|best| best.facts().clone());
    let (best, best_of_whole) = (best(&interrupted)?, best(&dir.join("whole"))?);
    assert_eq!((best.step, best.score), (best_of_whole.step, best_of_whole.score));
    println!("the same bits; the best was step {} with a loss of {:?}", best.step, best.score);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
