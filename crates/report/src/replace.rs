//! Files that are replaced all at once.

use highwater_trainer::checkpoint::durable::shortened;
use std::path::Path;
use std::{fs, io};

/// Puts a file in place of another: a reader sees the old one or the new one, each complete. Not durable, as that of
/// `highwater_checkpoint::durable` is, for which training would have to wait: what it says is also in the checkpoints.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_file_name(format!(".{}.part", shortened(path)));
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).inspect_err(|_| _ = fs::remove_file(&part))
}
