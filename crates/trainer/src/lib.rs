//! A training loop that knows when to stop, keeps the best model, and loses nothing.
//!
//! Everybody writes this loop, and nearly everybody writes it wrong: it stops at the first wiggle of the validation loss, it
//! saves the last model instead of the best, one NaN is "best" for ever, and what is killed starts again from nothing, or
//! goes on with other random numbers and without the optimizer's momentum. (The example `article` shows the first two with
//! numbers.) This crate has the loop once. It does no numerics of its own and has no opinions on when to stop or what to
//! keep on disk: it composes a [`Model`](highwater_nn::Model), an optimizer, a stopping
//! [`Rule`](highwater_early_stopping::Rule) and a checkpoint [`Store`](highwater_checkpoint::Store), and hands on the crates that
//! these are from.
//!
//! ```
//! use highwater_trainer::data::{Dataset, Targets};
//! use highwater_trainer::ndarray::array;
//! use highwater_trainer::nn::{Activation, Init, Mlp, Model};
//! use highwater_trainer::objective::Loss;
//! use highwater_trainer::optim::{Method, Sgd};
//! use highwater_trainer::{Config, Data, Event, Run, fit};
//! use std::ops::ControlFlow;
//!
//! // The training rows are on the line y = 3x - 1; at x = 2 it is at 5, and the validation row is not.
//! let train = Dataset::new(array![[-1.0], [1.0]], Targets::Values(array![[-4.0], [2.0]]));
//! let validation = Dataset::new(array![[2.0]], Targets::Values(array![[4.375]]));
//! let data = Data::new(&train, &validation);
//!
//! let line = Mlp { inputs: 1, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
//! let mut model = Model::new(line.network(), Init::Constant { value: 0.0 }, 0)?;
//! let config = Config {
//!     batch_size: 2,
//!     learning_rate: 0.25,
//!     optimizer: Method::Sgd(Sgd::default()),
//!     stop: "patience(2)".parse()?,
//!     ..Config::default()
//! };
//!
//! let mut losses = Vec::new();
//! let mut watch = |event: &Event<'_>| {
//!     if let Event::Validated { record, .. } = event {
//!         losses.push(record.validation_loss);
//!     }
//!     ControlFlow::Continue(())
//! };
//! let run = Run { observers: vec![&mut watch], ..Run::new(&mut model, &Loss::MeanSquaredError) };
//! let report = fit(run, data, &config)?;
//!
//! // Each step halves the distance to the line; the validation row is passed after three.
//! assert_eq!(losses, [3.515625, 0.390625, 0.0, 0.09765625, 0.2197265625]);
//! assert_eq!(report.ended.to_string(), "no improvement in 2 epochs: best 0 at epoch 3");
//! assert_eq!(report.best().map(|best| best.epoch), Some(3));
//! assert_eq!(model.parameters(), [2.625, -0.875]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Stopping and keeping are two things
//!
//! `config.stop` decides when a run ends, going by `config.monitor`; `config.select` decides which model is kept. That is
//! the model that comes back whatever ended the run: the rule, the limit of epochs, an observer, the interrupt flag, or an
//! error. Values that are not finite are never best, and neither is a model whose validation loss is not finite, however
//! good its accuracy; `config.non_finite` says what else they do.
//!
//! # Resuming
//!
//! With a store there is a checkpoint of the initial state, one of each validation, and one of the step at which a run
//! was interrupted. [`resume`] goes on from the newest that verifies. If that is not the newest of all, an
//! [`Event::Warning`] says what was refused, and why; if there are checkpoints and none is sound, it is an error and never a
//! fresh start. A run that was killed without a word goes on from its last checkpoint and repeats what came after.
//!
//! Checkpoints are written in the background: training gives up the time of a copy of its state. [`Saving`] says what
//! happens when the disk is slower than the training, and when it fails; [`Report::saves`] tells what it all took.
//!
//! The history of a run is all that its rules remember: it is replayed through the rules of the *present* configuration.
//! So a longer patience or a higher limit lets a run that had ended go on; with the same it ends again at once, with the
//! same report.
//!
//! ```
//! # use highwater_trainer::data::{Dataset, Targets};
//! # use highwater_trainer::nn::{Activation, Init, Mlp, Model};
//! # use highwater_trainer::objective::Loss;
//! # use highwater_trainer::optim::{Method, Sgd};
//! # use highwater_trainer::{Config, Data};
//! # use highwater_trainer::ndarray::array;
//! # let train = Dataset::new(array![[-1.0], [1.0]], Targets::Values(array![[-4.0], [2.0]]));
//! # let validation = Dataset::new(array![[2.0]], Targets::Values(array![[4.375]]));
//! # let data = Data::new(&train, &validation);
//! # let line = Mlp { inputs: 1, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
//! # let fresh = || Model::new(line.network(), Init::Constant { value: 0.0 }, 0);
//! # let config = Config {
//! #     batch_size: 2,
//! #     learning_rate: 0.25,
//! #     optimizer: Method::Sgd(Sgd::default()),
//! #     stop: "patience(2)".parse()?,
//! #     ..Config::default()
//! # };
//! # let run = tempfile::tempdir()?;
//! # let run = run.path();
//! use highwater_trainer::checkpoint::Store;
//! use highwater_trainer::{Checkpoints, Ended, Event, Run, fit, resume};
//! use std::ops::ControlFlow;
//!
//! let best = run.join("best.safetensors");
//! let mut leave = |event: &Event<'_>| match event {
//!     Event::Stepped { step: 2, .. } => ControlFlow::Break(()),
//!     _ => ControlFlow::Continue(()),
//! };
//! # {
//! let store = Store::open(run.join("checkpoints"))?;
//! let mut model = fresh()?;
//! let run = Run {
//!     checkpoints: Some(Checkpoints { best: Some(&best), ..Checkpoints::new(store) }),
//!     observers: vec![&mut leave],
//!     ..Run::new(&mut model, &Loss::MeanSquaredError)
//! };
//! let report = fit(run, data, &config)?;
//! assert_eq!((report.ended, report.steps), (Ended::Interrupted, 2));
//! # }
//!
//! // Another day, another process.
//! let store = Store::open(run.join("checkpoints"))?;
//! let mut model = fresh()?;
//! let run = Run {
//!     checkpoints: Some(Checkpoints { best: Some(&best), ..Checkpoints::new(store) }),
//!     ..Run::new(&mut model, &Loss::MeanSquaredError)
//! };
//! let report = resume(run, data, &config, None)?;
//! let losses: Vec<f64> = report.history.iter().map(|record| record.validation_loss).collect();
//! assert_eq!(losses, [3.515625, 0.390625, 0.0, 0.09765625, 0.2197265625]);
//! assert_eq!(model.parameters(), [2.625, -0.875]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The model elsewhere
//! A file has the parameters, and what a program that only predicts needs besides is saved beside them as sections: the
//! network, and the [`Preparation`](data::Preparation) of the data where there is one. [`load_model`] is for checkpoints,
//! the published best among them; [`export_model`] and [`import_model`] exchange files with other programs.
//!
//! ```
//! # use highwater_trainer::data::{Dataset, Targets};
//! # use highwater_trainer::ndarray::array;
//! # use highwater_trainer::objective::Loss;
//! # use highwater_trainer::{Config, Data};
//! # let dir = tempfile::tempdir()?;
//! # let best = dir.path().join("best.safetensors");
//! # let train = Dataset::new(array![[-1.0], [1.0]], Targets::Values(array![[-4.0], [2.0]]));
//! # let data = Data::new(&train, &train);
//! # let config = Config { epochs: 3, ..Config::default() };
//! use highwater_trainer::checkpoint::{Checkpoint, Section, Store};
//! use highwater_trainer::nn::{Activation, Init, Mlp, Model, Sequential};
//! use highwater_trainer::{Checkpoints, Run, fit, load_model};
//!
//! let line = Mlp { inputs: 1, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
//! let mut model = Model::new(line.network(), Init::default(), 0)?;
//! let sections = [Section::required("network", 1, model.network())?];
//! let store = Store::open(dir.path().join("checkpoints"))?;
//! let checkpoints = Checkpoints { best: Some(&best), sections: &sections, ..Checkpoints::new(store) };
//! let run = Run { checkpoints: Some(checkpoints), ..Run::new(&mut model, &Loss::MeanSquaredError) };
//! fit(run, data, &config)?;
//!
//! // In a program that knows nothing but the file:
//! let checkpoint = Checkpoint::open(&best)?;
//! let network: Sequential = checkpoint.section("network", 1)?;
//! let mut same = Model::<f32>::new(network, Init::default(), 0)?;
//! load_model(&checkpoint, &mut same)?;
//! assert_eq!(same.predict(array![[2.0]].view()), model.predict(array![[2.0]].view()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The same bits
//!
//! A run is a function of the initial parameters, the data and the configuration. The order of an epoch is a function of the
//! seed and the epoch, what dropout drops is one of the seed and the step; there is no generator whose state could be
//! forgotten. A run that is interrupted after any step and resumed, killed and resumed, run with another number of threads,
//! on another processor of the same platform, or without saving, gives the same history (apart from times) and the same bits
//! of every parameter. Only a rule that goes by the time, `time(30m)`, can end it elsewhere.
//!
//! Each checkpoint says what computed it ([`Fingerprint`]): a run that is resumed by another version, on another platform or
//! with another mathematical library of the system warns, before it begins, that the bits need not be the same. [`prove`]
//! trains from one checkpoint to a later one again and compares every bit.
//!
//! # Threads
//!
//! Steps whose work is worth sharing are shared by the pool of rayon that [`fit`] is called in (`ThreadPool::install`): give it
//! one of its own, whose other threads it keeps awake or, while other programs make one thread quicker alone, at rest; what else is
//! given to them meanwhile waits. Outside of a pool, each piece of work is handed over to threads that sleep, which costs more. A
//! training step after the first of its epoch allocates no memory.
//!
//! ```
//! # use highwater_trainer::data::{Dataset, Targets};
//! # use highwater_trainer::ndarray::array;
//! # use highwater_trainer::nn::{Activation, Init, Mlp, Model};
//! # use highwater_trainer::objective::Loss;
//! # use highwater_trainer::{Config, Data, Event, Run, fit};
//! # use std::ops::ControlFlow;
//! # let train = Dataset::new(array![[-1.0], [1.0]], Targets::Values(array![[-4.0], [2.0]]));
//! # let (data, config) = (Data::new(&train, &train), Config { epochs: 2, ..Config::default() });
//! # let line = Mlp { inputs: 1, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
//! # let mut model = Model::new(line.network(), Init::default(), 0)?;
//! # let mut watch = |_: &Event<'_>| ControlFlow::Continue(());
//! let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
//! // The run is put together in the pool: its observers need not be `Send`, and so it is not.
//! let report = pool.install(|| {
//!     let run = Run { observers: vec![&mut watch], ..Run::new(&mut model, &Loss::MeanSquaredError) };
//!     fit(run, data, &config)
//! })?;
//! assert_eq!(report.epochs, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// The blocks of Rust in the guide's page are compiled and run as these.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/one-crate-alone.md")]
mod guide {}

