//! Files that are replaced all at once.

use std::ffi::OsString;
use std::path::Path;
use std::{fs, io};

/// Puts a file in place of another: a reader sees the old one or the new one, each complete.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).inspect_err(|_| _ = fs::remove_file(&part))
}
