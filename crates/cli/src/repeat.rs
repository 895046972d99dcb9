//! The command that repeats a run.

use crate::config::RunConfig;
use crate::setting_names::leaves;
use crate::settings::get;
use anyhow::{Context, Result};
use toml::{Table, Value};

/// The flags of settings.
const FLAGS: [(&str, &str); 28] = [
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

/// The command that does the same again: what differs from the defaults.
pub(crate) fn command(config: &RunConfig) -> Result<String> {
    let mut default = Table::try_from(RunConfig::defaults(config.data.task)?)?;
    let table = Table::try_from(config)?;
    let seed = config.training.seed;
    let one_seed = [config.data.split_seed, config.model.init_seed].iter().all(|other| *other == seed);
    if config.data.file.is_none() {
        default.insert("data".to_owned(), table["data"].clone());
    }
    let mut words = vec!["cargo xtask train".to_owned()];
    let mut keys = leaves(&table, "");
    // What is named in the data comes first, as on a command line written by hand.
    keys.sort_by_key(|key| FLAGS.iter().position(|(name, _)| name == key).unwrap_or(FLAGS.len()));
    for key in keys {
        let value = get(&table, &key).context("a setting that is there")?;
        let of_seed = ["data.split_seed", "model.init_seed"].contains(&&key[..]);
        let same = get(&default, &key) == Some(value);
        let told = key == "data.task" && config.data.file.is_some();
        let held = FLAGS.iter().any(|(name, _)| *name == format!("{key}_file"))
            && get(&table, &format!("{key}_file")).is_some();
        if (same && !told) || (one_seed && of_seed) || held {
            continue;
        }
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let list = |value: &Value| -> Vec<String> {
            let items = value.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(value));
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        };
        if let Some(name) = key.strip_prefix("data.columns.") {
            words.push(format!("--column {}", quoted(&format!("{name}={text}"))));
        } else if key == "model.hidden" {
            let units = list(value).join(",");
            words.push(format!("--hidden {}", if units.is_empty() { "none" } else { &units }));
        } else if key == "data.read.names" {
            words.push(format!("--names {}", quoted(&list(value).join(","))));
        } else if key == "data.indicators" {
            words.push("--indicators".to_owned());
        } else if let Some((_, flag)) = YES_OR_NO.iter().find(|(name, _)| *name == key) {
            words.push(format!("--{flag} {}", if text == "true" { "yes" } else { "no" }));
        } else if let Some((_, flag)) = FLAGS.iter().find(|(name, _)| *name == key) {
            if key == "training.seed" && !one_seed {
                words.push(format!("--set {key}={seed}"));
                continue;
            }
            words.extend(list(value).iter().map(|item| format!("--{flag} {}", quoted(item))));
        } else {
            words.push(format!("--set {}", quoted(&format!("{key}={value}"))));
        }
    }
    Ok(words.join(" "))
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
