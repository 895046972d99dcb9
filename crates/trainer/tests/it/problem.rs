//! Small runs to try things on.

use highwater_checkpoint::{Checkpoint, Disk, FileSystem, Folder, Retention, Store};
use highwater_data::{Dataset, Targets, synthetic};
use highwater_nn::{Activation, Init, Layer, Mlp, Model, Sequential};
use highwater_objective::{CrossEntropy, Loss};
use highwater_optim::{Method, Sgd};
use highwater_trainer::{
    Checkpoints, Config, Data, Error, Event, Observer, OnFailure, Pace, Report, Run, Saves, Saving,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A model, data and a configuration.
#[derive(Clone)]
pub(crate) struct Problem {
    pub(crate) mlp: Mlp,
    /// Instead of the network of `mlp`.
    pub(crate) layers: Option<Vec<Layer>>,
    pub(crate) loss: Loss,
    pub(crate) train: Dataset,
    pub(crate) validation: Dataset,
    pub(crate) config: Config,
}

/// 50 rows to train on in batches of 16, so the last of the four steps of an epoch has 2 rows; 30 to validate on; three
/// epochs.
pub(crate) fn regression() -> Problem {
    of_noise(1.0)
}

fn of_noise(noise: f64) -> Problem {
    let all = synthetic::friedman1(80, 5, noise, 3);
    let Targets::Values(values) = all.targets() else { unreachable!("a regression") };
    let scaled = Dataset::new(all.features().to_owned(), Targets::Values((values - 14.4) / 4.9));
    Problem {
        mlp: Mlp { inputs: 5, hidden: vec![8], outputs: 1, activation: Activation::Tanh, dropout: 0.0 },
        layers: None,
        loss: Loss::MeanSquaredError,
        train: scaled.select(&(0..50).collect::<Vec<_>>()),
        validation: scaled.select(&(50..80).collect::<Vec<_>>()),
        config: Config {
            seed: 11,
            epochs: 3,
            batch_size: 16,
            learning_rate: 0.05,
            optimizer: Method::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }),
            stop: "never".parse().unwrap(),
            metrics: vec!["mae".parse().unwrap()],
            ..Config::default()
        },
    }
}

/// Whether the target is above its mean.
pub(crate) fn classification() -> Problem {
    let of = |data: &Dataset| {
        let Targets::Values(values) = data.targets() else { unreachable!("a regression") };
        let classes = values.iter().map(|value| u32::from(*value > 0.0)).collect();
        Dataset::new(data.features().to_owned(), Targets::Classes(classes))
    };
    let Problem { mlp, train, validation, config, .. } = regression();
    Problem {
        mlp: Mlp { outputs: 2, activation: Activation::Relu, ..mlp },
        layers: None,
        loss: Loss::CrossEntropy(CrossEntropy::default()),
        train: of(&train),
        validation: of(&validation),
        config: Config { metrics: vec!["accuracy".parse().unwrap(), "roc_auc".parse().unwrap()], ..config },
    }
}

/// Learns noise by heart: the best validation is soon passed.
pub(crate) fn overfitting() -> Problem {
    let mut problem = of_noise(10.0);
    problem.mlp.hidden = vec![32];
    problem.train = problem.train.select(&(0..12).collect::<Vec<_>>());
    problem.config = Config { epochs: 40, batch_size: 4, learning_rate: 0.1, ..problem.config };
    problem
}

/// How a run is begun, and disturbed.
#[derive(Default)]
pub(crate) struct How<'a> {
    /// The run folder.
    pub(crate) dir: Option<&'a Path>,
    pub(crate) resume: bool,
    pub(crate) from: Option<Checkpoint>,
    /// Who watches.
    pub(crate) observer: Option<&'a mut dyn Observer>,
    pub(crate) interrupt: Option<&'a AtomicBool>,
    pub(crate) on_failure: OnFailure,
    /// Not every checkpoint need be on the disk in the end.
    pub(crate) hurried: bool,
    /// What stays of the checkpoints; all, if nobody says.
    pub(crate) retention: Option<Box<dyn Retention>>,
    /// Where the run folder is, if not on the disk.
    pub(crate) fs: Option<Arc<dyn FileSystem>>,
}

