//! Training steps of a workload on random data.

use crate::workload::{LossName, Workload};
use highwater_autodiff::{Awake, Buffer, Feed, Mode, Program, Workspace};
use highwater_nn::{Init, Mlp, Model};
use highwater_optim::Optimizer;
use ndarray::{Array2, s};
use ndarray_rand::RandomExt;
use ndarray_rand::rand::{Rng, SeedableRng};
use ndarray_rand::rand_distr::StandardNormal;
use rand_chacha::ChaCha8Rng;

/// A network in training, with random data to train on.
#[derive(Debug)]
pub struct Training {
    model: Model<f32>,
    program: Program,
    workspace: Workspace<f32>,
    gradients: Buffer<f32>,
    optimizer: Optimizer<f32>,
    learning_rate: f64,
    inputs: Array2<f32>,
    targets: Targets,
    batch: usize,
    _awake: Option<Awake>,
}

#[derive(Debug)]
enum Targets {
    Classes(Vec<u32>),
    Values(Array2<f32>),
}

/// What a training run keeps, in bytes.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Memory {
    pub parameters: usize,
    pub gradients: usize,
    pub optimizer: usize,
    pub workspace: usize,
    pub data: usize,
}

/// A matrix of standard normal elements, the same for the same seed.
pub fn normal(shape: (usize, usize), seed: u64) -> Array2<f32> {
    Array2::random_using(shape, StandardNormal, &mut ChaCha8Rng::seed_from_u64(seed))
}

impl Training {
    /// Everything a step needs, ready for the first.
    pub fn new(workload: &Workload) -> Training {
        let &Workload { ref sizes, activation, loss, optimizer, rows, batch, .. } = workload;
        let (inputs, outputs) = (sizes[0], sizes[sizes.len() - 1]);
        let hidden = sizes[1..sizes.len() - 1].to_vec();
        let mlp = Mlp { inputs, hidden, outputs, activation, dropout: 0.0 };
        let model = Model::new(mlp.network(), Init::Pytorch, 0).expect("a workload has no empty layer");
        let program = model.compile(|y| loss.loss().record(y));
        let count = model.parameters().len();
        let (method, learning_rate) = optimizer.method();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let targets = match loss {
            LossName::CrossEntropy => {
                Targets::Classes((0..rows).map(|_| rng.random_range(0..outputs as u32)).collect())
            }
            LossName::BceWithLogits => Targets::Values(Array2::from_shape_simple_fn((rows, outputs), || {
                f32::from(rng.random::<bool>())
            })),
            LossName::Mse | LossName::Mae | LossName::Huber => Targets::Values(normal((rows, outputs), 2)),
        };
        let workspace = program.workspace(batch);
        let awake = workspace.shares_work().then(Awake::new).flatten();
        Training {
            workspace,
            gradients: Buffer::zeros(count),
            optimizer: Optimizer::new(method, count).expect("the defaults are sound"),
            learning_rate,
            inputs: normal((rows, inputs), 3),
            targets,
            batch,
            _awake: awake,
            program,
            model,
        }
    }

    /// Takes the `index`-th batch of consecutive rows, starting over at the end, and moves the parameters by one step.
    /// Returns the loss before it.
    pub fn step(&mut self, index: usize) -> f32 {
        let start = (index * self.batch) % (self.inputs.nrows() - self.batch + 1);
        let rows = start..start + self.batch;
        let target = match &self.targets {
            Targets::Classes(classes) => Feed::from(&classes[rows.clone()]),
            Targets::Values(values) => Feed::from(values.slice(s![rows.clone(), ..])),
        };
        let feeds = [Feed::from(self.inputs.slice(s![rows, ..])), target];
        let mode = Mode::Train { key: index as u64 };
        self.program.forward(&mut self.workspace, self.model.parameters(), &feeds, mode);
        self.program.backward(&mut self.workspace, self.model.parameters(), &feeds, &mut self.gradients);
        self.optimizer.step(self.model.parameters_mut(), &self.gradients, self.learning_rate);
        self.workspace.loss()
    }

    /// What all this takes.
    pub fn memory(&self) -> Memory {
        let targets = match &self.targets {
            Targets::Classes(classes) => size_of_val(&classes[..]),
            Targets::Values(values) => values.len() * size_of::<f32>(),
        };
        Memory {
            parameters: size_of_val(self.model.parameters()),
            gradients: size_of_val(&self.gradients[..]),
            optimizer: self.optimizer.slots().map(|(_, slot)| size_of_val(slot)).sum(),
            workspace: self.program.workspace_bytes::<f32>(self.batch),
            data: self.inputs.len() * size_of::<f32>() + targets,
        }
    }
}
