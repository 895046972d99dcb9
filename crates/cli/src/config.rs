//! config.toml: everything that decides a run, complete and resolved.

use crate::args::{Stopping, Train};
use crate::data_args::ClassWeights;
use crate::decay;
use crate::measures::{measure_what_decides, metrics};
use crate::retention::CheckpointConfig;
use crate::say;
use crate::setting_names::{leaves, written};
use crate::settings::Settings;
use crate::source;
use crate::story::ReportConfig;
use anyhow::{Context, Result, bail};
use highwater_data::{
    Dialect, Fractions, Kind, Preparation, Recipe, Split, SplitBy, Table, TableReader, Task, split_rows,
};
use highwater_nn::{Activation, Embedding, Init, Layer, Mlp, Sequential};
use highwater_optim::{AdamW, Method};
use highwater_trainer::{Config, OnFailure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A run's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunConfig {
    pub(crate) data: DataConfig,
    pub(crate) model: ModelConfig,
    pub(crate) checkpoints: CheckpointConfig,
    #[serde(default)]
    pub(crate) report: ReportConfig,
    pub(crate) training: Config,
}

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataConfig {
    /// A table; without it, the built-in digits.
    pub(crate) file: Option<PathBuf>,
    pub(crate) target: Names,
    pub(crate) task: Task,
    /// Shares of the rows, unless there are files.
    pub(crate) validation: f64,
    pub(crate) test: f64,
    pub(crate) validation_file: Option<PathBuf>,
    pub(crate) test_file: Option<PathBuf>,
    pub(crate) split: SplitBy,
    pub(crate) split_seed: u64,
    pub(crate) indicators: bool,
    /// Up to so many names of a category are inputs; of more, each has a row of a table.
    #[serde(default = "one_hot")]
    pub(crate) one_hot: usize,
    /// Whether the table is kept on disk; told from its size if nobody says so.
    #[serde(default)]
    pub(crate) on_disk: Option<bool>,
    pub(crate) class_weights: ClassWeights,
    /// Whether the network is trained once more, on all rows.
    pub(crate) refit: bool,
    pub(crate) read: Dialect,
    pub(crate) columns: BTreeMap<String, Kind>,
}

fn one_hot() -> usize {
    Recipe::ONE_HOT
}

/// One name, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a name, or a list of names")]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    pub(crate) fn list(&self) -> Vec<String> {
        match self {
            Names::One(name) => vec![name.clone()],
            Names::Several(names) => names.clone(),
        }
    }
}

impl DataConfig {
    /// Of what is not in files of their own.
    pub(crate) fn fractions(&self) -> Fractions {
        let share = |share: f64, file: &Option<PathBuf>| if file.is_some() { 0.0 } else { share };
        Fractions {
            validation: share(self.validation, &self.validation_file),
            test: share(self.test, &self.test_file),
        }
    }

    /// Whether rows are held out to stop and choose by.
    pub(crate) fn validates(&self) -> bool {
        self.validation != 0.0 || self.validation_file.is_some()
    }

    pub(crate) fn recipe(&self) -> Recipe {
        let mut kinds = self.columns.clone();
        // Rows of other groups are to be told: the group's own name is no help.
        if let SplitBy::Group(column) = &self.split {
            kinds.entry(column.clone()).or_insert(Kind::Ignore);
        }
        Recipe {
            targets: self.target.list(),
            task: self.task,
            kinds,
            indicators: self.indicators,
            one_hot: self.one_hot,
        }
    }

    /// Divides rows of a table as the settings say.
    pub(crate) fn divide(&self, table: &Table, rows: &[usize], fractions: Fractions) -> Result<Split> {
        let (classes, seed) = (self.classes(), self.split_seed);
        Ok(split_rows(table, rows, classes.as_deref(), &self.split, &self.columns, fractions, seed)?)
    }

    /// The target, if it has classes.
    pub(crate) fn classes(&self) -> Option<String> {
        (self.task == Task::Classification).then(|| self.target.list().swap_remove(0))
    }

