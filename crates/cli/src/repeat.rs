//! The command that repeats a run.

use crate::called::HIGHWATER;
use crate::config::RunConfig;
use crate::setting_names::{leaves, on_one_line, written};
use crate::settings::get;
use anyhow::Result;
use toml::{Table, Value};

/// The flags of settings.
const FLAGS: [(&str, &str); 29] = [
    ("data.file", "data"),
    ("data.target", "target"),
    ("data.task", "task"),
    ("data.validation", "validation"),
    ("data.test", "test"),
    ("data.validation_file", "validation"),
    ("data.test_file", "test"),
    ("data.split.group", "group"),
    ("data.split.time", "time"),
    ("data.class_weights", "class-weights"),
    ("data.one_hot", "one-hot"),
    ("data.read.delimiter", "delimiter"),
    ("data.read.skip_lines", "skip-lines"),
    ("data.read.missing", "missing"),
    ("data.read.missing_only", "missing-only"),
    ("training.seed", "seed"),
    ("model.activation", "activation"),
    ("model.dropout", "dropout"),
    ("training.learning_rate", "learning-rate"),
    ("training.clip_norm", "clip-norm"),
    ("training.batch_size", "batch-size"),
    ("training.validate.steps", "validate-every"),
    ("training.epochs", "epochs"),
    ("training.stop", "stop"),
    ("training.monitor", "monitor"),
    ("training.select", "select"),
    ("checkpoints.keep_every", "keep-every"),
    ("checkpoints.keep_minutes", "keep-minutes"),
    ("checkpoints.on_failure", "on-save-failure"),
];

const YES_OR_NO: [(&str, &str); 3] =
    [("data.refit", "refit"), ("data.read.header", "header"), ("data.on_disk", "on-disk")];

/// The command that does the same again with a table of so many rows: what differs from the defaults.
pub(crate) fn command(config: &RunConfig, rows: usize) -> Result<String> {
    let table = Table::try_from(config)?;
    let default = Table::try_from(RunConfig::defaults(config.data.task)?)?;
    // Some defaults go by the rows, and by how they are trained on.
    let mut following = config.clone();
    following.follow_rows(rows, |_| true);
    let following = Table::try_from(following)?;
    let default_of = |path: &[&str], key: &str| match key {
        "data.refit" | "training.optimizer.adamw.weight_decay" => get(&following, path),
        _ => get(&default, path),
    };
    let seed = config.training.seed;
    let one_seed = [config.data.split_seed, config.model.init_seed].iter().all(|other| *other == seed);
    let mut words = vec![format!("{HIGHWATER} train")];
    let mut settings: Vec<_> =
        leaves(&table).into_iter().map(|(path, value)| (written(&path), path, value)).collect();
    // What is named in the data comes first, as on a command line written by hand.
    settings.sort_by_key(|(key, ..)| FLAGS.iter().position(|(name, _)| name == key).unwrap_or(FLAGS.len()));
    for (key, path, value) in settings {
        let of_seed = ["data.split_seed", "model.init_seed"].contains(&&key[..]);
        let same = default_of(&path, &key) == Some(value);
        let told = key == "data.task" && config.data.file.is_some();
        let held = match &key[..] {
            "data.validation" => config.data.validation_file.is_some(),
            "data.test" => config.data.test_file.is_some(),
            _ => false,
        };
        if (same && !told) || (one_seed && of_seed) || held {
            continue;
        }
        let list: Vec<String> = match value {
            Value::Array(items) => items.iter().map(plain).collect(),
            other => vec![plain(other)],
        };
        if let ["data", "columns", name] = path[..] {
            words.push(flag("column", &format!("{name}={}", plain(value))));
        } else if key == "model.hidden" {
            words.push(flag("hidden", &if list.is_empty() { "none".to_owned() } else { list.join(",") }));
        } else if key == "data.read.names" && list.iter().all(|name| is_between_commas(name)) {
            words.push(flag("names", &list.join(",")));
        } else if key == "data.indicators" {
            words.push("--indicators".to_owned());
        } else if let Some((_, name)) = YES_OR_NO.iter().find(|(name, _)| *name == key) {
            words.push(flag(name, if value.as_bool() == Some(true) { "yes" } else { "no" }));
        } else if let Some((_, name)) =
            FLAGS.iter().find(|(name, _)| *name == key && (one_seed || *name != "training.seed"))
            && !list.is_empty()
        {
            words.extend(list.iter().map(|item| flag(name, item)));
        } else {
            words.push(flag("set", &format!("{key}={}", as_toml(value))));
        }
    }
    Ok(words.join(" "))
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| as_toml(value), str::to_owned)
}

/// A value as a config.toml has it, on one line.
fn as_toml(value: &Value) -> String {
    match value {
        Value::String(text) => on_one_line(text),
        Value::Array(items) => format!("[{}]", items.iter().map(as_toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Whether `--names` gives a column this name.
fn is_between_commas(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.contains([',', '\n'])
}

/// A flag with its value, which may begin with a dash.
pub(crate) fn flag(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("--{name}{between}{}", quoted(value))
}

/// As a shell wants it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=+:@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
