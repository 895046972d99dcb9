//! `checkpoints ls`: what is in a folder, as the tree of its branches.

use super::{facts_json, folder, none_readable, trouble};
use crate::folder::RunFolder;
use crate::line;
use anyhow::{Result, bail};
use highwater_checkpoint::{Checkpoint, Facts, Leaf};
use highwater_trainer::{Score, score_in};
use serde_json::json;
use std::fs;
use std::path::Path;

/// An error if there is none whose header can be read.
pub(super) fn run(run: &Path, as_json: bool) -> Result<()> {
    let folder = folder(run)?;
    let listing = folder.list()?;
    if listing.entries.is_empty() && listing.unreadable.is_empty() {
        bail!("there are no checkpoints in {}", folder.dir().display());
    }
    let run = RunFolder::around(run);
    let select = run.as_ref().map(RunFolder::config).transpose()?.map(|config| config.training.select);
    let kept = run.and_then(|run| run.kept_file());
    let best = kept.as_ref().and_then(|file| folder.find(file).ok()?);
    if !as_json {
        let score = select.map_or_else(|| "score".to_owned(), |select| select.to_string());
        line(format_args!("{:>10} {:>7} {score:>12} {:>10}  file", "step", "epoch", "bytes"))?;
    }
    for Leaf { entry, depth, began_from, .. } in listing.tree() {
        let facts = scored(&entry.facts, select);
        let is_best = Some(entry.key) == best;
        if as_json {
            let mut value = facts_json(&entry.path, entry.bytes, &facts, select);
            value["branch"] = entry.key.branch.into();
            value["parent"] = json!(facts.parent);
            value["pinned"] = entry.pinned.into();
            value["best"] = is_best.into();
            line(value)?;
            continue;
        }
        let twig = match (depth, began_from) {
            (0, _) => String::new(),
            (_, Some(_)) => "│ ".repeat(depth - 1) + "├ ",
            (_, None) => "│ ".repeat(depth),
        };
        let from = began_from.map_or_else(String::new, |parent| format!("  from {parent}"));
        let best = if is_best { "  best" } else { "" };
        let pin = if entry.pinned { "  pinned" } else { "" };
        let file = entry.path.display();
        line(format_args!("{}  {twig}{file}{from}{best}{pin}", columns(&facts, entry.bytes)))?;
    }
    // Retention may have let it go.
    if let (Some(file), None) = (kept, best)
        && let Ok(checkpoint) = Checkpoint::open(&file)
    {
        let (facts, bytes) = (scored(checkpoint.facts(), select), fs::metadata(&file)?.len());
        match as_json {
            true => {
                let mut value = facts_json(&file, bytes, &facts, select);
                value["best"] = true.into();
                line(value)?;
            }
            false => line(format_args!("{}  {}  best", columns(&facts, bytes), file.display()))?,
        }
    }
    for rejected in &listing.unreadable {
        match as_json {
            true => line(json!({ "file": rejected.path, "error": rejected.error.to_string() }))?,
            false => {
                let word = trouble(&rejected.error);
                line(format_args!("{:>10} {:>7} {word:>12} {:>10}  {}", "-", "-", "-", rejected.error))?;
            }
        }
    }
    match listing.entries.is_empty() {
        true => {
            bail!("{}: `resume` has nothing to go on from", none_readable(&folder, listing.unreadable.len()))
        }
        false => Ok(()),
    }
}

/// With the score that the run selects by now; of a folder that is no run's, with the one that was saved.
fn scored(facts: &Facts, select: Option<Score>) -> Facts {
    let mut facts = facts.clone();
    facts.score = select.map_or(facts.score, |select| score_in(&facts, select));
    facts
}

fn columns(facts: &Facts, bytes: u64) -> String {
    let score = facts.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.6}"));
    format!("{:>10} {:>7} {score:>12} {bytes:>10}", facts.step, facts.epoch)
}
