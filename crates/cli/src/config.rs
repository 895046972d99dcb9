//! config.toml: everything that decides a run, complete and resolved.

use crate::args::{Arguments, Job, OptimizerName, Stopping, Train};
use anyhow::{Context, Result, bail};
use clap::Parser;
use highwater_checkpoint::{Goal, KeepBest, KeepEvery, KeepEveryInterval, KeepLast, Retention};
use highwater_data::{Fractions, Task};
use highwater_nn::{Activation, Init, Mlp, Sequential};
use highwater_objective::metrics::{Average, Metric};
use highwater_objective::{CrossEntropy, Loss};
use highwater_optim::{Adagrad, Adam, AdamW, Method, RmsProp, Rprop, Schedule, Sgd};
use highwater_trainer::{Config, Every, OnFailure, Pace, Saving, Score};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunConfig {
    pub(crate) data: DataConfig,
    pub(crate) model: ModelConfig,
    pub(crate) checkpoints: CheckpointConfig,
    pub(crate) training: Config,
}

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataConfig {
    /// A CSV file; without it, the built-in digits.
    pub(crate) file: Option<PathBuf>,
    pub(crate) target: String,
    pub(crate) task: Task,
    pub(crate) validation: f64,
    pub(crate) test: f64,
    pub(crate) split_seed: u64,
}

impl DataConfig {
    pub(crate) fn fractions(&self) -> Fractions {
        Fractions { validation: self.validation, test: self.test }
    }

    /// The same rows, in another place; absolute, so that the run can be resumed from any working directory.
    pub(crate) fn move_to(&mut self, file: &Path) -> Result<()> {
        let absolute = std::path::absolute(file);
        self.file = Some(absolute.with_context(|| format!("cannot find {}", file.display()))?);
        Ok(())
    }

    /// What to call the data in messages and folder names.
    pub(crate) fn name(&self) -> String {
        let stem = self.file.as_deref().and_then(Path::file_stem);
        stem.map_or_else(|| "digits".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }
}

/// What is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    pub(crate) hidden: Vec<usize>,
    pub(crate) activation: Activation,
    pub(crate) dropout: f64,
    pub(crate) init: Init,
    pub(crate) init_seed: u64,
}

impl ModelConfig {
    pub(crate) fn network(&self, inputs: usize, outputs: usize) -> Sequential {
        let ModelConfig { hidden, activation, dropout, .. } = self;
        Mlp { inputs, hidden: hidden.clone(), outputs, activation: *activation, dropout: *dropout }.network()
    }
}

/// What stays of what is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointConfig {
    pub(crate) keep_last: usize,
    pub(crate) keep_best: usize,
    #[serde(default)]
    pub(crate) keep_every: Option<u64>,
    #[serde(default)]
    pub(crate) keep_minutes: Option<u64>,
    #[serde(default)]
    pub(crate) on_failure: OnFailure,
}

impl CheckpointConfig {
    /// What the store keeps of a run whose best has the least or the largest score.
    pub(crate) fn retention(&self, goal: Goal) -> Box<dyn Retention> {
        let mut policy: Box<dyn Retention> =
            Box::new(KeepLast(self.keep_last).or(KeepBest(self.keep_best, goal)));
        if let Some(steps) = self.keep_every {
            policy = Box::new(policy.or(KeepEvery(steps)));
        }
        if let Some(minutes) = self.keep_minutes {
            let interval = Duration::from_secs(minutes.saturating_mul(60));
            policy = Box::new(policy.or(KeepEveryInterval(interval)));
        }
        policy
    }

    /// Those that are to stay for ever must not be passed over because the disk is slow.
    pub(crate) fn saving(&self) -> Saving {
        let for_ever = self.keep_every.is_some() || self.keep_minutes.is_some();
        let pace = if for_ever { Pace::Every } else { Pace::Newest };
        Saving { on_failure: self.on_failure, pace }
    }
}

/// The loss for a task.
pub(crate) fn loss(task: Task) -> Loss {
    match task {
        Task::Classification => Loss::CrossEntropy(CrossEntropy::default()),
        Task::Regression => Loss::MeanSquaredError,
    }
}

