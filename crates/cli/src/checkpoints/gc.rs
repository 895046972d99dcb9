//! `checkpoints gc`: what the retention lets go, and why the rest stays.

use super::{folder, none_readable};
use crate::args::Gc;
use crate::config::RunConfig;
use crate::folder::{RunFolder, open_store};
use crate::line;
use crate::retention::CheckpointConfig;
use anyhow::{Result, bail};
use highwater_checkpoint::{Collected, Facts, Fate, Retention};
use highwater_early_stopping::Goal;
use highwater_trainer::score_in;
use serde_json::json;

pub(super) fn run(args: &Gc) -> Result<()> {
    let config = RunFolder::open(&args.run).ok().map(|folder| folder.config()).transpose()?;
    let policy = policy(args, config.as_ref())?;
    let select = config.as_ref().map(|config| config.training.select);
    let score = move |facts: &Facts| select.map_or(facts.score, |select| score_in(facts, select));
    let folder = folder(&args.run)?;
    let (plan, unreadable, done) = match args.dry_run {
        true => {
            let (plan, unreadable) = folder.explain(&policy, score)?;
            (plan, unreadable, None)
        }
        false => {
            let mut store = open_store(folder.dir())?;
            store.retain(policy);
            store.score_by(score);
            let Collected { plan, unreadable, removed, failures, .. } = store.collect()?;
            (plan, unreadable, Some((removed, failures)))
        }
    };
    if plan.is_empty() {
        match unreadable.len() {
            0 => bail!("there are no checkpoints in {}", folder.dir().display()),
            count => bail!("{}: none is deleted", none_readable(&folder, count)),
        }
    }

    let (mut count, mut bytes) = (0, 0);
    for explained in &plan {
        let (entry, why) = (&explained.entry, &explained.why);
        let goes = explained.fate == Fate::Removed;
        if goes && done.as_ref().is_none_or(|(removed, _)| removed.contains(&entry.path)) {
            count += 1;
            bytes += entry.bytes;
        }
        if args.json {
            line(json!({
                "file": entry.path, "step": entry.facts.step, "score": entry.facts.score,
                "score_of": select.map(|score| score.to_string()), "bytes": entry.bytes, "kept": !goes, "why": why,
            }))?;
        } else if args.explain {
            let word = if goes { "goes " } else { "stays" };
            line(format_args!("{word}  {}  {why}", entry.path.display()))?;
        } else if goes {
            line(entry.path.display())?;
        }
    }
    for rejected in unreadable {
        let (file, error) = (&rejected.path, &rejected.error);
        match (args.json, args.explain) {
            (true, _) => {
                line(
                    json!({ "file": file, "kept": true, "why": "it cannot be read", "error": error.to_string() }),
                )?;
            }
            (false, true) => line(format_args!("stays  {}  it cannot be read", file.display()))?,
            (false, false) => {}
        }
    }
    if !args.json {
        let word = if args.dry_run { "would be deleted" } else { "deleted" };
        line(format_args!("{count} of {} checkpoints {word}, {bytes} bytes", plan.len()))?;
    }
    match done.as_ref().and_then(|(_, failures)| Some((failures.first()?, failures.len()))) {
        Some((error, count)) => bail!("{count} could not be deleted: {error}"),
        None => Ok(()),
    }
}

/// What is said on the command line, or else what the run was told.
fn policy(args: &Gc, config: Option<&RunConfig>) -> Result<Box<dyn Retention>> {
    let goal = match config {
        Some(config) => config.training.select.goal(),
        None if args.keep_best.is_some() => {
            bail!("--keep-best needs a run folder, whose config.toml says what is good")
        }
        None => Goal::default(),
    };
    let Gc { keep_last, keep_best, keep_every, keep_minutes, .. } = *args;
    let said = keep_last.is_some() || keep_best.is_some() || keep_every.is_some() || keep_minutes.is_some();
    if said {
        let (keep_last, keep_best) = (keep_last.unwrap_or(0), keep_best.unwrap_or(0));
        let on_failure = Default::default();
        let keep = CheckpointConfig { keep_last, keep_best, keep_every, keep_minutes, on_failure };
        return Ok(keep.retention(goal));
    }
    match config {
        Some(config) => Ok(config.checkpoints.retention(goal)),
        None => bail!(
            "{} is not a run folder: say what to keep, with --keep-last, --keep-every or --keep-minutes",
            args.run.display()
        ),
    }
}
