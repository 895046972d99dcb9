//! Settings by their names in config.toml: from a file, from flags and from `--set`, over the defaults.

use crate::args::{OptimizerName, Train};
use crate::config::{RunConfig, absolute};
use crate::data_args::Held;
use crate::setting_names::{CHOICES, FILES, full_name, is_known, join, known, leaves, suggestion, written};
use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What somebody said about settings, in the form of a config.toml with gaps.
#[derive(Debug, Default)]
pub(crate) struct Settings(Table);

impl Settings {
    /// Takes all that a file says. Names of files in it are meant from its own folder.
    pub(crate) fn read(&mut self, path: &Path) -> Result<()> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let table: Table = text.parse().with_context(|| format!("{name} is not TOML"))?;
        let known = known()?;
        for (path, _) in leaves(&table) {
            let key = written(&path);
            if !is_known(&known, &key) {
                bail!("{name}: there is no setting {key}{}", suggestion(&known, &key));
            }
        }
        self.0 = table;
        let folder = path.parent().unwrap_or(Path::new(""));
        for key in FILES {
            if let Some(file) = self.text(key) {
                self.set(key, absolute(&folder.join(file))?.display().to_string())?;
            }
        }
        Ok(())
    }

    /// Takes what the flags say.
    pub(crate) fn take(&mut self, args: &Train) -> Result<()> {
        if let Some(seed) = args.seed {
            for key in ["training.seed", "data.split_seed", "model.init_seed"] {
                self.set(key, whole(seed)?)?;
            }
        }
        if let Some(file) = &args.data {
            self.set("data.file", absolute(file)?.display().to_string())?;
        }
        self.set_targets(&args.target)?;
        if let Some(task) = args.task {
            self.set("data.task", task.to_string())?;
        }
        let (columns, parts) = (&args.columns, &args.parts);
        for (name, kind) in &columns.column {
            self.entry(&["data", "columns", name], kind.to_string().into())?;
        }
        for (name, value) in columns.reading.settings()? {
            self.set(&format!("data.read.{name}"), value)?;
        }
        if columns.indicators {
            self.set("data.indicators", true)?;
        }
        if let Some(names) = columns.one_hot {
            self.set("data.one_hot", whole(names as u64)?)?;
        }
        if let Some(on_disk) = columns.on_disk {
            self.set("data.on_disk", on_disk)?;
        }
        for (name, held) in [("validation", &parts.validation), ("test", &parts.test)] {
            match held {
                None => {}
                Some(Held::Share(share)) => self.set(&format!("data.{name}"), *share)?,
                Some(Held::File(file)) => {
                    self.set(&format!("data.{name}_file"), absolute(file)?.display().to_string())?;
                }
            }
        }
        for (name, column) in [("group", &parts.group), ("time", &parts.time)] {
            if let Some(column) = column {
                self.set("data.split", choice(name, column.clone()))?;
            }
        }
        if let Some(refit) = parts.refit {
            self.set("data.refit", refit)?;
        }
        if let Some(hidden) = &args.hidden {
            self.set("model.hidden", hidden.0.iter().map(|units| *units as i64).collect::<Vec<_>>())?;
        }
        if let Some(activation) = args.activation {
            self.set("model.activation", Value::try_from(activation)?)?;
        }
        if let Some(weights) = args.class_weights {
            self.set("data.class_weights", Value::try_from(weights)?)?;
        }
        self.take_optimizer(args)?;
        let numbers = [
            ("model.dropout", args.dropout),
            ("training.learning_rate", args.learning_rate),
            ("training.clip_norm", args.clip_norm),
        ];
        for (key, value) in numbers {
            value.map_or(Ok(()), |value| self.set(key, value))?;
        }
        let counts = [
            ("training.batch_size", args.batch_size.map(|rows| rows as u64)),
            ("training.epochs", args.stopping.epochs),
            ("checkpoints.keep_last", args.keep_last.map(|count| count as u64)),
            ("checkpoints.keep_best", args.keep_best.map(|count| count as u64)),
            ("checkpoints.keep_every", args.keep_every),
            ("checkpoints.keep_minutes", args.keep_minutes),
        ];
        for (key, value) in counts {
            value.map_or(Ok(()), |value| self.set(key, whole(value)?))?;
        }
        if let Some(steps) = args.validate_every {
            self.set("training.validate", choice("steps", whole(steps)?))?;
        }
        let stopping = &args.stopping;
        let texts = [
            ("training.stop", stopping.stop.as_ref().map(ToString::to_string)),
            ("training.monitor", stopping.monitor.map(|score| score.to_string())),
            ("training.select", stopping.select.map(|score| score.to_string())),
            ("checkpoints.on_failure", stopping.on_save_failure.map(|policy| policy.to_string())),
            ("training.non_finite", stopping.non_finite.map(|policy| policy.to_string())),
        ];
        for (key, value) in texts {
            value.map_or(Ok(()), |value| self.set(key, value))?;
        }
        Ok(())
    }

    /// The optimizer and what it is given; what it does not have must not be asked for.
    fn take_optimizer(&mut self, args: &Train) -> Result<()> {
        if let Some(name) = args.optimizer {
            let name = name.to_possible_value().expect("no name is hidden").get_name().to_owned();
            if self.chosen_optimizer() != Some(&name) {
                self.set("training.optimizer", choice(&name, Table::new()))?;
            }
        }
        let name = self.optimizer();
        if args.momentum.is_some_and(|momentum| momentum != 0.0) && !["sgd", "rmsprop"].contains(&&name[..]) {
            bail!("--momentum goes with --optimizer sgd or rmsprop");
        }
        if args.weight_decay.is_some() && args.optimizer == Some(OptimizerName::Rprop) {
            bail!("--weight-decay does not go with --optimizer rprop");
        }
        for (key, value) in [("momentum", args.momentum), ("weight_decay", args.weight_decay)] {
            if let Some(value) = value.filter(|value| key != "momentum" || *value != 0.0) {
                self.set(&format!("training.optimizer.{name}.{key}"), value)?;
            }
        }
        Ok(())
    }

    /// Takes `KEY=VALUE`. The key may leave out what is clear without it.
    pub(crate) fn assign(&mut self, assignment: &str) -> Result<()> {
        let at = || format!("--set {assignment}");
        let column =
            ["data.columns.", "columns."].iter().find_map(|of| assignment.trim_start().strip_prefix(of));
        // A column's name may have the sign in it, its kind has not.
        let parts = column.map_or_else(|| assignment.split_once('='), |column| column.rsplit_once('='));
        let (key, text) = parts.with_context(|| format!("{}: write KEY=VALUE", at()))?;
        let (key, text) = (key.trim(), text.trim());
        if key.is_empty() {
            bail!("{}: write KEY=VALUE", at());
        }
        let value = match format!("value = {text}").parse::<Table>() {
            Ok(mut table) => table.remove("value").expect("it was written"),
            Err(_) => Value::from(text),
        };
        if column.is_some() {
            return self.entry(&["data", "columns", &unquoted(key)], value);
        }
        let known = known()?;
        let full = full_name(&known, key, &self.optimizer())
            .ok_or_else(|| anyhow!("{}: there is no setting {key}{}", at(), suggestion(&known, key)))?;
        if full == "training.seed" && key == "seed" {
            for also in ["data.split_seed", "model.init_seed"] {
                self.set(also, value.clone())?;
            }
        }
        let value = match (&full[..], value) {
            ("training.optimizer", Value::String(name)) => choice(&name, Table::new()),
            ("training.stop", value) if key == "patience" => Value::from(format!("patience({value})")),
            (file, Value::String(name)) if FILES.contains(&file) => {
                Value::from(absolute(&PathBuf::from(name))?.display().to_string())
            }
            (_, value) => value,
        };
        self.set(&full, value)
    }

    /// Names the columns to predict, unless there are none.
    pub(crate) fn set_targets(&mut self, names: &[String]) -> Result<()> {
        match names {
            [] => Ok(()),
            [name] => self.set("data.target", name.clone()),
            several => self.set("data.target", several.to_vec()),
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        self.entry(&key.split('.').collect::<Vec<_>>(), value.into())
    }

    fn entry(&mut self, path: &[&str], value: Value) -> Result<()> {
        let (last, tables) = path.split_last().context("a setting has a name")?;
        let mut table = &mut self.0;
        for name in tables {
            let entry = table.entry(*name).or_insert_with(|| Value::Table(Table::new()));
            table = entry.as_table_mut().with_context(|| format!("{name} is a value, not a table"))?;
        }
        table.insert((*last).to_owned(), value);
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&Value> {
        get(&self.0, &key.split('.').collect::<Vec<_>>())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.as_str().map(str::to_owned)
    }

    /// The name of the optimizer, if somebody chose one.
    fn chosen_optimizer(&self) -> Option<&String> {
        self.get("training.optimizer")?.as_table()?.keys().next()
    }

    fn optimizer(&self) -> String {
        self.chosen_optimizer().map_or_else(|| "adamw".to_owned(), String::clone)
    }

    /// These settings, and the defaults where there are none.
    pub(crate) fn over(&self, defaults: RunConfig) -> Result<RunConfig> {
        let mut all = Table::try_from(defaults)?;
        merge(&mut all, &self.0, "");
        // By way of text, as then a message says which line is wrong.
        let text = toml::to_string(&all)?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].lines().count().max(1) - 1);
            let shown = line.and_then(|line| text.lines().nth(line)).unwrap_or_default();
            anyhow!("the setting {shown}: {}", in_plain_words(error.message()))
        })
    }
}

