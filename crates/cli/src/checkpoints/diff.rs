//! `checkpoints diff`: what two checkpoints do not share.

use super::open;
use crate::setting_names::{leaves, written};
use crate::{line, print, saved};
use anyhow::Result;
use highwater_checkpoint::{Change, Checkpoint, Diff};
use highwater_report::{Rounded, text_table};
use highwater_trainer::history;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// A fact or setting: its name, and what it is in either.
type Difference = (String, Option<String>, Option<String>);

pub(super) fn run(a: &Path, b: &Path, as_json: bool) -> Result<()> {
    let (a, b) = (open(a)?, open(b)?);
    let diff = Diff::between(&a, &b)?;
    let facts = differences(&facts(&a), &facts(&b));
    let settings = differences(&settings(&a), &settings(&b));
    if as_json {
        let pairs = |differences: &[Difference]| -> Value {
            let pair = |(name, a, b): &Difference| (name.clone(), json!([a, b]));
            Value::Object(differences.iter().map(pair).collect())
        };
        return line(json!({
            "a": a.path(), "b": b.path(), "same": diff.is_empty(),
            "facts": pairs(&facts), "configuration": pairs(&settings),
            "arrays": diff.arrays.iter().map(|(name, change)| change_json(name, change)).collect::<Vec<_>>(),
            "sections": diff.sections.iter().map(|(name, change)| change_json(name, change)).collect::<Vec<_>>(),
        }));
    }
    print(text(&a, &b, &diff, &facts, &settings))
}

/// What the checkpoints say of themselves.
fn facts(checkpoint: &Checkpoint) -> Vec<(String, String)> {
    let facts = checkpoint.facts();
    let mut all = vec![
        ("step".to_owned(), facts.step.to_string()),
        ("epoch".to_owned(), facts.epoch.to_string()),
        ("writer".to_owned(), facts.writer.clone()),
    ];
    all.extend(facts.score.map(|score| ("score".to_owned(), score.to_string())));
    all.extend(facts.parent.iter().map(|parent| ("parent".to_owned(), parent.clone())));
    let validations = history(checkpoint).map(|history| history.len().to_string());
    all.extend(validations.map(|count| ("validations".to_owned(), count)));
    all.extend(facts.labels.iter().map(|(key, value)| (format!("label {key}"), value.clone())));
    all
}

/// The configuration of the run when it saved, as `table.key` and value.
fn settings(checkpoint: &Checkpoint) -> Vec<(String, String)> {
    let Ok(Some(toml::Value::Table(table))) = saved::configuration(checkpoint) else { return Vec::new() };
    let values = leaves(&table).into_iter().filter(|(_, value)| !value.is_table());
    values.map(|(path, value)| (written(&path), value.to_string())).collect()
}

fn differences(a: &[(String, String)], b: &[(String, String)]) -> Vec<Difference> {
    let names: BTreeSet<&String> = a.iter().chain(b).map(|(name, _)| name).collect();
    let find =
        |all: &[(String, String)], name: &String| all.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let both = names.into_iter().map(|name| (name.clone(), find(a, name), find(b, name)));
    both.filter(|(_, a, b)| a != b).collect()
}

fn change_json(name: &str, change: &Change) -> Value {
    match change {
        Change::Removed => json!({ "name": name, "change": "removed" }),
        Change::Added => json!({ "name": name, "change": "added" }),
        Change::Bytes => json!({ "name": name, "change": "bytes" }),
        Change::Reshaped { from, to } => json!({
            "name": name, "change": "reshaped",
            "from": [from.0.to_string(), from.1], "to": [to.0.to_string(), to.1],
        }),
        Change::Numbers { elements, largest, ulps, at } => json!({
            "name": name, "change": "numbers",
            "elements": elements, "largest": largest, "ulps": (*ulps < u64::MAX).then_some(ulps), "at": at,
        }),
    }
}

fn text(
    a: &Checkpoint,
    b: &Checkpoint,
    diff: &Diff,
    facts: &[Difference],
    settings: &[Difference],
) -> String {
    let mut text = format!("from  {}\nto    {}\n", a.path().display(), b.path().display());
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    for (title, differences) in [("facts", facts), ("configuration", settings)] {
        if !differences.is_empty() {
            let row = |(name, a, b): &Difference| vec![name.clone(), shown(a), "→".to_owned(), shown(b)];
            text += &format!("\n{title}\n{}", text_table(&differences.iter().map(row).collect::<Vec<_>>()));
        }
    }
    if diff.is_empty() {
        return text + "\nevery array and section is the same, bit for bit\n";
    }
    let mut numbers = vec![
        ["array", "elements that differ", "largest difference", "ULPs", "at"].map(str::to_owned).to_vec(),
    ];
    let mut others = Vec::new();
    for (name, change) in &diff.arrays {
        match change {
            Change::Numbers { elements, largest, ulps, at } => {
                let ulps = if *ulps == u64::MAX { "-".to_owned() } else { ulps.to_string() };
                numbers.push(vec![
                    name.clone(),
                    elements.to_string(),
                    Rounded(*largest).to_string(),
                    ulps,
                    at.to_string(),
                ]);
            }
            Change::Removed => others.push(format!("  {name} is only in the first")),
            Change::Added => others.push(format!("  {name} is only in the second")),
            Change::Reshaped { from, to } => {
                others.push(format!("  {name}: {} {:?} → {} {:?}", from.0, from.1, to.0, to.1));
            }
            Change::Bytes => others.push(format!("  {name} has other bytes")),
        }
    }
    if numbers.len() > 1 {
        text += &format!("\n{}", text_table(&numbers));
    }
    let same = a.arrays().count().saturating_sub(diff.arrays.len());
    if same > 0 {
        others.push(format!("  {same} arrays are the same, bit for bit"));
    }
    let sections: Vec<&str> = diff.sections.iter().map(|(name, _)| &name[..]).collect();
    if !sections.is_empty() {
        others.push(format!("  sections that differ: {}", sections.join(", ")));
    }
    text + "\n" + &others.join("\n") + "\n"
}