impl Problem {
    pub(crate) fn model(&self) -> Model<f32> {
        let network = match &self.layers {
            Some(layers) => Sequential { inputs: self.mlp.inputs, layers: layers.clone() },
            None => self.mlp.network(),
        };
        Model::new(network, Init::Pytorch, 5).unwrap()
    }

    pub(crate) fn data(&self) -> Data<'_> {
        Data::new(&self.train, &self.validation)
    }

    /// The number of steps up to the limit of epochs, if no single row is left that joins the step before.
    pub(crate) fn steps(&self) -> u64 {
        self.config.epochs * self.train.rows().div_ceil(self.config.batch_size) as u64
    }

    /// Runs with a fresh model; what comes back is the report and the model as it is then.
    pub(crate) fn run(&self, how: How<'_>) -> (Result<Report, Error>, Model<f32>) {
        let mut model = self.model();
        let fs = how.fs.unwrap_or_else(|| Arc::new(Disk));
        let mut store = how.dir.map(|dir| Store::open_in(checkpoints(dir), fs).unwrap());
        if let (Some(store), Some(retention)) = (&mut store, how.retention) {
            store.retain(retention);
        }
        let best = how.dir.map(best);
        let pace = if how.hurried { Pace::Newest } else { Pace::Every };
        let saving = Saving { on_failure: how.on_failure, pace };
        let run = Run {
            checkpoints: store.map(|store| Checkpoints {
                best: best.as_deref(),
                saving,
                ..Checkpoints::new(store)
            }),
            observers: how.observer.into_iter().map(|observer| observer as &mut dyn Observer).collect(),
            interrupt: how.interrupt,
            ..Run::new(&mut model, &self.loss)
        };
        let report = match how.resume {
            true => highwater_trainer::resume(run, self.data(), &self.config, how.from),
            false => highwater_trainer::fit(run, self.data(), &self.config),
        };
        (report, model)
    }

    pub(crate) fn fit(&self, dir: &Path) -> Report {
        self.run(How { dir: Some(dir), ..How::default() }).0.unwrap()
    }

    /// As far as step `step`, interrupted there.
    pub(crate) fn fit_until(&self, step: u64, dir: &Path) -> Report {
        let flag = AtomicBool::new(step == 0);
        let mut raise = |event: &Event<'_>| {
            if matches!(event, Event::Stepped { step: now, .. } if *now == step) {
                flag.store(true, Ordering::Relaxed);
            }
            ControlFlow::Continue(())
        };
        let how =
            How { dir: Some(dir), observer: Some(&mut raise), interrupt: Some(&flag), ..How::default() };
        self.run(how).0.unwrap()
    }

    pub(crate) fn resume(&self, dir: &Path) -> Report {
        self.run(How { dir: Some(dir), resume: true, ..How::default() }).0.unwrap()
    }
}

pub(crate) fn checkpoints(dir: &Path) -> PathBuf {
    dir.join("checkpoints")
}

pub(crate) fn best(dir: &Path) -> PathBuf {
    dir.join("best.safetensors")
}

/// The files of the checkpoints, oldest first.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = Folder::new(checkpoints(dir)).list().unwrap().entries;
    entries.into_iter().map(|entry| entry.path).collect()
}

/// Flips a bit of the first parameter.
pub(crate) fn damage(path: &Path) {
    let range = Checkpoint::open(path).unwrap().arrays().next().unwrap().range();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[range.start as usize] ^= 1;
    // A new file: the published best may be a second name of the old one.
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Everything about a run that has to be the same again: no times.
pub(crate) fn told(report: &Report) -> String {
    let mut report = report.clone();
    (report.elapsed, report.saves) = (0.0, Saves::default());
    report.history.iter_mut().for_each(|record| record.elapsed = 0.0);
    format!("{report:?}")
}

/// The arrays of a checkpoint: names and bytes.
pub(crate) fn arrays(path: &Path) -> Vec<(String, Vec<u8>)> {
    let checkpoint = Checkpoint::open(path).unwrap();
    let array = |name: &str| (name.to_owned(), checkpoint.array(name).unwrap().bytes().to_vec());
    checkpoint.arrays().map(|info| array(info.name())).collect()
}

pub(crate) fn bits(model: &Model<f32>) -> Vec<u32> {
    model.parameters().iter().map(|value| value.to_bits()).collect()
}
