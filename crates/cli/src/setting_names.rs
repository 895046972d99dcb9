//! The names of all settings, and which one is meant.

use crate::config::RunConfig;
use anyhow::Result;
use highwater_data::Task;
use highwater_optim::Method;
use toml::{Table, Value};

/// Tables with one entry that says which of several things is chosen, and how.
pub(crate) const CHOICES: [&str; 5] =
    ["training.optimizer", "training.validate", "training.schedule", "model.init", "data.split"];
/// Settings that may be absent.
const OPTIONAL: [&str; 13] = [
    "data.read.missing_only",
    "data.read.decimal_comma",
    "data.on_disk",
    "checkpoints.keep_every",
    "checkpoints.keep_minutes",
    "training.micro_batch",
    "training.plateau",
    "data.file",
    "data.validation_file",
    "data.test_file",
    "data.read.delimiter",
    "data.read.header",
    "training.clip_norm",
];
pub(crate) const FILES: [&str; 3] = ["data.file", "data.validation_file", "data.test_file"];
/// Tables whose entries are named by the data.
const FREE: [&str; 1] = ["data.columns"];
/// Other names that people use.
const ALIASES: [(&str, &str); 6] = [
    ("lr", "training.learning_rate"),
    ("optimizer.lr", "training.learning_rate"),
    ("optimizer.learning_rate", "training.learning_rate"),
    ("patience", "training.stop"),
    ("seed", "training.seed"),
    ("data.targets", "data.target"),
];
pub(crate) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// A value among settings, and the names that lead to it.
pub(crate) type Leaf<'a> = (Vec<&'a str>, &'a Value);

/// All values in a table; of an empty table, itself.
pub(crate) fn leaves(table: &Table) -> Vec<Leaf<'_>> {
    let each = table.iter().flat_map(|(name, value)| match value {
        Value::Table(table) if !table.is_empty() => {
            let within = leaves(table).into_iter();
            within.map(|(path, value)| ([&[&name[..]], &path[..]].concat(), value)).collect()
        }
        _ => vec![(vec![&name[..]], value)],
    });
    each.collect()
}

/// The full name of a setting, as a config.toml has it: what is not a plain word is quoted.
pub(crate) fn written(path: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let word = |name: &&str| match !name.is_empty() && name.chars().all(plain) {
        true => (*name).to_owned(),
        false => on_one_line(name),
    };
    path.iter().map(word).collect::<Vec<_>>().join(".")
}

/// A text as TOML has it, on one line whatever is in it.
pub(crate) fn on_one_line(text: &str) -> String {
    // As JSON has it, but for one control character that JSON takes as it is.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// The full names of all settings.
pub(crate) fn known() -> Result<Vec<String>> {
    let names =
        |table: &Table| -> Vec<String> { leaves(table).iter().map(|(path, _)| written(path)).collect() };
    let mut known = names(&Table::try_from(RunConfig::defaults(Task::Classification)?)?);
    known.extend(OPTIONAL.map(str::to_owned));
    known.extend(["data.split.group", "data.split.time", "training.validate.steps"].map(str::to_owned));
    for method in Method::all() {
        let own = names(&Table::try_from(method)?);
        known.extend(own.iter().map(|name| join("training.optimizer", name)));
    }
    known.extend(CHOICES.map(str::to_owned));
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

pub(crate) fn is_known(known: &[String], key: &str) -> bool {
    let within = |table: &&str| key.strip_prefix(*table).is_some_and(|rest| rest.starts_with('.'));
    let table = format!("{key}.");
    let of_choice = ["training.schedule", "training.plateau", "model.init"].iter().any(within);
    known.iter().any(|name| name == key || name.starts_with(&table))
        || of_choice
        || FREE.iter().any(|free| within(free) || *free == key)
}

/// The setting that is meant by a name which may leave out what is clear without it: `optimizer.weight_decay` is
/// `training.optimizer.adamw.weight_decay` if that is the optimizer.
pub(crate) fn full_name(known: &[String], key: &str, optimizer: &str) -> Option<String> {
    if let Some((_, full)) = ALIASES.iter().find(|(alias, _)| *alias == key) {
        return Some((*full).to_owned());
    }
    if is_known(known, key) {
        return Some(key.to_owned());
    }
    let wanted: Vec<&str> = key.split('.').collect();
    let meant = known.iter().filter(|name| {
        let parts: Vec<&str> = name.split('.').collect();
        let mut rest = parts.iter();
        let in_order = wanted.iter().all(|word| rest.any(|part| part == word));
        let other = name.starts_with("training.optimizer.") && parts[2] != optimizer;
        in_order && parts.last() == wanted.last() && !other
    });
    // Of several the one with the shortest way, if there is one.
    let mut meant: Vec<(usize, &String)> = meant.map(|name| (name.split('.').count(), name)).collect();
    meant.sort_unstable();
    match meant[..] {
        [(_, only)] => Some(only.clone()),
        [(length, first), (other, _), ..] if length < other => Some(first.clone()),
        _ => None,
    }
}

/// `; did you mean training.learning_rate?`, if there is something like it.
pub(crate) fn suggestion(known: &[String], key: &str) -> String {
    let distance = |name: &str| {
        let parts: Vec<&str> = name.split('.').collect();
        let ends = (0..parts.len()).map(|at| strsim::damerau_levenshtein(key, &parts[at..].join(".")));
        ends.min().unwrap_or(usize::MAX)
    };
    let near = |(distance, _): &(usize, &str)| *distance <= (key.len() / 3).max(2);
    let aliases = ALIASES.iter().map(|(alias, full)| (strsim::damerau_levenshtein(key, alias), *full));
    let all = known.iter().map(|name| (distance(name), &name[..])).chain(aliases);
    let nearest = all.filter(near).min();
    nearest.map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}