mod batches;
mod best;
mod config;
mod error;
mod evaluate;
mod event;
mod evidence;
mod exchange;
mod fingerprint;
mod fits;
mod kept;
mod measured_on;
mod prove;
mod record;
mod report;
mod run;
mod saving;
mod session;
mod state;
mod threads;

// A program that trains needs these as well, in these versions.
pub use highwater_autodiff as autodiff;
pub use highwater_checkpoint as checkpoint;
pub use highwater_data as data;
pub use highwater_early_stopping as early_stopping;
pub use highwater_nn as nn;
pub use highwater_objective as objective;
pub use highwater_optim as optim;
pub use ndarray;

pub use config::{Config, Every, Score};
pub use error::Error;
pub use evaluate::{Evaluator, Scores, evaluate};
pub use event::{Event, Observer, Plan, Weights};
pub use exchange::{begin, export_model, import_model, migration};
pub use fingerprint::Fingerprint;
pub use kept::kept;
pub use measured_on::MeasuredOn;
pub use prove::{Difference, Proof, prove};
pub use record::{Record, Signals, score_in};
pub use report::{Ended, Report};
pub use run::{Checkpoints, Data, Run, fit, resume};
pub use saving::{OnFailure, Pace, Saves, Saving};
pub use state::{history, load_model};
