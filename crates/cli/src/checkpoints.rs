//! `checkpoints`: list, show, verify.

use crate::args::Checkpoints;
use crate::line;
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Facts, Folder, Leaf, VerifyReport, verify};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(crate) fn run(job: &Checkpoints) -> Result<()> {
    match job {
        Checkpoints::Ls { run, json } => list(run, *json),
        Checkpoints::Show { checkpoint, json } => show(checkpoint, *json),
        Checkpoints::Verify { checkpoint, json } => verify_all(checkpoint, *json),
    }
}

/// The folder of checkpoints of a run folder, or the folder itself.
fn folder(path: &Path) -> Result<Folder> {
    let within = path.join("checkpoints");
    match (within.is_dir(), path.is_dir()) {
        (true, _) => Ok(Folder::new(within)),
        (false, true) => Ok(Folder::new(path)),
        (false, false) => bail!("there is no folder {}", path.display()),
    }
}

fn facts_json(path: &Path, bytes: u64, facts: &Facts) -> Value {
    json!({
        "file": path, "bytes": bytes, "step": facts.step, "epoch": facts.epoch, "score": facts.score,
        "elapsed_s": facts.elapsed.map(|e| e.as_secs_f64()), "labels": facts.labels,
    })
}

fn list(run: &Path, as_json: bool) -> Result<()> {
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

fn show(path: &Path, as_json: bool) -> Result<()> {
    let checkpoint = match path.is_dir() {
        false => Checkpoint::open(path)?,
        true => {
            let (newest, report) = folder(path)?.latest()?;
            if !report.rejected.is_empty() {
                eprintln!("{report}");
            }
            newest.with_context(|| format!("there are no checkpoints in {}", path.display()))?
        }
    };
    let facts = checkpoint.facts();
    let bytes = std::fs::metadata(checkpoint.path())?.len();
    if as_json {
        let arrays: Vec<Value> = checkpoint
            .arrays()
            .map(|t| json!({ "name": t.name(), "dtype": t.dtype().to_string(), "shape": t.shape() }))
            .collect();
        let mut value = facts_json(checkpoint.path(), bytes, facts);
        value["arrays"] = arrays.into();
        value["sections"] = checkpoint.sections().map(str::to_owned).collect::<Vec<String>>().into();
        line(value)?;
        return Ok(());
    }
    line(format_args!("{}  ({bytes} bytes, every one verified)", checkpoint.path().display()))?;
    line(format_args!("  step {}, epoch {}", facts.step, facts.epoch))?;
    if let Some(score) = facts.score {
        line(format_args!("  score {score}"))?;
    }
    if let Some(elapsed) = facts.elapsed {
        line(format_args!("  training time {:.1} s", elapsed.as_secs_f64()))?;
    }
    for (name, value) in &facts.labels {
        line(format_args!("  {name}: {value}"))?;
    }
    let width = checkpoint.arrays().map(|t| t.name().len()).max().unwrap_or(0);
    for tensor in checkpoint.arrays() {
        line(format_args!("  {:width$}  {} {:?}", tensor.name(), tensor.dtype(), tensor.shape()))?;
    }
    line(format_args!("  sections: {}", checkpoint.sections().collect::<Vec<_>>().join(", ")))?;
    Ok(())
}

/// An error if any file is not as it was written.
fn verify_all(path: &Path, as_json: bool) -> Result<()> {
    let files: Vec<PathBuf> = if path.is_dir() {
        let folder = folder(path)?;
        let listing = folder.list()?;
        let mut files: Vec<PathBuf> = listing.entries.iter().map(|e| e.path.clone()).collect();
        files.extend(listing.unreadable.iter().map(|r| r.path.clone()));
        files.extend(Some(path.join("best.safetensors")).filter(|best| best.exists()));
        files
    } else {
        vec![path.to_owned()]
    };
    if !path.exists() {
        bail!("there is no {}", path.display());
    }
    if files.is_empty() {
        bail!("there are no checkpoints in {}", path.display());
    }
    let mut damaged = 0;
    for file in &files {
        match verify(file) {
            Ok(report) if as_json => {
                line(
                    json!({ "file": file, "sound": true, "bytes": report.bytes, "tensors": report.tensors }),
                )?;
            }
            Ok(VerifyReport { bytes, tensors, .. }) => {
                line(format_args!("sound    {}  ({tensors} tensors, {bytes} bytes)", file.display()))?;
            }
            Err(error) => {
                damaged += 1;
                match as_json {
                    true => line(json!({ "file": file, "sound": false, "error": error.to_string() }))?,
                    false => line(format_args!("DAMAGED  {error}"))?,
                }
            }
        }
    }
    if damaged > 0 {
        bail!("not as written: {damaged} of {} files in {}", files.len(), path.display());
    }
    Ok(())
}
