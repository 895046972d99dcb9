//! `checkpoints pin` and `unpin`: what nobody deletes.

use super::folder;
use crate::args::Pin;
use crate::folder::checkpoints_in;
use crate::line;
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Folder, Key, verify};
use serde_json::json;
use std::path::Path;

/// Pins each, or leaves it to the run again; none of them, if one is not there or not worth keeping.
pub(super) fn run(args: &Pin, pinned: bool) -> Result<()> {
    let found = args.checkpoints.iter().map(|path| find(path, pinned)).collect::<Result<Vec<_>>>()?;
    for (folder, key) in found {
        match pinned {
            true => folder.pin(key)?,
            false => folder.unpin(key)?,
        }
        let file = folder.path_of(key);
        match args.json {
            true => line(json!({ "file": file, "step": key.step, "pinned": pinned }))?,
            false => {
                line(format_args!("{}  {}", if pinned { "pinned" } else { "unpinned" }, file.display()))?
            }
        }
    }
    Ok(())
}

/// A checkpoint among those of a run: the one in this file, which must be there, and sound if that is asked for; or the
/// newest sound one of the folder.
fn find(path: &Path, sound: bool) -> Result<(Folder, Key)> {
    let key_of = |file: &Path| {
        Key::of_file(file).with_context(|| {
            format!("{} is not a checkpoint of a run; `checkpoints ls RUN` lists them", path.display())
        })
    };
    if path.is_dir() {
        let folder = folder(path)?;
        let newest = folder.latest()?.1.chosen;
        let newest = newest.with_context(|| format!("there are no checkpoints in {}", path.display()))?;
        return Ok((folder, key_of(&newest)?));
    }
    let (folder, key) = (checkpoints_in(path.parent().unwrap_or(Path::new(""))), key_of(path)?);
    match sound {
        true => _ = verify(folder.path_of(key))?,
        false if path.exists() => {}
        false => bail!("there is no {}", path.display()),
    }
    Ok((folder, key))
}
