//! `checkpoints migrate`: files of older versions as this one would write them.

use super::files;
use crate::folder::{folder_of, open_store};
use crate::{line, saved};
use anyhow::{Result, bail};
use highwater_checkpoint::{Checkpoint, Error, Key, Store, Upgraded};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn run(path: &Path, dry_run: bool, as_json: bool) -> Result<()> {
    let files = files(path)?;
    // Nobody else writes meanwhile.
    let _stores = if dry_run { Vec::new() } else { lock(&files)? };
    let migration = saved::migration();
    let (mut changed, mut failed) = (0, 0);
    for file in &files {
        let upgraded = match dry_run {
            true => Checkpoint::open(file).and_then(|checkpoint| migration.plan(&checkpoint)),
            false => migration.apply(file),
        };
        match upgraded {
            Ok(upgraded) => {
                changed += usize::from(!upgraded.is_empty());
                tell(file, &upgraded, as_json)?;
            }
            Err(error) => {
                failed += 1;
                match as_json {
                    true => line(json!({ "file": file, "error": error.to_string() }))?,
                    false => line(format_args!("failed      {error}"))?,
                }
            }
        }
    }
    if !as_json {
        let word = if dry_run { "would be rewritten" } else { "rewritten" };
        line(format_args!("{changed} of {} files {word}", files.len()))?;
    }
    if failed > 0 {
        bail!("{failed} of {} files in {} could not be read", files.len(), path.display());
    }
    Ok(())
}

/// Takes the locks of those who may write these files: a file with the name of a run's checkpoint is in the folder that has
/// the lock, and a published model beside it.
fn lock(files: &[PathBuf]) -> Result<Vec<Store>, Error> {
    let folder = |file: &PathBuf| match Key::of_file(file) {
        Some(_) => Some(folder_of(file).to_owned()),
        None => Some(folder_of(file).join("checkpoints")).filter(|beside| beside.is_dir()),
    };
    files.iter().filter_map(folder).collect::<BTreeSet<_>>().into_iter().map(open_store).collect()
}

fn tell(file: &Path, upgraded: &[Upgraded], as_json: bool) -> Result<()> {
    if as_json {
        let sections: Vec<_> =
            upgraded.iter().map(|u| json!({ "name": u.name, "from": u.from, "to": u.to })).collect();
        return line(json!({ "file": file, "upgraded": sections }));
    }
    if upgraded.is_empty() {
        return line(format_args!("up to date  {}", file.display()));
    }
    let sections: Vec<String> =
        upgraded.iter().map(|u| format!("{} {} → {}", u.name, u.from, u.to)).collect();
    line(format_args!("migrated    {}  ({})", file.display(), sections.join(", ")))
}
