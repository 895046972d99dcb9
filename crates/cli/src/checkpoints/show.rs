//! `checkpoints show`: what is in a file.

use super::{facts_json, open};
use crate::config::DataConfig;
use crate::{line, print, saved};
use anyhow::Result;
use highwater_checkpoint::{Checkpoint, Statistics};
use highwater_report::{Rounded, text_table};
use highwater_trainer::{MeasuredOn, Record, Score, Signals, history};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(path: &Path, as_json: bool) -> Result<()> {
    let checkpoint = open(path)?;
    let bytes = std::fs::metadata(checkpoint.path())?.len();
    // A checkpoint of another program has none.
    let history = history(&checkpoint).unwrap_or_default();
    if as_json {
        line(json_of(&checkpoint, bytes, &history)?)
    } else {
        print(text(&checkpoint, bytes, &history)?)
    }
}

fn statistics(checkpoint: &Checkpoint) -> Result<Vec<Statistics>> {
    checkpoint.arrays().map(|info| Ok(Statistics::of(checkpoint.array(info.name())?))).collect()
}

/// As far as the configuration tells, which is saved with a run's checkpoints.
fn measured_on(checkpoint: &Checkpoint) -> MeasuredOn {
    let config = saved::configuration(checkpoint).ok().flatten();
    let data = config.and_then(|config| DataConfig::deserialize(config.get("data")?.clone()).ok());
    match data {
        Some(data) if !data.validates() => MeasuredOn::TrainingRows,
        _ => MeasuredOn::ValidationRows,
    }
}

/// Which score was saved with it, as far as the configuration tells.
fn score_of(checkpoint: &Checkpoint) -> Option<Score> {
    let config = saved::configuration(checkpoint).ok()??;
    Score::deserialize(config.get("training")?.get("select")?.clone()).ok()
}

fn json_of(checkpoint: &Checkpoint, bytes: u64, history: &[Record]) -> Result<Value> {
    let facts = checkpoint.facts();
    let arrays = checkpoint.arrays().zip(statistics(checkpoint)?).map(|(info, s)| {
        let range = info.range();
        json!({
            "name": info.name(), "dtype": info.dtype().to_string(), "shape": info.shape(),
            "bytes": [range.start, range.end], "elements": s.elements, "non_finite": s.non_finite,
            "min": s.min, "max": s.max, "mean": s.mean, "sd": s.sd,
        })
    });
    let mut value = facts_json(checkpoint.path(), bytes, facts, score_of(checkpoint));
    value["arrays"] = arrays.collect();
    value["writer"] = facts.writer.clone().into();
    value["sections"] = checkpoint.sections().map(Value::from).collect();
    let loss = measured_on(checkpoint).loss_column();
    value["history"] = history.iter().map(|record| record_json(record, &loss)).collect();
    Ok(value)
}

/// As in history.csv.
fn record_json(record: &Record, loss: &str) -> Value {
    let mut value = json!({
        "epoch": record.epoch, "step": record.step, "training_loss": record.training_loss,
        loss: record.validation_loss, "learning_rate": record.learning_rate,
        "gradient_norm": record.gradient_norm, "elapsed_s": record.elapsed,
    });
    for (metric, found) in &record.metrics {
        value[metric.to_string()] = json!(found);
    }
    let Signals { reductions, evidence, loss_error, accuracy_error } = record.signals;
    let signals = [
        ("reductions", reductions.map(|count| json!(count))),
        ("evidence", evidence.map(|criterion| json!(criterion))),
        ("loss_error", loss_error.map(|error| json!(error))),
        ("accuracy_error", accuracy_error.map(|error| json!(error))),
    ];
    for (name, found) in signals {
        if let Some(found) = found {
            value[name] = found;
        }
    }
    value
}

fn text(checkpoint: &Checkpoint, bytes: u64, history: &[Record]) -> Result<String> {
    let facts = checkpoint.facts();
    let mut text = format!("{}  ({bytes} bytes, every one verified)\n", checkpoint.path().display());
    text += &format!("  step {}, epoch {}\n", facts.step, facts.epoch);
    if let Some(score) = facts.score {
        let of = score_of(checkpoint).map_or_else(String::new, |of| format!(" ({of})"));
        text += &format!("  score {score}{of}\n");
    }
    if let Some(elapsed) = facts.elapsed {
        text += &format!("  training time {:.1} s\n", elapsed.as_secs_f64());
    }
    if let Some(parent) = &facts.parent {
        text += &format!("  a branch from {parent}\n");
    }
    for (name, value) in &facts.labels {
        text += &format!("  {name}: {value}\n");
    }
    text += &format!("  written by {}\n", facts.writer);

    let mut rows = vec![
        ["array", "type", "shape", "min", "max", "mean", "sd", "not finite"].map(str::to_owned).to_vec(),
    ];
    for (info, s) in checkpoint.arrays().zip(statistics(checkpoint)?) {
        let (name, dtype, shape) =
            (info.name().to_owned(), info.dtype().to_string(), format!("{:?}", info.shape()));
        let numbers = [s.min, s.max, s.mean, s.sd].map(|value| Rounded(value).to_string());
        let bad =
            if s.non_finite == 0 { String::new() } else { format!("{} of {}", s.non_finite, s.elements) };
        rows.push([vec![name, dtype, shape], numbers.to_vec(), vec![bad]].concat());
    }
    text += &format!("\n{}", text_table(&rows));
    if !history.is_empty() {
        text += &format!("\n{}", text_table(&table(history, measured_on(checkpoint))));
    }
    text += &format!("\n  sections: {}\n", checkpoint.sections().collect::<Vec<_>>().join(", "));
    Ok(text)
}

/// How many validations are shown; --json has them all.
const SHOWN: usize = 10;

fn table(history: &[Record], measured_on: MeasuredOn) -> Vec<Vec<String>> {
    let metrics = history[0].metrics.iter().map(|(metric, _)| metric.to_string());
    let names =
        ["epoch", "step", "training", measured_on.name()].map(str::to_owned).into_iter().chain(metrics);
    let mut rows = vec![names.collect::<Vec<_>>()];
    let hidden = history.len().saturating_sub(SHOWN);
    if hidden > 0 {
        rows.push(vec![format!("… {hidden} before")]);
    }
    for record in &history[hidden..] {
        let values = [record.training_loss, record.validation_loss].into_iter();
        let values = values.chain(record.metrics.iter().map(|(_, value)| *value));
        let values = values.map(|value| Rounded(value).to_string());
        rows.push([record.epoch.to_string(), record.step.to_string()].into_iter().chain(values).collect());
    }
    rows
}
