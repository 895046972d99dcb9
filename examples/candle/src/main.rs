//! A training loop of candle that survives kills, with `highwater-checkpoint` and nothing else of Highwater.
//!
//! `cargo run --manifest-path examples/candle/Cargo.toml`: a run is interrupted and goes on in what could be another
//! process, and ends with the very bits of one that nobody interrupted.
//!
//! A checkpoint must hold all that the next step depends on. candle's own AdamW does not give its moments away, so the
//! momentum is the loop's here; a `VarMap` alone, as `VarMap::save` writes it, would be half of the state.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Linear, Module, VarBuilder, VarMap, linear};
use highwater_checkpoint::{
    Array, Checkpoint, Goal, KeepBest, KeepLast, Retention, Section, Snapshot, Store,
};

const STEPS: u64 = 120;

struct Training {
    first: Linear,
    second: Linear,
    variables: BTreeMap<String, Var>,
    velocities: BTreeMap<String, Tensor>,
    step: u64,
    losses: Vec<f64>,
}

impl Training {
    fn new() -> Result<Self, Box<dyn Error>> {
        let map = VarMap::new();
        let builder = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        let (first, second) = (linear(2, 16, builder.pp("first"))?, linear(16, 1, builder.pp("second"))?);
        let variables: BTreeMap<String, Var> = map
            .data()
            .lock()
            .map_err(|_| "poisoned")?
            .iter()
            .map(|(name, var)| (name.clone(), var.clone()))
            .collect();
        let mut velocities = BTreeMap::new();
        for (number, (name, variable)) in variables.iter().enumerate() {
            // candle cannot seed the CPU: here the beginning is a function of the place.
            let values = (0..variable.elem_count()).map(|i| ((i * 7 + number) as f32 * 0.7).sin() * 0.5);
            variable.set(&Tensor::from_iter(values, &Device::Cpu)?.reshape(variable.shape())?)?;
            velocities.insert(name.clone(), variable.zeros_like()?);
        }
        Ok(Self { first, second, variables, velocities, step: 0, losses: Vec::new() })
    }

    /// One step on a batch that is a function of the step's number: the distance from the origin is to be learned.
    fn step(&mut self) -> Result<f64, Box<dyn Error>> {
        let numbers = (0..32).map(|i| ((self.step * 32 + i) as f32 * 0.37).sin());
        let x = Tensor::from_iter(numbers, &Device::Cpu)?.reshape((16, 2))?;
        let y = x.sqr()?.sum_keepdim(1)?.sqrt()?;
        let output = self.second.forward(&self.first.forward(&x)?.tanh()?)?;
        let loss = (output - y)?.sqr()?.mean_all()?;
        let gradients = loss.backward()?;
        for (name, variable) in &self.variables {
            let gradient = gradients.get(variable).ok_or("every variable has a gradient")?;
            let velocity = ((&self.velocities[name] * 0.9)? + gradient)?;
            variable.set(&(variable.as_tensor() - (&velocity * 0.02)?)?)?;
            self.velocities.insert(name.clone(), velocity.detach());
        }
        self.step += 1;
        let loss = f64::from(loss.to_scalar::<f32>()?);
        self.losses.push(loss);
        Ok(loss)
    }

    fn save(&self, store: &mut Store, loss: f64) -> Result<bool, Box<dyn Error>> {
        // Name, shape and numbers of everything.
        let mut tensors = Vec::new();
        for (name, variable) in &self.variables {
            tensors.push((format!("model.{name}"), variable.as_tensor()));
            tensors.push((format!("optimizer.velocity.{name}"), &self.velocities[name]));
        }
        let numbers: Vec<Vec<f32>> =
            tensors.iter().map(|(_, tensor)| tensor.flatten_all()?.to_vec1()).collect::<Result<_, _>>()?;
        let arrays: Vec<Array<'_>> = tensors
            .iter()
            .zip(&numbers)
            .map(|((name, tensor), numbers)| Array::f32(name.as_str(), tensor.dims(), numbers))
            .collect();
        let best = self.losses.iter().fold(f64::INFINITY, |best, loss| best.min(*loss));
        store.save(&Snapshot {
            step: self.step,
            score: Some(loss),
            arrays: &arrays,
            sections: &[Section::required("losses", 1, &self.losses)?],
            ..Snapshot::default()
        })?;
        Ok(loss <= best)
    }

    fn load(checkpoint: &Checkpoint) -> Result<Self, Box<dyn Error>> {
        let mut training = Self::new()?;
        let tensor = |name: String| -> Result<Tensor, Box<dyn Error>> {
            let array = checkpoint.array(&name)?;
            Ok(Tensor::from_slice(&array.as_f32()?, array.shape(), &Device::Cpu)?)
        };
        for (name, variable) in &training.variables {
            variable.set(&tensor(format!("model.{name}"))?)?;
            training.velocities.insert(name.clone(), tensor(format!("optimizer.velocity.{name}"))?);
        }
        training.step = checkpoint.facts().step;
        training.losses = checkpoint.section("losses", 1)?;
        Ok(training)
    }
}

/// Trains until `until`, saving every ten steps. Goes on from what is in the folder.
fn train(folder: &Path, until: u64) -> Result<Training, Box<dyn Error>> {
    let mut store = Store::open(folder)?;
    store.retain(KeepLast(2).or(KeepBest(1, Goal::Minimize)));
    let (found, report) = store.latest()?;
    report.rejected.iter().for_each(|rejected| println!("passed over: {}", rejected.error));
    let mut training = match &found {
        Some(checkpoint) => {
            store.continue_from(checkpoint)?;
            println!("going on from step {}", checkpoint.facts().step);
            Training::load(checkpoint)?
        }
        None => Training::new()?,
    };
    while training.step < until {
        let loss = training.step()?;
        if training.step.is_multiple_of(10) && training.save(&mut store, loss)? {
            println!("step {}: {loss:.5}, the best so far", training.step);
        }
    }
    Ok(training)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("highwater-candle-{}", std::process::id()));
    let whole = train(&folder.join("whole"), STEPS)?;
    // The steps after the last checkpoint are lost, and done again.
    train(&folder.join("interrupted"), STEPS / 2 + 7)?;
    let resumed = train(&folder.join("interrupted"), STEPS)?;

    let bits = |training: &Training| -> Result<Vec<u32>, candle_core::Error> {
        let mut bits = Vec::new();
        for tensor in training.variables.values().map(Var::as_tensor).chain(training.velocities.values()) {
            bits.extend(tensor.flatten_all()?.to_vec1::<f32>()?.iter().map(|v| v.to_bits()));
        }
        Ok(bits)
    };
    assert_eq!(bits(&whole)?, bits(&resumed)?);
    assert_eq!(whole.losses, resumed.losses);
    assert!(whole.losses[STEPS as usize - 1] < whole.losses[0] / 4.0, "it learns");
    println!("the same bits");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