/// The metrics for a task, the most telling first.
pub(crate) fn metrics(task: Task) -> Vec<Metric> {
    match task {
        Task::Classification => vec![Metric::Accuracy, Metric::F1(Average::Macro)],
        Task::Regression => vec![Metric::R2, Metric::Mae, Metric::Rmse],
    }
}

impl RunConfig {
    /// From the command line, for data whose target and task are known by now.
    pub(crate) fn resolve(args: &Train, target: String, task: Task) -> Result<RunConfig> {
        let validate = args.validate_every.map_or(Every::Epochs(1), Every::Steps);
        let mut config = RunConfig {
            data: DataConfig {
                file: None,
                target,
                task,
                validation: args.validation,
                test: args.test,
                split_seed: args.seed,
            },
            model: ModelConfig {
                hidden: args.hidden.0.clone(),
                activation: args.activation,
                dropout: args.dropout,
                init: Init::default(),
                init_seed: args.seed,
            },
            checkpoints: CheckpointConfig {
                keep_last: args.keep_last,
                keep_best: args.keep_best,
                keep_every: args.keep_every,
                keep_minutes: args.keep_minutes,
                on_failure: OnFailure::default(),
            },
            training: Config {
                seed: args.seed,
                epochs: 500,
                batch_size: args.batch_size,
                micro_batch: None,
                learning_rate: args.learning_rate,
                schedule: Schedule::default(),
                plateau: None,
                optimizer: method(args)?,
                clip_norm: args.clip_norm,
                validate,
                stop: "patience(20)".parse()?,
                monitor: Score::Loss,
                select: Score::Loss,
                non_finite: Default::default(),
                metrics: metrics(task),
            },
        };
        if let Some(file) = &args.data {
            config.data.move_to(file)?;
        }
        config.amend(&args.stopping);
        if config.checkpoints.keep_last == 0 {
            bail!("--keep-last 0: the newest checkpoint must stay, or there would be nothing to resume from");
        }
        if config.checkpoints.keep_best == 0 {
            bail!("--keep-best 0: the best checkpoint must stay");
        }
        config.training.validate()?;
        Ok(config)
    }

    /// Applies what the command line says about stopping.
    pub(crate) fn amend(&mut self, args: &Stopping) {
        let training = &mut self.training;
        training.epochs = args.epochs.unwrap_or(training.epochs);
        training.stop = args.stop.clone().unwrap_or(training.stop.clone());
        training.monitor = args.monitor.unwrap_or(training.monitor);
        training.select = args.select.unwrap_or(training.select);
        training.non_finite = args.non_finite.unwrap_or(training.non_finite);
        let checkpoints = &mut self.checkpoints;
        checkpoints.on_failure = args.on_save_failure.unwrap_or(checkpoints.on_failure);
    }

    pub(crate) fn read(path: &Path) -> Result<RunConfig> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a configuration of a run", path.display()))
    }

    pub(crate) fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }
}

/// The optimizer's settings; what it does not have must not be asked for.
fn method(args: &Train) -> Result<Method> {
    let (name, momentum) = (args.optimizer, args.momentum);
    if momentum != 0.0 && !matches!(name, OptimizerName::Sgd | OptimizerName::RmsProp) {
        bail!("--momentum goes with --optimizer sgd or rmsprop");
    }
    let decay = |default: f64| args.weight_decay.unwrap_or(default);
    Ok(match name {
        OptimizerName::Sgd => {
            let default = Sgd::default();
            Method::Sgd(Sgd { momentum, weight_decay: decay(default.weight_decay), ..default })
        }
        OptimizerName::Adam => {
            let default = Adam::default();
            Method::Adam(Adam { weight_decay: decay(default.weight_decay), ..default })
        }
        OptimizerName::AdamW => {
            let default = AdamW::default();
            Method::AdamW(AdamW { weight_decay: decay(default.weight_decay), ..default })
        }
        OptimizerName::RmsProp => {
            let default = RmsProp::default();
            Method::RmsProp(RmsProp { momentum, weight_decay: decay(default.weight_decay), ..default })
        }
        OptimizerName::Adagrad => {
            let default = Adagrad::default();
            Method::Adagrad(Adagrad { weight_decay: decay(default.weight_decay), ..default })
        }
        OptimizerName::Rprop if args.weight_decay.is_some() => {
            bail!("--weight-decay does not go with --optimizer rprop")
        }
        OptimizerName::Rprop => Method::Rprop(Rprop::default()),
    })
}