    /// Whether losses weigh the classes.
    pub(crate) fn is_balanced(&self) -> bool {
        self.task == Task::Classification && self.class_weights == ClassWeights::Balanced
    }

    /// The same rows, in another place; absolute, so that the run can be resumed from any working directory.
    pub(crate) fn move_to(&mut self, file: &Path) -> Result<()> {
        self.file = Some(absolute(file)?);
        Ok(())
    }

    /// What to call the data in messages and folder names.
    pub(crate) fn name(&self) -> String {
        let stem = |file: &Path| -> Option<String> {
            let name = file.file_name()?.to_string_lossy();
            Some(name.trim_end_matches(".gz").split('.').find(|part| !part.is_empty())?.to_owned())
        };
        self.file.as_deref().and_then(stem).unwrap_or_else(|| "digits".to_owned())
    }
}

pub(crate) fn absolute(file: &Path) -> Result<PathBuf> {
    std::path::absolute(file).with_context(|| format!("cannot find {}", file.display()))
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
    /// For rows that are prepared like this; categories of many names are embedded first.
    pub(crate) fn network(&self, preparation: &Preparation) -> Sequential {
        let ModelConfig { hidden, activation, dropout, .. } = self;
        let (inputs, outputs) = (preparation.input_count(), preparation.output_count());
        let mlp = Mlp { inputs, hidden: hidden.clone(), outputs, activation: *activation, dropout: *dropout };
        let mut network = mlp.network();
        let tables = preparation.embedded();
        if !tables.is_empty() {
            let tables = tables.into_iter().map(|(column, rows)| Embedding::of(column, rows)).collect();
            network.layers.insert(0, Layer::Embed { tables });
        }
        network
    }
}

/// Up to so many rows, those that are held out are missed in training: a model of all rows is made at the end.
const MISSED: usize = 20_000;

/// What the data suggest.
pub(crate) struct Seen {
    pub(crate) task: Task,
    pub(crate) rows: usize,
    /// Whether numbers have a comma before their decimals.
    pub(crate) decimal_comma: bool,
}

impl RunConfig {
    /// What holds where nobody says otherwise.
    pub(crate) fn defaults(task: Task) -> Result<RunConfig> {
        Ok(RunConfig {
            data: DataConfig {
                file: None,
                target: Names::One("digit".to_owned()),
                task,
                validation: 0.15,
                test: 0.15,
                validation_file: None,
                test_file: None,
                split: SplitBy::Class,
                split_seed: 0,
                indicators: false,
                one_hot: one_hot(),
                on_disk: None,
                class_weights: ClassWeights::None,
                refit: false,
                read: Dialect::default(),
                columns: BTreeMap::new(),
            },
            model: ModelConfig {
                hidden: vec![256],
                activation: Activation::Relu,
                dropout: 0.0,
                init: Init::GlorotNormal,
                init_seed: 0,
            },
            checkpoints: CheckpointConfig {
                keep_last: 2,
                keep_best: 2,
                keep_every: None,
                keep_minutes: None,
                on_failure: OnFailure::default(),
            },
            report: ReportConfig::default(),
            training: Config {
                seed: 0,
                epochs: 500,
                batch_size: 32,
                learning_rate: 0.001,
                optimizer: Method::AdamW(AdamW { weight_decay: decay::MOST, ..AdamW::default() }),
                stop: "patience(20, min_delta=0.002)".parse()?,
                metrics: metrics(task),
                ..Config::default()
            },
        })
    }

