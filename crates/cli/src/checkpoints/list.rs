//! `checkpoints ls`: what is in a folder, as the tree of its branches.

use super::{facts_json, folder};
use crate::line;
use anyhow::{Result, bail};
use highwater_checkpoint::Leaf;
use serde_json::json;
use std::path::Path;

pub(super) fn run(run: &Path, as_json: bool) -> Result<()> {
    let folder = folder(run)?;
    let listing = folder.list()?;
    if listing.entries.is_empty() && listing.unreadable.is_empty() {
        bail!("there are no checkpoints in {}", folder.dir().display());
    }
    if !as_json {
        line(format_args!("{:>10} {:>7} {:>12} {:>10}  file", "step", "epoch", "score", "bytes"))?;
    }
    for Leaf { entry, depth, began_from, .. } in listing.tree() {
        let facts = &entry.facts;
        if as_json {
            let mut value = facts_json(&entry.path, entry.bytes, facts);
            value["branch"] = entry.key.branch.into();
            value["parent"] = json!(facts.parent);
            value["pinned"] = entry.pinned.into();
            line(value)?;
            continue;
        }
        let score = facts.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.6}"));
        let pin = if entry.pinned { "  pinned" } else { "" };
        let (step, epoch, bytes) = (facts.step, facts.epoch, entry.bytes);
        let twig = match (depth, began_from) {
            (0, _) => String::new(),
            (_, Some(_)) => "│ ".repeat(depth - 1) + "├ ",
            (_, None) => "│ ".repeat(depth),
        };
        let from = began_from.map_or_else(String::new, |parent| format!("  from {parent}"));
        let file = entry.path.display();
        line(format_args!("{step:>10} {epoch:>7} {score:>12} {bytes:>10}  {twig}{file}{from}{pin}"))?;
    }
    for rejected in &listing.unreadable {
        match as_json {
            true => line(json!({ "file": rejected.path, "error": rejected.error.to_string() }))?,
            false => {
                line(format_args!(
                    "{:>10} {:>7} {:>12} {:>10}  {}",
                    "-", "-", "damaged", "-", rejected.error
                ))?;
            }
        }
    }
    Ok(())
}