impl RunConfig {
    /// The command that does the same again: what differs from the defaults.
    pub(crate) fn command(&self) -> Result<String> {
        let Job::Train(defaults) = Arguments::try_parse_from(["highwater", "train"])?.job else {
            unreachable!("train was asked for")
        };
        let default = RunConfig::resolve(&defaults, self.data.target.clone(), self.data.task)?;
        let mut words = vec!["cargo xtask train".to_owned()];
        let mut flag = |name: &str, value: String, default: String| {
            if value != default {
                words.push(format!("--{name} {}", quoted(&value)));
            }
        };
        let (training, model) = (&self.training, &self.model);
        let optional = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        let hidden = |units: &[usize]| match units {
            [] => "none".to_owned(),
            units => units.iter().map(usize::to_string).collect::<Vec<_>>().join(","),
        };
        let every = |every: Every| match every {
            Every::Steps(steps) => steps.to_string(),
            Every::Epochs(_) => String::new(),
        };
        if let Some(file) = &self.data.file {
            flag("data", file.display().to_string(), String::new());
            flag("target", self.data.target.clone(), String::new());
            flag("task", self.data.task.to_string(), String::new());
        }
        flag("seed", training.seed.to_string(), "0".into());
        flag("validation", self.data.validation.to_string(), default.data.validation.to_string());
        flag("test", self.data.test.to_string(), default.data.test.to_string());
        flag("hidden", hidden(&model.hidden), hidden(&default.model.hidden));
        flag("activation", model.activation.to_string(), default.model.activation.to_string());
        flag("dropout", model.dropout.to_string(), default.model.dropout.to_string());
        flag("optimizer", training.optimizer.name().into(), default.training.optimizer.name().into());
        flag("learning-rate", training.learning_rate.to_string(), default.training.learning_rate.to_string());
        let momentum = match training.optimizer {
            Method::Sgd(sgd) => sgd.momentum,
            Method::RmsProp(rmsprop) => rmsprop.momentum,
            _ => 0.0,
        };
        flag("momentum", momentum.to_string(), "0".into());
        let usual = match training.optimizer {
            Method::AdamW(_) => AdamW::default().weight_decay,
            _ => 0.0,
        };
        let decay = training.optimizer.weight_decay().unwrap_or(usual);
        flag("weight-decay", decay.to_string(), usual.to_string());
        flag("clip-norm", optional(training.clip_norm), String::new());
        flag("batch-size", training.batch_size.to_string(), default.training.batch_size.to_string());
        flag("validate-every", every(training.validate), String::new());
        flag("epochs", training.epochs.to_string(), default.training.epochs.to_string());
        flag("stop", training.stop.to_string(), default.training.stop.to_string());
        flag("monitor", training.monitor.to_string(), default.training.monitor.to_string());
        flag("select", training.select.to_string(), default.training.select.to_string());
        flag("non-finite", training.non_finite.to_string(), default.training.non_finite.to_string());
        let (keep, usual) = (&self.checkpoints, &default.checkpoints);
        flag("keep-last", keep.keep_last.to_string(), usual.keep_last.to_string());
        flag("keep-best", keep.keep_best.to_string(), usual.keep_best.to_string());
        let counted = |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
        flag("keep-every", counted(keep.keep_every), String::new());
        flag("keep-minutes", counted(keep.keep_minutes), String::new());
        flag("on-save-failure", keep.on_failure.to_string(), usual.on_failure.to_string());
        Ok(words.join(" "))
    }
}

/// As a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=+:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
