//! What was recorded: by this program, or by any other.

use crate::args::Replay;
use crate::folder::RunFolder;
use anyhow::{Context, Result, bail};
use highwater_early_stopping::{NonFinite, Observation, Rule, Signal};
use highwater_report::{Columns, Curve, is_history, read_curve, read_history, reconstruct};
use highwater_trainer::{Config, Ended, MeasuredOn, Score};
use std::path::Path;

/// A run folder, its history, or a table of another program; and what a non-finite value did in the run, if that is known.
pub(super) fn read(path: &Path, args: &Replay) -> Result<(Curve, Option<NonFinite>)> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let config = folder.and_then(|folder| RunFolder::open(folder).ok()?.config().ok());
    let config = config.map(|config| config.training);
    let file = if path.is_dir() { path.join("history.csv") } else { path.to_owned() };
    if path.is_dir() && !file.exists() {
        bail!("{} is not a run folder: it has no history.csv", path.display());
    }
    // Other columns than its own would make it a table like others.
    let as_it_is =
        args.epoch.is_none() && args.training.is_none() && args.step.is_none() && args.time.is_none();
    if as_it_is && is_history(&file) {
        let curve = own(&file, args, config.as_ref())?;
        return Ok((curve, config.map(|config| config.non_finite)));
    }
    let columns = Columns {
        epoch: args.epoch.clone(),
        training: args.training.clone(),
        validation: args.validation.clone(),
        step: args.step.clone(),
        elapsed: args.time.clone(),
        goal: args.goal,
    };
    Ok((read_curve(&file, &columns)?, None))
}

/// What rules go by and nobody recorded.
pub(super) fn missing(observations: &[Observation], rules: &[Rule]) -> Vec<String> {
    let is_missing = |signal: &Signal| !observations.iter().any(|observation| signal.is_in(observation));
    let note = |signal: Signal| {
        let rule = rules.iter().find(|rule| rule.goes_by(signal))?;
        let (what, where_from) = match signal {
            Signal::Train => ("training losses", "--training names their column"),
            Signal::Elapsed => ("the time", "--time names its column"),
            Signal::Step => ("steps", "--step names their column"),
            Signal::StandardError => ("standard errors", "they would be in a column `standard_error`"),
            Signal::Reductions => {
                ("reductions of the learning rate", "they would be in a column `reductions`")
            }
            Signal::Evidence => ("the evidence of gradients", "it would be in a column `evidence`"),
        };
        Some(format!("`{rule}` goes by {what}, of which nothing is recorded: {where_from}"))
    };
    Signal::ALL.into_iter().filter(is_missing).filter_map(note).collect()
}

/// A history of this program: what its run watched, unless another score is asked for.
fn own(file: &Path, args: &Replay, config: Option<&Config>) -> Result<Curve> {
    let records = read_history(file)?;
    let Some(first) = records.first() else { bail!("{}: nothing is recorded yet", file.display()) };
    let monitor = match &args.validation {
        Some(name) if MeasuredOn::ALL.iter().any(|rows| rows.loss_column() == *name) => Score::Loss,
        Some(name) => name.parse().with_context(|| format!("{}: --validation {name}", file.display()))?,
        None => config.map_or(Score::Loss, |config| config.monitor),
    };
    if let Score::Metric(metric) = monitor
        && !first.metrics.iter().any(|(other, _)| *other == metric)
    {
        let names: Vec<String> = first.metrics.iter().map(|(metric, _)| metric.to_string()).collect();
        bail!("{}: {metric} was not recorded: there are loss, {}", file.display(), names.join(", "));
    }
    let observations = records.iter().map(|record| record.observation(monitor)).collect();
    let mut notes = Vec::new();
    if let Some(config) = config
        && let Ended::Stopped(reason) = reconstruct(records, config).ended
    {
        notes.push(format!("this run was itself stopped ({reason}): no rule can be seen to go on longer"));
    }
    Ok(Curve {
        path: file.to_owned(),
        watched: monitor.to_string(),
        goal: args.goal.unwrap_or(monitor.goal()),
        observations,
        notes,
    })
}
