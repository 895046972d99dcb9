//! A file that takes the place of another when it is complete.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What is written bit by bit, in a file beside the one that it is to be; it goes if it is not finished.
pub(crate) struct Replacement {
    pub(crate) file: File,
    /// Where it is written, and what it is to be; none for what is no file, as a pipe or a device.
    names: Option<(PathBuf, PathBuf)>,
}

impl Replacement {
    pub(crate) fn of(path: &Path) -> io::Result<Replacement> {
        // A link is to point to the new file.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Ok(old) = fs::metadata(&path) else { return Replacement::beside(path) };
        // One that must not be written to is to stay.
        let file = File::options().write(true).open(&path)?;
        if !old.is_file() {
            return Ok(Replacement { file, names: None });
        }
        let replacement = Replacement::beside(path)?;
        // It is open to whom the old one was.
        replacement.file.set_permissions(old.permissions())?;
        Ok(replacement)
    }

    /// Under a name that nobody has.
    fn beside(path: PathBuf) -> io::Result<Replacement> {
        let mut number = 1;
        loop {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".part-{number}"));
            let part = path.with_file_name(name);
            match File::create_new(&part) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                file => return Ok(Replacement { file: file?, names: Some((part, path)) }),
            }
        }
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        let Some((part, path)) = &self.names else { return Ok(()) };
        fs::rename(part, path)?;
        self.names = None;
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.names {
            _ = fs::remove_file(part);
        }
    }
}
