//! `checkpoints verify`: every byte held against its hash, several files at a time.

use super::{files, trouble};
use crate::folder::{checkpoints_in, folder_of};
use crate::line;
use anyhow::{Result, bail};
use highwater_checkpoint::{Error, Key, VerifyReport, verify};
use rayon::prelude::*;
use serde_json::json;
use std::path::Path;

/// An error if any file is not as it was written.
pub(super) fn run(path: &Path, is_quiet: bool, as_json: bool) -> Result<()> {
    let files = files(path)?;
    let results: Vec<_> = files.par_iter().map(|file| check(file)).collect();
    let mut damaged = 0;
    for (file, result) in files.iter().zip(results) {
        match result {
            Ok(_) if is_quiet => {}
            Ok(report) if as_json => {
                let VerifyReport { bytes, tensors, .. } = report;
                line(json!({ "file": file, "sound": true, "bytes": bytes, "tensors": tensors }))?;
            }
            Ok(VerifyReport { bytes, tensors, .. }) => {
                line(format_args!("sound    {}  ({tensors} tensors, {bytes} bytes)", file.display()))?;
            }
            Err(error) => {
                damaged += 1;
                match as_json {
                    true => line(json!({ "file": file, "sound": false, "error": error.to_string() }))?,
                    false => line(format_args!("{:7}  {error}", trouble(&error).to_uppercase()))?,
                }
            }
        }
    }
    if damaged > 0 {
        bail!("not as written: {damaged} of {} files in {}", files.len(), path.display());
    }
    Ok(())
}

/// Also whether a checkpoint has the name of its step, as no run goes on from another.
fn check(file: &Path) -> Result<VerifyReport, Error> {
    let report = verify(file)?;
    match Key::of_file(file) {
        Some(key) if key.step != report.facts.step => {
            checkpoints_in(folder_of(file)).open(key).map(|_| report)
        }
        _ => Ok(report),
    }
}
