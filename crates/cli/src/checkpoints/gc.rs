//! `checkpoints gc`: what the retention lets go, and why the rest stays.

use super::folder;
use crate::args::Gc;
use crate::config::RunConfig;
use crate::folder::RunFolder;
use crate::line;
use anyhow::{Result, bail};
use highwater_checkpoint::{Entry, Fate, Goal, KeepBest, KeepEvery, KeepLast, Retention, Store};
use serde_json::json;
use std::sync::Arc;

/// A policy, and what is said of those that it keeps.
type Policy = (String, Arc<dyn Retention>);

pub(super) fn run(args: &Gc) -> Result<()> {
    let policies = policies(args)?;
    let mut store = Store::open(folder(&args.run)?.dir())?;
    let parts: Vec<Arc<dyn Retention>> = policies.iter().map(|(_, policy)| Arc::clone(policy)).collect();
    store.retain(move |entries: &[Entry]| {
        let kept: Vec<Vec<bool>> = parts.iter().map(|policy| policy.keep(entries)).collect();
        (0..entries.len()).map(|i| kept.iter().any(|keep| keep[i])).collect()
    });
    let plan = store.plan()?;
    if plan.is_empty() {
        bail!("there are no checkpoints in {}", store.folder().dir().display());
    }
    let entries: Vec<Entry> = plan.iter().map(|(entry, _)| entry.clone()).collect();
    let kept: Vec<(&str, Vec<bool>)> =
        policies.iter().map(|(name, policy)| (&name[..], policy.keep(&entries))).collect();
    let (removed, failures) = if args.dry_run { Default::default() } else { store.collect()? };

    let (mut count, mut bytes) = (0, 0);
    for (i, (entry, fate)) in plan.iter().enumerate() {
        let goes = *fate == Fate::Removed;
        if goes && (args.dry_run || removed.contains(&entry.path)) {
            count += 1;
            bytes += entry.bytes;
        }
        let why = match fate {
            Fate::Kept => kept.iter().filter(|(_, keep)| keep[i]).map(|(name, _)| *name).collect(),
            Fate::Pinned => vec!["pinned"],
            Fate::Needed => vec!["the newest that is known to be sound"],
            Fate::Removed => vec!["nothing asks for it"],
        };
        if args.json {
            line(json!({
                "file": entry.path, "step": entry.facts.step, "score": entry.facts.score, "bytes": entry.bytes,
                "kept": !goes, "why": why,
            }))?;
        } else if args.explain {
            let word = if goes { "goes " } else { "stays" };
            line(format_args!("{word}  {}  {}", entry.path.display(), why.join("; ")))?;
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
fn policies(args: &Gc) -> Result<Vec<Policy>> {
    let config = match RunFolder::open(&args.run) {
        Ok(folder) => Some(folder.config()?),
        Err(_) => None,
    };
    let said = args.keep_last.is_some() || args.keep_best.is_some() || args.keep_every.is_some();
    if config.is_none() && !said {
        bail!(
            "{} is not a run folder: say what to keep, with --keep-last, --keep-best or --keep-every",
            args.run.display()
        );
    }
    let of_run = |number: fn(&RunConfig) -> usize| config.as_ref().filter(|_| !said).map(number);
    let last = args.keep_last.or(of_run(|config| config.checkpoints.keep_last)).unwrap_or(0);
    let best = args.keep_best.or(of_run(|config| config.checkpoints.keep_best)).unwrap_or(0);
    let mut policies: Vec<Policy> = Vec::new();
    if last > 0 {
        policies.push((format!("among the {last} newest"), Arc::new(KeepLast(last))));
    }
    if best > 0 {
        let Some(config) = &config else {
            bail!("--keep-best needs a run folder, whose config.toml says what is good");
        };
        let select = config.training.select;
        let goal = match select.goal() {
            highwater_early_stopping::Goal::Minimize => Goal::Minimize,
            highwater_early_stopping::Goal::Maximize => Goal::Maximize,
        };
        policies.push((format!("among the {best} best by {select}"), Arc::new(KeepBest(best, goal))));
    }
    if let Some(every) = args.keep_every {
        policies.push((format!("at a multiple of {every} steps"), Arc::new(KeepEvery(every))));
    }
    Ok(policies)
}