/// A message of the reader without the names of types.
fn in_plain_words(message: &str) -> String {
    let types = [
        ("floating point", "number"),
        ("expected f64", "expected a number"),
        ("expected usize", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected a sequence", "expected a list"),
        ("expected a boolean", "expected true or false"),
        ("expected path string", "expected the name of a file"),
        ("expected struct Schedule", "expected a table"),
        ("expected struct ReduceOnPlateau", "expected a table"),
        ("wanted string or table", "expected a table"),
        ("invalid type: unit variant, expected newtype variant", "it goes with a value: { NAME = VALUE }"),
    ];
    types.iter().fold(message.to_owned(), |text, (name, words)| text.replace(name, words))
}

/// The name of a column that may be written as in a config.toml.
fn unquoted(name: &str) -> String {
    let quoted = name.starts_with(['"', '\'']).then(|| format!("{name} = 0").parse::<Table>().ok()).flatten();
    quoted.and_then(|table| table.keys().next().cloned()).unwrap_or_else(|| name.to_owned())
}

/// Which of several things is chosen, and how.
fn choice(name: &str, how: impl Into<Value>) -> Value {
    Value::Table(Table::from_iter([(name.to_owned(), how.into())]))
}

fn whole(number: u64) -> Result<Value> {
    Ok(Value::Integer(i64::try_from(number).with_context(|| format!("{number} is too large"))?))
}

/// What is at the end of a way through tables.
pub(crate) fn get<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (last, tables) = path.split_last()?;
    tables.iter().try_fold(table, |table, name| table.get(*name)?.as_table())?.get(*last)
}

fn merge(base: &mut Table, over: &Table, at: &str) {
    for (name, value) in over {
        let key = join(at, name);
        if let (Some(Value::Table(base)), Value::Table(over)) = (base.get_mut(name), value) {
            if CHOICES.contains(&&key[..]) && !over.keys().any(|name| base.contains_key(name)) {
                base.clear();
            }
            merge(base, over, &key);
        } else {
            base.insert(name.clone(), value.clone());
        }
    }
}