    /// From the command line and the file it names, and from a look at the data.
    pub(crate) fn resolve(args: &Train, look: impl FnOnce(&DataConfig) -> Result<Seen>) -> Result<RunConfig> {
        let mut settings = Settings::default();
        if let Some(file) = &args.config {
            settings.read(file)?;
        }
        settings.take(args)?;
        for assignment in &args.set {
            settings.assign(assignment)?;
        }
        if settings.has("data.file") && !settings.has("data.target") {
            let data = settings.over(RunConfig::defaults(Task::Classification)?)?.data;
            let file = data.file.unwrap_or_default();
            let reader = TableReader::open(&file, &data.read)?;
            let target = source::evident_target(&file, &reader)?;
            if !args.shared.quiet {
                let why = "since the other columns have no names (--target names another)";
                let targets = target.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
                say(format_args!("target: {targets}, {why}"));
            }
            settings.set_targets(&target)?;
        }
        // The configuration of a run of the digits names their target.
        let of_digits = args.target.is_empty() && settings.text("data.target").as_deref() == Some("digit");
        if settings.has("data.target") && !settings.has("data.file") && !of_digits {
            bail!("--target is a column of a table: give the table with --data");
        }
        let seen = look(&settings.over(RunConfig::defaults(Task::Classification)?)?.data)?;
        let task = settings.text("data.task").map_or(Ok(seen.task), |task| task.parse())?;
        settings.set("data.task", task.to_string())?;
        // What is predicted for later may be too short to tell.
        if seen.decimal_comma {
            settings.set("data.read.decimal_comma", true)?;
        }
        let mut config = settings.over(RunConfig::defaults(task)?)?;
        config.follow_rows(seen.rows, |key| !settings.has(key));
        measure_what_decides(&mut config.training, task);
        config.check().and_then(|()| config.check_effects())?;
        Ok(config)
    }

    /// What is asked for and would change nothing, or can only be a slip.
    fn check_effects(&self) -> Result<()> {
        let ModelConfig { hidden, dropout, .. } = &self.model;
        if hidden.is_empty() && *dropout != 0.0 {
            bail!("--dropout {dropout}: without hidden layers (--hidden none) there are no units to drop");
        }
        self.data.check()
    }

    /// Sets what goes by the number of rows, as far as it is open.
    pub(crate) fn follow_rows(&mut self, rows: usize, is_open: impl Fn(&str) -> bool) {
        if is_open("data.refit") {
            self.data.refit = rows <= MISSED;
        }
        let decay = decay::of_rows(rows, &self.training);
        if let Method::AdamW(adamw) = &mut self.training.optimizer
            && is_open("training.optimizer.adamw.weight_decay")
        {
            adamw.weight_decay = decay;
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.checkpoints.keep_last == 0 {
            bail!("--keep-last 0: the newest checkpoint must stay, or there would be nothing to resume from");
        }
        if self.checkpoints.keep_best == 0 {
            bail!("--keep-best 0: the best checkpoint must stay");
        }
        if self.checkpoints.keep_every == Some(0) {
            bail!("checkpoints.keep_every = 0: it must be at least 1 step; leave it out to keep none");
        }
        if self.checkpoints.keep_minutes == Some(0) {
            bail!("checkpoints.keep_minutes = 0: it must be at least 1 minute; leave it out to keep none");
        }
        let read = &self.data.read;
        if !read.names.is_empty() && read.header == Some(true) {
            bail!(
                "--names are for a table without a header: leave them out, or rename the columns in the header"
            );
        }
        let targets = self.data.target.list();
        if targets.is_empty() {
            bail!("data.target = []: name at least one column to predict");
        }
        if let Some(at) = (1..targets.len()).find(|at| targets[..*at].contains(&targets[*at])) {
            bail!("the target {:?} is named twice: name each column once", targets[at]);
        }
        if let Some((name, metric)) = self.training.unmeasured() {
            let measured: Vec<_> = self.training.metrics.iter().map(ToString::to_string).collect();
            bail!("--{name} {metric}: the run measures the loss and {}", measured.join(", "));
        }
        Ok(self.training.validate()?)
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

    /// All settings by their full names.
    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>> {
        let table = toml::Table::try_from(self)?;
        let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(leaves(&table).into_iter().map(|(path, value)| (written(&path), text(value))).collect())
    }
}
