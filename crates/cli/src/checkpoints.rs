//! `checkpoints`: everything about saved files, one command in each file of the folder.

mod diff;
mod export;
mod gc;
mod import;
mod list;
mod migrate;
mod pin;
mod show;
mod verify;

use crate::args::Checkpoints;
use crate::folder::checkpoints_in;
use crate::say;
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Error, Facts, Folder};
use highwater_trainer::Score;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(crate) fn run(job: &Checkpoints) -> Result<()> {
    match job {
        Checkpoints::Ls { run, json } => list::run(run, *json),
        Checkpoints::Show { checkpoint, json } => show::run(checkpoint, *json),
        Checkpoints::Verify { checkpoint, quiet, json } => verify::run(checkpoint, *quiet, *json),
        Checkpoints::Diff { a, b, json } => diff::run(a, b, *json),
        Checkpoints::Pin(args) => pin::run(args, true),
        Checkpoints::Unpin(args) => pin::run(args, false),
        Checkpoints::Gc(args) => gc::run(args),
        Checkpoints::Export(args) => export::run(args),
        Checkpoints::Import(args) => import::run(args),
        Checkpoints::Migrate { checkpoint, dry_run, json } => migrate::run(checkpoint, *dry_run, *json),
    }
}

/// The folder of checkpoints of a run folder, or the folder itself.
fn folder(path: &Path) -> Result<Folder> {
    let within = path.join("checkpoints");
    match (within.is_dir(), path.is_dir()) {
        (true, _) => Ok(checkpoints_in(within)),
        (false, true) => Ok(checkpoints_in(path)),
        (false, false) if path.exists() => {
            bail!("{} is a file: `checkpoints show` tells what is in one", path.display())
        }
        (false, false) => bail!("there is no folder {}", path.display()),
    }
}

fn none_readable(folder: &Folder, count: usize) -> String {
    let dir = folder.dir().display();
    format!("none of the {count} checkpoints in {dir} can be read (`checkpoints verify` says why)")
}

/// What is wrong with a file, in a word: what cannot be read here and now may be sound.
fn trouble(error: &Error) -> &'static str {
    match error {
        Error::Io { .. } => "unread",
        Error::FormatVersion { .. } => "later",
        Error::NotACheckpoint { is_safetensors: true, .. } => "foreign",
        _ => "damaged",
    }
}

/// A file, or the newest of a folder.
fn open(path: &Path) -> Result<Checkpoint> {
    if !path.is_dir() {
        return Ok(Checkpoint::open(path)?);
    }
    let (newest, report) = folder(path)?.latest()?;
    if !report.rejected.is_empty() {
        say(report);
    }
    newest.with_context(|| format!("there are no checkpoints in {}", path.display()))
}

/// A file, or all of a folder, readable or not; at least one.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.exists() {
        bail!("there is no file or folder {}", path.display());
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let listing = folder(path)?.list()?;
    // Of a run folder also the models to use.
    let mut files: Vec<PathBuf> = listing.entries.iter().map(|e| e.path.clone()).collect();
    files.extend(listing.unreadable.iter().map(|r| r.path.clone()));
    let models = ["best.safetensors", "final.safetensors"].map(|name| path.join(name));
    files.extend(models.into_iter().filter(|model| model.exists()));
    if files.is_empty() {
        bail!("there are no checkpoints in {}", path.display());
    }
    Ok(files)
}

/// `score_of` says which score it is that they have, if that is known.
fn facts_json(path: &Path, bytes: u64, facts: &Facts, score_of: Option<Score>) -> Value {
    json!({
        "file": path, "bytes": bytes, "step": facts.step, "epoch": facts.epoch, "score": facts.score,
        "score_of": score_of.map(|score| score.to_string()),
        "elapsed_s": facts.elapsed.map(|e| e.as_secs_f64()), "parent": facts.parent, "labels": facts.labels,
    })
}
