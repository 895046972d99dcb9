//! `checkpoints migrate`: files of older versions as this one would write them.

use super::{files, folder};
use crate::{line, source};
use anyhow::{Result, bail};
use highwater_checkpoint::{Checkpoint, Store, Upgraded};
use serde_json::json;
use std::path::Path;

pub(super) fn run(path: &Path, dry_run: bool, as_json: bool) -> Result<()> {
    let files = files(path)?;
    // Nobody else writes meanwhile.
    let _store = if path.is_dir() && !dry_run { Some(Store::open(folder(path)?.dir())?) } else { None };
    let migration = source::migration();
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
                    false => line(format_args!("failed     {error}"))?,
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
