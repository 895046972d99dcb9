//! `checkpoints gc`: what the retention lets go, and why the rest stays.

use super::folder;
use crate::args::Gc;
use crate::config::{CheckpointConfig, RunConfig};
use crate::folder::RunFolder;
use crate::line;
use anyhow::{Result, bail};
use highwater_checkpoint::{Fate, Goal, Retention, Store};
use highwater_trainer::score_in;
use serde_json::json;

pub(super) fn run(args: &Gc) -> Result<()> {
    let config = RunFolder::open(&args.run).ok().map(|folder| folder.config()).transpose()?;
    let policy = policy(args, config.as_ref())?;
    let mut store = Store::open(folder(&args.run)?.dir())?;
    store.retain(policy);
    if let Some(select) = config.map(|config| config.training.select) {
        store.score_by(move |facts| score_in(facts, select));
    }
    let plan = store.explain()?;
    if plan.is_empty() {
        bail!("there are no checkpoints in {}", store.folder().dir().display());
    }
    let (removed, failures) = if args.dry_run { Default::default() } else { store.collect()? };

    let (mut count, mut bytes) = (0, 0);
    for explained in &plan {
        let (entry, why) = (&explained.entry, &explained.why);
        let goes = explained.fate == Fate::Removed;
        if goes && (args.dry_run || removed.contains(&entry.path)) {
            count += 1;
            bytes += entry.bytes;
        }
        if args.json {
            line(json!({
                "file": entry.path, "step": entry.facts.step, "score": entry.facts.score, "bytes": entry.bytes,
                "kept": !goes, "why": why,
            }))?;
        } else if args.explain {
            let word = if goes { "goes " } else { "stays" };
            line(format_args!("{word}  {}  {why}", entry.path.display()))?;
        } else if goes {
            line(entry.path.display())?;
        }
    }
    if !args.json {
        let word = if args.dry_run { "would be deleted" } else { "deleted" };
        line(format_args!("{count} of {} checkpoints {word}, {bytes} bytes", plan.len()))?;
    }
    match failures.first() {
        Some(error) => bail!("{} could not be deleted: {error}", failures.len()),
        None => Ok(()),
    }
}

/// What is said on the command line, or else what the run was told.
fn policy(args: &Gc, config: Option<&RunConfig>) -> Result<Box<dyn Retention>> {
    let goal = match config.map(|config| config.training.select.goal()) {
        Some(highwater_early_stopping::Goal::Maximize) => Goal::Maximize,
        Some(highwater_early_stopping::Goal::Minimize) => Goal::Minimize,
        None if args.keep_best.is_some() => {
            bail!("--keep-best needs a run folder, whose config.toml says what is good")
        }
        None => Goal::Minimize,
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
