//! Files that are replaced all at once.

use std::path::Path;
use std::{fs, io};

/// So much of a file's name is in that of the one beside it, in bytes: file systems take no more than 255.
const LONGEST: usize = 200;

/// Puts a file in place of another: a reader sees the old one or the new one, each complete. Not durable, as that of
/// `highwater_checkpoint::durable` is, for which training would have to wait: what it says is also in the checkpoints.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.truncate(name.floor_char_boundary(LONGEST));
    let part = path.with_file_name(format!(".{name}.part"));
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).inspect_err(|_| _ = fs::remove_file(&part))
}
