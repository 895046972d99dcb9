//! A training loop of Burn that survives kills, with `highwater-checkpoint` and nothing else of Highwater.
//!
//! `cargo run --manifest-path examples/burn/Cargo.toml`: a run is interrupted and goes on in what could be another process,
//! and ends with the very bits of one that nobody interrupted.
//!
//! Burn gives the state of modules and of optimizers as bytes, Adam's moments and the numbers of its parameters among them.
//! They become arrays of bytes in one verified file, instead of several files that may not belong together after a crash.

use std::error::Error;
use std::path::Path;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::activation::tanh;
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use highwater_checkpoint::{
    Array, Checkpoint, Goal, KeepBest, KeepLast, Retention, Section, Snapshot, Store,
};

const STEPS: u64 = 120;

#[derive(Module, Debug)]
struct Network {
    first: Linear,
    second: Linear,
}

struct Training {
    device: Device,
    network: Network,
    optimizer: ModuleOptimizer,
    step: u64,
    losses: Vec<f64>,
}

impl Training {
    fn new() -> Self {
        let device = Device::flex().autodiff();
        device.seed(7);
        let network = Network {
            first: LinearConfig::new(2, 16).init(&device),
            second: LinearConfig::new(16, 1).init(&device),
        };
        Self { device, network, optimizer: AdamConfig::new().init(), step: 0, losses: Vec::new() }
    }

    /// One step on a batch that is a function of the step's number: the distance from the origin is to be learned.
    fn step(mut self) -> Self {
        let numbers: Vec<f32> = (0..32).map(|i| ((self.step * 32 + i) as f32 * 0.37).sin()).collect();
        let x = Tensor::<2>::from_data(TensorData::new(numbers, [16, 2]), &self.device);
        let y = x.clone().powi_scalar(2).sum_dim(1).sqrt();
        let output = self.network.second.forward(tanh(self.network.first.forward(x)));
        let loss = (output - y).powi_scalar(2).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self.optimizer.step(0.01, self.network, gradients);
        self.step += 1;
        self.losses.push(f64::from(loss.into_scalar::<f32>()));
        self
    }

    fn save(&self, store: &mut Store) -> Result<(), Box<dyn Error>> {
        let (network, optimizer) =
            (self.network.clone().into_record().into_bytes()?, self.optimizer.into_bytes()?);
        store.save(&Snapshot {
            step: self.step,
            score: self.losses.last().copied(),
            arrays: &[
                Array::u8("model.burnpack", &[network.len()], &network),
                Array::u8("optimizer.burnpack", &[optimizer.len()], &optimizer),
            ],
            sections: &[Section::required("losses", 1, &self.losses)?],
            labels: &[("burn", "0.22")],
            ..Snapshot::default()
        })?;
        Ok(())
    }

    fn load(checkpoint: &Checkpoint) -> Result<Self, Box<dyn Error>> {
        let bytes = |name: &str| -> Result<Bytes, Box<dyn Error>> {
            Ok(Bytes::from_bytes_vec(checkpoint.array(name)?.as_u8()?.to_vec()))
        };
        let mut training = Self::new();
        training.network = training.network.load_record(ModuleRecord::from_bytes(bytes("model.burnpack")?)?);
        training.optimizer = training.optimizer.from_bytes(bytes("optimizer.burnpack")?)?;
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
        None => Training::new(),
    };
    while training.step < until {
        training = training.step();
        if training.step.is_multiple_of(10) {
            training.save(&mut store)?;
        }
    }
    Ok(training)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("highwater-burn-{}", std::process::id()));
    let whole = train(&folder.join("whole"), STEPS)?;
    // The steps after the last checkpoint are lost, and done again.
    train(&folder.join("interrupted"), STEPS / 2 + 7)?;
    let resumed = train(&folder.join("interrupted"), STEPS)?;

    let bits = |linear: &Linear| -> Result<Vec<u32>, Box<dyn Error>> {
        let values: Vec<f32> =
            linear.weight.val().into_data().try_to_vec().map_err(|error| format!("{error:?}"))?;
        Ok(values.iter().map(|v| v.to_bits()).collect())
    };
    assert_eq!(bits(&whole.network.first)?, bits(&resumed.network.first)?);
    assert_eq!(bits(&whole.network.second)?, bits(&resumed.network.second)?);
    assert_eq!(whole.losses, resumed.losses);
    assert!(whole.losses[STEPS as usize - 1] < whole.losses[0] / 4.0, "it learns");
    println!("the same bits, after a loss of {:.5}", whole.losses[STEPS as usize - 1]);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
